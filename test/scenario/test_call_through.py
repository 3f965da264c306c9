"""What passes through the proxy within and around calls: reliable provisional answers, changes, transfers,
messages, subscriptions; from one transport to another; past a strict router; and what the proxy takes away
or refuses to pass on."""
import unittest

import calling
import lab
import sip


class Through(calling.Scenario):
    PLAIN = ("CSFudp", "CSFtcp")

    def pair(self):
        alice, bob = self.agent("CSFrado"), self.agent("CSFanna")
        return alice, bob, *calling.establish(alice, bob, "1011")

    def exchange(self, one, other, method, headers=(), body="", status=200, **more):
        """A request within the dialog and its answer: what the other end read."""
        sent = one.request(method, headers, body, **more)
        got = other.agent.expect(method)
        self.assertEqual(sent.body, got.body)
        for name in ("From", "To", "Call-ID", "CSeq", "Contact", *(h[0] for h in headers)):
            self.assertEqual(sent.all(name), got.all(name), name)
        self.assertEqual("69", got.get("Max-Forwards"))
        self.assertEqual(f"{method} {one.target} SIP/2.0", got.start)
        other.agent.answer(got, status, "Whatever", [("Accept", "x/y")])
        heard = one.agent.expect(status)
        self.assertEqual((f"SIP/2.0 {status} Whatever", "x/y"), (heard.start, heard.get("Accept")))
        return got

    def test_reliable_provisional_answers_and_early_changes(self):
        alice, bob = self.agent("CSFrado"), self.agent("CSFanna")
        sent = alice.invite("1011", [("Supported", "100rel")])
        alice.expect(100)
        got = bob.expect("INVITE")
        self.assertEqual("100rel", got.get("Supported"))
        said = bob.answer(got, 183, "Session Progress", [("Require", "100rel"), ("RSeq", "17")], calling.sdp())
        heard = alice.expect(183)
        self.assertEqual(("100rel", "17", said.body), (heard.get("Require"), heard.get("RSeq"), heard.body))
        early, theirs = calling.Dialog(alice, sent, heard), calling.Dialog(bob, got, said, is_caller=False)
        self.exchange(early, theirs, "PRACK", [("RAck", "17 1 INVITE")])
        self.exchange(early, theirs, "UPDATE", body=calling.sdp(40200))
        self.exchange(theirs, early, "UPDATE", body=calling.sdp(40202))
        bob.answer(got, 200, "OK")
        alice.expect(200)
        early.ack(cseq=1)
        bob.expect("ACK")
        calling.hang_up(theirs, early)

    def test_requests_of_a_call_pass_both_ways(self):
        _, _, ours, theirs = self.pair()
        for one, other in ((ours, theirs), (theirs, ours)):
            self.exchange(one, other, "INFO", [("Info-Package", "dtmf")], "Signal=5")
            self.exchange(one, other, "MESSAGE", body="hello")
            self.exchange(one, other, "UPDATE", body=calling.sdp(40210))
            self.exchange(one, other, "OPTIONS")
            self.exchange(one, other, "SUBSCRIBE", [("Event", "dialog"), ("Expires", "60")])
            self.exchange(other, one, "NOTIFY", [("Event", "dialog"), ("Subscription-State", "active")], "state")
            self.exchange(one, other, "WHATEVER", status=501)
        calling.hang_up(ours, theirs)

    def test_a_transfer_with_its_notifications_and_replaces(self):
        """Alice sends Bob, with whom she talks, to Carol in place of her own call with Carol."""
        alice, bob, ours, theirs = self.pair()
        carol = self.agent("CSFivan")
        second, at_carol = calling.establish(alice, carol, "1012")
        replaces = f"{second.call_id};to-tag={calling.tag_of(second.remote)};from-tag={calling.tag_of(second.local)}"
        self.exchange(ours, theirs, "REFER", [
            ("Refer-To", f"<sip:1012@localhost?Replaces={sip.re.sub('[;=]', lambda c: f'%{ord(c[0]):02X}', replaces)}>"),
            ("Referred-By", "<sip:1010@localhost>")], status=202)
        self.exchange(theirs, ours, "NOTIFY", [("Event", "refer"), ("Subscription-State", "active;expires=60")])
        sent = bob.invite("1012", [("Replaces", replaces), ("Referred-By", "<sip:1010@localhost>")])
        bob.expect(100)
        got = carol.expect("INVITE")
        self.assertEqual((replaces, "<sip:1010@localhost>"), (got.get("Replaces"), got.get("Referred-By")))
        said = carol.answer(got, 200, "OK", body=calling.sdp(), tag="third")
        third = calling.Dialog(bob, sent, bob.expect(200))
        third.ack()
        carol.expect("ACK")
        calling.hang_up(at_carol, second)
        self.exchange(theirs, ours, "NOTIFY", [("Event", "refer"), ("Subscription-State", "terminated;reason=noresource")])
        calling.hang_up(ours, theirs)
        calling.hang_up(calling.Dialog(carol, got, said, is_caller=False), third)

    def test_messages_and_subscriptions_out_of_calls(self):
        alice, bob = self.agent("CSFrado"), self.agent("CSFanna")
        sent = alice.request("MESSAGE", "sip:1011@localhost", body="hello", contact=None)
        got = bob.expect("MESSAGE")
        self.assertEqual((b"hello", []), (got.body, got.all("Record-Route")))
        bob.answer(got, 200, "OK")
        self.assertEqual(sent.get("Call-ID"), alice.expect(200).get("Call-ID"))
        sent = alice.request("SUBSCRIBE", "sip:1011@localhost", headers=[("Event", "presence"), ("Expires", "60")])
        got = bob.expect("SUBSCRIBE")
        said = bob.answer(got, 200, "OK", [("Expires", "60")])
        ours = calling.Dialog(alice, sent, alice.expect(200))
        theirs = calling.Dialog(bob, got, said, is_caller=False)
        self.assertEqual(1, len(ours.routes))
        self.exchange(theirs, ours, "NOTIFY", [("Event", "presence"), ("Subscription-State", "active")], "here")
        self.exchange(ours, theirs, "SUBSCRIBE", [("Event", "presence"), ("Expires", "0")])

    # --- transports ---

    def test_a_dialog_between_transports_has_a_route_for_each(self):
        """From TLS to UDP and TCP and from TCP to UDP: the route nearest to a phone is the one it reaches."""
        ports = {"tls": self.node.ports["oauth"], "udp": self.node.ports["sip"], "tcp": self.node.ports["sip"]}
        tls = self.agent("CSFrado")
        udp, tcp = self.agent("CSFudp", self.node.sip_udp()), self.agent("CSFtcp", self.node.sip_tcp())
        for one, other in ((tls, udp), (tls, tcp), (tcp, udp), (udp, tls)):
            with self.subTest(f"{one.line} to {other.line}"):
                sent = one.request("SUBSCRIBE", f"sip:{other.line}@localhost", headers=[
                    ("Event", "presence"), ("Expires", "60")])
                got = other.expect("SUBSCRIBE")
                routes = calling.values(got, "Record-Route")
                want = [a.connection.transport.lower() for a in (other, one)]
                self.assertEqual(want, [sip.re.search(r"transport=(\w+)", r)[1] for r in routes])
                self.assertEqual([str(ports[t]) for t in want], [sip.re.search(r":(\d+);", r)[1] for r in routes])
                said = other.answer(got, 200, "OK", [("Expires", "60")])
                ours = calling.Dialog(one, sent, one.expect(200))
                theirs = calling.Dialog(other, got, said, is_caller=False)
                self.exchange(theirs, ours, "NOTIFY", [("Event", "presence"), ("Subscription-State", "active")])
                got = self.exchange(ours, theirs, "SUBSCRIBE", [("Event", "presence"), ("Expires", "0")])
                self.assertEqual([], got.all("Route"))

    def test_calls_between_plain_lines_over_udp_and_tcp(self):
        udp, tcp = self.agent("CSFudp", self.node.sip_udp()), self.agent("CSFtcp", self.node.sip_tcp())
        for one, other in ((udp, tcp), (tcp, udp)):
            ours, theirs = calling.establish(one, other, other.line, secure=False)
            self.assertEqual(2, len(ours.routes))
            self.exchange(theirs, ours, "INFO", body="x")
            calling.hang_up(ours, theirs)

    def test_a_repeated_invite_over_udp_is_one_call(self):
        udp, tcp = self.agent("CSFudp", self.node.sip_udp()), self.agent("CSFtcp", self.node.sip_tcp())
        sent = udp.invite(tcp.line, body=calling.sdp(secure=False))
        udp.expect(100)
        got = tcp.expect("INVITE")
        udp.connection.send(sent.raw)
        udp.connection.last = None
        udp.expect(100)
        tcp.answer(got, 180, "Ringing")
        udp.expect(180)
        udp.connection.send(sent.raw)
        udp.connection.last = None
        udp.expect(180)  # the newest answer comes again
        said = tcp.answer(got, 200, "OK", body=calling.sdp(secure=False))
        ours = calling.Dialog(udp, sent, udp.expect(200))
        tcp.connection.send(said.raw)  # the phone repeats its 2xx until the ACK comes
        self.assertEqual(said.get("To"), udp.expect(200).get("To"))
        ours.ack()
        tcp.expect("ACK")
        calling.hang_up(ours, calling.Dialog(tcp, got, said, is_caller=False))

    def test_a_strict_router_before_and_behind(self):
        """A phone that follows RFC 2543 puts our URI into the Request-URI and its target last."""
        alice, bob, ours, theirs = self.pair()
        ours.request("INFO", target=calling.uri_of(ours.routes[0]), routes=[*ours.routes[1:], f"<{ours.target}>"])
        got = bob.expect("INFO")
        self.assertEqual((f"INFO {bob.uri} SIP/2.0", []), (got.start, got.all("Route")))
        bob.answer(got, 200, "OK")
        alice.expect(200)
        ours.request("INFO", routes=[*ours.routes, "<sip:strict.example.com>", "<sip:loose.example.com;lr>"])
        got = bob.expect("INFO")
        self.assertEqual("INFO sip:strict.example.com SIP/2.0", got.start)
        self.assertEqual(["<sip:loose.example.com;lr>", f"<{bob.uri}>"], calling.values(got, "Route"))
        bob.answer(got, 200, "OK")
        alice.expect(200)
        calling.hang_up(ours, theirs)

    # --- what is taken away, what is refused ---

    def refused(self, agent, status, number="1011", method="INVITE", headers=(), **more):
        sent = agent.request(method, f"sip:{number}@localhost", None, headers,
                             calling.sdp() if method == "INVITE" else "", **more)
        answer = agent.connection.receive()
        if answer.status == 100:
            answer = agent.connection.receive()
        self.assertEqual(status, answer.status, str(answer))
        if method == "INVITE":
            agent.ack_refusal(sent, answer)
        return answer

    def test_loops_hops_and_breadth_are_bounded(self):
        alice, bob = self.agent("CSFrado"), self.agent("CSFanna")
        self.refused(alice, 483, max_forwards=0)
        self.refused(alice, 483, method="MESSAGE", max_forwards=0, contact=None)
        self.refused(alice, 440, headers=[("Max-Breadth", "0")])
        self.refused(alice, 420, headers=[("Proxy-Require", "x-nobody-knows")])
        self.refused(alice, 400, headers=[("Route", "<sip:")])
        self.refused(alice, 403, headers=[("Route", "<sip:elsewhere.example.com;lr>")])
        bob.expect_nothing()

    def test_a_request_that_comes_back_unchanged_is_a_loop(self):
        """Bob's phone sends what it got back to us as it was, beneath its own Via."""
        alice, bob = self.agent("CSFrado"), self.agent("CSFudp", self.node.sip_udp())
        sent = alice.request("MESSAGE", f"sip:{bob.line}@localhost", body="x", contact=None)
        got = bob.expect("MESSAGE")
        back = bob.send(sent.start, [("Via", bob.via()), *(h for h in got.headers if h[0] != "Content-Length"
                                                           and h[0] != "Content-Type")], "x")
        answer = bob.expect(482)
        self.assertEqual(back.all("Via")[1:], answer.all("Via")[1:])
        bob.answer(got, 482, "Loop Detected")
        alice.expect(482)

    def test_the_caller_is_who_the_line_is(self):
        """Another's From is refused; what a phone asserts about itself is replaced; who asks for privacy has it."""
        alice, bob = self.agent("CSFrado"), self.agent("CSFanna")
        for wrong in ("<sip:1011@localhost>;tag=x", "<sip:1010@example.com>;tag=x", "<tel:+15551234>;tag=x"):
            self.refused(alice, 403, from_=wrong)
        claims = [("P-Asserted-Identity", '"Boss" <sip:1@localhost>'), ("P-Preferred-Identity", "<sip:2@localhost>")]
        for headers, identities, from_ in (
                (claims, ["<sip:1010@localhost>"], None),
                ([*claims, ("Privacy", "id")], [], None),
                ([("Privacy", "id")], [], '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=p')):
            sent = alice.invite("1011", headers, from_=from_)
            alice.expect(100)
            got = bob.expect("INVITE")
            self.assertEqual(identities, got.all("P-Asserted-Identity"))
            self.assertEqual([], got.all("P-Preferred-Identity"))
            self.assertEqual(sent.get("From"), got.get("From"))
            said = bob.answer(got, 486, "Busy Here", [("P-Asserted-Identity", "<sip:liar@localhost>")])
            bob.expect("ACK")
            heard = alice.expect(486)
            self.assertNotIn("liar", str(heard))
            self.assertEqual(said.get("To"), heard.get("To"))
            alice.ack_refusal(sent, heard)


if __name__ == "__main__":
    unittest.main()
