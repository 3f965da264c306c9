"""The inner edge and its call server: discovery, the row it pushes, zones and what is said when one is not
Active. The source document's troubleshooting scenarios 2 and 3 as the edge sees them."""
# suite: threads
import os
import subprocess
import unittest

import edges
import lab
import pki

ROW = ("run", "sql", "select * from expresswaycconfiguration")


class Joining(lab.Scenario):
    def test_each_thing_that_lacks_is_named_with_its_cure(self):
        node = self.lab.node("ucm1")
        node.oauth_ready()
        edge = edges.Edge(self.lab).start()
        self.assertIn("none is known", edge.cli("diagnose", check=False).stdout)

        def refused(*words):
            said = edge.add_ucm(node, check=False)
            self.assertEqual(1, said.returncode)
            for word in words:
                self.assertIn(word, said.stderr)

        refused("comes from no CA trusted here", "bearline --edge set cert import trust tomcat")
        edge.cli("set", "cert", "import", "trust", "tomcat", os.path.join(node.data, "ca.pem"))
        refused("does not take the name edge with this password")
        node.add_user(edges.AXL_USER, edges.AXL_PASSWORD)
        refused("edge may not use AXL", "On the call server: user update edge --role axl")
        node.cli("user", "update", edges.AXL_USER, "--role", "axl")
        edge.add_ucm(node)
        edge.wait_ucm("Followed")

        # It has made itself known; nothing is served before the mode is on.
        row = node.cli(*ROW).stdout
        self.assertIn("this is added through axl", row)
        self.assertIn("exp-c.example.com,exp-c", row)
        self.assertIn("Unified Communications mode is Off", edge.cli("diagnose", check=False).stdout)
        self.assertEqual({}, edge.zones())
        edge.cli("param", "set", "EdgeUnifiedCommunicationsMode", "mra")

        # Scenario 3: the node does not trust the edge. The command as it is printed, with the edge's file.
        zone = edge.wait_zone("CEOAuth-ucm1", "Failed", "does not trust this edge's certificate",
                              "issued by CN=Bearline CA exp-c", "alert unknown CA",
                              "On the call server, with ca.pem of this edge's data folder")
        self.assertEqual(45, zone["priority"])
        node.cli("set", "cert", "import", "trust", "tomcat", edge.ca)
        zone = edge.wait_zone("CEOAuth-ucm1", "Active")
        self.assertEqual(("", "localhost", node.ports["mra"]), (zone["text"], zone["host"], zone["port"]))
        self.assertEqual(0, edge.cli("status").returncode)
        self.assertNotIn("FAIL", edge.cli("diagnose").stdout)
        self.assertIn("Active", edge.cli("show", "zones").stdout)
        self.assertNotIn(edges.AXL_PASSWORD, edge.program.log.text())

    def test_scenario_2_the_edge_does_not_trust_the_node(self):
        node = self.lab.node("ucm2")
        node.oauth_ready()
        edge = edges.Edge(self.lab, "exp-d").start()
        node.add_user(edges.AXL_USER, edges.AXL_PASSWORD, "--role", "axl")
        node.cli("set", "cert", "import", "trust", "tomcat", edge.ca)
        edge.cli("param", "set", "EdgeUnifiedCommunicationsMode", "mra")
        # Without verifying the discovery works; the zone verifies whatever that setting says.
        edge.add_ucm(node, "--tls-verify", "no")
        edge.wait_zone("CEOAuth-ucm2", "Failed", "this edge does not trust the certificate of 127.0.0.1",
                       "issued by CN=Bearline CA ucm2", "(unknown CA)", "bearline --edge set cert import trust tomcat")
        # The other side says the same from there.
        self.assertIn("refused our certificate", node.cli("show", "handshakes").stdout)
        edge.cli("set", "cert", "import", "trust", "tomcat", os.path.join(node.data, "ca.pem"))
        edge.wait_zone("CEOAuth-ucm2", "Active")


