"""What goes wrong, as the people concerned read it: a sentence that says what to do, and an exit code."""
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import time
import unittest

import lab
import pki

NOBODY = 65534


class Start(lab.Scenario):
    def fails(self, node, **more):
        """Starts it in vain; (status, lines it said)."""
        program = self.lab.run_program(node.command(), **more)
        program.may_fail = True
        status = program.wait()
        return status, program.log.text().splitlines()

    def test_a_port_in_use_is_no_readiness(self):
        node = self.lab.node("ports", start=False)
        port = node.ports["config_http"]
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", port))
            other.listen()
            node.start("degraded")
            cure = "bearline node update ports --config-http-port PORT"
            self.assertIn(cure, node.wait_line("event=listener.failed"))
            self.assertIn(f"device configuration HTTP 127.0.0.1:{port}", node.wait_line("event=node.degraded"))
            self.assertFalse(node.log.find("event=node.ready"))
            for command in ("status", "diagnose"):
                done = node.cli(command, check=False)
                self.assertEqual(1, done.returncode, done.stdout)
                self.assertRegex(done.stdout, f"FAIL  Port: device configuration HTTP 127.0.0.1:{port} is not open: "
                                 f"Port {port} is in use by .*\n.*{cure}")
            self.assertEqual(1, node.cli("--json", "status", check=False).returncode)
        node.wait_line("event=node.ready")
        self.assertEqual(0, node.cli("status").returncode)

    def test_a_control_socket_in_use_is_one_sentence(self):
        first, second = self.lab.node("control"), self.lab.node("control-too", start=False)
        second.control = first.control
        status, said = self.fails(second)
        self.assertEqual(4, status)
        complaints = [line for line in said if line.startswith("bearlined: ")]
        self.assertEqual(1, len(complaints), said)
        self.assertRegex(complaints[0], f"{first.control} is in use: another daemon .* --control")
        self.assertEqual(0, first.cli("status").returncode)

    def test_a_control_socket_in_no_folder_makes_none(self):
        node = self.lab.node("nowhere", start=False)
        node.control = os.path.join(self.lab.folder, "nonexist", "x.sock")
        status, said = self.fails(node)
        self.assertEqual(4, status)
        self.assertRegex(said[-1], "^bearlined: The folder .*/nonexist of the control socket cannot be used: "
                         "No such file or directory. Make it, or choose another socket with --control")
        self.assertFalse(os.path.exists(os.path.dirname(node.control)))
        self.assertFalse(os.path.exists(node.data))  # nor half of a first start

    @unittest.skipUnless(os.getuid() == 0, "only root can be somebody else")
    def test_a_data_folder_that_may_not_be_written_is_named(self):
        said = self.as_nobody("theirs", 0, 0o755)
        self.assertRegex(said, "belongs to someone else: chown it|change its owner or run as the user")
        said = self.as_nobody("closed", NOBODY, 0o500)
        self.assertRegex(said, "no right to write")

    def as_nobody(self, name, owner, mode):
        """The last line of a node that has to do with this data folder."""
        node = self.lab.node(name, start=False)
        os.mkdir(node.data, mode)
        os.chown(node.data, owner, owner)
        program = os.path.join(node.folder, "bearlined")
        shutil.copy(lab.BEARLINED, program)  # the build folder may be closed to others
        command = [program] + node.command()[1:]
        done = subprocess.run(command, user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True,
                              check=False, timeout=lab.PATIENCE_S, env=lab.environment())
        self.assertEqual(3, done.returncode, done.stderr)
        self.assertRegex(done.stderr.splitlines()[-1], f"^bearlined: .*{node.data}")
        return done.stderr.splitlines()[-1]


