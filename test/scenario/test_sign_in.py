"""The authorization server over real HTTPS: sign-in page, codes, tokens, refresh, revocation."""
import base64
import json
import unittest
import urllib.parse

import lab

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # of RFC 7636, Appendix B


class SignIn(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.lab.node().oauth_ready(users=["rado", "anna"])
        cls.issuer = f"https://localhost:{cls.node.ports['https']}"

    def test_the_metadata_name_endpoints_that_work(self):
        for path in ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"):
            reply = self.node.http("GET", path)
            self.assertEqual(200, reply.status)
            said = json.loads(reply.body)
            self.assertEqual(self.issuer, said["issuer"])
            self.assertEqual(["code"], said["response_types_supported"])
            self.assertEqual(["S256"], said["code_challenge_methods_supported"])
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "revocation_endpoint"):
                self.assertTrue(said[name].startswith(self.issuer), said[name])
        keys = json.loads(self.node.http("GET", urllib.parse.urlsplit(said["jwks_uri"]).path).body)["keys"]
        self.assertEqual({"EC", "RSA"}, {k["kty"] for k in keys})
        self.assertFalse([k for k in keys if "d" in k])

    def test_a_sign_in_gives_tokens_that_register(self):
        answer = self.node.sign_in()
        self.assertEqual("bearer", answer["token_type"].lower())
        self.assertEqual(3600, answer["expires_in"])
        self.assertIn("sip", answer["scope"].split())
        self.assertEqual(200, self.node.phone().register(answer["access_token"]).status)

    def test_the_page_is_script_free_and_guarded(self):
        page = self.node.http("GET", self.node.authorize_path(CHALLENGE, "s"))
        self.assertEqual(200, page.status)
        self.assertNotIn(b"<script", page.body)
        policy = page.headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertIn("frame-ancestors 'none'", policy)
        self.assertIn("no-store", page.headers["Cache-Control"])
        cookie = page.headers["Set-Cookie"]
        for word in ("__Host-", "Secure", "HttpOnly", "SameSite"):
            self.assertIn(word, cookie)

    def test_a_form_without_its_cookie_or_token_is_not_taken(self):
        page = self.node.http("GET", self.node.authorize_path(CHALLENGE, "s"))
        form = lab.Form(page.body.decode())
        fields = form.fields | {"username": "rado", "password": lab.PASSWORD}
        fields.pop("cancel", None)
        path = urllib.parse.urljoin("/ssosp/oauth/authorize", form.action)
        self.assertEqual(400, self.node.post_form(path, fields).status)
        cookie = {"Cookie": page.headers["Set-Cookie"].split(";")[0]}
        self.assertEqual(400, self.node.post_form(path, fields | {"csrf": "x"}, cookie).status)
        self.assertEqual(303, self.node.post_form(path, fields, cookie).status)

    def test_wrong_words_do_not_tell_whether_the_user_exists(self):
        pages = []
        for user in ("rado", "nobody"):
            reply, _ = self.node.get_code(user, "wrong")
            self.assertEqual(403, reply.status)
            pages.append(lab.Form(reply.body.decode()).alert)
        self.assertEqual(pages[0], pages[1])
        self.assertTrue(pages[0])

    def test_a_code_is_good_once_for_its_client_and_verifier(self):
        query, verifier = self.node.get_code("rado")
        self.assertEqual(self.issuer, query["iss"])
        trade = {"grant_type": "authorization_code", "code": query["code"], "code_verifier": verifier,
                 "redirect_uri": "http://127.0.0.1:9/cb"}
        for bad in ({"code_verifier": "w" * 43}, {"redirect_uri": "http://127.0.0.1:9/other"}, {"code": "no"}):
            other, its = self.node.get_code("rado")
            status, answer = self.node.token_request(**(trade | {"code": other["code"], "code_verifier": its} | bad))
            self.assertEqual((400, "invalid_grant"), (status, answer["error"]), bad)
        status, first = self.node.token_request(**trade)
        self.assertEqual(200, status)
        status, answer = self.node.token_request(**trade)
        self.assertEqual((400, "invalid_grant"), (status, answer["error"]))
        # RFC 6749, 4.1.2: a code used twice takes its tokens with it.
        self.assertEqual(407, self.node.phone().register(first["access_token"]).status)
        self.assertEqual("invalid_grant", self.node.token_request(
            grant_type="refresh_token", refresh_token=first["refresh_token"])[1]["error"])

    def test_refresh_tokens_rotate_and_a_reuse_revokes_the_sign_in(self):
        first = self.node.sign_in()
        status, second = self.node.token_request(grant_type="refresh_token", refresh_token=first["refresh_token"])
        self.assertEqual(200, status)
        self.assertNotEqual(first["refresh_token"], second["refresh_token"])
        status, answer = self.node.token_request(grant_type="refresh_token", refresh_token=first["refresh_token"])
        self.assertEqual((400, "invalid_grant"), (status, answer["error"]))
        status, answer = self.node.token_request(grant_type="refresh_token", refresh_token=second["refresh_token"])
        self.assertEqual((400, "invalid_grant"), (status, answer["error"]))
        self.assertEqual(407, self.node.phone().register(second["access_token"]).status)

    def test_bad_requests_get_their_error_words(self):
        for fields, error in (({"grant_type": "password"}, "unsupported_grant_type"),
                              ({}, "invalid_request"),
                              ({"grant_type": "refresh_token"}, "invalid_request"),
                              ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
                              ({"grant_type": "authorization_code", "client_id": "who"}, "invalid_client")):
            with self.subTest(str(fields)):
                status, answer = self.node.token_request(**fields)
                self.assertEqual(error, answer["error"])
                self.assertIn(status, (400, 401))
                self.assertTrue(answer["error_description"])

    def test_bad_authorization_requests_never_redirect_to_strangers(self):
        for more in ({"redirect_uri": "https://evil.example.com/cb"}, {"client_id": "who"}, {"redirect_uri": ""},
                     {"redirect_uri": "http://127.0.0.1.evil.example.com:9/cb"}):
            with self.subTest(str(more)):
                reply = self.node.http("GET", self.node.authorize_path(CHALLENGE, "s", **more))
                self.assertEqual(400, reply.status)
                self.assertIsNone(reply.headers["Location"])
        for more, error in (({"response_type": "token"}, "unsupported_response_type"),
                            ({"code_challenge": ""}, "invalid_request"),
                            ({"code_challenge_method": "plain"}, "invalid_request"),
                            ({"scope": "everything"}, "invalid_scope")):
            with self.subTest(str(more)):
                reply = self.node.http("GET", self.node.authorize_path(CHALLENGE, "s", **more))
                self.assertEqual(303, reply.status)
                query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(reply.headers["Location"]).query))
                self.assertEqual((error, "s"), (query["error"], query["state"]))

    def test_an_ipv6_loopback_redirect_and_any_port_are_fine(self):
        for uri in ("http://127.0.0.1:40123/callback", "http://[::1]:40123/callback"):
            with self.subTest(uri):
                self.assertTrue(self.node.sign_in(redirect_uri=uri)["access_token"])

    def test_an_administrator_revokes_a_user_as_in_the_reference(self):
        self.node.add_user("boss", lab.PASSWORD, "--role", "administrator")
        mine = self.node.sign_in("anna")

        def ask(user, password):
            basic = base64.b64encode(f"{user}:{password}".encode()).decode()
            return self.node.http("GET", "/ssosp/token/revoke?user_id=anna",
                                  headers={"Authorization": f"Basic {basic}"})
        self.assertEqual(401, self.node.http("GET", "/ssosp/token/revoke?user_id=anna").status)
        self.assertIn(ask("rado", lab.PASSWORD).status, (401, 403))
        reply = ask("boss", lab.PASSWORD)
        self.assertEqual(200, reply.status)
        said = json.loads(reply.body)["revoked_tokens"]
        self.assertEqual(("success", "anna"), (said["status"], said["user_id"]))
        self.assertEqual("bearline-phone", said["clientID_tokens"][0]["client_id"])
        self.assertEqual("invalid_grant", self.node.token_request(
            grant_type="refresh_token", refresh_token=mine["refresh_token"])[1]["error"])

    def test_parameters_hold_from_the_next_token_on(self):
        self.node.set_param("OAuthAccessTokenExpiry", 5)
        self.node.set_param("OAuthRefreshLoginFlow", 0)
        try:
            answer = self.node.sign_in()
            self.assertEqual(300, answer["expires_in"])
            self.assertNotIn("refresh_token", answer)
        finally:
            self.node.set_param("OAuthAccessTokenExpiry", 60)
            self.node.set_param("OAuthRefreshLoginFlow", 1)


class Throttle(lab.Scenario):
    def test_after_wrong_passwords_even_the_right_one_waits(self):
        node = self.lab.node().oauth_ready(users=["rado"])
        node.set_param("SignInTries", 3)
        for _ in range(3):
            self.assertEqual(403, node.get_code("rado", "wrong")[0].status)
        reply, _ = node.get_code("rado")
        self.assertEqual(429, reply.status)
        self.assertGreater(int(reply.headers["Retry-After"]), 0)
        self.assertNotIn(lab.PASSWORD, node.log.text())


if __name__ == "__main__":
    unittest.main()
