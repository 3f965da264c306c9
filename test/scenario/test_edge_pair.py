"""The edge pair: phones outside register and call through it; what becomes of links, edges and nodes that
end; what nobody outside can do."""
# suite: threads
import base64
import os
import re
import subprocess

import calling
import edges
import lab
import sounds

DEVICES = {"CSFrado": "rado", "CSFanna": "anna", "CSFivan": "ivan"}


def body_of(message):
    return message.body.decode() if isinstance(message.body, bytes) else message.body


class Pair(lab.Scenario):
    """A node, its inner edge and an outer one; phones by hand on both sides."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.lab.node().oauth_ready(users=sorted(DEVICES.values()), devices=DEVICES)
        cls.tokens = {device: cls.node.sign_in(user)["access_token"] for device, user in DEVICES.items()}
        cls.inner = edges.Edge(cls.lab).start()
        edges.join(cls.node, cls.inner)
        cls.outer = edges.Outer(cls.lab).start().set_up()
        edges.pair(cls.inner, cls.outer)

    def setUp(self):
        self.phones = []

    def tearDown(self):
        for phone in self.phones:
            phone.connection.close()

    def made(self, phone, register=True):
        self.phones.append(phone)
        if register:
            answer = phone.register(self.tokens[phone.device])
            self.assertEqual(200, answer.status, str(answer))
        return phone

    def outside(self, device, register=True, **more):
        return self.made(self.outer.phone(device, self.node.lines[device], **more), register)

    def inside(self, device):
        return self.made(self.node.phone(device, self.node.lines[device]))

    def counter(self, edge, name):
        return int(re.search(rf"^{re.escape(name)} +(\d+)$", edge.cli("show", "counters").stdout, re.M)[1])

    def talk(self, caller, callee, number):
        """A call with everything in it: re-INVITE from the callee, BYE from the caller."""
        ours, theirs = calling.establish(caller, callee, number)
        theirs.request("INVITE", body=calling.sdp(40002, direction="sendonly"))
        heard = caller.expect("INVITE")
        caller.answer(heard, 200, "OK", body=calling.sdp(direction="recvonly"), tag=None)
        callee.expect(100, 200)
        theirs.ack()
        caller.expect("ACK")
        calling.hang_up(ours, theirs)


class Outside(Pair):
    def test_a_phone_is_challenged_at_the_inner_edge_and_registers_at_the_node(self):
        phone = self.outside("CSFrado", register=False)
        challenge = phone.register()
        self.assertEqual((407, 'Bearer realm="ccmsipline"'), (challenge.status, challenge.get("Proxy-Authenticate")))
        self.assertNotRegex(self.node.program.log.text(), r"event=register\..*CSFrado")
        answer = phone.answer_challenge(self.tokens["CSFrado"])
        self.assertEqual(200, answer.status, str(answer))
        row = self.node.registrations("CSFrado")[0]
        self.assertEqual("OAuth line over MRA", row["listener"])
        # Nothing of the inside is told: no Via, Path or Service-Route but the phone's own Via.
        self.assertEqual(1, len(answer.all("Via")), str(answer))
        for name in ("Path", "Service-Route", "Record-Route"):
            self.assertEqual([], answer.all(name))
        self.assertNotIn("exp-c", str(answer))
        self.assertEqual(200, phone.register(expires=0).status)  # its connection is known by now
        self.node.wait_registrations(0)

    def test_the_standard_dialect_is_challenged_as_rfc_8898_says(self):
        phone = self.outside("CSFanna", register=False, cisco=False)
        challenge = phone.register()
        self.assertEqual(401, challenge.status)
        self.assertRegex(challenge.get("WWW-Authenticate"), r'^Bearer realm="ccmsipline"')
        challenge = phone.register("no.such.token")
        self.assertEqual(401, challenge.status)
        self.assertIn('error="invalid_token"', challenge.get("WWW-Authenticate"))

    def test_calls_in_every_direction(self):
        rado, anna = calling.Agent(self.outside("CSFrado")), calling.Agent(self.outside("CSFanna"))
        ivan = calling.Agent(self.inside("CSFivan"))
        for caller, callee in ((rado, ivan), (ivan, rado), (rado, anna)):
            with self.subTest(caller=caller.line, callee=callee.line):
                self.talk(caller, callee, callee.line)
        sent = rado.invite("1012")
        rado.expect(100)
        heard = ivan.expect("INVITE")
        ivan.answer(heard, 180, "Ringing")
        rado.expect(180)
        rado.cancel(sent)
        rado.expect(200)
        cancelled = ivan.expect("CANCEL")
        ivan.answer(cancelled, 200, "OK", tag=None)
        ivan.reject(heard, 487, "Request Terminated")
        rado.ack_refusal(sent, rado.expect(487))

    def test_the_inside_stays_hidden_in_calls(self):
        rado, ivan = calling.Agent(self.outside("CSFrado")), calling.Agent(self.inside("CSFivan"))
        calling_out = ivan.invite("1010")
        ivan.expect(100)
        heard = rado.expect("INVITE")
        self.assertRegex(heard.get("Contact"), r"@edge\.invalid>")
        for name in ("Via", "Record-Route"):
            for value in calling.values(heard, name):
                self.assertRegex(value, r"(localhost|edge\.invalid)", f"{name}: {value}")
        self.assertNotIn(ivan.connection.local, str(heard).partition("\r\n\r\n")[0])
        rado.reject(heard, 486, "Busy Here")
        ivan.ack_refusal(calling_out, ivan.expect(486))


class Softphones(Pair):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tunes = {}
        for name, notes in {"rado": (440, 660, 520, 880), "anna": (350, 700, 410, 560)}.items():
            cls.tunes[name] = os.path.join(cls.lab.folder, name + ".wav")
            sounds.write_tune(cls.tunes[name], notes)

    def softphone(self, user, *words, outside=False):
        phone = self.node.softphone(f"{self._testMethodName[-20:]}-{user}")
        done = phone.login(user, device="CSF" + user, ca=edges.ca_of(self.node, self.outer))
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        edge = ("--edge-sip", f"localhost:{self.outer.ports['sip']}") if outside else ()
        return phone.run(*edge, "--codec", "PCMA", *words, device="CSF" + user)

    def talk_with_sound(self, rado_outside, anna_outside):
        heard = {user: os.path.join(self.lab.folder, f"{self._testMethodName[-20:]}-{user}.wav") for user in self.tunes}
        relayed = [self.counter(e, "media.packets_in") for e in (self.inner, self.outer)]
        anna = self.softphone("anna", "--do", f"wait incoming; answer; record {heard['anna']}; play {self.tunes['anna']}; "
                              "wait ended", outside=anna_outside)
        anna.wait_line(r" registered \d+ at ")
        rado = self.softphone("rado", "--do", f"call 1011; wait answered; record {heard['rado']}; "
                              f"play {self.tunes['rado']}; wait 1; hangup", outside=rado_outside)
        self.assertEqual(0, rado.wait(), rado.log.text())
        self.assertEqual(0, anna.wait(), anna.log.text())
        rado.wait_line(r"encrypted with AEAD_AES_256_GCM")
        for here, there in (("anna", "rado"), ("rado", "anna")):
            match = sounds.best_correlation(sounds.read_samples(self.tunes[there]), sounds.read_samples(heard[here]))
            self.assertGreaterEqual(match, 0.9, f"{here} heard {there}")
        for edge, before in zip((self.inner, self.outer), relayed):
            self.assertGreater(self.counter(edge, "media.packets_in"), before + 50, edge.name)
            self.assertLess(self.counter(edge, "media.strangers"), 10)  # before SIP has told of the call
        self.node.wait_registrations(0)
        return rado

    def test_one_outside_calls_one_inside_and_both_hear_out(self):
        rado = self.talk_with_sound(True, False)
        rado.wait_line(r" registered 1010 at localhost by the edge localhost \(TLS")

    def test_one_inside_calls_one_outside_and_both_hear_in(self):
        self.talk_with_sound(False, True)

    def test_two_outside_talk_and_both_hear_both(self):
        self.talk_with_sound(True, True)

    def test_it_takes_the_next_edge_when_one_is_gone(self):
        gone = f"localhost:{lab.ports.take()}"
        rado = self.softphone("rado", "--edge-sip", gone, "--edge-sip", f"localhost:{self.outer.ports['sip']}",
                              "--once-registered")
        self.assertEqual(0, rado.wait(), rado.log.text())


class Https(Pair):
    """Sign-in, configuration and the edge's own documents from outside."""

    def place(self, port, host="localhost"):
        return base64.urlsafe_b64encode(f"localhost/https/{host}/{port}".encode()).decode().rstrip("=")

    def ask(self, path, token=None, method="GET"):
        words = ["curl", "-sS", "-X", method, "--path-as-is", "--cacert", self.outer.ca, "-o", "-", "-w", "\n%{http_code}",
                 f"https://localhost:{self.outer.ports['https']}{path}"]
        if token:
            words += ["-H", f"Authorization: Bearer {token}"]
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=lab.PATIENCE_S)
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    def test_a_phone_outside_needs_nothing_of_the_inside(self):
        # One address to know, one sign-in, then everything by the edge: no port of the node is asked.
        phone = self.node.softphone("all-outside")
        edge = f"localhost:{self.outer.ports['https']}"
        done = phone.call("login", "--edge", edge, "--device", "CSFrado", "--ca", self.outer.ca, "--user", "rado",
                          "--password-file", self.lab.secret_file(lab.PASSWORD))
        self.assertEqual(0, done.returncode, done.stderr)
        config = f"https://localhost:{self.node.ports['config_https']}/CSFrado.cnf.xml"
        run = self.lab.run_program(phone.command("run", "--edge", edge, "--config-url", config, "--once-registered"))
        self.assertEqual(0, run.wait(), run.log.text())
        run.wait_line(r"registered 1010 at localhost by the edge localhost")
        self.assertEqual(0, phone.call("logout", "--edge", edge).returncode)
        self.inner.program.log.wait(r"event=portal\.served method=POST path=\S+/ssosp/oauth/revoke status=200")
        self.assertNotIn("Bearer", self.inner.program.log.text() + self.outer.program.log.text())

    def test_the_allow_list_is_all_there_is_reached(self):
        token = self.tokens["CSFrado"]
        https, config = self.node.ports["https"], self.node.ports["config_https"]
        domain = base64.urlsafe_b64encode(b"localhost").decode().rstrip("=")
        self.assertEqual(200, self.ask(f"/{domain}/get_edge_sso?email=rado@localhost")[0])
        self.assertEqual(401, self.ask(f"/{domain}/get_edge_config?service_name=_cisco-uds")[0])
        status, body = self.ask(f"/{domain}/get_edge_config?service_name=_cisco-uds", token)
        self.assertEqual(200, status)
        self.assertIn(f"<tlsPort>{self.outer.ports['sip']}</tlsPort>", body)
        self.assertEqual(200, self.ask(f"/{self.place(https)}/.well-known/oauth-authorization-server")[0])
        self.assertEqual(401, self.ask(f"/{self.place(config)}/CSFrado.cnf.xml")[0])
        self.assertEqual(200, self.ask(f"/{self.place(config)}/CSFrado.cnf.xml", token)[0])
        self.assertEqual(404, self.ask(f"/{self.place(config)}/CSFanna.cnf.xml", token)[0])  # another's: the node says so
        for path in ("/", "/nothing", "/api/v1/users", f"/{self.place(https)}/api/v1/users", f"/{self.place(https)}/axl/",
                     f"/{self.place(https)}/ssosp/../api/v1/users", f"/{self.place(https)}/ssosp/%2e%2e/api/v1/users",
                     f"/{self.place(22)}/ssosp/x", f"/{self.place(https, '127.0.0.1')}/ssosp/oauth/authorize",
                     f"/{self.place(self.inner_port())}/ssosp/x", f"/{self.place(https)}/openapi.json", f"/{domain}/other"):
            for method in ("GET", "POST", "PUT", "DELETE"):
                with self.subTest(path=path, method=method):
                    self.assertIn(self.ask(path, token, method)[0], (400, 404))  # 400: no path at all
        self.assertNotRegex(self.node.program.log.text(), r"site=https .*target=/(api|axl/users|openapi)")

    def inner_port(self):
        return self.outer.ports["tunnel"]

    def test_a_manual_rule_opens_one_place_rule(self):
        path = f"/{self.place(self.node.ports['https'])}/health/live"
        token = self.tokens["CSFrado"]
        self.assertEqual(404, self.ask(path, token)[0])
        self.inner.cli("allow", "add", "health", "--url", f"https://localhost:{self.node.ports['https']}/health/", "--is-prefix",
                       "yes", "--methods", "GET")
        self.assertNotEqual(404, self.ask(path, None)[0])
        self.assertEqual(401, self.ask(path)[0])

    def test_without_an_inner_edge_it_says_so_at_once_alone(self):
        alone = edges.Outer(self.lab, "exp-z").start().set_up()
        done = subprocess.run(["curl", "-sS", "--cacert", alone.ca, "-w", "%{http_code}",
                               f"https://localhost:{alone.ports['https']}/bG9jYWxob3N0/get_edge_sso"],
                              capture_output=True, text=True, check=True, timeout=lab.PATIENCE_S)
        self.assertIn("No inner edge is connected", done.stdout)
        self.assertTrue(done.stdout.endswith("503"))


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
        nobody = calling.Agent(self.outside("CSFanna", register=False))
        for method in methods:
            for headers in forged:
                with self.subTest(method=method, headers=headers):
                    nobody.request(method, "sip:1012@localhost", headers=headers)
                    self.assertIn(nobody.connection.receive().status, (400, 401, 403, 407))
        # ACK and CANCEL of nobody are not even answered; another phone's answer is taken from nobody.
        nobody.request("ACK", "sip:1012@localhost")
        nobody.request("CANCEL", "sip:1012@localhost")
        nobody.answer(shown, 200, "OK")
        nobody.request("OPTIONS", "sip:localhost")
        self.assertIn(nobody.connection.receive().status, (401, 407))
        self.assertEqual(carried, self.counter(self.inner, "messages.carried"))
        ivan.expect_nothing()


if __name__ == "__main__":
    lab.main()
