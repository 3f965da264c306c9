"""What a newcomer sees first: the demonstration runs to its end and shows what it promises."""
import contextlib
import importlib.util
import io
import os
import pathlib
import re
import subprocess
import sys
import types
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = os.environ.get("BEARLINE_BUILD", str(ROOT / "build"))


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        done = subprocess.run([sys.executable, ROOT / "tools" / "demo.py", "--once", "--free-ports",
                               "--build", BUILD], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                              timeout=170 * float(os.environ.get("BEARLINE_PATIENCE", "1")))
        cls.status, cls.text = done.returncode, done.stdout + done.stderr

    def test_it_ends_well(self):
        self.assertEqual(0, self.status, self.text)

    def test_the_ladder_is_register_407_register_200(self):
        at = -1
        for word in ("REGISTER sip:", "407 Proxy Authentication Required",
                     'Proxy-Authenticate: Bearer realm="ccmsipline"', "REGISTER sip:",
                     'Proxy-Authorization: Bearer token="<masked', "200 OK", "Expires: 120"):
            found = self.text.find(word, at + 1)
            self.assertGreater(found, at, f"{word} in its place in:\n{self.text}")
            at = found

    def test_the_verification_commands_answer_as_the_source_document_shows(self):
        self.assertIn("   | paramvalue\n   | =====\n   | 1\n", self.text)
        self.assertIn("Executing.. please wait.", self.text)
        self.assertRegex(self.text, r"\| bearlined +\d+ +\S+ +\d+u +IPv4 +\d+ +0t0 +TCP "
                                    r"127\.0\.0\.1:\d+ \(LISTEN\)")

    def test_the_mismatch_is_provoked_and_explained(self):
        self.assertIn("SIP/2.0 403 Forbidden", self.text)
        self.assertIn("| Retry-After: 35\n", self.text)
        self.assertIn('| Warning: 399 ucm1 "SIP OAuth Registration port Mismatch"\n', self.text)
        self.assertIn("| Bearline-Reason: port-mismatch-profile-without-oauth\n", self.text)
        self.assertRegex(self.text, r"FAIL +Last refusal: .*port-mismatch-profile-without-oauth")

    def test_the_second_phone_calls_the_first_and_the_recordings_prove_it(self):
        for here, there in (("rado", "anna"), ("anna", "rado")):
            self.assertRegex(self.text, rf"{here} heard {there}: correlation (0\.9|1\.0)")
        self.assertIn("talking, PCMA, encrypted with AEAD_AES_256_GCM", self.text)
        at = self.text.index("10. The second phone calls")
        for word in ("INVITE sip:1010@", "100 Trying", "180 Ringing", "200 OK", "ACK sip:", "BYE sip:", "200 OK",
                     "inline:<masked"):
            found = self.text.find(word, at + 1)
            self.assertGreater(found, at, f"{word} in its place in:\n{self.text}")
            at = found

    def test_what_it_invites_to_names_what_is_there(self):
        spec = importlib.util.spec_from_file_location("demo", ROOT / "tools" / "demo.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        demo = module.Demo("/build", "/folder", True)
        demo.node = types.SimpleNamespace(path="/folder/bearlined.log")
        demo.phone = types.SimpleNamespace(path="/folder/phone-last.log")
        with contextlib.redirect_stdout(io.StringIO()) as said:
            demo.invite()
        self.assertIn("Logs: /folder/bearlined.log, /folder/phone-last.log\n", said.getvalue())
        self.assertIn("bearline-phone login --server https://localhost:", said.getvalue())
        self.assertNotIn("/ssosp/", said.getvalue())  # the page wants what only a program can give it

    def test_the_operator_sees_the_call_and_what_is_recorded_of_it(self):
        at = self.text.index("10. The second phone calls")
        for pattern in (r"admin:\S* ?show calls", r"\| \S.* 1020 +1010 +1010 +CSFrado +answered +yes\n",
                        r"admin:\S* ?show cdr 1020", r"\| \S.* 1020 +1010 +1010 +\d+ +200 +caller +yes +hung up\n"):
            found = re.compile(pattern).search(self.text, at)
            self.assertTrue(found, f"{pattern} in its place in:\n{self.text}")
            at = found.end()

    def test_the_edge_joins_and_both_sides_say_who_distrusts_whom(self):
        at = self.text.index("11. The inner edge")
        for word in ("this is added through axl exp-c.example.com,exp-c",
                     "this edge does not trust the certificate of 127.0.0.1", "(unknown CA)",
                     "bearline --edge set cert import trust tomcat", "refused our certificate", "alert unknown CA",
                     "does not trust this edge's certificate", "issued by CN=Bearline CA exp-c",
                     "which nothing in tomcat-trust vouches for", "CEOAuth-ucm1  Neighbor  Active",
                     "ok    Zone CEOAuth-ucm1: Active"):
            found = self.text.find(word, at)
            self.assertGreater(found, 0, f"{word} in its place in:\n{self.text[at:]}")
            at = found

    def test_a_phone_outside_registers_through_the_pair_and_calls(self):
        at = self.text.index("13. The outer edge")
        for word in ("Paired with the outer edge exp-e.", "Paired with the inner edge exp-c.", "Traversal client  Active",
                     "Traversal server  Active", "14. A phone outside", "registered 1010 at localhost by the edge localhost",
                     "talking, PCMA, encrypted with AEAD_AES_256_GCM", "the phone inside heard the one outside",
                     "the phone outside heard the one inside", "INVITE sip:1020@"):
            found = self.text.find(word, at)
            self.assertGreater(found, 0, f"{word} in its place in:\n{self.text[at:]}")
            at = found
        self.assertRegex(self.text, r"OAuth line over MRA")

    def test_no_token_and_no_password_is_shown(self):
        self.assertNotIn("eyJ", self.text)
        self.assertNotRegex(self.text, r"inline:[A-Za-z0-9+/]{8}")
        self.assertNotIn("correct horse", self.text)
        self.assertNotIn("horse staple", self.text)


if __name__ == "__main__":
    unittest.main()
