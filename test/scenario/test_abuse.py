"""What bad peers send: garbage instead of TLS, messages too long or never whole, and a thousand
connections that say nothing. The others are served all the while."""
# suite: threads
import json
import os
import resource
import socket
import ssl
import time
import unittest

import lab
import sip

SILENT = int(os.environ.get("BEARLINE_SILENT", "1000"))  # 10000 in a run of its own


class Abuse(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.lab.node().oauth_ready()
        cls.token = cls.node.sign_in()["access_token"]

    def counter(self, name):
        return json.loads(self.node.cli("--json", "show", "counters").stdout)[name]

    def a_phone_registers(self):
        start = time.monotonic()
        phone = self.node.registered(token=self.token)
        self.assertEqual(200, phone.unregister().status)
        phone.connection.close()
        return time.monotonic() - start

    def a_phone_gets_in(self):
        try:
            return self.a_phone_registers() >= 0
        except (OSError, sip.Closed):
            return False

    def test_garbage_instead_of_tls_is_closed_and_counted(self):
        before = self.counter("connections.refused.not-tls")
        for data in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"REGISTER sip:localhost SIP/2.0\r\n\r\n",
                     b"\0" * 600, os.urandom(600), b"\x16\x03\x01\x00\x05hello"):
            for port in ("oauth", "sips", "mra", "https"):
                with self.subTest(f"{data[:8]} at {port}"), self.node.connect(port) as s:
                    s.sendall(data)
                    s.settimeout(lab.PATIENCE_S)
                    try:
                        while s.recv(4096):
                            pass
                    except ConnectionError:
                        pass
        self.assertGreater(self.counter("connections.refused.not-tls"), before)
        self.a_phone_registers()

    def test_a_message_that_is_too_long_is_refused_and_the_stream_ends(self):
        huge = "X-Pad: " + "x" * 1000 + "\r\n"
        with self.node.sip_tcp() as c:
            head = (f"OPTIONS sip:localhost SIP/2.0\r\nVia: SIP/2.0/TCP {c.local};branch=z9hG4bKbig\r\n"
                    "From: <sip:a@localhost>;tag=1\r\nTo: <sip:a@localhost>\r\nCall-ID: big\r\nCSeq: 1 OPTIONS\r\n")
            c.send(head + "Content-Length: 900000\r\n\r\n")
            self.assertIn([m.status for m in c.wait_closed()], ([413], [513]))
        with self.node.sip_tcp() as c:
            try:
                c.send(head + huge * 100)
                heard = [m.status for m in c.wait_closed()]
            except ConnectionError:
                heard = []
            self.assertIn(heard, ([], [413], [513]))
        self.a_phone_registers()

    def test_a_body_as_long_as_allowed_is_taken_and_many_headers_are_bounded(self):
        phone = self.node.phone()
        self.assertIn(phone.register(headers=[f"X-{i}: y" for i in range(400)]).status, (400, 413, 513))
        with self.node.sip_tcp() as c:
            plain = sip.Phone(c, "", "1010", cisco=False)
            c.send(plain.request("OPTIONS", contact="", headers=["X-Pad: " + "x" * 8000]))
            self.assertIn(plain.receive_final().status, (200, 400, 413, 431, 513))

    def test_two_messages_in_one_write_and_one_in_many_are_both_heard(self):
        phone = self.node.phone()
        first = phone.request()
        branch = phone.branch
        second = phone.request()
        phone.connection.send(first + second)
        got = [phone.connection.receive(), phone.connection.receive()]
        self.assertEqual([407, 407], [m.status for m in got])
        self.assertIn(branch, got[0].get("Via"))
        for i, byte in enumerate(phone.request()):
            phone.connection.send(bytes([byte]))
        self.assertEqual(407, phone.connection.receive().status)

    def test_a_peer_that_never_reads_does_not_hold_the_node(self):
        with self.node.sip_tcp() as c:
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            c.sock.settimeout(0.5)
            plain = sip.Phone(c, "", "1010", cisco=False)
            sent = 0
            try:
                for _ in range(4000):
                    c.sock.sendall(plain.request("OPTIONS", contact="", headers=["X-Pad: " + "x" * 1500]))
                    sent += 1
            except (TimeoutError, ConnectionError):
                pass
            self.a_phone_registers()

    def open_silent(self, count, port, data=b""):
        """Connections from many loopback addresses, as from many hosts."""
        opened = []
        for i in range(count):
            s = socket.socket()
            s.bind((f"127.1.{i // 250 + 1}.{i % 250 + 1}", 0))
            s.settimeout(lab.PATIENCE_S)
            s.connect(("127.0.0.1", self.node.ports[port]))
            if data:
                s.sendall(data)
            opened.append(s)
        return opened

    def test_silent_and_half_open_connections_leave_room_for_phones(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, SILENT + 1000), hard))
        try:
            client = ssl.MemoryBIO()
            tls = self.node.tls().wrap_bio(ssl.MemoryBIO(), client, server_hostname="localhost")
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                hello = client.read()
            each = SILENT // 4
            opened = self.open_silent(each, "oauth") + self.open_silent(each, "oauth", hello) + \
                self.open_silent(each, "oauth", hello[:100]) + self.open_silent(each, "sip", b"REGISTER sip:l")
            # Where all handshake places are taken by a fresh rush, a newcomer may be turned away until
            # the oldest have stalled for two seconds: a phone tries again, and then it is in.
            lab.wait_until(self.a_phone_gets_in, "no phone gets in")
            for _ in range(5):
                self.a_phone_registers()
            self.assertEqual(200, self.node.http("GET", "/ssosp/oauth/jwks").status)
            for s in opened:
                s.close()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        self.a_phone_registers()

    def test_random_bytes_at_every_port_change_nothing(self):
        for port in self.node.ports:
            with self.node.connect(port) as s:
                s.sendall(os.urandom(3000))
        with self.node.sip_udp() as u:
            for _ in range(50):
                u.sock.send(os.urandom(700))
        self.a_phone_registers()


class Silence(lab.Scenario):
    """A connection that has done its handshake and is silent goes; a registered phone stays."""

    def test_silence_ends_strangers_and_leaves_phones(self):
        node = self.lab.node(settings=["limits.idle_s=1"]).oauth_ready()
        phone = node.registered()
        greeted, plain = node.sip_tls(), node.sip_tcp()
        greeted.wait_closed()
        plain.wait_closed()
        self.assertEqual(200, phone.register().status, "the phone's connection still stands")


if __name__ == "__main__":
    unittest.main()
