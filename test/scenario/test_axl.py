"""AXL as others speak it: the npm package cisco-axl as a client, and the schema it carries as the judge
of every answer."""
import base64
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import unittest

import lab
import pki

NPM = pathlib.Path(__file__).resolve().parents[1] / "npm"
SCHEMA = NPM / "node_modules" / "cisco-axl" / "schema"
PASSWORD = "edge secret 1"
ENVELOPE = ('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
            '<a:{0} xmlns:a="http://www.cisco.com/AXL/API/{1}" sequence="3">{2}</a:{0}></s:Body></s:Envelope>')
ROUND = [  # as an edge asks, in this order
    ("getCCMVersion", ""),
    ("listProcessNode", "<searchCriteria><name>%</name></searchCriteria><returnedTags/>"),
    ("listCallManager", "<searchCriteria><name>%</name></searchCriteria><returnedTags/>"),
    ("getCallManager", "<name>ucm1</name>"),
    ("addExpresswayCConfiguration", "<expresswayCConfiguration><HostNameOrIP>exp-c</HostNameOrIP>"
     "<description>this is added through axl</description><X509SubjectNameorSubjectAlternateName>exp-c"
     "</X509SubjectNameorSubjectAlternateName></expresswayCConfiguration>"),
    ("updateExpresswayCConfiguration", "<HostNameOrIP>exp-c</HostNameOrIP><description/>"),
    ("listExpresswayCConfiguration", "<searchCriteria><HostNameOrIP>%</HostNameOrIP></searchCriteria><returnedTags/>"),
    ("getExpresswayCConfiguration", "<HostNameOrIP>exp-c</HostNameOrIP>"),
    ("executeSQLQuery", "<sql>select hostnameorip from expresswaycconfiguration</sql>"),
    ("removeExpresswayCConfiguration", "<HostNameOrIP>exp-c</HostNameOrIP>"),
]


class Axl(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.lab.node()
        cls.node.add_user("edge", PASSWORD, "--role", "axl")

    def ask(self, operation, version, args, password=PASSWORD):
        basic = base64.b64encode(f"edge:{password}".encode()).decode()
        return self.node.http("POST", "/axl/", ENVELOPE.format(operation, version, args),
                              {"Authorization": f"Basic {basic}", "Content-Type": "text/xml; charset=utf-8",
                               "SOAPAction": f'"CUCM:DB ver={version} {operation}"'})

    def judge(self, version, text):
        """The schema's word about what stands in the envelope."""
        inner = re.search(r"<soapenv:Body>(.*)</soapenv:Body>", text, re.DOTALL).group(1)
        path = self.lab.secret_file(inner)
        judged = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", str(SCHEMA / version / "AXLSoap.xsd"), path],
                                capture_output=True, text=True, check=False)
        self.assertEqual(0, judged.returncode, judged.stderr + inner)

    @unittest.skipUnless(SCHEMA.exists() and shutil.which("xmllint"), "cisco-axl or xmllint is not installed")
    def test_every_answer_is_as_the_schema_says(self):
        for version in ("12.5", "14.0", "15.0"):
            for operation, args in ROUND:
                with self.subTest(version=version, operation=operation):
                    answer = self.ask(operation, version, args)
                    self.assertEqual(200, answer.status, answer.body)
                    self.judge(version, answer.body.decode())

    @unittest.skipUnless(SCHEMA.exists() and shutil.which("node"), "cisco-axl or node is not installed")
    def test_a_client_nobody_here_wrote(self):
        for version in ("12.5", "14.0"):
            done = subprocess.run(["node", str(NPM / "axl.js"), f"localhost:{self.node.ports['https']}", "edge", version],
                                  input=PASSWORD, capture_output=True, text=True, check=False,
                                  timeout=30 * lab.PATIENCE,
                                  env={**os.environ, "NODE_EXTRA_CA_CERTS": self.node.ca})
            self.assertEqual(0, done.returncode, done.stderr)
            said = json.loads(done.stdout)
            self.assertIn(version, json.dumps(said["getCCMVersion"]))
            self.assertIn('"localhost"', json.dumps(said["listProcessNode"]))
            ports = said["getCallManager"]["callManager"]["ports"]["sipPorts"]
            self.assertEqual((str(self.node.ports["oauth"]), str(self.node.ports["mra"])),
                             (str(ports["sipOAuthPort"]), str(ports["sipOAuthMRAPort"])))
            self.assertRegex(json.dumps(said["addExpresswayCConfiguration"]), r"\{[0-9A-F-]{36}\}")
            self.assertIn("exp-c,exp-d", json.dumps(said["listExpresswayCConfiguration"]))
            self.assertIn("exp-c,exp-d", json.dumps(said["getExpresswayCConfiguration"]))
            self.assertIn("ClusterSIPOAuthMode", json.dumps(said["executeSQLQuery"]))
            self.assertIn("was not found", json.dumps(said["error"]))

    def test_what_is_pushed_opens_the_mra_port_at_once(self):
        """No restart between the push and the first connection."""
        self.node.oauth_ready()
        authority = pki.Authority(self.lab.folder, "Edge CA")
        self.node.cli("set", "cert", "import", "trust", "tomcat", authority.cert)
        context = self.node.tls(cert=authority.issue("exp-c", ["exp-c"]))
        self.assertFalse(self.is_let_in(context))
        self.assertEqual(401, self.ask("getCCMVersion", "14.0", "", password="wrong").status)
        self.assertEqual(200, self.ask("addExpresswayCConfiguration", "14.0", ROUND[4][1]).status)
        self.assertTrue(self.is_let_in(context))
        self.assertEqual(200, self.ask("removeExpresswayCConfiguration", "14.0", ROUND[9][1]).status)
        self.assertFalse(self.is_let_in(context))

    def is_let_in(self, context):
        """A keepalive is answered on the port for edges."""
        try:
            with context.wrap_socket(self.node.connect("mra"), server_hostname="localhost") as sock:
                sock.sendall(b"\r\n\r\n")
                return sock.recv(2) == b"\r\n"
        except (ssl.SSLError, ConnectionError):
            return False


if __name__ == "__main__":
    unittest.main()
