"""The edge pair when something is broken: links, edges and nodes that end, no ports, strangers, forgeries."""
import re

import calling
import edges
import lab
from pairs import Pair, body_of


class Media(Pair):
    def test_descriptions_name_the_edges_and_nothing_else_changes_sdp(self):
        rado, ivan = calling.Agent(self.outside("CSFrado")), calling.Agent(self.inside("CSFivan"))
        sent = rado.invite("1012", body=calling.sdp() + "a=candidate:1 1 UDP 1 10.9.8.7 40000 typ host\r\n")
        rado.expect(100)
        heard = ivan.expect("INVITE")
        self.assertNotRegex(body_of(heard), r"candidate|bearline|m=audio 40000 ")
        self.assertIn(f"inline:{calling.KEY}", body_of(heard))
        ivan.answer(heard, 200, "OK", body=calling.sdp(40002))
        answer = rado.expect(200)
        self.assertNotRegex(body_of(answer), r"bearline|m=audio 40002 ")
        ours = calling.Dialog(rado, sent, answer)
        ours.ack()
        ivan.expect("ACK")
        self.assertGreaterEqual(self.counter(self.outer, "media.calls"), 1)
        # A re-INVITE keeps the ports.
        ours.request("INVITE", body=calling.sdp(40010))
        again = ivan.expect("INVITE")
        port = re.search(r"m=audio (\d+)", body_of(heard))[0]
        self.assertIn(port, body_of(again))
        ivan.answer(again, 200, "OK", body=calling.sdp(40002), tag=None)
        rado.expect(100, 200)
        ours.ack()
        ivan.expect("ACK")
        ours.request("BYE")
        ivan.answer(ivan.expect("BYE"), 200, "OK", tag=None)
        rado.expect(200)

    def test_another_address_is_told_and_no_ports_are_503_ports(self):
        rado, ivan = calling.Agent(self.outside("CSFrado")), calling.Agent(self.inside("CSFivan"))
        for name, value in (("EdgeMediaAddress", ""), ("EdgeMediaPortFirst", 36000), ("EdgeMediaPortLast", 59999)):
            self.addCleanup(self.outer.param, name, value)
        self.outer.param("EdgeMediaAddress", "203.0.113.77")
        sent = ivan.invite("1010")
        ivan.expect(100)
        heard = rado.expect("INVITE")
        self.assertIn("c=IN IP4 203.0.113.77\r\n", body_of(heard))
        rado.reject(heard, 486, "Busy Here")
        ivan.ack_refusal(sent, ivan.expect(486))
        port = self.counter(self.outer, "media.exhausted")
        self.assertEqual(0, port)
        self.outer.param("EdgeMediaPortFirst", 1025)
        self.outer.param("EdgeMediaPortLast", 1026)
        sent = rado.invite("1012")
        rado.ack_refusal(sent, rado.expect(503))
        self.assertEqual(1, self.counter(self.outer, "media.exhausted"))
        self.outer.program.log.wait(r"event=media\.exhausted first=1025 last=1026 fix=")


