"""Device configuration on 6970 and 6972: who gets it, and that it is the document phones expect."""
import unittest
import xml.etree.ElementTree as ET

import lab


class Config(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.lab.node().oauth_ready(users=["rado", "anna"], devices={"CSFrado": "rado", "CSFanna": "anna"})
        cls.tokens = {u: cls.node.sign_in(u)["access_token"] for u in ("rado", "anna")}

    def plain(self, path, method="GET", **headers):
        return self.node.http(method, path, headers=headers, port="config_http", plain=True)

    def secure(self, path, token=None, method="GET", **headers):
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return self.node.http(method, path, headers=headers, port="config_https")

    def test_the_document_says_where_and_how_to_register(self):
        reply = self.plain("/CSFrado.cnf.xml")
        self.assertEqual(200, reply.status)
        root = ET.fromstring(reply.body)
        self.assertEqual("device", root.tag)
        self.assertEqual("axl:XIPPhone", root.get("{http://www.w3.org/2001/XMLSchema-instance}type"))
        self.assertRegex(root.get("uuid"), r"^\{[0-9a-f-]{36}\}$")
        self.assertEqual("1", root.findtext("sipOAuthMode"))
        self.assertEqual("3", root.findtext("deviceSecurityMode"))
        members = root.findall("devicePool/callManagerGroup/members/member")
        self.assertEqual(1, len(members))
        manager = members[0].find("callManager")
        self.assertEqual("localhost", manager.findtext("name"))
        for element, port in (("sipPort", "sip"), ("securedSipPort", "sips"), ("sipOAuthPort", "oauth"),
                              ("sipMRAOAuthPort", "mra")):
            self.assertEqual(str(self.node.ports[port]), manager.findtext(f"ports/{element}"))
        line = root.find("sipProfile/sipLines/line")
        self.assertEqual("1010", line.findtext("name"))
        self.assertRegex(line.findtext("contact"), r"^[0-9a-f-]{36}$")

    def test_an_unknown_device_and_any_other_path_are_not_found(self):
        for path in ("/CSFnobody.cnf.xml", "/", "/../etc/passwd", "/CSFrado.cnf.xml/x", "/SEP0011.cnf.xml"):
            with self.subTest(path):
                self.assertEqual(400 if ".." in path else 404, self.plain(path).status)
        self.assertEqual(405, self.plain("/CSFrado.cnf.xml", "DELETE").status)

    def test_an_unchanged_document_is_not_sent_again(self):
        first = self.plain("/CSFrado.cnf.xml")
        tag = first.headers["ETag"]
        again = self.plain("/CSFrado.cnf.xml", **{"If-None-Match": tag})
        self.assertEqual((304, b""), (again.status, again.body))
        self.node.cli("device", "update", "CSFrado", "--description", 'Rado\'s "<phone>" & more')
        changed = self.plain("/CSFrado.cnf.xml", **{"If-None-Match": tag})
        self.assertEqual(200, changed.status)
        self.assertNotEqual(tag, changed.headers["ETag"])
        self.assertIn('Rado\'s "<phone>" & more', list(ET.fromstring(changed.body).itertext()))
        head = self.plain("/CSFrado.cnf.xml", "HEAD")
        self.assertEqual((200, b""), (head.status, head.body))

    def test_the_https_port_asks_for_the_owners_token(self):
        for path, token, status in (("/CSFrado.cnf.xml", None, 401), ("/CSFrado.cnf.xml", "no.token", 401),
                                    ("/CSFrado.cnf.xml", self.tokens["rado"], 200),
                                    ("/CSFrado.cnf.xml", self.tokens["anna"], 404),
                                    ("/CSFnobody.cnf.xml", None, 401),
                                    ("/CSFnobody.cnf.xml", self.tokens["rado"], 404)):
            with self.subTest(f"{path} {status}"):
                reply = self.secure(path, token)
                self.assertEqual(status, reply.status)
                if status == 401:
                    self.assertIn("Bearer", reply.headers["WWW-Authenticate"])
        self.assertIn('error="invalid_token"',
                      self.secure("/CSFrado.cnf.xml", "no.token").headers["WWW-Authenticate"])
        tag = self.secure("/CSFrado.cnf.xml", self.tokens["rado"]).headers["ETag"]
        self.assertEqual(304, self.secure("/CSFrado.cnf.xml", self.tokens["rado"], **{"If-None-Match": tag}).status)

    def test_plain_download_can_be_forbidden(self):
        self.node.set_param("ConfigOverHTTPForOAuth", 0)
        try:
            reply = self.plain("/CSFrado.cnf.xml")
            self.assertEqual(403, reply.status)
            self.assertIn(str(self.node.ports["config_https"]), reply.body.decode())
        finally:
            self.node.set_param("ConfigOverHTTPForOAuth", 1)
        self.assertEqual(200, self.plain("/CSFrado.cnf.xml").status)

    def test_with_the_mode_off_a_device_is_told_the_old_ports(self):
        self.node.cli("utils", "sipOAuth-mode", "disable")
        try:
            self.assertIn(b"<sipOAuthMode>0</sipOAuthMode>", self.plain("/CSFrado.cnf.xml").body)
        finally:
            self.node.enable()


if __name__ == "__main__":
    unittest.main()
