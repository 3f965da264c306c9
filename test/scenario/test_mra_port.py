"""The port for edges (OAuth over MRA): who is let in, and what each side is told when it is not. The
source document's troubleshooting scenarios 2 and 3, without a packet capture."""
import ssl
import unittest

import lab
import pki


class MraPort(lab.Scenario):
    def setUp(self):
        super().setUp()
        name = self.id().rsplit("_", maxsplit=1)[1]  # what one test trusts the next one shall not
        self.node = self.lab.node(name)
        self.node.oauth_ready()
        self.authority = pki.Authority(self.lab.folder, "Edge CA")

    def trust_the_edges_ca(self):
        self.node.cli("set", "cert", "import", "trust", "tomcat", self.authority.cert)

    def certificate(self, name="exp-c.example.com", authority=None):
        return (authority or self.authority).issue(name, [name, name.split(".", maxsplit=1)[0]])

    def comes(self, context, session=None):
        """The edge's connection when it is let in; else the words its TLS has for the refusal."""
        try:
            raw = self.node.connect("mra")
            sock = context.wrap_socket(raw, server_hostname="localhost", session=session)
            self.lab.track(sock)
            sock.sendall(b"\r\n\r\n")
            if sock.recv(2) == b"\r\n":
                return sock
            return "closed"
        except (ssl.SSLError, ConnectionError) as e:
            return str(e).lower().replace("_", " ")

    def handshakes(self):
        return self.node.cli("show", "handshakes").stdout

    def wait_told(self, *words):
        """What the node shows, once all the words are in it."""
        lab.wait_until(lambda: all(w in self.handshakes() for w in words), lambda: self.handshakes())
        told = self.node.cli("diagnose", check=False).stdout
        for word in words:
            self.assertIn(word, told)

    def test_scenario_3_the_node_does_not_trust_the_edge(self):
        refusal = self.comes(self.node.tls(cert=self.certificate()))
        self.assertIn("unknown ca", refusal)
        self.wait_told("127.0.0.1 showed CN=exp-c.example.com", "issued by CN=Edge CA",
                       "which nothing in tomcat-trust vouches for", "set cert import trust tomcat <file.pem>")
        # The cure, and the next thing that is missing.
        self.trust_the_edges_ca()
        refusal = self.comes(self.node.tls(cert=self.certificate()))
        self.assertIn("access denied", refusal)
        self.wait_told("(names exp-c.example.com, exp-c)", "expresswaycconfiguration has nobody",
                       "edge add exp-c.example.com --x509-names exp-c.example.com,exp-c")
        # That command as it stands.
        self.node.cli("edge", "add", "exp-c.example.com", "--x509-names", "exp-c.example.com,exp-c")
        self.assertNotIsInstance(self.comes(self.node.tls(cert=self.certificate())), str)
        self.assertIn("No handshake has failed", self.handshakes())

    def test_a_row_that_goes_takes_its_connections_along_row(self):
        self.trust_the_edges_ca()
        for name in ("exp-c.example.com", "exp-d.example.com"):
            self.node.cli("edge", "add", name, "--x509-names", name)
        gone, stays = (self.comes(self.node.tls(cert=self.certificate(n))) for n in ("exp-c.example.com", "exp-d.example.com"))
        self.node.cli("--yes", "edge", "remove", "exp-c.example.com")
        self.assertEqual(b"", gone.recv(1))
        stays.sendall(b"\r\n\r\n")
        self.assertEqual(b"\r\n", stays.recv(2))
        self.node.program.log.wait(r"event=edge\.cut .*CN=exp-c\.example\.com")

    def test_scenario_2_the_edge_does_not_trust_the_node(self):
        self.trust_the_edges_ca()
        self.node.cli("edge", "add", "exp-c", "--x509-names", "exp-c.example.com")
        context = self.node.tls(cert=self.certificate())
        other = pki.Authority(self.lab.folder, "Other CA")
        strict = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        strict.load_verify_locations(other.cert)
        strict.load_cert_chain(*self.certificate())
        self.assertIn("certificate verify failed", self.comes(strict))
        self.wait_told("127.0.0.1 refused our certificate CN=", "(alert unknown CA)", "Its trusted CAs lack",
                       "ca.pem")
        self.assertNotIsInstance(self.comes(context), str)
        self.assertIn("No handshake has failed", self.handshakes())

    def test_no_certificate_and_other_names(self):
        self.trust_the_edges_ca()
        self.node.cli("edge", "add", "exp-c", "--x509-names", "exp-c.example.com")
        self.assertIsInstance(self.comes(self.node.tls()), str)
        self.wait_told("127.0.0.1 showed no certificate", "phones use the SIP Phone OAuth Port")
        self.assertIn("access denied", self.comes(self.node.tls(cert=self.certificate("exp-d.example.com"))))
        self.wait_told("expresswaycconfiguration has exp-c: exp-c.example.com")
        # Renamed edge: its row gets the new name, nothing restarts.
        self.node.cli("edge", "update", "exp-c", "--x509-names", "exp-c.example.com,exp-d.example.com")
        self.assertNotIsInstance(self.comes(self.node.tls(cert=self.certificate("exp-d.example.com"))), str)

    def test_a_resumed_session_is_asked_again(self):
        self.trust_the_edges_ca()
        self.node.cli("edge", "add", "exp-c", "--x509-names", "exp-c.example.com")
        context = self.node.tls(cert=self.certificate())
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        first = self.comes(context)
        self.assertNotIsInstance(first, str)
        again = self.comes(context, first.session)
        self.assertTrue(again.session_reused)
        self.node.cli("--yes", "edge", "remove", "exp-c")
        self.assertIsInstance(self.comes(context, first.session), str)
        self.wait_told("expresswaycconfiguration has nobody")


if __name__ == "__main__":
    unittest.main()
