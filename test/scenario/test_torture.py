"""The messages of RFC 4475 and RFC 5118 at the ports of a live node, as data/sip-torture says."""
import os
import re
import socket
import unittest

import lab
import sip

FOLDER = os.path.join(lab.ROOT, "data", "sip-torture")


def rows():
    """The table's rows with their bytes."""
    with open(os.path.join(FOLDER, "expectations.tsv"), encoding="ascii") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                name, _, message, _, stream, udp = line.rstrip("\n").split("\t")
                with open(os.path.join(FOLDER, name), "rb") as data:
                    yield name, message, stream, udp, data.read()


class Torture(lab.Scenario):
    def setUp(self):
        self.node = self.lab.node(self._testMethodName[-12:])  # a fresh one: no message comes to it twice

    def still_serves(self, connection):
        """An OPTIONS of ours is answered next to all of it; the answers that came before its own."""
        phone = sip.Phone(connection, "", "1010", cisco=False)
        connection.send(phone.request("OPTIONS", contact=""))
        before = []
        while True:
            m = connection.receive()
            if m.status >= 200 and phone.branch in (m.get("Via") or ""):
                self.assertEqual(200, m.status, str(m))
                return before
            before.append(m)

    def final(self, messages):
        return [m.status for m in messages if m.status >= 200]

    def test_every_message_over_udp_gets_its_answer_or_silence(self):
        for name, _, _, udp, data in rows():
            with self.subTest(name), Origin(self.node.ports["sip"], via_port(data)) as c:
                c.send(data)
                if udp == "-":
                    self.assertEqual([], self.final(self.still_serves(c)))
                    continue
                answer = c.receive()
                while answer.status < 200:
                    answer = c.receive()
                self.assertIn(str(answer.status), udp.split(","), str(answer))

    def test_every_message_over_tcp_gets_its_answer_or_the_end(self):
        unfinished = []
        for name, message, stream, udp, data in rows():
            c = self.node.sip_tcp()
            with self.subTest(name):
                c.send(data)
                if stream == "more":
                    unfinished.append((name, c))
                elif stream == "malformed":
                    self.assertEqual([], self.final(c.wait_closed()))
                elif stream == "close400":
                    self.assertEqual([400], self.final(c.wait_closed()))
                elif name == "dblreq.dat":  # what follows is a message of its own, and not whole
                    self.assertIn(str(c.receive().status), udp.split(","))
                elif stream == "drop" or message == "response":
                    self.assertEqual([], self.final(self.still_serves(c)))
                else:
                    got = self.final(self.still_serves(c))
                    self.assertTrue(got, "no answer")
                    self.assertIn(str(got[0]), udp.split(",") if stream == "accept" else [stream])
        for name, c in unfinished:  # never whole: the node waits for the rest, but not for long
            with self.subTest(name):
                self.assertIn(self.final(c.wait_closed()), ([], [400], [408]))


def via_port(data):
    """Where an answer over UDP goes: the port its topmost Via names (RFC 3261, 18.2.2)."""
    via = re.search(rb"^(?:Via|v)\s*:\s*SIP\s*/\s*2\.0\s*/\s*\w+\s+(?:\[[^\]]*\]|[^\s:;,]+)\s*:\s*(\d+)",
                    data, re.I | re.M)
    return int(via[1]) if via else 5060


class Origin(sip.Datagrams):
    """A UDP peer with a loopback address of its own, so that any port of it is free."""

    def __init__(self, port, own_port):
        super().__init__(("127.0.0.1", port), lab.PATIENCE_S)
        self.sock.close()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((f"127.{os.getpid() % 199 + 1}.{os.getpid() // 199 % 250 + 1}.2", own_port))
        self.sock.connect(("127.0.0.1", port))


if __name__ == "__main__":
    unittest.main()
