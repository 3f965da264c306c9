"""Changes on a live node: mode, ports, certificates, profiles, users, devices, keys. Nothing restarts;
what no longer fits is let go, what still does stays."""
# suite: threads
import ssl
import time
import unittest

import lab
import ports
import sip


class Changes(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.lab.node()
        cls.node.oauth_ready(users=["rado", "anna"], devices={
            "CSFrado": "rado", "CSFanna": "anna", "CSFgone": "rado", "CSFline": "rado"})
        cls.signed_in = {user: cls.node.sign_in(user) for user in ("rado", "anna")}

    def phone(self, device="CSFrado", user="rado"):
        return self.node.registered(device, self.node.lines[device], self.signed_in[user]["access_token"])

    def let_go(self, phone, reason="no-longer-allowed", action="released"):
        """The phone is told, then its connection ends."""
        heard = phone.connection.wait_closed()
        self.assertEqual(["NOTIFY"], [m.method for m in heard])
        self.assertIn(f"action={action}\r\nreason={reason}\r\n", heard[0].body.decode())
        self.node.wait_registrations(0, phone.device)

    def refused_connection(self, port):
        try:
            with self.node.connect(port):
                return False
        except ConnectionRefusedError:
            return True

    def test_disabling_the_mode_closes_the_ports_and_lets_phones_go(self):
        phones = [self.phone(), self.phone("CSFanna", "anna")]
        start = time.monotonic()
        self.node.cli("utils", "sipOAuth-mode", "disable")
        for phone in phones:
            self.let_go(phone)
        self.assertLess(time.monotonic() - start, 3 * lab.PATIENCE)
        for port in ("oauth", "mra"):
            self.assertTrue(self.refused_connection(port))
        self.assertIn("<sipOAuthMode>0</sipOAuthMode>", self.configuration())
        self.node.enable()
        self.assertIn("<sipOAuthMode>1</sipOAuthMode>", self.configuration())
        self.phone().unregister()

    def configuration(self, device="CSFrado"):
        return self.node.http("GET", f"/{device}.cnf.xml", port="config_http", plain=True).body.decode()

    def test_a_port_moves_and_phones_follow(self):
        phone = self.phone()
        old, new = self.node.ports["oauth"], ports.take()
        self.node.cli("node", "update", "ucm1", "--sip-oauth-port", str(new))
        try:
            self.assertTrue(self.refused_connection(old))
            self.node.ports["oauth"] = new
            self.assertIn(f"<sipOAuthPort>{new}</sipOAuthPort>", self.configuration())
            self.phone().unregister()
        finally:
            self.node.cli("node", "update", "ucm1", "--sip-oauth-port", str(old))
            self.node.ports["oauth"] = old
        phone.connection.close()

    def test_a_new_certificate_serves_new_connections_and_live_ones_stay(self):
        phone = self.phone()
        context = self.node.tls()
        context.minimum_version = ssl.TLSVersion.TLSv1_2

        def serial():
            with self.node.sip_tls(context=context) as c:
                return c.sock.getpeercert()["serialNumber"]
        before = serial()
        for unit in ("tomcat", "tomcat-ECDSA"):
            self.node.cli("set", "cert", "regen", unit)
        lab.wait_until(lambda: serial() != before, "the old certificate is still shown")
        self.assertEqual(200, phone.register().status)
        phone.unregister()

    def test_a_profile_that_loses_oauth_lets_its_phones_go(self):
        phone = self.phone()
        self.node.cli("profile", "update", lab.PROFILE, "--oauth", "off")
        self.let_go(phone)
        again = self.node.phone("CSFrado", self.node.lines["CSFrado"])
        answer = again.register(self.signed_in["rado"]["access_token"])
        self.assertEqual((403, "port-mismatch-profile-without-oauth"), (answer.status, answer.get("Bearline-Reason")))
        self.node.cli("profile", "update", lab.PROFILE, "--oauth", "on")
        self.assertEqual(200, again.register(self.signed_in["rado"]["access_token"]).status)
        again.unregister()

    def test_a_disabled_users_phones_go_and_his_tokens_end(self):
        phone = self.phone("CSFanna", "anna")
        self.node.cli("user", "update", "anna", "--active", "no")
        self.let_go(phone)
        again = self.node.phone("CSFanna", self.node.lines["CSFanna"])
        self.assertIn(again.register(self.signed_in["anna"]["access_token"]).status, (403, 407))
        status, answer = self.node.token_request(grant_type="refresh_token",
                                                 refresh_token=self.signed_in["anna"]["refresh_token"])
        self.assertEqual((400, "invalid_grant"), (status, answer["error"]))
        self.node.cli("user", "update", "anna", "--active", "yes")

        def is_welcome_again():  # tokens of the very second in which he was disabled stay refused
            self.signed_in["anna"] = self.node.sign_in("anna")
            return again.register(self.signed_in["anna"]["access_token"]).status == 200
        lab.wait_until(is_welcome_again)
        again.unregister()

    def test_a_removed_device_and_a_lost_line_let_their_phones_go(self):
        phone = self.phone("CSFgone")
        self.node.cli("device", "remove", "CSFgone", "--yes")
        self.let_go(phone)
        phone = self.phone("CSFline")
        self.node.add_line("1999")
        self.node.cli("device", "update", "CSFline", "--line", "1999")
        self.let_go(phone)

    def test_a_revoked_sign_in_lets_its_phones_go(self):
        mine = self.node.sign_in()
        phone = self.node.registered("CSFrado", self.node.lines["CSFrado"], mine["access_token"])
        reply = self.node.post_form("/ssosp/oauth/revoke",
                                    {"client_id": "bearline-phone", "token": mine["refresh_token"]})
        self.assertEqual(200, reply.status)
        self.let_go(phone)
        again = self.node.phone("CSFrado", self.node.lines["CSFrado"])
        mark = self.node.log.mark()
        self.assertEqual(407, again.register(mine["access_token"]).status)
        self.node.wait_line(r"why=bad-token detail=revoked", mark)
        self.assertEqual(200, again.register(self.signed_in["rado"]["access_token"]).status)
        again.unregister()

    def test_another_realm_and_server_name_hold_at_once(self):
        self.node.set_param("SIPRealmStation", "other realm")
        self.node.set_param("SIPServerHeader", "Cisco-CUCM12.5")
        try:
            answer = self.node.phone("CSFrado", self.node.lines["CSFrado"]).register()
            self.assertEqual('Bearer realm="other realm"', answer.get("Proxy-Authenticate"))
            self.assertEqual("Cisco-CUCM12.5", answer.get("Server"))
        finally:
            self.node.set_param("SIPRealmStation", "ccmsipline")
            self.node.set_param("SIPServerHeader", "Bearline")

    def test_reset_lets_a_phone_go_and_it_may_come_back(self):
        phone = self.phone()
        self.node.cli("device", "reset", "CSFrado")
        self.let_go(phone, "reset", "reset")
        self.phone().unregister()


class Keys(lab.Scenario):
    def test_new_signing_keys_end_every_token_at_once(self):
        for use in ("signing", "encryption"):
            with self.subTest(use):
                node = self.lab.node("ucm-" + use).oauth_ready()
                mine = node.sign_in()
                phone = node.registered("CSFrado", "1010", mine["access_token"])
                before = node.cli("show", "key", "authz", use).stdout
                node.cli("set", "key", "regen", "authz", use, "--yes")
                self.assertNotEqual(before, node.cli("show", "key", "authz", use).stdout)
                again = node.phone("CSFrado", "1010")
                self.assertEqual(407, again.register(mine["access_token"]).status)
                status, answer = node.token_request(grant_type="refresh_token", refresh_token=mine["refresh_token"])
                self.assertEqual((400, "invalid_grant"), (status, answer["error"]))
                try:
                    self.assertEqual(407, phone.register().status)
                except (sip.Closed, ConnectionError):
                    pass  # let go already
                self.assertEqual(200, again.register(node.sign_in()["access_token"]).status)


if __name__ == "__main__":
    unittest.main()
