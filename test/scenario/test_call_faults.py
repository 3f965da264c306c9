"""Calls that go wrong, by accident or on purpose: strangers, forgeries, messages that cross, forks that answer
twice, connections cut in every state. The right answer each time, another call untouched, nothing left."""
# suite: threads
import unittest

import calling


class Faults(calling.Scenario):
    USERS = {"CSFrado": "rado", "CSFanna": "anna", "CSFivan": "ivan", "CSFsecond": "anna", "CSFeva": "eva", "CSFjan": "jan"}

    def setUp(self):
        """Eva and Jan talk all the time: whatever goes wrong elsewhere is nothing to them."""
        super().setUp()
        self.alice, self.bob = self.agent("CSFrado"), self.agent("CSFanna")
        self.bystanders = calling.establish(self.agent("CSFeva"), self.agent("CSFjan"), self.node.lines["CSFjan"])
        self.assertEqual(1, self.live_calls())

    def tearDown(self):
        ours, theirs = self.bystanders
        ours.request("INFO", body="still there")
        theirs.agent.answer(theirs.agent.expect("INFO"), 200, "OK")
        ours.agent.expect(200)
        calling.hang_up(ours, theirs)
        super().tearDown()

    def ringing(self):
        sent = self.alice.invite("1011")
        self.alice.expect(100)
        got = self.bob.expect("INVITE")
        self.bob.answer(got, 180, "Ringing")
        self.alice.expect(180)
        return sent, got

    def talking(self):
        return calling.establish(self.alice, self.bob, "1011")

    def still_talking(self, ours, theirs):
        ours.request("INFO", body="x")
        self.bob.answer(self.bob.expect("INFO"), 200, "OK")
        self.alice.expect(200)
        calling.hang_up(ours, theirs)

    # --- strangers ---

    def test_nobody_else_speaks_in_a_call_whatever_he_knows_of_it(self):
        ours, theirs = self.talking()
        carol = self.agent("CSFivan")
        stranger = calling.Agent(connection=self.node.sip_tls(), line="1010")
        for method in ("BYE", "INVITE", "INFO"):
            for dialog in (ours, theirs):
                sent = dialog.request(method, agent=carol)
                answer = carol.connection.receive()
                self.assertEqual(481, answer.status, str(answer))
                if method == "INVITE":
                    carol.ack_refusal(sent, answer)
                sent = dialog.request(method, agent=stranger)
                answer = stranger.connection.receive()
                self.assertEqual(401, answer.status, str(answer))
                if method == "INVITE":
                    stranger.ack_refusal(sent, answer)
            ours.ack(agent=carol)  # is dropped
        ours.cseq = theirs.cseq = 8000
        self.still_talking(ours, theirs)
        stranger.cut()

    def test_routes_that_were_tampered_with_lead_nowhere(self):
        ours, theirs = self.talking()
        route = ours.routes[0]
        at = len("<sip:") + 12
        changed = route[:at] + ("A" if route[at] != "A" else "B") + route[at + 1:]
        for routes in ([changed], [route.replace(route[5:5 + 40], "A" * 40)], [route[:5] + route[6:]], []):
            ours.request("INFO", routes=routes)
            self.assertEqual(481, self.alice.connection.receive().status, routes)
        self.still_talking(ours, theirs)

    def test_a_cancel_of_another_phone_cancels_nothing(self):
        sent, got = self.ringing()
        carol = self.agent("CSFivan")
        carol.cancel(sent)  # even with the branch of the INVITE
        self.assertEqual(481, carol.connection.receive().status)
        self.alice.cancel(sent, via=self.alice.via())
        self.assertEqual(481, self.alice.connection.receive().status)
        said = self.bob.answer(got, 200, "OK", body=calling.sdp())
        ours = calling.Dialog(self.alice, sent, self.alice.expect(200))
        ours.ack()
        self.bob.expect("ACK")
        self.still_talking(ours, calling.Dialog(self.bob, got, said, is_caller=False))

    def test_answers_forged_or_late_are_dropped(self):
        sent, got = self.ringing()
        carol = self.agent("CSFivan")
        carol.answer(got, 200, "OK", body=calling.sdp())  # the true branch over another connection
        carol.expect_nothing()
        via = got.all("Via")[0]
        at = via.index(";rport")
        for wrong in (via.replace("z9hG4bK", "z9hG4bKx"), via[:at - 1] + ("0" if via[at - 1] != "0" else "1") + via[at:]):
            self.bob.send("SIP/2.0 200 OK", [("Via", wrong), ("Via", got.all("Via")[1]), *(
                (n, got.get(n)) for n in ("From", "To", "Call-ID", "CSeq"))], calling.sdp())
        self.bob.expect_nothing()
        self.alice.expect_nothing()
        self.bob.reject(got, 486, "Busy Here")
        self.alice.ack_refusal(sent, self.alice.expect(486))
        for status, reason in ((180, "Ringing"), (603, "Decline")):
            self.bob.answer(got, status, reason)
        self.bob.expect_nothing()  # over a connection a refusal is acknowledged once
        self.alice.expect_nothing()

    # --- messages that cross ---

    def test_changes_from_both_ends_at_once_are_refused_by_both(self):
        ours, theirs = self.talking()
        one, other = ours.request("INVITE", body=calling.sdp(1)), theirs.request("INVITE", body=calling.sdp(2))
        for agent, sent in ((self.alice, one), (self.bob, other)):
            first, second = agent.connection.receive(), agent.connection.receive()
            invite = first if first.method else second
            self.assertEqual({"INVITE", "100"}, {m.method or str(m.status) for m in (first, second)})
            agent.answer(invite, 491, "Request Pending")
        for agent, sent in ((self.alice, one), (self.bob, other)):
            heard = [agent.connection.receive(), agent.connection.receive()]
            answer = [m for m in heard if m.status][0]
            self.assertEqual([491, "ACK"], [answer.status, [m for m in heard if m.method][0].method])
            agent.ack_refusal(sent, answer)
        self.still_talking(ours, theirs)

    def test_an_answer_that_crosses_the_cancel_still_makes_the_call(self):
        sent, got = self.ringing()
        self.alice.cancel(sent)
        self.alice.expect(200)
        self.bob.answer(self.bob.expect("CANCEL"), 200, "OK")
        said = self.bob.answer(got, 200, "OK", body=calling.sdp())
        ours = calling.Dialog(self.alice, sent, self.alice.expect(200))
        ours.ack()
        self.bob.expect("ACK")
        calling.hang_up(ours, calling.Dialog(self.bob, got, said, is_caller=False))

    def test_a_cancel_after_the_answer_changes_nothing(self):
        sent, got = self.ringing()
        said = self.bob.answer(got, 200, "OK", body=calling.sdp())
        ours = calling.Dialog(self.alice, sent, self.alice.expect(200))
        self.alice.cancel(sent)
        self.assertIn(self.alice.connection.receive().status, (200, 481))
        ours.ack()
        self.bob.expect("ACK")
        self.still_talking(ours, calling.Dialog(self.bob, got, said, is_caller=False))

    # --- forks ---

    def two_phones(self):
        """Anna's line rings two phones."""
        self.node.cli("device", "update", "CSFsecond", "--line", "1011")
        self.node.lines["CSFsecond"] = "1011"
        second = self.agent("CSFsecond")
        sent = self.alice.invite("1011")
        self.alice.expect(100)
        at_bob, at_second = self.bob.expect("INVITE"), second.expect("INVITE")
        self.bob.answer(at_bob, 180, "Ringing", tag="one")
        second.answer(at_second, 180, "Ringing", tag="other")
        self.alice.expect(180, 180)
        return sent, second, at_bob, at_second

    def test_two_phones_of_a_line_answer_at_once(self):
        sent, second, at_bob, at_second = self.two_phones()
        self.assertNotEqual(at_bob.get("Record-Route"), at_second.get("Record-Route"))
        one = self.bob.answer(at_bob, 200, "OK", body=calling.sdp(), tag="one")
        first = calling.Dialog(self.alice, sent, self.alice.expect(200))
        cancel = second.expect("CANCEL")
        self.assertEqual('SIP;cause=200;text="Call completed elsewhere"', cancel.get("Reason"))
        other = second.answer(at_second, 200, "OK", body=calling.sdp(), tag="other")
        second.answer(cancel, 200, "OK")
        late = calling.Dialog(self.alice, sent, self.alice.expect(200))
        self.assertEqual(["one", "other"], [calling.tag_of(d.remote) for d in (first, late)])
        for dialog, agent in ((first, self.bob), (late, second)):
            dialog.ack()
            agent.expect("ACK")
        calling.hang_up(late, calling.Dialog(second, at_second, other, is_caller=False))
        self.still_talking(first, calling.Dialog(self.bob, at_bob, one, is_caller=False))

    def test_the_best_answer_of_two_phones_counts(self):
        for (one, other), best in (((408, 486), 486), ((500, 480), 480), ((603, None), 603)):
            with self.subTest(best=best):
                sent, second, at_bob, at_second = self.two_phones()
                self.bob.reject(at_bob, one, "No")
                if other is None:  # 6xx speaks for all
                    second.answer(second.expect("CANCEL"), 200, "OK")
                    other = 487
                second.reject(at_second, other, "No")
                self.alice.ack_refusal(sent, self.alice.expect(best))
                second.cut()
                self.node.wait_registrations(0, "CSFsecond")

    # --- connections cut ---

    def test_a_caller_cut_off_before_the_answer_rings_no_longer(self):
        for is_ringing in (False, True):
            with self.subTest(is_ringing=is_ringing):
                caller = self.alice if is_ringing else self.agent("CSFivan")
                caller.invite("1011")
                got = self.bob.expect("INVITE")
                if is_ringing:
                    self.bob.answer(got, 180, "Ringing")
                    caller.expect(100, 180)
                caller.cut()
                if not is_ringing:  # a CANCEL may go once something has been heard (RFC 3261, 9.1)
                    self.bob.answer(got, 180, "Ringing")
                self.bob.answer(self.bob.expect("CANCEL"), 200, "OK")
                self.bob.reject(got, 487, "Request Terminated")

    def test_a_called_phone_cut_off_before_it_answers_is_unavailable(self):
        for is_ringing in (False, True):
            with self.subTest(is_ringing=is_ringing):
                called = self.bob if is_ringing else self.agent("CSFivan")
                sent = self.alice.invite(called.line)
                self.alice.expect(100)
                got = called.expect("INVITE")
                if is_ringing:
                    called.answer(got, 180, "Ringing")
                    self.alice.expect(180)
                called.cut()
                self.alice.ack_refusal(sent, self.alice.expect(480))

    def test_a_phone_cut_off_before_the_ack(self):
        sent, got = self.ringing()
        said = self.bob.answer(got, 200, "OK", body=calling.sdp())
        self.bob.expect_nothing()
        self.alice.expect(200)
        self.alice.cut()
        self.bob.connection.send(said.raw)  # again and again, then it gives up
        theirs = calling.Dialog(self.bob, got, said, is_caller=False)
        self.node.wait_registrations(0, "CSFrado")
        theirs.request("BYE")
        self.assertIn(self.bob.connection.receive().status, (480, 481))

    def test_a_phone_cut_off_while_talking_may_come_back_over_another_connection(self):
        ours, theirs = self.talking()
        instance = self.alice.phone.instance
        self.alice.cut()
        self.node.wait_registrations(0, "CSFrado")
        theirs.request("INFO", body="anybody there?")
        self.assertEqual(480, self.bob.connection.receive().status)
        back = self.agent("CSFrado", instance=instance)
        theirs.request("INFO", body="and now?")
        back.answer(back.expect("INFO"), 200, "OK")
        self.bob.expect(200)
        ours.agent = back
        ours.request("INVITE", body=calling.sdp())
        back.expect(100)
        got = self.bob.expect("INVITE")
        self.bob.answer(got, 200, "OK", body=calling.sdp())
        back.expect(200)
        ours.ack()
        self.bob.expect("ACK")
        calling.hang_up(ours, theirs)

    def test_a_phone_cut_off_while_it_hangs_up_or_changes(self):
        for method in ("BYE", "INVITE"):
            for which in (0, 1):
                with self.subTest(method=method, which=which):
                    one, other = self.agent("CSFivan"), self.agent("CSFsecond")
                    dialogs = calling.establish(one, other, self.node.lines["CSFsecond"])
                    self.cut_in(method, dialogs[which], dialogs[1 - which])

    def cut_in(self, method, asks, asked):
        """The phone that is asked goes while it is asked."""
        sent = asks.request(method, body=calling.sdp() if method == "INVITE" else "")
        asked.agent.expect(method)
        asked.agent.cut()
        answer = asks.agent.connection.receive()
        if answer.status == 100:
            answer = asks.agent.connection.receive()
        self.assertEqual(480, answer.status, str(answer))
        if method == "INVITE":
            asks.agent.ack_refusal(sent, answer)
            asks.request("BYE")
            self.assertIn(asks.agent.connection.receive().status, (480, 481))
        asks.agent.expect_nothing()
        asks.agent.cut()
        self.node.wait_registrations(0, asks.agent.phone.device)
        self.node.wait_registrations(0, asked.agent.phone.device)


if __name__ == "__main__":
    unittest.main()
