"""The main job with the real softphone: sign in, fetch the configuration, register over TLS with the
token, stay registered, renew, unregister; and what it says when something is in the way."""
# suite: threads
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
import unittest

import lab
import pki
import ports


class MainJob(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.lab.node().oauth_ready(users=["rado", "anna"], devices={
            "CSFrado": "rado", "CSFanna": "anna", "CSFmany": "rado"})

    def signed_in(self, user="rado", device="CSFrado"):
        phone = self.node.softphone(self._testMethodName[-40:])
        done = phone.login(user, device=device)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return phone

    def test_the_main_job_from_sign_in_to_unregistering(self):
        phone = self.signed_in()
        run = phone.run("--trace")
        run.wait_line(r"registered 1010 at localhost \(TLSv1\.3\) for 120 s, next refresh in 115 s")
        rows = self.node.registrations("CSFrado")
        self.assertEqual(1, len(rows))
        self.assertEqual("rado", rows[0]["user"])

        ladder = self.node.cli("trace", "CSFrado").stdout
        steps = re.findall(r"\|(?:--|<-) (REGISTER|407|200)", ladder)
        self.assertEqual(["REGISTER", "407", "REGISTER", "200"], steps[-4:], ladder)
        self.assertIn('Proxy-Authenticate: Bearer realm="ccmsipline"', ladder)
        self.assertIn('Proxy-Authorization: Bearer token="<masked', ladder)

        status = phone.call("status")
        self.assertEqual(0, status.returncode, status.stdout)
        self.assertIn("CSFrado", status.stdout)

        run.process.send_signal(signal.SIGTERM)
        self.assertEqual(0, run.wait())
        self.assertEqual([], self.node.registrations("CSFrado"))
        self.assertEqual(3, phone.call("status").returncode)
        text = run.log.text()
        session = self.session(phone)
        for secret in (session["access"], session["refresh"]):
            self.assertNotIn(secret[:24], text)
            self.assertNotIn(secret[:24], self.node.log.text())

    def session(self, phone):
        with open(os.path.join(phone.state, "session.json"), encoding="utf-8") as f:
            return json.load(f)

    def test_the_state_is_private(self):
        phone = self.signed_in()
        self.assertEqual(0o700, stat.S_IMODE(os.stat(phone.state).st_mode))
        for name in os.listdir(phone.state):
            self.assertEqual(0o600, stat.S_IMODE(os.stat(os.path.join(phone.state, name)).st_mode), name)

    def test_the_standard_dialect_registers_too(self):
        phone = self.signed_in()
        done = phone.run("--dialect", "standard", "--once-registered", "--trace")
        self.assertEqual(0, done.wait(), done.log.text())
        self.assertIn('WWW-Authenticate: Bearer realm="ccmsipline", scope="sip"', done.log.text())

    def test_a_device_registers_all_its_lines_with_one_request(self):
        for number in ("1081", "1082"):
            self.node.add_line(number)
        self.node.cli("device", "update", "CSFmany", "--line", f"{self.node.lines['CSFmany']} 1081 1082")
        run = self.signed_in(device="CSFmany").run(device="CSFmany")
        run.wait_line("registered ")
        lines = {row["line"] for row in self.node.registrations("CSFmany")}
        self.assertEqual({self.node.lines["CSFmany"], "1081", "1082"}, lines)
        self.assertEqual(0, run.stop())
        self.assertEqual([], self.node.registrations("CSFmany"))

    def test_a_phone_over_https_configuration(self):
        phone = self.signed_in()
        url = f"https://localhost:{self.node.ports['config_https']}/CSFrado.cnf.xml"
        run = self.lab.run_program(phone.command("run", "--config-https", "--config-url", url, "--once-registered"))
        self.assertEqual(0, run.wait(), run.log.text())

    def test_a_second_phone_of_the_same_name_takes_over(self):
        first, second = self.signed_in("anna", "CSFanna"), self.node.softphone("second")
        self.assertEqual(0, second.login("anna", device="CSFanna").returncode)
        one = first.run(device="CSFanna")
        one.wait_line("registered ")
        two = second.run(device="CSFanna")
        two.wait_line("registered ")
        self.assertEqual(44, one.wait())
        self.assertIn("CSFanna", one.log.lines[-1])
        self.assertEqual(1, len(self.node.registrations("CSFanna")))
        self.assertEqual(0, two.stop())

    def test_a_port_mismatch_is_told_with_its_warning_and_cured(self):
        phone = self.signed_in()
        self.node.cli("profile", "add", "plain oauth-less", "--security", "encrypted", "--transport", "tls")
        with open(os.path.join(self.lab.folder, "stale.xml"), "wb") as f:  # as a phone that did not fetch anew
            f.write(self.node.http("GET", "/CSFrado.cnf.xml", port="config_http", plain=True).body)
        self.node.cli("device", "update", "CSFrado", "--profile", "plain oauth-less")
        stale = self.lab.run_program([sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1",
                                      "--directory", self.lab.folder, str(port := ports.take())])
        stale.wait_line("Serving HTTP")
        run = self.lab.run_program(phone.command("run", "--config-url", f"http://127.0.0.1:{port}/stale.xml"))
        self.assertEqual(40, run.wait(), run.log.text())
        self.assertIn("SIP OAuth Registration port Mismatch", run.log.text())
        found = self.node.cli("diagnose", "CSFrado", check=False).stdout
        self.assertIn("OAuth", found)
        self.node.cli("device", "update", "CSFrado", "--profile", lab.PROFILE)
        run = phone.run("--once-registered")
        self.assertEqual(0, run.wait(), run.log.text())
        stale.kill()

    def test_a_token_is_renewed_before_it_ends(self):
        self.node.set_param("OAuthAccessTokenExpiry", 1)
        try:
            phone = self.signed_in()
        finally:
            self.node.set_param("OAuthAccessTokenExpiry", 60)
        path = os.path.join(phone.state, "session.json")
        session = self.session(phone)
        for name in ("access_from", "access_until"):  # as if 50 of its 60 seconds were over
            session[name] -= 50
        with open(path, "w", encoding="utf-8") as f:
            json.dump(session, f)
        mark = self.node.log.mark()
        run = phone.run()
        run.wait_line("registered ")
        self.node.wait_line("event=token.refreshed|event=token.renewed|event=token.issued", mark)
        lab.wait_until(lambda: self.session(phone)["refresh"] != session["refresh"])
        self.assertEqual(0, run.stop())

    def test_a_node_that_comes_back_is_found_again(self):
        node = self.lab.node("ucm-back").oauth_ready()
        phone = node.softphone()
        self.assertEqual(0, phone.login().returncode)
        run = phone.run("--backoff", "1")
        run.wait_line("registered ")
        mark = run.log.mark()
        node.kill()
        run.wait_line("lost|closed|ended|refused", mark)
        node.start()
        run.wait_line(r" registered ", mark, patience_s=lab.PATIENCE_S * 2)
        self.assertEqual(1, len(node.registrations("CSFrado")))
        self.assertEqual(0, run.stop())

    def test_signing_out_ends_the_grant_and_the_files(self):
        phone = self.signed_in()
        token = self.session(phone)["refresh"]
        self.assertEqual(0, phone.call("logout").returncode)
        self.assertEqual("invalid_grant", self.node.token_request(
            grant_type="refresh_token", refresh_token=token)[1]["error"])
        self.assertFalse(os.path.exists(os.path.join(phone.state, "session.json")))
        self.assertEqual(10, phone.call("run").returncode)

    def test_what_is_in_the_way_is_a_sentence_and_an_exit_code(self):
        phone = self.node.softphone("in-the-way")
        stranger = pki.Authority(self.lab.folder, "Not Our CA").cert
        closed = ports.take()
        for done, code, words in (
                (phone.login(password="wrong"), 12, "password"),
                (phone.login(ca=stranger), 23, "(?i)trust"),
                (phone.login(ca="/no/such/ca.pem"), 27, "/no/such/ca.pem"),
                (phone.login(server=f"https://127.0.0.2:{self.node.ports['https']}"), 21, "127.0.0.2"),
                (phone.login(server=f"https://localhost:{closed}"), 21, str(closed)),
                (phone.login(server="https://no-such-host.invalid"), 20, "no-such-host.invalid"),
                (phone.call("login", "--server"), 2, "."),
                (phone.call("frobnicate"), 2, "frobnicate"),
                (phone.call("run"), 10, "bearline-phone login")):
            with self.subTest(words):
                self.assertEqual(code, done.returncode, done.stdout + done.stderr)
                self.assertRegex(done.stderr, words)

    def test_on_the_line_too(self):
        phone = self.signed_in("anna", "CSFrado")  # a good sign-in, but rado's device
        run = phone.run()
        self.assertEqual(40, run.wait(), run.log.text())
        self.assertIn("Token user does not own device", run.log.text())
        run = self.lab.run_program(phone.command("run", "--config-url", self.node.config_url_of("CSFnobody")))
        self.assertEqual(30, run.wait(), run.log.text())

    def test_a_revoked_sign_in_says_to_sign_in_again(self):
        phone = self.signed_in()
        run = phone.run()
        run.wait_line("registered ")
        self.node.cli("grant", "revoke", "--user", "rado", "--device", "CSFrado", stdin="yes\n", check=False)
        self.assertEqual(11, run.wait(), run.log.text())
        self.assertIn("bearline-phone login", run.log.text())


class WrongName(lab.Scenario):
    def test_a_certificate_for_another_name_is_told(self):
        node = self.lab.node(host="ucm1.example.com").oauth_ready()
        done = node.softphone().login()  # dials localhost
        self.assertEqual(24, done.returncode, done.stderr)
        self.assertIn("localhost", done.stderr)

    def test_a_certificate_that_phones_would_refuse_is_not_taken(self):
        node = self.lab.node("ucm2").oauth_ready()
        ca = pki.Authority(self.lab.folder, "Other CA")
        cert, key = ca.issue("elsewhere.example.com", ["elsewhere.example.com"], rsa=True)
        done = node.cli("set", "cert", "import", "own", "tomcat", cert, key, check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("does not carry the host name", done.stderr)
        for unit, rsa in (("tomcat", True), ("tomcat-ECDSA", False)):
            node.cli("set", "cert", "import", "own", unit, *ca.issue("localhost", ["localhost"], rsa=rsa))
        phone = node.softphone()
        lab.wait_until(lambda: phone.login(ca=ca.cert).returncode == 0)
        run = phone.run("--once-registered")
        self.assertEqual(0, run.wait(), run.log.text())


class Demo(lab.Scenario):
    def test_the_demonstration_shows_the_main_job(self):
        start = time.monotonic()
        done = subprocess.run([sys.executable, os.path.join(lab.ROOT, "tools", "demo.py"), "--once", "--build",
                               lab.BUILD], capture_output=True, text=True, check=False,
                              timeout=100 * lab.PATIENCE, env=lab.environment(BEARLINE_PATIENCE=str(lab.PATIENCE)))
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertLess(time.monotonic() - start, 100 * lab.PATIENCE)
        for words in (r"407 Proxy Authentication Required", r'Bearer realm="ccmsipline"', r"200 OK",
                      r"paramvalue\n.*=====\n.*1\n", r"TCP 127\.0\.0\.1:\d+ \(LISTEN\)", r"SIP OAuth mode enabled\.",
                      r"SIP OAuth Registration port Mismatch", r"pkid +hostnameorip"):
            self.assertRegex(done.stdout, words)


if __name__ == "__main__":
    unittest.main()
