"""The call flows of RFC 3665, 3.1 to 3.11, between phones on OAuth lines, as far as one proxy shows
them: every message that passes, and what the proxy writes into it."""
import unittest

import calling
import pki

EDGE_ROUTE = "<sip:exp-c.example.com:7001;transport=tls;lr>"

class CallFlows(calling.Scenario):
    def setUp(self):
        super().setUp()
        self.alice, self.bob, self.carol = (self.agent(d) for d in self.USERS)

    # --- what must hold of each message ---

    def assert_same(self, names, one, other):
        for name in names:
            self.assertEqual(one.all(name), other.all(name), name)

    def assert_request_forwarded(self, sent, got, sender):
        """16.6: written anew are Request-URI, Via, Max-Forwards and routes; the rest is as it was."""
        self.assert_same(("From", "To", "Call-ID", "CSeq", "Contact", "Content-Type"), sent, got)
        self.assertEqual(sent.body, got.body)
        self.assertEqual("69", got.get("Max-Forwards"))
        vias = got.all("Via")
        self.assertEqual(2, len(vias), vias)
        self.assertRegex(vias[0], rf"^SIP/2\.0/TLS 127\.0\.0\.1:{self.node.ports['oauth']};branch=z9hG4bK\S+$")
        self.assertNotIn(sent.get("Via").split("branch=")[1].split(";")[0], vias[0])
        port = sender.connection.local.rpartition(":")[2]
        if sent.method == "ACK":  # nothing ever answers it
            self.assertEqual(sent.get("Via"), vias[1])
        else:
            self.assertEqual(sent.get("Via").replace(";rport", f";rport={port};received=127.0.0.1"), vias[1])
        for name in ("Route", "Authorization", "Proxy-Authorization"):
            self.assertEqual([], got.all(name))

    def assert_invite_forwarded(self, sent, got, sender, receiver):
        self.assert_request_forwarded(sent, got, sender)
        self.assertEqual(f"INVITE {receiver.uri} SIP/2.0", got.start)
        routes = got.all("Record-Route")
        self.assertEqual(1, len(routes), routes)
        self.assertRegex(routes[0], rf"^<sip:[\w-]{{40,}}@127\.0\.0\.1:{self.node.ports['oauth']};transport=tls;lr>$")
        self.assertEqual([f"<sip:{sender.line}@localhost>"], got.all("P-Asserted-Identity"))

    def assert_answer_forwarded(self, sent, got, request):
        """16.7: our Via is gone, the caller's is as it was sent; the rest as it was."""
        self.assertEqual(sent.start, got.start)
        self.assert_same(("From", "To", "Call-ID", "CSeq", "Contact", "Record-Route", "Content-Type"), sent, got)
        self.assertEqual(sent.body, got.body)
        self.assertEqual(1, len(got.all("Via")))
        self.assertTrue(got.get("Via").startswith(request.get("Via").replace(";rport", "")), got.get("Via"))

    def assert_own_answer(self, status, reason, got, request):
        self.assertEqual(f"SIP/2.0 {status} {reason}", got.start)
        self.assert_same(("From", "Call-ID", "CSeq"), request, got)
        if status > 100:
            self.assertTrue(calling.tag_of(got.get("To")))
        else:
            self.assertEqual(request.get("To"), got.get("To"))
        self.assertEqual([], got.all("Contact") + got.all("Record-Route"))

    def assert_bye(self, ours, theirs):
        """One end hangs up: BYE and its 200 pass."""
        sent = ours.request("BYE")
        got = theirs.agent.expect("BYE")
        self.assert_request_forwarded(sent, got, ours.agent)
        self.assertEqual(f"BYE {theirs.agent.uri} SIP/2.0", got.start)
        self.assertEqual([], got.all("Record-Route"))
        said = theirs.agent.answer(got, 200, "OK")
        self.assert_answer_forwarded(said, ours.agent.expect(200), sent)

    def ring_and_answer(self, sent, caller, callee, answer_body=None):
        """180 and 200 of who has the INVITE at callee: (caller's dialog, callee's dialog)."""
        got = callee.expect("INVITE")
        ringing = callee.answer(got, 180, "Ringing", tag="b1")
        self.assert_answer_forwarded(ringing, caller.expect(180), sent)
        said = callee.answer(got, 200, "OK", body=answer_body or calling.sdp(40002), tag="b1")
        heard = caller.expect(200)
        self.assert_answer_forwarded(said, heard, sent)
        self.assertEqual([f"<sip:{callee.line}@localhost>"], heard.all("P-Asserted-Identity"))
        return calling.Dialog(caller, sent, heard), calling.Dialog(callee, got, said, is_caller=False), got

    def acknowledge(self, ours, theirs, body=""):
        sent = ours.ack(body)
        got = theirs.agent.expect("ACK")
        self.assert_request_forwarded(sent, got, ours.agent)
        self.assertEqual(f"ACK {theirs.agent.uri} SIP/2.0", got.start)

    # --- the flows ---

    def test_3_1_successful_session(self):
        sent = self.alice.invite("1011")
        self.assert_own_answer(100, "Trying", self.alice.expect(100), sent)
        ours, theirs, got = self.ring_and_answer(sent, self.alice, self.bob)
        self.assert_invite_forwarded(sent, got, self.alice, self.bob)
        self.acknowledge(ours, theirs)
        self.assert_bye(theirs, ours)  # F9: Bob hangs up

    def test_3_2_without_a_registration_an_invite_is_challenged_and_rings_nowhere(self):
        stranger = calling.Agent(connection=self.node.sip_tls(), line="1010")
        for number in ("1011", "4711"):  # who exists is not told either
            sent = stranger.invite(number)
            answer = stranger.connection.receive()
            self.assertEqual(401, answer.status, str(answer))
            self.assertIn('Bearer realm="ccmsipline"', answer.get("WWW-Authenticate"))
            self.assertTrue(calling.tag_of(answer.get("To")))
            stranger.ack_refusal(sent, answer)
        self.bob.expect_nothing()

    def test_3_3_through_an_edge_with_authentication(self):
        edge = self.edge()
        call_id = "edge-1"
        invite = self.via_edge(edge, call_id, 1)
        answer = edge.expect(407)
        self.assertIn('Bearer realm="ccmsipline"', answer.get("Proxy-Authenticate"))
        edge.ack_refusal(invite, answer)
        invite = self.via_edge(edge, call_id, 2, [
            ("Proxy-Authorization", f'Bearer token="{self.tokens["CSFrado"]}"')])
        self.assertEqual(2, len(edge.expect(100).all("Via")))
        got = self.bob.expect("INVITE")
        self.assertEqual(3, len(got.all("Via")))
        routes = calling.values(got, "Record-Route")
        self.assertEqual(EDGE_ROUTE, routes[-1])
        self.assertEqual(3, len(routes), routes)  # the edge's, and ours for either port
        self.assertEqual([], got.all("Proxy-Authorization"))
        said = self.bob.answer(got, 200, "OK", body=calling.sdp(), tag="b1")
        heard = edge.expect(200)
        self.assertEqual(invite.all("Via")[1], heard.all("Via")[1])
        theirs = calling.Dialog(self.bob, got, said, is_caller=False)
        ours = calling.Dialog(edge, invite, heard)
        ours.routes.remove(EDGE_ROUTE)  # done with by the edge itself
        ours.ack()
        self.assertEqual([], calling.values(self.bob.expect("ACK"), "Route"))
        theirs.request("BYE")
        bye = edge.expect("BYE")
        self.assertEqual([EDGE_ROUTE], calling.values(bye, "Route"))
        edge.answer(bye, 200, "OK")
        self.bob.expect(200)
        edge.connection.close()

    def edge(self):
        authority = pki.Authority(self.lab.folder, "Edge CA")
        for unit in ("callmanager", "tomcat"):
            self.node.cli("set", "cert", "import", "trust", unit, authority.cert)
        self.node.cli("edge", "add", "exp-c", "--names", "exp-c.example.com")
        context = self.node.tls(cert=authority.issue("exp-c.example.com", ["exp-c.example.com"]))
        return calling.Agent(connection=self.node.sip_tls("mra", context), line="1010")

    def via_edge(self, edge, call_id, cseq, headers=()):
        """An INVITE of a phone behind the edge: its Via lies beneath the edge's."""
        return edge.send("INVITE sip:1011@localhost SIP/2.0", [
            ("Via", edge.via()), ("Via", f"SIP/2.0/TLS 192.0.2.7:5061;branch=z9hG4bKinner{cseq}"),
            ("Record-Route", EDGE_ROUTE),
            ("From", "<sip:1010@localhost>;tag=e"), ("To", "<sip:1011@localhost>"), ("Call-ID", call_id),
            ("CSeq", f"{cseq} INVITE"), ("Max-Forwards", 69),
            ("Contact", '<sip:1010@192.0.2.7:5061;transport=tls>;+u.sip!devicename.ccm.cisco.com="CSFrado"'),
            *headers], calling.sdp())

    def test_3_4_the_next_flow_of_a_phone_is_tried_when_one_fails(self):
        for cut in (False, True):
            with self.subTest(cut=cut):
                self.fail_over(cut)

    def fail_over(self, cut):
        """Bob's phone has two flows of one instance (RFC 5626); the newer one fails."""
        instance = "0123456789ab"
        flows = []
        for reg in (1, 2):
            phone = self.node.phone("CSFivan", "1012", cisco=False, instance=instance)
            contact = phone.contact() + f";reg-id={reg}"
            answer = phone.register(self.tokens["CSFivan"], contact=contact, headers=["Supported: outbound, path"])
            self.assertEqual(200, answer.status, str(answer))
            flows.append(calling.Agent(phone))
        self.carol.cut()
        self.node.wait_registrations(2, "CSFivan")
        sent = self.alice.invite("1012")
        self.alice.expect(100)
        first = flows[1].expect("INVITE")
        if cut:
            flows[1].cut()
        else:
            flows[1].reject(first, 430, "Flow Failed")
        ours, theirs, got = self.ring_and_answer(sent, self.alice, flows[0])
        self.assertNotEqual(first.all("Via")[0], got.all("Via")[0])
        self.assertNotEqual(first.get("Record-Route"), got.get("Record-Route"))
        self.acknowledge(ours, theirs)
        self.assert_bye(ours, theirs)
        for flow in flows:
            flow.connection.close()
        self.node.wait_registrations(0, "CSFivan")
        self.carol = self.agent("CSFivan")

    def test_3_5_a_phone_behind_a_gateway_is_found_over_its_connection(self):
        """Via and Contact show an address nobody here reaches; answers and requests come all the same."""
        contact = "<sip:1010@192.0.2.33:5099;transport=tls>"
        sent = self.alice.send("INVITE sip:1011@localhost SIP/2.0", [
            ("Via", "SIP/2.0/TLS 192.0.2.33:5099;branch=z9hG4bKgateway"), ("From", "<sip:1010@localhost>;tag=g"),
            ("To", "<sip:1011@localhost>"), ("Call-ID", "gateway"), ("CSeq", "1 INVITE"), ("Max-Forwards", 70),
            ("Contact", contact)], calling.sdp())
        self.alice.expect(100)
        got = self.bob.expect("INVITE")
        self.assertEqual("SIP/2.0/TLS 192.0.2.33:5099;branch=z9hG4bKgateway;received=127.0.0.1", got.all("Via")[1])
        said = self.bob.answer(got, 200, "OK", body=calling.sdp())
        ours = calling.Dialog(self.alice, sent, self.alice.expect(200))
        ours.ack()
        self.bob.expect("ACK")
        theirs = calling.Dialog(self.bob, got, said, is_caller=False)
        theirs.request("BYE")
        bye = self.alice.expect("BYE")
        self.assertEqual("BYE sip:1010@192.0.2.33:5099;transport=tls SIP/2.0", bye.start)
        self.alice.answer(bye, 200, "OK")
        self.bob.expect(200)

    def test_3_6_redirected_to_another_phone_with_the_answer_in_the_ack(self):
        sent = self.alice.invite("1011", body="")
        self.alice.expect(100)
        got = self.bob.expect("INVITE")
        self.bob.reject(got, 302, "Moved Temporarily", [("Contact", "<sip:1012@localhost>")])
        ours, theirs, got = self.ring_and_answer(sent, self.alice, self.carol)
        self.assertEqual(b"", got.body)
        self.assertEqual(["<sip:1011@localhost>;reason=deflection"],
                         [v.partition(";counter")[0] for v in got.all("Diversion")])
        self.acknowledge(ours, theirs, calling.sdp(40004))
        self.assert_bye(ours, theirs)

    def test_3_7_re_invites_from_both_ends(self):
        ours, theirs = calling.establish(self.alice, self.bob, "1011")
        for one, other in ((theirs, ours), (ours, theirs)):
            sent = one.request("INVITE", body=calling.sdp(40100, direction="sendonly"))
            self.assert_own_answer(100, "Trying", one.agent.expect(100), sent)
            got = other.agent.expect("INVITE")
            self.assert_request_forwarded(sent, got, one.agent)
            said = other.agent.answer(got, 200, "OK", body=calling.sdp(40102, direction="recvonly"))
            self.assert_answer_forwarded(said, one.agent.expect(200), sent)
            self.acknowledge(one, other)
        sent = ours.request("INVITE", body=calling.sdp(40104))
        self.alice.expect(100)
        self.bob.reject(self.bob.expect("INVITE"), 488, "Not Acceptable Here")
        self.alice.ack_refusal(sent, self.alice.expect(488))
        self.assert_bye(ours, theirs)  # the refusal of a change ends no call

    def test_3_8_no_answer_and_the_caller_gives_up(self):
        sent = self.alice.invite("1011")
        self.alice.expect(100)
        got = self.bob.expect("INVITE")
        self.bob.answer(got, 180, "Ringing")
        self.alice.expect(180)
        cancel = self.alice.cancel(sent)
        self.assert_own_answer(200, "OK", self.alice.expect(200), cancel)
        at_bob = self.bob.expect("CANCEL")
        self.assertEqual(got.start.replace("INVITE", "CANCEL"), at_bob.start)
        self.assertEqual([got.all("Via")[0]], at_bob.all("Via"))
        self.assert_same(("From", "To", "Call-ID"), got, at_bob)
        self.bob.answer(at_bob, 200, "OK")
        self.bob.reject(got, 487, "Request Terminated")
        self.alice.ack_refusal(sent, self.alice.expect(487))

    def test_3_9_busy(self):
        sent = self.alice.invite("1011")
        self.alice.expect(100)
        got = self.bob.expect("INVITE")
        ack = self.bob.reject(got, 486, "Busy Here", tag="busy")
        self.assertEqual([got.all("Via")[0]], ack.all("Via"))  # ours, hop by hop
        self.assertEqual("busy", calling.tag_of(ack.get("To")))
        refused = self.alice.expect(486)
        self.assertEqual("busy", calling.tag_of(refused.get("To")))
        self.alice.ack_refusal(sent, refused)

    def test_3_10_no_answer_in_the_time_of_the_line_and_another_phone_rings(self):
        self.node.cli("line", "update", "1011", "--ring-time", "1", "--forward-no-answer", "1012")
        self.addCleanup(self.node.cli, "line", "update", "1011", "--ring-time", "0", "--forward-no-answer", "")
        sent = self.alice.invite("1011")
        self.alice.expect(100)
        got = self.bob.expect("INVITE")
        self.bob.answer(got, 180, "Ringing")
        self.alice.expect(180)
        self.bob.answer(self.bob.expect("CANCEL"), 200, "OK")
        self.bob.reject(got, 487, "Request Terminated")
        ours, theirs, got = self.ring_and_answer(sent, self.alice, self.carol)
        self.assertEqual(["<sip:1011@localhost>;reason=no-answer"],
                         [v.partition(";counter")[0] for v in got.all("Diversion")])
        self.acknowledge(ours, theirs)
        self.assert_bye(ours, theirs)

    def test_3_11_temporarily_unavailable(self):
        sent = self.alice.invite("1011")
        self.alice.expect(100)
        self.bob.reject(self.bob.expect("INVITE"), 480, "Temporarily Unavailable", tag="away")
        refused = self.alice.expect(480)
        self.assertEqual("away", calling.tag_of(refused.get("To")))
        self.alice.ack_refusal(sent, refused)
        self.carol.cut()
        self.node.wait_registrations(0, "CSFivan")
        for number, status in (("1012", 480), ("4711", 404)):
            sent = self.alice.invite(number)
            answer = self.alice.connection.receive()
            if answer.status == 100:
                answer = self.alice.connection.receive()
            self.assertEqual(status, answer.status)
            self.alice.ack_refusal(sent, answer)
        self.carol = self.agent("CSFivan")


if __name__ == "__main__":
    unittest.main()