class Following(lab.Scenario):
    def setUp(self):
        super().setUp()
        name = self.id().rsplit("_", maxsplit=1)[1]  # each test its own pair
        self.node = self.lab.node(name)
        self.node.oauth_ready()
        self.edge = edges.Edge(self.lab, "exp-" + name).start()
        edges.join(self.node, self.edge)
        self.zone = "CEOAuth-" + name

    def connections_opened(self):
        return int(self.edge.cli("show", "counters").stdout.split("connections.opened")[1].split()[0])

    def test_changes_arrive_by_themselves_and_cut_nobody_ports(self):
        before = self.connections_opened()
        log = self.edge.program.log
        # Keys and certificates: read anew, the zone's connection stays.
        mark = log.mark()
        self.node.cli("--yes", "set", "key", "regen", "authz", "signing")
        log.wait(r"event=ucm\.read", mark)
        self.node.cli("set", "cert", "regen", "tomcat")
        self.edge.cli("ucm", "refresh")
        self.edge.wait_ucm("Followed")
        self.edge.wait_zone(self.zone, "Active")
        self.assertEqual(before, self.connections_opened())
        # A port: the zone moves.
        port = lab.ports.take()
        self.node.cli("node", "update", self.node.name, "--sip-mra-oauth-port", str(port))
        lab.wait_until(lambda: self.edge.zones()[self.zone]["port"] == port)
        self.edge.wait_zone(self.zone, "Active")
        # The mode: the zones go, and it is said why.
        self.node.cli("utils", "sipOAuth-mode", "disable")
        lab.wait_until(lambda: self.edge.zones() == {})
        self.assertIn("utils sipOAuth-mode enable", self.edge.cli("diagnose", check=False).stdout)
        self.node.cli("utils", "sipOAuth-mode", "enable")
        lab.wait_until(lambda: self.zone in self.edge.zones())
        self.edge.wait_zone(self.zone, "Active")
        # And the edge's own mode.
        self.edge.cli("param", "set", "EdgeUnifiedCommunicationsMode", "off")
        lab.wait_until(lambda: self.edge.zones() == {})

    def test_another_certificate_of_the_edge_is_told_at_once_names(self):
        authority = pki.Authority(self.lab.folder, "Other CA")
        cert, key = authority.issue("exp-new.example.com", ["exp-new.example.com"], rsa=True)
        self.node.cli("set", "cert", "import", "trust", "tomcat", authority.cert)
        self.edge.cli("set", "cert", "import", "own", "tomcat", cert, key)
        lab.wait_until(lambda: "exp-new.example.com" in self.node.cli(*ROW).stdout,
                       lambda: self.node.cli(*ROW).stdout)
        # The next connection shows it and is let in.
        self.node.stop()
        self.edge.wait_zone(self.zone, "Failed", "nobody listens on")
        self.node.start()
        self.edge.wait_zone(self.zone, "Active")

    def test_a_row_changed_by_hand_is_named_and_refresh_cures_it_byhand(self):
        row = self.edge.name
        self.node.cli("edge", "update", row, "--x509-names", "somebody.example.com")
        self.node.stop()
        self.node.start()
        self.edge.wait_zone(self.zone, "Failed", "none of its names in expresswaycconfiguration", "ucm refresh")
        self.edge.cli("ucm", "refresh")
        self.edge.wait_zone(self.zone, "Active")

    def test_a_user_who_may_no_longer_is_named_and_the_zones_stay_user(self):
        self.node.cli("user", "update", edges.AXL_USER, "--active", "no")
        self.edge.wait_ucm("Failing", "does not take the name edge")
        self.assertEqual("Active", self.edge.zones()[self.zone]["sip_status"])
        self.assertEqual(1, self.edge.cli("status", check=False).returncode)
        self.node.cli("user", "update", edges.AXL_USER, "--active", "yes")
        self.edge.wait_ucm("Followed")

    def test_refresh_login_on_one_side_only_is_a_named_mismatch_mismatch(self):
        self.edge.cli("param", "set", "EdgeAuthorizeByTokenWithRefresh", "0")
        said = self.edge.cli("diagnose", check=False).stdout
        self.assertIn("configuration mismatch: the call server has OAuth with Refresh Login Flow enabled", said)
        self.assertIn("Here: param set EdgeAuthorizeByTokenWithRefresh 1", said)
        # The call server names it too, once the edge has asked again.
        lab.wait_until(lambda: f"Edge {self.edge.name}: configuration mismatch" in
                       self.node.cli("diagnose", check=False).stdout)
        self.edge.cli("param", "set", "EdgeAuthorizeByTokenWithRefresh", "1")
        lab.wait_until(lambda: f"Edge {self.edge.name}: follows this cluster" in
                       self.node.cli("diagnose", check=False).stdout)

    def test_an_edge_that_was_killed_goes_on_where_it_was_killed(self):
        self.edge.program.kill()
        self.edge.start()
        self.edge.wait_zone(self.zone, "Active")
        self.edge.cli("--yes", "ucm", "remove", self.node.host)
        lab.wait_until(lambda: self.edge.zones() == {})


class Starting(lab.Scenario):
    def start(self, *words):
        return subprocess.run([edges.EDGE, *words], capture_output=True, text=True, timeout=lab.PATIENCE_S,
                              env=lab.environment(), check=False)

    def test_what_cannot_be_is_refused_with_what_can(self):
        rows = [((), "--role inner or --role outer"),
                (("--role", "middle"), "there is no role middle"),
                (("--role", "inner", "--set", "ports.sip=5060"), "there is no section [ports]"),
                (("--role", "inner", "--set", "node.addresses=foo"), "IP addresses"),
                (("--role", "inner", "--control", os.path.join(self.lab.folder, "none", "c")), "cannot be used"),
                (("--role", "inner", "extra"), "what is extra?")]
        for words, said in rows:
            done = self.start(*words)
            self.assertNotEqual(0, done.returncode)
            self.assertIn(said, done.stderr)

    def test_node_and_edge_send_each_other_s_questions_away(self):
        edge = edges.Edge(self.lab, "exp-x").start()
        self.assertIn("this is an edge", edge.cli("show", "calls", check=False).stderr)
        node = self.lab.node("ucm9")
        self.assertIn("this is a call server", node.cli("show", "zones", check=False).stderr)


if __name__ == "__main__":
    lab.main()