class People(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.lab.node().oauth_ready(
            users=["rado", "anna", "eva"], devices={"CSFrado": "rado", "CSFanna": "anna", "CSFeva": "eva"})

    def registered(self, user):
        phone = self.node.softphone(user)
        self.assertEqual(0, phone.login(user, device=f"CSF{user}").returncode)
        run = phone.run(device=f"CSF{user}")
        run.wait_line(" registered ")
        return run

    def failed_steps(self, device):
        done = self.node.cli("--json", "diagnose", device, check=False)
        self.assertEqual(1, done.returncode)
        return [step for step in json.loads(done.stdout)["steps"] if not step["ok"]]

    def test_a_disabled_device(self):
        run = self.registered("rado")
        self.node.cli("device", "update", "CSFrado", "--enabled", "no")
        self.assertIn(run.wait(), (30, 40), run.log.text())
        self.assertRegex(run.log.text(), "bearline device update DEVICE --enabled yes|bearline diagnose CSFrado")
        steps = self.failed_steps("CSFrado")
        self.assertEqual(["Device"], [step["name"] for step in steps], steps)
        self.assertIn("device update CSFrado --enabled yes", steps[0]["fix"])

    def test_a_disabled_user(self):
        run = self.registered("anna")
        self.node.cli("user", "update", "anna", "--active", "no")
        self.assertIn(run.wait(), (11, 40), run.log.text())
        self.assertRegex(run.log.text(), "the user is disabled: ask the administrator|activate the user")
        steps = self.failed_steps("CSFanna")
        self.assertEqual(["Owner"], [step["name"] for step in steps], steps)
        self.assertIn("user update anna --active yes", steps[0]["fix"])

    def test_a_removed_user(self):
        run = self.registered("eva")
        self.node.cli("device", "update", "CSFeva", "--owner", "rado")
        self.node.cli("user", "remove", "eva", "--yes")
        self.assertIn(run.wait(), (11, 40), run.log.text())
        self.assertRegex(run.log.text(), "the user was removed: ask the administrator|own device|activate the user")


class Time(lab.Scenario):
    """Tokens that end: the access token by its minute, the refresh token as if its days were over."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.lab.node().oauth_ready()
        cls.node.set_param("OAuthAccessTokenExpiry", 1)
        cls.node.set_param("OAuthTokenLeeway", 0)
        cls.phone = cls.node.softphone()
        assert cls.phone.login().returncode == 0
        cls.until = cls.session()["access_until"]

    @classmethod
    def session(cls, **change):
        path = os.path.join(cls.phone.state, "session.json")
        with open(path, encoding="utf-8") as f:
            session = json.load(f) | change
        if change:
            with open(path, "w", encoding="utf-8") as f:
                json.dump(session, f)
        return session

    def register(self):
        """Runs it until it is registered or gives up; (exit status, what it said)."""
        run = self.phone.run("--once-registered")
        return run.wait(), run.log.text()

    def test_an_access_token_and_then_a_refresh_token_that_are_over(self):
        stale = self.session()["access"]
        lab.wait_until(lambda: time.time() > self.until + 1, patience_s=90)
        # The phone takes its token for good, and hears from the server that it is over.
        self.session(access_from=int(time.time()), access_until=int(time.time()) + 3600)
        self.assertEqual((0, stale), (0, self.session()["access"]))
        mark = self.node.log.mark()
        status, said = self.register()
        self.assertEqual(0, status, said)
        self.node.wait_line("event=line.challenged .*why=bad-token detail=expired", mark)
        self.assertNotEqual(stale, self.session()["access"])
        # It knows that its token is over: a new one comes first.
        self.session(access=stale, access_from=1, access_until=2)
        mark = self.node.log.mark()
        status, said = self.register()
        self.assertEqual(0, status, said)
        self.assertFalse(self.node.log.find("why=bad-token", mark))
        # Months later: the refresh token is over, too.
        self.session(access=stale, access_from=1, access_until=2)
        self.node.stop()
        with sqlite3.connect(os.path.join(self.node.data, "bearline.db")) as db:
            db.execute("UPDATE tok_refresh SET expires_s = 2")
            db.execute("UPDATE tok_grant SET expires_s = 2")
        db.close()
        self.node.start()
        status, said = self.register()
        self.assertEqual(11, status, said)
        self.assertRegex(said, "the refresh token has expired.*bearline-phone login --server .* --device CSFrado "
                         f"--state {self.phone.state}")
        self.assertEqual(0, self.phone.login().returncode)
        status, said = self.register()
        self.assertEqual(0, status, said)


class WrongName(lab.Scenario):
    def test_a_certificate_that_does_not_name_the_server_on_the_line(self):
        node = self.lab.node().oauth_ready()
        ca = pki.Authority(self.lab.folder, "Other CA")
        for unit, rsa in (("tomcat", True), ("tomcat-ECDSA", False)):
            node.cli("set", "cert", "import", "own", unit, *ca.issue("localhost", ["localhost"], rsa=rsa))
        phone = node.softphone()
        lab.wait_until(lambda: phone.login(ca=ca.cert).returncode == 0)
        node.cli("node", "update", "ucm1", "--host", "127.0.0.1")  # phones are sent there now
        run = phone.run()
        self.assertEqual(24, run.wait(), run.log.text())
        self.assertRegex(run.log.text(), "127.0.0.1.*localhost")
        self.assertIn("correct one of them", run.log.text())


class Login(lab.Scenario):
    def test_the_next_command_names_the_folder(self):
        phone = self.lab.node().oauth_ready().softphone("there")
        said = phone.login().stderr
        self.assertRegex(said, f"Next: bearline-phone run --state {phone.state}\n")
        self.assertEqual(0, phone.call("logout").returncode)
        self.assertRegex(phone.call("run").stderr, f"bearline-phone login .*--state {phone.state}")


if __name__ == "__main__":
    unittest.main()
