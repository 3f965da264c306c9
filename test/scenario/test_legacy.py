"""Lines not yet moved to OAuth: 5060 over UDP and TCP, open or with Digest; 5061 by device certificate;
5091 by an edge's certificate."""
import re
import ssl
import unittest

import lab
import pki
import sip

DIGEST_PROFILE = "plain with digest"
SECURE_PROFILE = "secure line"
MISMATCH = '399 ucm1 "SIP OAuth Registration port Mismatch"'


class Legacy(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        n = cls.node = cls.lab.node()
        n.oauth_ready()
        n.cli("profile", "add", DIGEST_PROFILE, "--digest", "on")
        n.cli("profile", "add", SECURE_PROFILE, "--security", "encrypted", "--transport", "tls")
        n.cli("user", "update", "rado", "--digest-password-file", cls.lab.secret_file("digest secret"))
        for i, (name, profile) in enumerate((("CSFopen", lab.PLAIN_PROFILE), ("CSFdigest", DIGEST_PROFILE),
                                             ("CSFcert", SECURE_PROFILE), ("CSFname", SECURE_PROFILE))):
            n.lines[name] = str(1030 + i)
            n.add_line(n.lines[name])
            n.add_device(name, "rado", n.lines[name], profile)
        cls.ca = pki.Authority(cls.lab.folder, "Device CA")
        n.cli("set", "cert", "import", "trust", "callmanager", cls.ca.cert)
        n.cli("set", "cert", "import", "trust", "tomcat", cls.ca.cert)

    def connections(self):
        yield "UDP", self.node.sip_udp()
        yield "TCP", self.node.sip_tcp()

    def phone(self, device, connection, **more):
        return sip.Phone(connection, device, self.node.lines[device], **more)

    def test_an_open_line_registers_over_udp_and_tcp(self):
        for transport, connection in self.connections():
            for cisco in (True, False):
                with self.subTest(f"{transport} cisco={cisco}"):
                    phone = self.phone("CSFopen", connection, cisco=cisco)
                    self.assertEqual(200, phone.register().status)
                    self.assertEqual(1, len(self.node.registrations("CSFopen")))
                    self.assertEqual(200, phone.unregister().status)
                    self.assertEqual([], self.node.registrations("CSFopen"))

    def test_digest_with_both_algorithms_over_udp_and_tcp(self):
        for transport, connection in self.connections():
            for algorithm in ("SHA-256", "MD5"):
                with self.subTest(f"{transport} {algorithm}"):
                    phone = self.phone("CSFdigest", connection)
                    offered = phone.register().all("WWW-Authenticate")
                    self.assertEqual(["SHA-256", "MD5"], [re.search(r"algorithm=([\w-]+)", c)[1] for c in offered])
                    challenge = [c for c in offered if f"algorithm={algorithm}," in c + ","][0]
                    self.assertIn('realm="ccmsipline"', challenge)
                    for password, status in (("wrong", 401), ("digest secret", 200)):
                        answer = phone.register(headers=["Authorization: " + sip.digest_answer(
                            challenge, "REGISTER", "sip:localhost", "rado", password)])
                        self.assertEqual(status, answer.status, str(answer))
                    again = phone.register(headers=["Authorization: " + sip.digest_answer(
                        challenge, "REGISTER", "sip:localhost", "rado", "digest secret", nc=1)])
                    self.assertEqual(401, again.status, "the same nonce count a second time")
                    next_one = phone.register(headers=["Authorization: " + sip.digest_answer(
                        challenge, "REGISTER", "sip:localhost", "rado", "digest secret", nc=2)])
                    self.assertEqual(200, next_one.status, str(next_one))

    def test_a_nonce_of_another_address_or_made_up_is_refused(self):
        phone = self.phone("CSFdigest", self.node.sip_tcp())
        challenge = phone.register().get("WWW-Authenticate")
        forged = re.sub(r'nonce="[^"]+"', 'nonce="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"', challenge)
        answer = phone.register(headers=["Authorization: " + sip.digest_answer(
            forged, "REGISTER", "sip:localhost", "rado", "digest secret")])
        self.assertEqual(401, answer.status)
        self.assertNotIn("stale=true", answer.get("WWW-Authenticate"))

    def test_an_oauth_device_is_refused_with_the_warning_on_5060_and_5061(self):
        cert = self.ca.issue("CSFrado")
        for connection in (self.node.sip_udp(), self.node.sip_tcp(),
                           self.node.sip_tls("sips", self.node.tls(cert=cert))):
            with self.subTest(connection.transport):
                answer = self.phone("CSFrado", connection).register()
                self.assertEqual((403, MISMATCH, "35"),
                                 (answer.status, answer.get("Warning"), answer.get("Retry-After")))

    def test_the_secure_line_registers_whom_the_certificate_names(self):
        by_name = self.node.sip_tls("sips", self.node.tls(cert=self.ca.issue("CSFcert")))
        self.assertEqual(200, self.phone("CSFcert", by_name).register().status)
        by_san = self.node.sip_tls("sips", self.node.tls(cert=self.ca.issue("phone-7", ["CSFname"])))
        self.assertEqual(200, self.phone("CSFname", by_san).register().status)
        mark = self.node.log.mark()
        answer = self.phone("CSFcert", by_san).register()
        self.assertEqual(403, answer.status)
        self.node.wait_line("event=line.refused .*why=certificate-name", mark)

    def handshake_fails(self, port, cert):
        """TLS 1.3 tells a client only with the first read that its certificate was refused."""
        context = self.node.tls(cert=cert)
        try:
            with self.node.sip_tls(port, context) as c:
                c.send("\r\n\r\n")
                c.wait_pong()
        except (ssl.SSLError, sip.Closed, ConnectionError) as e:
            return str(e)
        return None

    def test_the_secure_line_wants_a_certificate_of_a_trusted_ca(self):
        self.assertTrue(self.handshake_fails("sips", None))
        stranger = pki.Authority(self.lab.folder, "Stranger CA")
        mark = self.node.log.mark()
        self.assertIn("unknown ca", self.handshake_fails("sips", stranger.issue("CSFcert")).lower().replace("_", " "))
        self.node.wait_line("event=connection.refused listener=\"secure line\" .*CN=CSFcert, issued by CN=Stranger CA", mark)

    def test_the_edge_port_wants_a_listed_name_and_a_good_token(self):
        cert = self.ca.issue("exp-c.domain-1.com", ["exp-c.domain-1.com", "domain-1.com"])
        self.assertTrue(self.handshake_fails("mra", cert), "no edge is listed yet")
        self.node.cli("edge", "add", "exp-c", "--names", "domain-2.com,exp-c.domain-1.com",
                      "--description", "this is added through axl")
        connection = self.node.sip_tls("mra", self.node.tls(cert=cert))
        phone = self.phone("CSFrado", connection)
        self.assertEqual(407, phone.register().status)
        self.assertEqual(200, phone.register(self.node.sign_in()["access_token"]).status)
        self.assertTrue(self.handshake_fails("mra", self.ca.issue("other.domain-1.com")))
        self.assertTrue(self.handshake_fails("mra", None))


if __name__ == "__main__":
    unittest.main()
