"""Both dialects by hand, down to the bytes: challenge, answer, refresh, standby, duplicate, unregister."""
# suite: threads
import re
import unittest

import lab
import sip

DATE = r"Date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"


class Wire(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.lab.node().oauth_ready(users=["rado"], devices={
            "CSFrado": "rado", "CSFtwo": "rado", "CSFthree": "rado", "CSFfour": "rado", "CSFfive": "rado",
            "CSFsix": "rado", "CSFseven": "rado"})
        cls.token = cls.node.sign_in()["access_token"]

    def common(self, phone, answer):
        """What every answer repeats (RFC 3261, 8.2.6.2), with a To tag of its own."""
        self.assertIn(f";branch={phone.branch}", answer.get("Via"))
        self.assertEqual(f"<sip:{phone.line}@localhost>;tag={phone.from_tag}", answer.get("From"))
        self.assertRegex(answer.get("To"), rf"^<sip:{phone.line}@localhost>;tag=\S+$")
        self.assertEqual(phone.call_id, answer.get("Call-ID"))
        self.assertEqual(f"{phone.cseq} REGISTER", answer.get("CSeq"))
        self.assertTrue([line for line in answer.lines() if re.fullmatch(DATE, line)], str(answer))
        self.assertIn("Server: Bearline", answer.lines())

    def test_a_cisco_phone_registers_as_the_reference_shows(self):
        phone = self.node.phone("CSFrado", self.node.lines["CSFrado"])
        challenge = phone.register()
        self.assertEqual("SIP/2.0 407 Proxy Authentication Required", challenge.start)
        self.common(phone, challenge)
        self.assertIn('Proxy-Authenticate: Bearer realm="ccmsipline"', challenge.lines())
        self.assertIn("Content-Length: 0", challenge.lines())
        self.assertIsNone(challenge.get("WWW-Authenticate"))

        ok = phone.answer_challenge(self.token)
        self.assertEqual("SIP/2.0 200 OK", ok.start)
        self.common(phone, ok)
        self.assertNotEqual(challenge.get("To"), ok.get("To"))
        self.assertIn("Expires: 120", ok.lines())
        self.assertIn(f"Contact: {phone.contact()};x-cisco-newreg", ok.lines())
        self.assertIn("Supported: X-cisco-srtp-fallback,X-cisco-sis-9.1.0", ok.lines())
        self.assertIn("Content-Type: application/x-cisco-remotecc-response+xml", ok.lines())
        self.assertIn(f"Content-Length: {len(ok.body)}", ok.lines())
        self.assertEqual(
            b'<x-cisco-remotecc-response><response><code>200</code><optionsind><combine max="6"><remotecc>'
            b'<status></status></remotecc><service-control></service-control></combine>'
            b'<dialog usage="hook status"><unot></unot></dialog><dialog usage="shared line"><unot></unot></dialog>'
            b'<presence usage="blf speed dial"><unot></unot></presence><joinreq></joinreq></optionsind>'
            b'</response></x-cisco-remotecc-response>\n', ok.body)

        refresh = phone.register()
        self.assertEqual(200, refresh.status)
        self.common(phone, refresh)
        self.assertIn("Expires: 120", refresh.lines())
        self.assertIn(f"Contact: {phone.contact()}", refresh.lines())
        self.assertIn("Content-Length: 0", refresh.lines())
        self.assertIsNone(refresh.get("Content-Type"))

        gone = phone.unregister()
        self.assertEqual(200, gone.status)
        self.assertIn("Expires: 0", gone.lines())
        self.assertEqual([], self.node.registrations("CSFrado"))

    def test_a_standard_client_registers_as_rfc_8898_says(self):
        phone = self.node.phone(line=self.node.lines["CSFtwo"], cisco=False)
        challenge = phone.register()
        self.assertEqual("SIP/2.0 401 Unauthorized", challenge.start)
        self.common(phone, challenge)
        self.assertIn(f'WWW-Authenticate: Bearer realm="ccmsipline", scope="sip", '
                      f'authz_server="https://localhost:{self.node.ports["https"]}"', challenge.lines())
        self.assertIsNone(challenge.get("Proxy-Authenticate"))

        ok = phone.register(self.token)
        self.assertEqual(200, ok.status)
        self.common(phone, ok)
        self.assertRegex(ok.get("Contact"), r"^" + re.escape(phone.contact()) + r";expires=(3600|35\d\d)$")
        self.assertEqual("path, outbound", ok.get("Supported"))
        self.assertEqual(b"", ok.body)

        bad = phone.register("no.such.token")
        self.assertEqual(401, bad.status)
        self.assertIn('error="invalid_token"', bad.get("WWW-Authenticate"))

    def test_a_standard_client_hears_its_route_and_its_names(self):
        phone = self.node.phone(line=self.node.lines["CSFtwo"], cisco=False)
        ok = phone.register(self.token, headers=["Supported: path, gruu"])
        self.assertEqual(200, ok.status)
        self.assertRegex(ok.get("Service-Route"), r"^<sip:127\.0\.0\.1:\d+;transport=tls;lr>$")
        names = re.search(r';pub-gruu="([^"]+)";temp-gruu="([^"]+)"', ok.get("Contact"))
        self.assertIn(f";gr=urn:uuid:00000000-0000-0000-0000-{phone.instance}", names[1])
        self.assertRegex(names[2], r"^sip:tgruu\.[\w-]+@[^;]+;gr$")
        again = phone.register(self.token, headers=["Supported: gruu"])
        self.assertNotIn(names[2], again.get("Contact"))
        self.assertIn(names[1], again.get("Contact"))

    def test_credentials_count_in_either_header_and_all_three_spellings(self):
        line = self.node.lines["CSFthree"]
        for spelling in (f'Proxy-Authorization: Bearer token="{self.token}"',
                         f'Authorization: Bearer token="{self.token}"',
                         f"Proxy-Authorization: Bearer {self.token}",
                         f"Authorization: Bearer {self.token}",
                         f'Authorization: bearer {self.token}, realm="ccmsipline"'):
            with self.subTest(spelling.replace(self.token, "T")):
                phone = self.node.phone("CSFthree", line, instance="0123456789ab")
                self.assertEqual(200, phone.register(headers=[spelling]).status)
                phone.connection.close()

    def test_a_new_connection_is_asked_again_unless_strictness_asks_each_time(self):
        phone = self.node.registered("CSFfour", self.node.lines["CSFfour"], self.token)
        self.assertEqual(200, phone.register().status)
        other = self.node.phone("CSFfour", self.node.lines["CSFfour"])
        self.assertEqual(407, other.register().status)
        self.node.set_param("SIPOAuthStrictCredentials", 1)
        try:
            self.assertEqual(407, phone.register().status)
            self.assertEqual(200, phone.register(self.token).status)
        finally:
            self.node.set_param("SIPOAuthStrictCredentials", 0)

    def test_a_standby_keepalive_is_answered_and_registers_nothing(self):
        phone = self.node.phone("CSFfive", self.node.lines["CSFfive"])
        keepalive = {"contact": phone.contact() + ";expires=0;cisco-keep-alive", "expires": 0}
        self.assertEqual(407, phone.register(**keepalive).status)
        answer = phone.register(self.token, **keepalive)
        self.assertEqual(200, answer.status)
        self.assertIn("Content-Length: 0", answer.lines())
        self.assertEqual([], self.node.registrations("CSFfive"))

    def test_the_newest_phone_of_a_name_wins_and_the_other_is_told(self):
        line = self.node.lines["CSFsix"]
        first = self.node.registered("CSFsix", line, self.token)
        second = self.node.registered("CSFsix", line, self.token)
        heard = first.connection.wait_closed()
        self.assertEqual(["NOTIFY"], [m.method for m in heard])
        self.assertEqual("service-control", heard[0].get("Event"))
        self.assertEqual(b"action=released\r\nreason=duplicate-registration\r\nDeviceName=CSFsix\r\n", heard[0].body)
        rows = self.node.registrations("CSFsix")
        self.assertEqual(1, len(rows), rows)
        self.assertIn(second.connection.local.rpartition(":")[2], str(rows[0]))
        self.assertEqual(200, second.register().status)

    def test_a_phone_that_comes_back_on_a_new_connection_is_no_duplicate(self):
        line = self.node.lines["CSFseven"]
        first = self.node.registered("CSFseven", line, self.token, instance="00aabbccddee")
        second = self.node.phone("CSFseven", line, instance="00aabbccddee")
        answer = second.register(self.token)
        self.assertEqual(200, answer.status)
        self.assertNotIn("x-cisco-newreg", answer.get("Contact"))
        self.assertEqual([], first.connection.wait_closed())
        self.assertEqual(1, len(self.node.registrations("CSFseven")))

    def test_keepalives_are_answered(self):
        with self.node.sip_tls() as c:
            c.send("\r\n\r\n")
            c.wait_pong()

    def test_stun_on_the_udp_port_is_answered_with_the_address_seen(self):
        with self.node.sip_udp() as u:
            u.sock.settimeout(lab.PATIENCE_S)
            request = bytes.fromhex("000100002112a442") + bytes(range(12))
            u.sock.send(request)
            answer = u.sock.recv(2048)
            self.assertEqual(bytes.fromhex("0101"), answer[:2])
            self.assertEqual(request[4:20], answer[4:20])
            port = int(u.local.rpartition(":")[2])
            mapped = bytes.fromhex("00200008") + b"\0\1" + (port ^ 0x2112).to_bytes(2, "big")
            self.assertIn(mapped, answer)

    def test_what_is_not_register_gets_its_answer(self):
        phone = self.node.phone("CSFrado", self.node.lines["CSFrado"])
        for method, headers, wanted in (("OPTIONS", (), 407), ("INVITE", (), 407), ("FROBNICATE", (), 407)):
            with self.subTest(method + " by a stranger"):
                phone.connection.send(phone.request(method, headers=headers, uri="sip:1011@localhost"))
                answer = phone.receive_final()
                self.assertIn(answer.status, (wanted, 501), str(answer))
                if method == "INVITE":
                    phone.connection.send(ack(phone, answer))
        with self.node.sip_tcp() as c:
            plain = sip.Phone(c, "", "1010", cisco=False)
            c.send(plain.request("FROBNICATE", contact=""))
            self.assertIn(plain.receive_final().status, (405, 501))
            c.send(plain.request("OPTIONS", contact=""))
            answer = plain.receive_final()
            self.assertEqual(200, answer.status)
            self.assertIn("REGISTER", answer.get("Allow"))
            c.send(plain.request(headers=["Require: frobnication"]))
            answer = plain.receive_final()
            self.assertEqual((420, "frobnication"), (answer.status, answer.get("Unsupported")))


def ack(phone, answer):
    """The ACK of a refused INVITE (RFC 3261, 17.1.1.3)."""
    return (f"ACK sip:1011@localhost SIP/2.0\r\nVia: SIP/2.0/{phone.connection.transport} {phone.connection.local};"
            f"branch={phone.branch}\r\nFrom: <sip:{phone.line}@localhost>;tag={phone.from_tag}\r\n"
            f"To: {answer.get('To')}\r\nCall-ID: {phone.call_id}\r\nCSeq: {phone.cseq} ACK\r\n"
            "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n")


if __name__ == "__main__":
    unittest.main()
