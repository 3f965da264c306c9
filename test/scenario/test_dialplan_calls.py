"""Calls that follow the stored dial plan, on real programs: every setting is made while the node runs
and holds from the next call on. Trunks are a small server and a small caller here, over TLS and TCP."""
# suite: threads
import re
import secrets
import socket
import ssl
import unittest

import lab
import pki
import sip

KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"


def sdp(secure):
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
             f"m=audio 40000 RTP/{'SAVP' if secure else 'AVP'} 0"]
    if secure:
        lines.append(f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}")
    return "\r\n".join(lines) + "\r\n"


class DialPlan(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.lab.node().oauth_ready(users=["rado", "anna", "ivan"], devices={
            "CSFrado": "rado", "CSFanna": "anna", "CSFivan": "ivan"})

    def tearDown(self):
        self.node.cli("line", "update", "1011", "--forward-all=", "--forward-busy=", "--forward-no-answer=",
                      "--ring-s", "0", "--busy-trigger", "0")

    def line(self, *words):
        self.node.cli("line", "update", "1011", *words)

    def ready(self, user, script):
        phone = self.node.softphone(f"{self._testMethodName[-40:]}-{user}")
        done = phone.login(user, device="CSF" + user)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        run = phone.run("--do", script, device="CSF" + user)
        run.wait_line(r" registered \d+ at ")
        return run

    def ended(self, *runs, status=0):
        for run in runs:
            self.assertEqual(status, run.wait(), run.log.text())

    def test_forward_all(self):
        self.line("--forward-all", "1012")
        anna = self.ready("anna", "wait incoming 2")
        ivan = self.ready("ivan", "wait incoming; answer; wait ended")
        rado = self.ready("rado", "call 1011; wait answered; wait 1; hangup")
        self.ended(rado, ivan)
        ivan.wait_line(r"call 1 from 1010")
        self.ended(anna, status=60)

    def test_a_busy_phone_forwards(self):
        self.line("--forward-busy", "1012")
        anna = self.ready("anna", "wait incoming; reject busy")
        ivan = self.ready("ivan", "wait incoming; answer; wait ended")
        rado = self.ready("rado", "call 1011; wait answered; wait 1; hangup")
        self.ended(rado, anna, ivan)

    def test_the_busy_trigger(self):
        self.line("--busy-trigger", "1")
        anna = self.ready("anna", "wait incoming; answer; wait ended")
        ivan = self.ready("ivan", "call 1011; wait answered; wait ended")
        ivan.wait_line(r"talking")
        self.ended(self.ready("rado", "call 1011; wait answered"), status=50)
        anna.stop()
        ivan.wait()

    def test_nobody_answers(self):
        self.line("--forward-no-answer", "1012", "--ring-s", "1")
        anna = self.ready("anna", "wait incoming; wait ended")
        ivan = self.ready("ivan", "wait incoming; answer; wait ended")
        rado = self.ready("rado", "call 1011; wait answered; wait 1; hangup")
        self.ended(rado, anna, ivan)

    def test_do_not_disturb_is_made_and_taken_back_live(self):
        anna = self.ready("anna", "wait incoming; answer; wait ended")
        self.node.cli("device", "update", "CSFanna", "--dnd", "yes")
        self.ended(self.ready("rado", "call 1011; wait answered"), status=50)
        self.node.cli("device", "update", "CSFanna", "--dnd", "no")
        rado = self.ready("rado", "call 1011; wait answered; wait 1; hangup")
        self.ended(rado, anna)

    def test_a_hunt_group_rings_all_and_then_one_after_the_other(self):
        self.node.cli("hunt-group", "add", "2000", "--members", "1011,1012", "--algorithm", "parallel",
                      "--ring-s", "2")
        for algorithm in ("parallel", "sequential"):
            self.node.cli("hunt-group", "update", "2000", "--algorithm", algorithm)
            anna = self.ready("anna", "wait incoming; wait ended")
            ivan = self.ready("ivan", "wait incoming; answer; wait ended")
            self.ended(self.ready("rado", "call 2000; wait answered; wait 1; hangup"), anna, ivan)
        self.node.cli("-y", "hunt-group", "remove", "2000")

    def test_patterns(self):
        self.node.cli("route-pattern", "add", "77XX", "--line", "1012")
        self.node.cli("route-pattern", "add", "7799", "--blocked")
        ivan = self.ready("ivan", "wait incoming; answer; wait ended")
        self.ended(self.ready("rado", "call 7712; wait answered; wait 1; hangup"), ivan)
        rado = self.ready("rado", "call 7799; wait answered")
        self.assertNotEqual(0, rado.wait())
        rado.wait_line(r"\(403")
        self.node.cli("-y", "route-pattern", "remove", "7799")
        self.node.cli("-y", "route-pattern", "remove", "77XX")
        self.ended(self.ready("rado", "call 7712; wait answered"), status=53)


class Peer:
    """The other end of a trunk: speaks SIP by hand over one stream."""

    def __init__(self, stream):
        self.stream = stream

    def answer(self, request, status, reason, body=""):
        to = request.get("To")
        if status > 100 and ";tag=" not in to:
            to += ";tag=peer"
        method = request.get("CSeq").split()[1]
        lines = [f"SIP/2.0 {status} {reason}", *(f"Via: {v}" for v in request.all("Via")),
                 *(f"Record-Route: {r}" for r in request.all("Record-Route")),
                 f"From: {request.get('From')}", f"To: {to}", f"Call-ID: {request.get('Call-ID')}",
                 f"CSeq: {request.get('CSeq')}"]
        if method == "INVITE":
            lines.append(f"Contact: <sip:peer@{self.stream.local};transport={self.stream.transport.lower()}>")
        self.send(lines, body)

    def send(self, lines, body=""):
        if body:
            lines = [*lines, "Content-Type: application/sdp"]
        self.stream.send("\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body)

    def expect(self, what):
        message = self.stream.receive()
        if (message.status or message.method) != what:
            raise AssertionError(f"wanted {what} and got:\n{message}")
        return message

    def request(self, method, number, body="", **dialog):
        """A request; dialog: call_id, from_, to, uri, routes, cseq."""
        call_id = dialog.get("call_id") or secrets.token_hex(8)
        self.send([f"{method} {dialog.get('uri') or f'sip:{number}@localhost'} SIP/2.0",
                   f"Via: SIP/2.0/{self.stream.transport} {self.stream.local};rport;"
                   f"branch=z9hG4bK{secrets.token_hex(8)}",
                   *(f"Route: {r}" for r in dialog.get("routes", ())),
                   f"From: {dialog.get('from_') or '<sip:0431@carrier.example>;tag=' + secrets.token_hex(4)}",
                   f"To: {dialog.get('to') or f'<sip:{number}@localhost>'}",
                   f"Call-ID: {call_id}", f"CSeq: {dialog.get('cseq', 1)} {method}", "Max-Forwards: 70",
                   f"Contact: <sip:0431@{self.stream.local};transport={self.stream.transport.lower()}>"], body)
        return call_id


class Server:
    """Waits for the node's connection."""

    def __init__(self, scenario, context=None):
        self.context = context
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.sock.settimeout(lab.PATIENCE_S)
        scenario.addCleanup(self.sock.close)
        self.port = self.sock.getsockname()[1]
        self.scenario = scenario

    def accept(self):
        raw, _ = self.sock.accept()
        raw.settimeout(lab.PATIENCE_S)
        sock = self.context.wrap_socket(raw, server_side=True) if self.context else raw
        self.scenario.addCleanup(sock.close)
        return Peer(sip.Stream(sock, lab.PATIENCE_S))


class Datagrams:
    """The same over UDP: there is nothing to accept."""

    transport = "UDP"

    def __init__(self, scenario):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.settimeout(lab.PATIENCE_S)
        scenario.addCleanup(self.sock.close)
        self.port = self.sock.getsockname()[1]
        self.local, self.node = f"127.0.0.1:{self.port}", ("127.0.0.1", scenario.node.ports["sip"])

    def accept(self):
        return Peer(self)

    def send(self, text):
        self.sock.sendto(text.encode(), self.node)

    def receive(self):
        head, _, body = self.sock.recv(65536).partition(b"\r\n\r\n")
        return sip.Message(head, body)


class Trunks(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # On all addresses: over UDP the node must find out which one it sends from.
        cls.node = cls.lab.node(addresses="").oauth_ready(users=["rado"], devices={"CSFrado": "rado"})
        cls.ca = pki.Authority(cls.lab.folder, "Carrier CA")
        cls.node.cli("set", "cert", "import", "trust", "callmanager", cls.ca.cert)
        cls.token = cls.node.sign_in()["access_token"]

    def setUp(self):
        phone = self.node.registered(token=self.token)
        self.phone = Peer(phone.connection)

    def tearDown(self):
        for pattern in ("9.!", "8.!"):
            self.node.cli("-y", "route-pattern", "remove", pattern, check=False)
        for trunk in ("lab", "other"):
            self.node.cli("-y", "trunk", "remove", trunk, check=False)

    def call(self, number, secure=True):
        """INVITE from the phone; (its Call-ID, its From)."""
        from_ = f"<sip:1010@localhost>;tag={secrets.token_hex(4)}"
        return self.phone.request("INVITE", number, sdp(secure), from_=from_), from_

    def tls_server(self, name="localhost"):
        cert, key = self.ca.issue(f"{name}-{secrets.token_hex(2)}", [name])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        return Server(self, context)

    def test_a_call_goes_out_over_tls_encrypted(self):
        server = self.tls_server()
        self.node.cli("trunk", "add", "lab", "--host", "localhost", "--port", str(server.port), "--transport", "TLS",
                      "--srtp-allowed")
        self.node.cli("route-pattern", "add", "9.!", "--trunk", "lab", "--discard", "predot", "--prefix", "00")
        call_id, from_ = self.call("94312")
        self.phone.expect(100)
        peer = server.accept()
        invite = peer.expect("INVITE")
        self.assertEqual(f"INVITE sip:004312@localhost:{server.port};transport=tls SIP/2.0", invite.start)
        self.assertIn("<sip:1010@localhost>", invite.get("P-Asserted-Identity"))
        self.assertIn(f":{self.node.ports['sips']};transport=tls;lr", invite.get("Record-Route"))
        self.assertIn(KEY, invite.body.decode())
        peer.answer(invite, 180, "Ringing")
        self.phone.expect(180)
        peer.answer(invite, 200, "OK", sdp(True))
        answer = self.phone.expect(200)
        routes = [r.strip() for line in reversed(answer.all("Record-Route")) for r in reversed(line.split(","))]
        dialog = {"call_id": call_id, "from_": from_, "to": answer.get("To"), "routes": routes,
                  "uri": re.search("<(.*)>", answer.get("Contact"))[1]}
        self.phone.request("ACK", "", **dialog)
        peer.expect("ACK")
        self.phone.request("BYE", "", **dialog, cseq=2)
        peer.answer(peer.expect("BYE"), 200, "OK")
        self.phone.expect(200)

    def test_tcp_and_udp_carry_what_has_no_keys(self):
        self.node.cli("trunk", "add", "lab", "--host", "127.0.0.1", "--port", "9", "--transport", "TCP",
                      "--peers", "127.0.0.1")
        self.node.cli("route-pattern", "add", "9.!", "--trunk", "lab", "--discard", "predot")
        tcp = Server(self)
        udp = Datagrams(self)
        for transport, server in (("TCP", tcp), ("UDP", udp), ("UDP", udp)):
            self.node.cli("trunk", "update", "lab", "--transport", transport, "--port", str(server.port))
            self.phone.request("MESSAGE", "94312", from_=f"<sip:1010@localhost>;tag={secrets.token_hex(4)}")
            peer = server.accept()
            message = peer.expect("MESSAGE")
            self.assertIn(f"SIP/2.0/{transport} 127.0.0.1:", message.get("Via"))
            peer.answer(message, 200, "OK")
            self.phone.expect(200)
        # The other way: a request of the trunk's own.
        peer.request("MESSAGE", "1010")
        self.phone.answer(self.phone.expect("MESSAGE"), 200, "OK")
        peer.expect(200)
        peer.request("MESSAGE", "94312")
        peer.expect(403)

    def test_a_certificate_for_another_name_is_nobody(self):
        server = self.tls_server("elsewhere.example")
        self.node.cli("trunk", "add", "lab", "--host", "localhost", "--port", str(server.port), "--transport", "TLS")
        self.node.cli("route-pattern", "add", "9.!", "--trunk", "lab")
        self.call("94312")
        self.phone.expect(100)
        with self.assertRaises(OSError):
            server.accept().expect("INVITE")
        self.phone.expect(500)
        self.node.wait_line(r"event=trunk.unreachable .*trunk=lab")

    def test_a_trunk_that_is_down_and_comes_up(self):
        server = self.tls_server()
        server.sock.close()
        self.node.cli("trunk", "add", "lab", "--host", "127.0.0.1", "--port", str(server.port), "--transport", "TLS",
                      "--srtp-allowed")
        self.node.cli("route-pattern", "add", "9.!", "--trunk", "lab")
        self.call("94312")
        self.phone.expect(100)
        self.phone.expect(500)
        server = self.tls_server()
        self.node.cli("trunk", "update", "lab", "--port", str(server.port), "--host", "localhost")
        self.call("94312")
        self.phone.expect(100)
        peer = server.accept()
        peer.answer(peer.expect("INVITE"), 486, "Busy Here")
        peer.expect("ACK")
        self.phone.expect(486)

    def test_the_node_knows_whether_a_trunk_answers(self):
        server = self.tls_server()
        self.node.cli("trunk", "add", "lab", "--host", "localhost", "--port", str(server.port), "--transport", "TLS")
        self.node.cli("trunk", "add", "other", "--host", "127.0.0.1", "--port", "9", "--transport", "TCP")
        self.node.stop()
        self.node.start()
        peer = server.accept()
        peer.answer(peer.expect("OPTIONS"), 200, "OK")
        self.node.wait_line(r"event=trunk.up trunk=lab status=200")
        self.node.wait_line(r"event=trunk.down trunk=other")
        shown = self.node.cli("show", "trunks").stdout
        self.assertRegex(shown, r"(?m)^lab +up +200 ")
        self.assertRegex(shown, r"(?m)^other +down +0 ")

    def test_a_trunk_reaches_our_numbers_and_nothing_else(self):
        self.node.cli("trunk", "add", "lab", "--host", "127.0.0.1", "--port", "9", "--transport", "TLS",
                      "--peers", "sbc.carrier.example", "--srtp-allowed")
        self.node.cli("route-pattern", "add", "9.!", "--trunk", "lab")
        peer = self.caller("sbc.carrier.example")
        call_id = peer.request("INVITE", "1010", sdp(True))
        peer.expect(100)
        invite = self.phone.expect("INVITE")
        self.assertIn("<sip:0431@localhost>", invite.get("P-Asserted-Identity"))
        self.phone.answer(invite, 486, "Busy Here")
        self.phone.expect("ACK")
        self.assertEqual(call_id, peer.expect(486).get("Call-ID"))
        for number, status in (("94312", 403), ("4711", 404)):
            peer.request("INVITE", number, sdp(True))
            peer.expect(status)
        self.node.cli("trunk", "update", "lab", "--enabled", "no")
        peer.request("INVITE", "1010", sdp(True))
        known = peer.stream.receive().status
        peer.request("INVITE", "4711", sdp(True))
        self.assertEqual(known, peer.stream.receive().status)
        self.assertGreaterEqual(known, 400)

    def test_another_certificate_of_the_same_ca_is_a_stranger(self):
        self.node.cli("trunk", "add", "lab", "--host", "127.0.0.1", "--port", "9", "--transport", "TLS",
                      "--peers", "sbc.carrier.example", "--srtp-allowed")
        peer = self.caller("sbc.other.example")
        peer.request("INVITE", "1010", sdp(True))
        known = peer.stream.receive().status
        peer.request("INVITE", "4711", sdp(True))
        self.assertEqual(known, peer.stream.receive().status)
        self.assertGreaterEqual(known, 400)

    def caller(self, name):
        context = self.node.tls(cert=self.ca.issue(f"{name}-{secrets.token_hex(2)}", [name]))
        return Peer(self.node.sip_tls("sips", context))


if __name__ == "__main__":
    unittest.main()
