"""The edge pair: phones outside sign in, register and call through it, with sound."""
# suite: threads
import base64
import os
import os
import subprocess

import calling
import edges
import lab
import sounds
from pairs import Pair


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

    def test_an_edge_that_is_down_at_the_start_is_tried_on(self):
        phone, edge = self.node.softphone("patient"), f"localhost:{self.outer.ports['https']}"
        config = f"https://localhost:{self.node.ports['config_https']}/CSFanna.cnf.xml"
        words = ("run", "--edge", edge, "--config-url", config)
        done = phone.call("login", "--edge", edge, "--device", "CSFanna", "--ca", self.outer.ca, "--user", "anna",
                          "--password-file", self.lab.secret_file(lab.PASSWORD))
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(0, self.lab.run_program(phone.command(*words, "--once-registered")).wait())
        self.outer.kill()
        run = self.lab.run_program(phone.command(*words))
        run.wait_line("using the copy of the configuration")
        run.wait_line("localhost:5061")  # where an edge takes SIP, usually
        self.assertIsNone(run.process.poll())
        run.process.terminate()
        run.wait()
        self.outer.start()
        self.inner.wait_zone("Link-exp-e", "Active")

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


if __name__ == "__main__":
    lab.main()