class Breaking(Pair):
    def test_a_link_cut_and_healed_loses_no_phone_cut(self):
        rado, ivan = calling.Agent(self.outside("CSFrado")), calling.Agent(self.inside("CSFivan"))
        # The outer edge's traversal port moves away and comes back: the link is cut, phones' connections stay.
        port, mark = self.outer.ports["link"], self.outer.program.log.mark()
        self.outer.param("EdgeTraversalPort", lab.ports.take())
        self.outer.program.log.wait(r"event=link\.down", mark)
        self.inner.wait_zone("Link-exp-e", "Failed", "nobody listens on", "EdgeTraversalPort")
        self.assertIn("the inner edge has not dialled in", self.outer.cli("diagnose", check=False).stdout)
        answer = rado.phone.register()
        self.assertEqual((503, "5"), (answer.status, answer.get("Retry-After")))
        self.outer.param("EdgeTraversalPort", port)
        self.inner.wait_zone("Link-exp-e", "Active")
        self.talk(ivan, rado, "1010")  # by the binding made before
        self.assertEqual(200, rado.phone.register().status)  # and its token is still remembered

    def test_an_outer_edge_that_ends_takes_its_bindings_with_it_outer(self):
        rado, ivan = calling.Agent(self.outside("CSFrado")), calling.Agent(self.inside("CSFivan"))
        self.outer.kill()
        self.outer.start()
        self.inner.wait_zone("Link-exp-e", "Active")
        sent = ivan.invite("1010")
        refused = ivan.expect(100, 480)  # 430 from the edge ended the binding
        ivan.ack_refusal(sent, refused)
        self.node.wait_registrations(0, "CSFrado")
        self.assertEqual(b"", rado.connection.sock.recv(1))
        self.talk(ivan, calling.Agent(self.outside("CSFrado")), "1010")

    def test_an_inner_edge_that_ends_makes_phones_register_again_inner(self):
        rado = self.outside("CSFrado")
        self.inner.stop()
        self.inner.start()
        self.assertEqual(b"", rado.connection.sock.recv(1))  # closed: it comes back by itself
        self.inner.wait_zone("Link-exp-e", "Active")
        self.inner.wait_zone("CEOAuth-ucm1", "Active")
        self.talk(calling.Agent(self.inside("CSFivan")), calling.Agent(self.outside("CSFrado")), "1010")

    def test_a_node_that_ends_makes_them_too_node(self):
        rado = self.outside("CSFrado")
        self.node.stop()
        self.assertEqual(b"", rado.connection.sock.recv(1))
        refused = self.outside("CSFrado", register=False).register(self.tokens["CSFrado"])
        self.assertEqual(503, refused.status)
        self.node.start()
        self.inner.wait_zone("CEOAuth-ucm1", "Active")
        self.outside("CSFrado")

    def test_an_edge_paired_no_more_is_cut_unpair(self):
        mark = self.outer.program.log.mark()
        self.outer.cli("--yes", "peer", "remove", "exp-c")
        self.outer.program.log.wait(r"event=link\.down", mark)
        self.inner.wait_zone("Link-exp-e", "Failed")
        self.assertIn("paired with no inner edge", self.outer.cli("diagnose", check=False).stdout)
        lab.wait_until(lambda: "the tunnel to exp-e" in self.inner.cli("diagnose", check=False).stdout,
                       "an unpaired edge still fetches requests")
        self.outer.cli("peer", "pair", self.inner.card())
        self.inner.wait_zone("Link-exp-e", "Active")


