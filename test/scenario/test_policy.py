"""Who may use which line: the rows of the policy table on the wire, and what becomes of every kind of
bad token: challenge or refusal, one line in the log with the reason, and never the token."""
import unittest

import jwt
import lab
import sip

MISMATCH = '399 ucm1 "SIP OAuth Registration port Mismatch"'
OWNER = '399 ucm1 "Token user does not own device"'
SECURE_PROFILE = "secure line"


class Policy(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        n = cls.node = cls.lab.node()
        n.oauth_ready(users=["rado", "anna"], devices={"CSFrado": "rado", "CSFanna": "anna", "CSFoff": "rado"})
        n.cli("device", "update", "CSFoff", "--enabled", "no")
        n.cli("profile", "add", SECURE_PROFILE, "--security", "encrypted", "--transport", "tls")
        for number, (name, profile) in enumerate({"CSFplain": lab.PLAIN_PROFILE, "CSFcert": SECURE_PROFILE}.items()):
            n.add_line(str(1020 + number))
            n.add_device(name, "rado", str(1020 + number), profile)
            n.lines[name] = str(1020 + number)
        cls.tokens = {"rado": n.sign_in()["access_token"], "anna": n.sign_in("anna")["access_token"]}
        cls.issuer = jwt.Issuer(cls.lab.folder)
        n.cli("issuer", "add", cls.issuer.iss, "--audience", "sip", "--scope", "sip", "--jwks-file",
              cls.issuer.jwks_file())

    def check(self, answer, status, warning=None, reason=None):
        self.assertEqual(status, answer.status, str(answer))
        self.assertEqual(warning, answer.get("Warning"), str(answer))
        self.assertEqual("35" if warning == MISMATCH else None, answer.get("Retry-After"), str(answer))
        self.assertEqual(reason, answer.get("Bearline-Reason"), str(answer))

    # --- the table ---

    def test_rows_of_the_oauth_line(self):
        for device, who, status, warning, reason in (
                ("CSFrado", None, 407, None, None),
                ("CSFrado", "rado", 200, None, None),
                ("CSFanna", "rado", 403, OWNER, "not-owner"),
                ("CSFanna", "anna", 200, None, None),
                ("CSFoff", None, 407, None, None),
                ("CSFoff", "rado", 403, None, "device-disabled"),
                ("CSFplain", None, 407, None, None),
                ("CSFplain", "rado", 403, MISMATCH, "port-mismatch-profile-without-oauth"),
                ("CSFnobody", None, 407, None, None),
                ("CSFnobody", "rado", 404, None, "unknown-device")):
            with self.subTest(f"{device} by {who}"), self.node.sip_tls() as c:
                phone = sip.Phone(c, device, self.node.lines.get(device, "1010"))
                mark = self.node.log.mark()
                answer = phone.register(self.tokens.get(who))
                self.check(answer, status, warning, reason)
                if reason:
                    self.node.wait_line(rf"event=line\.refused .*device={device} .*why={reason}\b", mark)

    def test_rows_of_the_plain_line(self):
        for device, status, warning in (("CSFrado", 403, MISMATCH), ("CSFplain", 200, None),
                                        ("CSFcert", 403, None), ("CSFnobody", 401, None)):
            with self.subTest(device), self.node.sip_tcp() as c:
                phone = sip.Phone(c, device, self.node.lines.get(device, "1010"))
                answer = phone.register()
                self.check(answer, status, warning)
                self.assertEqual(status == 401, answer.get("WWW-Authenticate") is not None)

    def test_a_line_of_another_device_is_not_given(self):
        with self.node.sip_tls() as c:
            phone = sip.Phone(c, "CSFrado", self.node.lines["CSFanna"])
            self.assertEqual(404, phone.register(self.tokens["rado"]).status)

    def test_another_hosts_address_of_record_is_not_ours(self):
        with self.node.sip_tls() as c:
            phone = sip.Phone(c, "CSFrado", self.node.lines["CSFrado"], host="elsewhere.example.com")
            self.assertEqual(404, phone.register(self.tokens["rado"], uri="sip:localhost").status)

    # --- tokens ---

    def tokens_refused(self):
        t, own = self.issuer.token, self.tokens["rado"]
        flipped = own[:-12] + ("A" if own[-12] != "A" else "B") + own[-11:]
        return {
            "no.token.at.all": "malformed",
            "x" * 300: "malformed",
            flipped: "bad-decryption",
            self.issuer.unsigned("rado"): "bad-algorithm",
            self.issuer.hmac_with_public_key("rado"): "bad-algorithm",
            t("rado", header={"alg": "RS256"}): "bad-algorithm",
            t("rado", key=self.issuer.stranger, header={"kid": "ec-1"}): "bad-signature",
            t("rado", key=self.issuer.stranger): "unknown-key",
            t("rado", iss="https://evil.example.com"): "bad-issuer",
            t("rado", aud="mail"): "bad-audience",
            t("rado", aud=["mail", "web"]): "bad-audience",
            t("rado", scope="mail"): "bad-scope",
            t("rado", exp=1700000000, iat=1699999000): "expired",
            t("rado", nbf=4000000000, exp=4000000600): "not-yet",
            t("rado", sub=None): "bad-claim",
            t("rado", exp=None): "bad-claim",
            t("rado", header={"typ": "dpop+jwt"}): "bad-type",
            t("rado", filler="x" * 9000): "too-big",
        }

    def test_bad_tokens_are_challenged_in_both_dialects(self):
        device, line = "CSFrado", self.node.lines["CSFrado"]
        for token, reason in self.tokens_refused().items():
            for cisco in (True, False):
                with self.subTest(f"{reason} {'cisco' if cisco else 'standard'}"), self.node.sip_tls() as c:
                    phone = sip.Phone(c, device, line, cisco=cisco)
                    mark = self.node.log.mark()
                    answer = phone.register(token)
                    said = answer.get("Proxy-Authenticate" if cisco else "WWW-Authenticate")
                    self.assertEqual(407 if cisco else 401, answer.status, str(answer))
                    if cisco:
                        self.assertEqual('Bearer realm="ccmsipline"', said)
                    else:
                        error = "insufficient_scope" if reason == "bad-scope" else "invalid_token"
                        self.assertIn(f'error="{error}"', said)
                    self.node.wait_line(r"event=line\.", mark)
                    self.assertEqual(200 if cisco else 401, phone.register(
                        self.tokens["rado"] if cisco else None).status)  # so that all was logged
                    lines = [x for x in self.node.log.find(r"event=line\.", mark) if "why=no-token" not in x]
                    self.assertEqual(1, len(lines), lines)
                    self.assertRegex(lines[0], rf"event=line\.challenged .*why=bad-token detail={reason}\b")

    def test_good_foreign_tokens_register_their_users_devices(self):
        for key in (self.issuer.ec, self.issuer.rsa):
            for more in ({}, {"aud": ["mail", "sip"]}, {"scope": "openid sip"}):
                with self.subTest(f"{key.alg} {more}"), self.node.sip_tls() as c:
                    phone = sip.Phone(c, "CSFrado", self.node.lines["CSFrado"])
                    self.assertEqual(200, phone.register(self.issuer.token("rado", key, **more)).status)

    def test_foreign_tokens_of_others_are_refused(self):
        for user, reason, warning in (("anna", "not-owner", OWNER), ("nobody", "user-unknown", None)):
            with self.subTest(user), self.node.sip_tls() as c:
                phone = sip.Phone(c, "CSFrado", self.node.lines["CSFrado"])
                self.check(phone.register(self.issuer.token(user)), 403, warning, reason)

    def test_a_disabled_issuer_is_believed_no_more(self):
        token = self.issuer.token("rado")
        self.node.cli("issuer", "update", self.issuer.iss, "--enabled", "no")
        try:
            with self.node.sip_tls() as c:
                phone = sip.Phone(c, "CSFrado", self.node.lines["CSFrado"])
                self.assertEqual(407, phone.register(token).status)
        finally:
            self.node.cli("issuer", "update", self.issuer.iss, "--enabled", "yes")

    def test_z_no_part_of_a_token_ever_came_into_the_log(self):
        text = self.node.log.text()
        for token in [*self.tokens.values(), *self.tokens_refused()]:
            for part in token.split("."):
                if len(part) > 16:
                    self.assertNotIn(part[:16], text.replace("x" * 16, ""))

    def test_tokens_of_every_format_register(self):
        for fmt in ("signed", "reference", "nested"):
            for alg in ("RS256", "ES256"):
                with self.subTest(f"{fmt} {alg}"):
                    self.node.set_param("OAuthTokenFormat", fmt)
                    self.node.set_param("OAuthTokenAlgorithm", alg)
                    with self.node.sip_tls() as c:
                        phone = sip.Phone(c, "CSFrado", self.node.lines["CSFrado"])
                        self.assertEqual(200, phone.register(self.node.sign_in()["access_token"]).status)


if __name__ == "__main__":
    unittest.main()
