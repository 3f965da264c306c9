"""TLS at the OAuth port: 1.2 and 1.3, RSA and EC certificates, no client certificate asked, session
resumption, weak offers refused; IPv6."""
import socket
import ssl
import unittest

import lab
import sip


class Tls(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.lab.node(addresses="127.0.0.1 ::1" if has_ipv6() else "127.0.0.1").oauth_ready()
        cls.token = cls.node.sign_in()["access_token"]

    def register(self, connection):
        phone = sip.Phone(connection, "CSFrado", "1010")
        self.assertEqual(200, phone.register(self.token).status)

    def test_both_versions_with_both_kinds_of_certificate(self):
        for version, suites, key in (
                (ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-AES128-GCM-SHA256", 256),
                (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES256-GCM-SHA384", None),
                (ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-CHACHA20-POLY1305", 256),
                (ssl.TLSVersion.TLSv1_3, None, None)):
            with self.subTest(f"{version.name} {suites}"):
                context = self.node.tls(version, version)
                if suites:
                    context.set_ciphers(suites)
                with self.node.sip_tls(context=context) as c:
                    self.assertEqual(version.name.replace("_", "."), c.sock.version())
                    if suites:
                        self.assertEqual(suites, c.sock.cipher()[0])
                    self.register(c)

    def test_old_versions_and_weak_suites_are_refused(self):
        for suites in ("AES128-SHA", "ECDHE-RSA-AES128-SHA", "DHE-RSA-AES128-GCM-SHA256"):
            context = self.node.tls(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
            try:
                context.set_ciphers(suites)
            except ssl.SSLError:
                continue  # not even offered here
            with self.subTest(suites), self.assertRaises((ssl.SSLError, ConnectionError)):
                self.node.sip_tls(context=context)

    def test_a_session_is_resumed(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version.name):
                context = self.node.tls(version, version)
                with self.node.sip_tls(context=context) as c:
                    self.register(c)  # reads, so that the ticket of TLS 1.3 has come
                    self.assertFalse(c.sock.session_reused)
                    session = c.sock.session
                with self.node.sip_tls(context=context, session=session) as c:
                    self.assertTrue(c.sock.session_reused)
                    self.register(c)

    def test_the_certificate_names_the_host_and_no_other(self):
        context = self.node.tls()
        with self.node.connect("oauth") as raw, self.assertRaises(ssl.SSLCertVerificationError):
            context.wrap_socket(raw, server_hostname="elsewhere.example.com")
        strangers = ssl.create_default_context()
        with self.node.connect("oauth") as raw, self.assertRaises(ssl.SSLCertVerificationError):
            strangers.wrap_socket(raw, server_hostname="localhost")
        with self.node.sip_tls() as c:
            names = c.sock.getpeercert()["subjectAltName"]
            self.assertIn(("DNS", "localhost"), names)
            self.assertIn(("IP Address", "127.0.0.1"), names)

    @unittest.skipUnless(socket.has_ipv6, "no IPv6 here")
    def test_everything_works_over_ipv6(self):
        if not has_ipv6():
            self.skipTest("no IPv6 here")
        with self.node.sip_tls(address="::1") as c:
            phone = sip.Phone(c, "CSFrado", "1010")
            self.assertEqual(407, phone.register().status)
            answer = phone.register(self.token)
            self.assertEqual(200, answer.status)
            self.assertIn("@[::1]:", answer.get("Contact"))
            self.assertEqual(1, len(self.node.registrations("CSFrado")))
        for connection in (self.node.sip_tcp(address="::1"), self.node.sip_udp(address="::1")):
            with connection as c:
                plain = sip.Phone(c, "", "1010", cisco=False, host="[::1]")
                c.send(plain.request("OPTIONS", contact=""))
                self.assertEqual(200, plain.receive_final().status)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
            return True
    except OSError:
        return False


if __name__ == "__main__":
    unittest.main()
