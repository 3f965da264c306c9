"""The node driven by software nobody here wrote: openssl s_client in both dialects, SIPp from Debian
through a TLS tunnel, curl at the OAuth endpoints, an npm OAuth client library for the code flow."""
# suite: threads
import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import unittest
import urllib.parse

import lab
import ports

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PHONES = 20


class Clients(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.lab.node().oauth_ready(devices={f"CSF{i:03}": "rado" for i in range(PHONES)})
        cls.token = cls.node.sign_in()["access_token"]

    def s_client(self, text):
        """What openssl s_client prints when it sends text, until each REGISTER has its answer. -quiet keeps
        it from taking the R of REGISTER as its command to renegotiate."""
        command = ["openssl", "s_client", "-connect", f"localhost:{self.node.ports['oauth']}", "-servername", "localhost",
                   "-CAfile", self.node.ca, "-verify_return_error", "-verify_hostname", "localhost", "-quiet"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
            p.stdin.write(text.encode())
            p.stdin.flush()
            out = b""
            while out.count(b"\r\n\r\n") < text.count("REGISTER sip:"):
                part = os.read(p.stdout.fileno(), 65536)
                if not part:
                    self.fail("the server closed: " + out.decode() + p.stderr.read().decode())
                out += part
            p.kill()
        return out.decode()

    def register(self, cseq, headers, contact):
        return (f"REGISTER sip:localhost SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:40000;branch=z9hG4bKopenssl{cseq}\r\n"
                "From: <sip:1010@localhost>;tag=o\r\nTo: <sip:1010@localhost>\r\nCall-ID: openssl\r\n"
                f"CSeq: {cseq} REGISTER\r\nMax-Forwards: 70\r\nContact: {contact}\r\nExpires: 3600\r\n"
                f"{headers}Content-Length: 0\r\n\r\n")

    def test_openssl_s_client_registers_in_the_cisco_dialect(self):
        contact = '<sip:x@127.0.0.1:40000;transport=tls>;+u.sip!devicename.ccm.cisco.com="CSF000"'
        said = self.s_client(self.register(1, "", contact) + self.register(
            2, f'Proxy-Authorization: Bearer token="{self.token}"\r\n', contact))
        self.assertIn('SIP/2.0 407 Proxy Authentication Required\r\n', said)
        self.assertIn('Proxy-Authenticate: Bearer realm="ccmsipline"\r\n', said)
        self.assertIn("SIP/2.0 200 OK\r\n", said)
        self.assertIn("Expires: 120\r\n", said)

    def test_openssl_s_client_registers_in_the_standard_dialect(self):
        contact = "<sip:x@127.0.0.1:40000;transport=tls>"
        said = self.s_client(self.register(1, "", contact) + self.register(
            2, f"Authorization: Bearer {self.token}\r\n", contact))
        self.assertIn("SIP/2.0 401 Unauthorized\r\n", said)
        self.assertIn('WWW-Authenticate: Bearer realm="ccmsipline", scope="sip", authz_server="https://', said)
        self.assertIn("SIP/2.0 200 OK\r\n", said)

    @unittest.skipUnless(shutil.which("sipp") and shutil.which("stunnel"), "sipp or stunnel is not installed")
    def test_sipp_registers_phones_through_a_tls_tunnel(self):
        port, folder = ports.take(), self.lab.folder
        config, fields = os.path.join(folder, "stunnel.conf"), os.path.join(folder, "phones.csv")
        with open(config, "w", encoding="ascii") as f:
            f.write(f"foreground = yes\npid =\nsyslog = no\n[node]\nclient = yes\naccept = 127.0.0.1:{port}\n"
                    f"connect = 127.0.0.1:{self.node.ports['oauth']}\nCAfile = {self.node.ca}\nverifyChain = yes\n"
                    "checkHost = localhost\nsni = localhost\n")
        with open(fields, "w", encoding="ascii") as f:
            f.write("SEQUENTIAL\n" + "".join(f"{d};{n};{self.token}\n" for d, n in self.node.lines.items()))
        tunnel = self.lab.run_program(["stunnel", config])
        tunnel.wait_line("Configuration successful")
        lab.wait_until(lambda: is_open(port), "stunnel does not listen")
        done = subprocess.run(
            ["sipp", f"127.0.0.1:{port}", "-sf", os.path.join(TESTS, "sipp", "register.xml"), "-inf", fields,
             "-t", "tn", "-max_socket", "200", "-i", "127.0.0.1", "-r", "20", "-m", "60", "-l", "15", "-nostdin",
             "-timeout", str(60 * lab.PATIENCE), "-timeout_error", "-trace_err", "-recv_timeout", "20000"],
            cwd=folder, capture_output=True, text=True, timeout=90 * lab.PATIENCE, check=False,
            env=lab.environment(TERM="dumb"))
        errors = "".join(open(os.path.join(folder, f), encoding="utf-8", errors="replace").read()[:3000]
                         for f in os.listdir(folder) if f.endswith("_errors.log"))
        self.assertEqual(0, done.returncode, done.stdout[-3000:] + done.stderr[-1000:] + errors)
        self.assertRegex(done.stdout, r"Successful call +\| +\d+ +\| +60 ")
        tunnel.stop()

    def curl(self, *words):
        done = subprocess.run(["curl", "--silent", "--show-error", "--cacert", self.node.ca, "--max-time",
                               str(lab.PATIENCE_S), *words], capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def test_curl_signs_in_refreshes_and_revokes(self):
        base = f"https://localhost:{self.node.ports['https']}"
        said = json.loads(self.curl(base + "/.well-known/oauth-authorization-server"))
        verifier = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        url = said["authorization_endpoint"] + "?" + urllib.parse.urlencode({
            "response_type": "code", "client_id": "bearline-phone", "scope": "sip", "state": "s1",
            "redirect_uri": "http://127.0.0.1:9/cb", "code_challenge": challenge, "code_challenge_method": "S256"})
        jar = os.path.join(self.lab.folder, "cookies")
        form = lab.Form(self.curl("--cookie-jar", jar, url))
        sent = self.curl("--cookie", jar, "--output", "/dev/null", "--write-out", "%{http_code} %{redirect_url}",
                         "--data-urlencode", f"csrf={form.fields['csrf']}", "--data-urlencode", "username=rado",
                         "--data-urlencode", f"password={lab.PASSWORD}", urllib.parse.urljoin(url, form.action))
        self.assertTrue(sent.startswith("303 http://127.0.0.1:9/cb?"), sent)
        code = re.search(r"[?&]code=([^&]+)", sent)[1]
        tokens = json.loads(self.curl(
            "--data", "grant_type=authorization_code&client_id=bearline-phone", "--data-urlencode", f"code={code}",
            "--data-urlencode", "redirect_uri=http://127.0.0.1:9/cb", "--data", f"code_verifier={verifier}",
            said["token_endpoint"]))
        self.assertIn("access_token", tokens)
        again = json.loads(self.curl("--data", "grant_type=refresh_token&client_id=bearline-phone", "--data-urlencode",
                                     f"refresh_token={tokens['refresh_token']}", said["token_endpoint"]))
        self.assertIn("access_token", again)
        status = self.curl("--output", "/dev/null", "--write-out", "%{http_code}", "--data", "client_id=bearline-phone",
                           "--data-urlencode", f"token={again['refresh_token']}", said["revocation_endpoint"])
        self.assertEqual("200", status)
        refused = json.loads(self.curl("--data", "grant_type=refresh_token&client_id=bearline-phone", "--data-urlencode",
                                       f"refresh_token={again['refresh_token']}", said["token_endpoint"]))
        self.assertEqual("invalid_grant", refused["error"])

    @unittest.skipUnless(shutil.which("node"), "node is not installed")
    def test_an_npm_client_library_does_the_code_flow(self):
        issuer = f"https://localhost:{self.node.ports['https']}"
        done = subprocess.run(["node", "code_flow.js", issuer, "rado"], input=lab.PASSWORD, text=True,
                              cwd=os.path.join(TESTS, "npm"), capture_output=True, timeout=lab.PATIENCE_S * 2,
                              check=False, env=lab.environment(NODE_EXTRA_CA_CERTS=self.node.ca))
        self.assertEqual(0, done.returncode, done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual((issuer, "rado", True, "invalid_grant"),
                         (said["issuer"], said["subject"], said["rotated"], said["after_revocation"]))
        # Revoked with its refresh token:
        self.assertEqual(407, self.node.phone("CSF001", "1011").register(said["access_token"]).status)


def is_open(port):
    try:
        lab.socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


if __name__ == "__main__":
    unittest.main()
