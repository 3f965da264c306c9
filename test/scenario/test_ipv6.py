"""Every listener over IPv6 beside IPv4: UDP, TCP, TLS and mutual TLS lines, HTTP and HTTPS."""
import socket
import unittest

import lab
import pki
import sip

LOOPBACK = "::1"


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind((LOOPBACK, 0))
        return True
    except OSError:
        return False


@unittest.skipUnless(has_ipv6(), "this machine has no IPv6 loopback")
class Ipv6(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        n = cls.node = cls.lab.node(addresses=f"127.0.0.1 {LOOPBACK}")
        n.oauth_ready()
        n.cli("profile", "add", "secure line", "--security", "encrypted", "--transport", "tls")
        for i, (name, profile) in enumerate((("CSFopen", lab.PLAIN_PROFILE), ("CSFcert", "secure line"))):
            n.lines[name] = str(1030 + i)
            n.add_line(n.lines[name])
            n.add_device(name, "rado", n.lines[name], profile)
        cls.ca = pki.Authority(cls.lab.folder, "Device CA")
        n.cli("set", "cert", "import", "trust", "callmanager", cls.ca.cert)

    def registers_and_goes(self, device, connection, token=None):
        phone = sip.Phone(connection, device, self.node.lines[device])
        answer = phone.register(token)
        self.assertEqual(200, answer.status, str(answer))
        via = answer.get("Via")
        rows = self.node.registrations(device)
        self.assertEqual(1, len(rows))
        self.assertIn(LOOPBACK, str(rows[0]), "the operator sees where it came from")
        self.assertEqual(200, phone.unregister().status)
        return via

    def test_an_open_line_over_udp_and_tcp(self):
        via = self.registers_and_goes("CSFopen", self.node.sip_udp(address=LOOPBACK))
        self.assertIn(f"[{LOOPBACK}]", via)
        self.registers_and_goes("CSFopen", self.node.sip_tcp(address=LOOPBACK))

    def test_an_oauth_line_over_tls(self):
        token = self.node.sign_in()["access_token"]
        self.registers_and_goes("CSFrado", self.node.sip_tls(address=LOOPBACK), token)

    def test_a_device_certificate_over_mutual_tls(self):
        context = self.node.tls(cert=self.ca.issue("CSFcert"))
        self.registers_and_goes("CSFcert", self.node.sip_tls("sips", context, LOOPBACK))

    def test_the_phones_configuration_and_the_sign_in_server(self):
        for port in ("config_http", "config_https", "https"):
            with self.subTest(port), self.node.connect(port, LOOPBACK):
                pass

    def test_stun_and_keepalive_over_udp(self):
        connection = self.node.sip_udp(address=LOOPBACK)
        transaction = bytes(range(12))
        connection.sock.send(b"\0\1\0\0\x21\x12\xa4\x42" + transaction)
        connection.sock.settimeout(lab.PATIENCE_S)
        answer = connection.sock.recv(1500)
        self.assertEqual(b"\1\1", answer[:2])
        self.assertEqual(transaction, answer[8:20])
        at = answer.index(b"\0\x20\0\x14") + 4  # XOR-MAPPED-ADDRESS, 20 bytes
        self.assertEqual(2, answer[at + 1], "the family is IPv6")
        mask = b"\x21\x12\xa4\x42" + transaction
        told = bytes(a ^ b for a, b in zip(answer[at + 4:at + 20], mask))
        self.assertEqual(socket.inet_pton(socket.AF_INET6, LOOPBACK), told)

    def test_the_ports_are_listed_with_their_addresses(self):
        out = self.node.cli("show", "open", "ports", "regexp", str(self.node.ports["oauth"])).stdout
        self.assertIn(f"[{LOOPBACK}]:{self.node.ports['oauth']}", out.replace(f" {LOOPBACK}:", f" [{LOOPBACK}]:"))


if __name__ == "__main__":
    unittest.main()