class Strangers(Pair):
    def test_an_edge_with_another_ca_is_refused_on_both_sides_ca(self):
        stranger = edges.Edge(self.lab, "exp-x").start()
        stranger.param("EdgeUnifiedCommunicationsMode", "mra")
        stranger.cli("peer", "pair", self.outer.card())
        stranger.wait_zone("Link-exp-e", "Failed", "the outer edge exp-e does not take this edge's certificate",
                           "issued by CN=Bearline CA exp-x", "peer pair card.json")
        self.outer.program.log.wait(r"event=link\.refused .*issued by CN=Bearline CA exp-x.*peer pair")
        # The other way round: the inner edge does not take an outer one that has another CA.
        rogue = edges.Outer(self.lab, "exp-r").start().set_up()
        stranger.cli("peer", "update", "exp-e", "--sip-port", str(rogue.ports["link"]))
        rogue.cli("peer", "pair", stranger.card())
        stranger.wait_zone("Link-exp-e", "Failed", "this edge does not trust the certificate of",
                           "issued by CN=Bearline CA exp-r")

    def test_cards_are_checked_cards(self):
        for text, said in (("{}", "no card of an edge"), ("nonsense", "is no card"),
                           (self.inner.cli("peer", "card").stdout, "another inner edge")):
            path = self.lab.secret_file(text)
            done = self.inner.cli("peer", "pair", path, check=False)
            self.assertNotEqual(0, done.returncode)
            self.assertIn(said, done.stderr)

    def test_without_a_token_nothing_goes_in_forged(self):
        rado, ivan = calling.Agent(self.outside("CSFrado")), calling.Agent(self.inside("CSFivan"))
        calling_in = rado.invite("1012")
        rado.expect(100)
        heard = ivan.expect("INVITE")
        ivan.answer(heard, 180, "Ringing")
        shown = rado.expect(180)  # what an insider has been shown
        ivan.reject(heard, 486, "Busy Here")
        rado.ack_refusal(calling_in, rado.expect(486))
        routes = [("Route", v) for v in reversed(calling.values(shown, "Record-Route"))]
        methods = ("INVITE", "REGISTER", "OPTIONS", "MESSAGE", "SUBSCRIBE", "REFER", "NOTIFY", "INFO", "UPDATE", "PRACK",
                   "PUBLISH", "BYE", "NOSUCH")
        forged = ((), routes, [("P-Asserted-Identity", "<sip:1011@localhost>")], [("Path", "<sip:x@localhost;lr>")],
                  [("Record-Route", "<sip:exp-c.example.com:5061;transport=tls;lr>")],
                  [("Route", "<sip:localhost:5091;transport=tls;lr>")], [("Route", "<sip:abc@edge.invalid;lr>")],
                  [("Bearline-Edge", "epoch=1, clock=1")],
                  [("Via", "SIP/2.0/TLS localhost:1;branch=z9hG4bKx;edge-flow=1.1")],
                  [("Proxy-Authorization", 'Bearer token="a.b.c"')], [("Authorization", "Bearer a.b.c")])
        carried = self.counter(self.inner, "messages.carried")
        for method in methods:
            nobody = calling.Agent(self.outside("CSFanna", register=False))
            for headers in forged:
                with self.subTest(method=method, headers=headers):
                    nobody.request(method, "sip:1012@localhost", headers=headers)
                    self.assertIn(nobody.connection.receive().status, (400, 401, 403, 407))
        nobody = calling.Agent(self.outside("CSFanna", register=False))
        # ACK and CANCEL of nobody are not even answered; another phone's answer is taken from nobody.
        nobody.request("ACK", "sip:1012@localhost")
        nobody.request("CANCEL", "sip:1012@localhost")
        nobody.answer(shown, 200, "OK")
        nobody.request("OPTIONS", "sip:localhost")
        self.assertIn(nobody.connection.receive().status, (401, 407))
        self.assertEqual(carried, self.counter(self.inner, "messages.carried"))
        ivan.expect_nothing()


class Guard(Pair):
    def closed(self, agent):
        return agent.connection.sock.recv(1) == b""

    def test_scanners_and_the_insatiable_are_thrown_out_and_then_not_let_in(self):
        # Nobody is registered from this address yet: it earns a ban.
        scanner = calling.Agent(self.outside("CSFanna", register=False))
        scanner.request("OPTIONS", "sip:100@localhost", headers=[("User-Agent", "friendly-scanner")])
        self.assertTrue(self.closed(scanner))
        for _ in range(2):
            many = calling.Agent(self.outside("CSFanna", register=False))
            for _ in range(40):
                many.request("OPTIONS", "sip:100@localhost")
                self.assertIn(many.connection.receive().status, (401, 407))
            many.request("OPTIONS", "sip:100@localhost")
            self.assertTrue(self.closed(many))
        self.outer.program.log.wait(r"event=guard\.banned peer=127\.0\.0\.1\S* seconds=600")
        self.assertTrue(self.closed(calling.Agent(self.outside("CSFrado", register=False))))
        for name, count in (("guard.scanners", 1), ("guard.over_budget", 2), ("guard.bans", 1), ("guard.turned_away", 1)):
            self.assertEqual(count, self.counter(self.outer, name))


if __name__ == "__main__":
    lab.main()
