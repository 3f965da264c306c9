"""The admin CLI at a live node: the source document's commands letter by letter, what it refuses and
how, and ten thousand rows at once."""
import json
import os
import pty
import re
import select
import socket
import time
import unittest

import lab
import ports

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class Shell:
    """The interactive shell at a terminal of its own."""

    def __init__(self, node):
        self.seen = ""
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.execve(lab.BEARLINE, [lab.BEARLINE, "--socket", node.control],
                      lab.environment(TERM="dumb", HOME=node.folder))
        self.pid = pid
        self.wait("admin:")

    def type(self, line):
        self.seen = ""
        os.write(self.terminal, line.encode() + b"\r")

    def wait(self, text):
        until = time.monotonic() + lab.PATIENCE_S
        while text not in self.seen:
            ready, _, _ = select.select([self.terminal], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise AssertionError(f"the shell never showed {text!r}, but {self.seen!r}")
            self.seen += os.read(self.terminal, 4096).decode("utf-8", "replace")

    def end(self):
        """Its exit status after "quit"."""
        os.write(self.terminal, b"quit\r")
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.terminal)
        return status


class Commands(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.lab.node().oauth_ready()
        cls.node.add_user("boss", lab.PASSWORD, "--role", "administrator")

    def refused(self, *words, code=1, stdin=None):
        done = self.node.cli(*words, check=False, stdin=stdin)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_the_mode_is_read_by_sql_as_in_the_source_document(self):
        said = self.node.cli("run", "sql",
                             "select paramvalue FROM processconfig WHERE paramname = 'ClusterSIPOAuthMode'").stdout
        self.assertEqual(["paramvalue", "=====", "1"], said.split("\n")[:3])

    def test_edges_are_read_by_sql_as_in_the_source_document(self):
        names = "domain-2.com,secure-phone-profile,domain-1.com,exp-c.domain-1.com"
        self.node.cli("edge", "add", "exp-c", "--description", "this is added through axl", "--names", names)
        lines = self.node.cli("run", "sql", "select * from expresswaycconfiguration").stdout.split("\n")
        self.assertEqual("pkid hostnameorip description x509subjectnameoraltname".split(), lines[0].split())
        self.assertEqual("=====", lines[1])
        self.assertRegex(lines[2], rf"^{UUID} exp-c +this is added through axl +{re.escape(names)}$")

    def test_open_ports_are_listed_as_in_the_source_document(self):
        for port in ("oauth", "mra"):
            said = self.node.cli("show", "open", "ports", "regexp", str(self.node.ports[port])).stdout
            self.assertTrue(said.startswith("\nExecuting.. please wait.\n"), said)
            self.assertRegex(said, rf"\nbearlined +{self.node.program.process.pid} +\S+ +\d+u +IPv4 +\d+ +0t0  TCP "
                                   rf"127\.0\.0\.1:{self.node.ports[port]} \(LISTEN\)\n")
            self.assertEqual(3, said.count("\n"), "one line for one port, however many workers")

    def test_sql_only_reads(self):
        for statement in ("delete from processconfig", "update processconfig set paramvalue = '0'",
                          "drop table processconfig", "select * from cfg_user", "pragma writable_schema = 1",
                          "select * from processconfig; delete from processconfig", "attach database '/tmp/x' as x"):
            with self.subTest(statement):
                self.refused("run", "sql", statement)
        self.assertIn("\n1\n", self.node.cli("run", "sql", "select paramvalue from processconfig "
                                             "where paramname = 'ClusterSIPOAuthMode'").stdout)

    def test_a_port_that_cannot_be_is_refused_with_the_reason_and_nothing_changes(self):
        with socket.socket() as holder:
            taken = ports.take()
            holder.bind(("127.0.0.1", taken))
            holder.listen()
            for port, words in ((80, "1024 to 49151"), (50000, "1024 to 49151"), ("x", "number"),
                                (self.node.ports["sip"], f"both be {self.node.ports['sip']}"),
                                (taken, rf"{taken} is held by python\S* \(process {os.getpid()}\)")):
                with self.subTest(words):
                    self.assertRegex(self.refused("node", "update", "ucm1", "--sip-oauth-port", str(port)), words)
        self.node.sip_tls().close()  # still where it was

    def test_every_spelling_of_the_edge_port_is_understood(self):
        port = ports.take()
        for option in ("--sip-oauth-mra-port", "--sipOAuthMRAPort", "--sipMRAOAuthPort"):
            self.node.cli("node", "update", "ucm1", option, str(port))
            self.assertIn(str(port), self.node.cli("node", "show", "ucm1").stdout)
            self.node.cli("node", "update", "ucm1", option, str(self.node.ports["mra"]))

    def test_oauth_excludes_digest_and_encrypted_configuration_both_ways(self):
        base = ["--security", "encrypted", "--transport", "tls"]
        for option, words in (("--digest", "digest"), ("--tftp-encrypted", "(?i)tftp encrypted")):
            with self.subTest(option):
                self.assertRegex(self.refused("profile", "add", "both", *base, "--oauth", "on", option, "on"), words)
                self.assertRegex(self.refused("profile", "update", lab.PROFILE, option, "on"), words)
                self.node.cli("profile", "add", "without", *base, option, "on")
                self.assertRegex(self.refused("profile", "update", "without", "--oauth", "on"), words)
                self.node.cli("profile", "remove", "without", "--yes")
        self.assertRegex(self.refused("profile", "add", "both", "--oauth", "on"), "(?i)TLS|encrypted")

    def test_what_does_not_fit_is_said_in_a_sentence(self):
        for words, code, said in (
                (("frobnicate",), 2, "frobnicate"),
                (("user", "add", "x", "--password", "secret"), 2, "--password-file"),
                (("device", "add", "CSFx", "--owner", "nobody"), 1, "nobody"),
                (("device", "add", "CSFx", "--line", "4711"), 1, "4711"),
                (("device", "add", "much-too-long-a-name"), 1, "15"),
                (("device", "show", "CSFnobody"), 4, "CSFnobody"),
                (("user", "add", "rado"), 1, "rado"),
                (("profile", "remove", lab.PROFILE), 1, "CSFrado"),
                (("param", "update", "OAuthAccessTokenExpiry", "1441"), 1, "1 to 1440"),
                (("param", "update", "NoSuchParameter", "1"), 4, "NoSuchParameter"),
                (("issuer", "add", "https://i", "--audience", "sip", "--jwks", "x"), 1, "JSON Web Key Set"),
                (("import", "/no/such.csv"), 1, "/no/such.csv")):
            with self.subTest(" ".join(words)):
                self.assertIn(said, self.refused(*words, code=code, stdin=""))

    def test_the_prerequisites_are_named_before_the_mode_is_enabled(self):
        node = self.lab.node("fresh")
        done = node.cli("utils", "sipOAuth-mode", "enable", check=False)
        self.assertEqual(1, done.returncode)
        for line in (r"FAIL +OAuth with Refresh Login Flow", r"ok +Certificate tomcat of fresh",
                     r"ok +SIP Phone OAuth Port of fresh", r"FAIL +Profile with OAuth",
                     r"ok +Export-control licence: not needed"):
            self.assertRegex(done.stdout + done.stderr, line)
        node.set_param("OAuthRefreshLoginFlow", 1)
        node.add_oauth_profile()
        said = node.enable().stdout
        self.assertTrue(said.startswith("SIP OAuth mode enabled.\n"), said)
        self.assertIn(f"ports {node.ports['oauth']} and {node.ports['mra']} are open now on fresh", said)
        said = node.cli("utils", "sip-oauth", "disable").stdout
        self.assertTrue(said.startswith("SIP OAuth mode disabled.\n"), said)

    def test_a_script_on_standard_input_runs_line_by_line(self):
        done = self.node.cli(stdin="line add 1901 --display \"Eva at 1901\"\nline show 1901\n\n# a comment\nquit\n")
        self.assertIn("Eva at 1901", done.stdout)
        done = self.node.cli(stdin="line add 1901\nline add 1902\n", check=False)
        self.assertNotEqual(0, done.returncode)
        self.node.cli("line", "show", "1902")

    def test_a_removal_says_what_goes_with_it_and_needs_a_yes(self):
        self.node.add_user("gone")
        self.node.add_line("1960")
        self.node.add_device("CSFgone", "gone", "1960")
        said = self.refused("user", "remove", "gone", stdin="yes\n")  # nobody is there: no answer is read
        self.assertIn("device CSFgone loses its owner and can no longer sign in", said)
        self.assertIn("--yes", said)
        shell = Shell(self.node)
        shell.type("user remove gone")
        shell.wait("(yes/no)? ")
        shell.type("no")
        shell.wait("Nothing was changed.")
        shell.type("user remove gone")
        shell.wait("(yes/no)? ")
        shell.type("yes")
        shell.wait("user gone removed.")
        self.assertEqual(1, shell.end())  # the refusal in between
        self.assertEqual(4, self.node.cli("user", "show", "gone", check=False).returncode)

    def test_common_options_may_stand_anywhere_and_unknown_ones_are_named(self):
        for words in (("show", "registrations", "--json"), ("show", "--json", "registrations"), ("--json", "user", "list"),
                      ("user", "list", "-j")):
            with self.subTest(" ".join(words)):
                self.assertIsInstance(json.loads(self.node.cli(*words).stdout), list)
        self.assertIn("--full", self.refused("show", "registrations", "--full", code=2))

    def test_sql_that_changes_names_the_command_that_does(self):
        self.assertIn("device remove", self.refused("run", "sql", "delete from device"))
        self.assertIn("param update", self.refused("run", "sql", "update processconfig set paramvalue = '0'"))

    def test_no_node_is_a_sentence_and_its_code(self):
        done = self.node.cli("--socket", "/no/such/socket", "status", check=False)
        self.assertEqual(3, done.returncode)
        self.assertIn("/no/such/socket", done.stderr)

    def test_the_operator_api_asks_who_it_is_over_https(self):
        def ask(user=None, password=None):
            headers = {"Authorization": "Basic " + lab.base64.b64encode(f"{user}:{password}".encode()).decode()}
            return self.node.http("GET", "/api/v1/devices", headers=headers if user else {})
        self.assertEqual(401, ask().status)
        self.assertEqual(401, ask("boss", "wrong").status)
        self.assertEqual(401, ask("rado", lab.PASSWORD).status)  # no administrator: no word about the password
        reply = ask("boss", lab.PASSWORD)
        self.assertEqual(200, reply.status)
        self.assertIn("CSFrado", json.dumps(json.loads(reply.body)))

    def test_changes_leave_their_trace_in_the_audit(self):
        self.node.cli("line", "add", "1950", "--description", "audited")
        said = self.node.cli("show", "audit").stdout
        self.assertRegex(said, r"add +line +1950 +ok")
        self.assertNotIn(lab.PASSWORD, said)


class Import(lab.Scenario):
    ROWS = 10000 // lab.PATIENCE

    def file(self, name, rows):
        path = os.path.join(self.lab.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write("kind,user,first_name,device,line,profile,description\n")
            f.write("".join(rows))
        return path

    def test_ten_thousand_rows_are_applied_together_or_not_at_all(self):
        node = self.lab.node().oauth_ready()
        rows = [f'device,u{i},"Name ""{i}"", Jr.",CSF{i},7{i:05},"{lab.PROFILE}",imported\n' for i in range(self.ROWS)]
        bad = list(rows)
        bad[41] = f'device,u41,Name41,much-too-long-a-device-name,700041,"{lab.PROFILE}",x\n'
        bad[76] = 'device,u76,Name76,CSF76,700076,no such profile,x\n'
        refused = node.cli("import", self.file("bad.csv", bad), check=False)
        said = refused.stdout + refused.stderr
        self.assertEqual(1, refused.returncode, said)
        self.assertRegex(said, r"row 43, device: name has 27 bytes")  # numbered as in the file, its first row the names
        self.assertRegex(said, r"row 78, device: .*no such profile")
        self.assertEqual(4, node.cli("device", "show", "CSF5", check=False).returncode)

        good = self.file("good.csv", rows)
        node.cli("import", good, "--dry-run")
        self.assertEqual(4, node.cli("device", "show", "CSF5", check=False).returncode)
        start = time.monotonic()
        said = node.cli("import", good).stdout
        took_s = time.monotonic() - start
        self.assertIn(str(self.ROWS), said.replace(",", ""))
        self.assertLess(took_s, 60 * lab.PATIENCE)
        self.assertIn(f"u{self.ROWS - 1}", node.cli("device", "show", f"CSF{self.ROWS - 1}").stdout)
        # and it is what phones see:
        reply = node.http("GET", f"/CSF{self.ROWS - 1}.cnf.xml", port="config_http", plain=True)
        self.assertEqual(200, reply.status)
        said = node.cli("import", self.file("skip.csv", bad[:100]), "--skip-bad").stdout
        self.assertIn("100 rows read, 2 of them bad", said)


if __name__ == "__main__":
    unittest.main()
