"""The edge pair on real borders (borders.py): a phone at home behind an address translation, a firewall that lets
only the inner edge dial out. Where namespaces are not permitted it says so; test_edge_pair runs the same programs
on loopback addresses."""
import os
import subprocess
import unittest

import borders
import edges
import lab
import sounds

IMPOSSIBLE = borders.are_possible()
if os.environ.get("BEARLINE_VARIANT", "gcc") != "gcc":
    IMPOSSIBLE = "the same programs run under this sanitizer in test_edge_pair; here the borders are what is looked at"


@unittest.skipIf(IMPOSSIBLE, IMPOSSIBLE)
class Border(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.borders = borders.Borders()
        cls.addClassCleanup(cls.borders.close)
        cls.node = cls.place("inside", lab.BEARLINED, "--data", cls.path("node"), "--control", cls.path("node.sock"),
                             "--set", "node.name=ucm1", "--set", f"node.host={borders.NODE}",
                             "--set", f"node.addresses={borders.NODE}")
        cls.node.wait_line(r"event=node\.ready")
        cls.inner = cls.edge("inner", "inner", "exp-c", borders.INNER, borders.INNER)
        cls.outer = cls.edge("outer", "dmz", "exp-e", borders.OUTER, f"{borders.OUTER} {borders.OUTER_INSIDE}")
        cls.configure()
        cls.tunes = {}
        for name, notes in {"rado": (440, 660, 520, 880), "anna": (350, 700, 410, 560)}.items():
            cls.tunes[name] = cls.path(name + ".wav")
            sounds.write_tune(cls.tunes[name], notes)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.lab.folder, name)

    @classmethod
    def place(cls, where, *command):
        return cls.lab.run_program([*cls.borders.inside_of(where), *command])

    @classmethod
    def edge(cls, role, where, name, host, addresses):
        program = cls.place(where, edges.EDGE, "--role", role, "--data", cls.path(role), "--control",
                            cls.path(role + ".sock"), "--set", f"node.name={name}", "--set", f"node.host={host}",
                            "--set", f"node.addresses={addresses}")
        program.wait_line(r"event=edge\.ready")
        return program

    @classmethod
    def admin(cls, who, *words):
        edge = [] if who == "node" else ["--edge"]
        done = subprocess.run([lab.BEARLINE, *edge, "--socket", cls.path(who + ".sock"), *words], text=True,
                              capture_output=True, timeout=lab.PATIENCE_S * 3, env=lab.environment(), check=False)
        assert done.returncode == 0, f"{who}: {words}\n{done.stdout}{done.stderr}"
        return done.stdout

    @classmethod
    def configure(cls):
        secret, profile = cls.lab.secret_file(lab.PASSWORD), "Outside"
        cls.admin("node", "profile", "add", profile, "--security", "Encrypted", "--transport", "TLS", "--oauth", "yes")
        for user, number in (("rado", "1010"), ("anna", "1011")):
            cls.admin("node", "user", "add", user, "--password-file", secret)
            cls.admin("node", "line", "add", number)
            cls.admin("node", "device", "add", "CSF" + user, "--owner", user, "--profile", profile, "--line", number)
        cls.admin("node", "param", "update", "OAuth with Refresh Login Flow", "Enabled")
        cls.admin("node", "utils", "sipOAuth-mode", "enable")
        cls.admin("node", "user", "add", "edge", "--role", "axl", "--password-file", secret)
        cls.admin("node", "set", "cert", "import", "trust", "tomcat", cls.path("inner/ca.pem"))
        cls.admin("inner", "set", "cert", "import", "trust", "tomcat", cls.path("node/ca.pem"))
        for edge in ("inner", "outer"):
            cls.admin(edge, "param", "set", "EdgeUnifiedCommunicationsMode", "mra")
        cls.admin("inner", "ucm", "add", borders.NODE, "--username", "edge", "--password-file", secret)
        for here, there in (("inner", "outer"), ("outer", "inner")):
            with open(cls.path(there + ".json"), "w", encoding="ascii") as f:
                f.write(cls.admin(there, "peer", "card"))
            cls.admin(here, "peer", "pair", cls.path(there + ".json"))
        # The inner edge reaches the outer one by its address in the DMZ, whose name it does not bear outside.
        cls.admin("inner", "peer", "update", "exp-e", "--host", borders.OUTER_INSIDE)

    def wait_well(self):
        lab.wait_until(lambda: self.admin("inner", "show", "zones").count("Active") == 2,
                       lambda: self.admin("inner", "show", "zones"))

    def phone(self, where, user, *words):
        """A softphone there; at home by the edge."""
        edge = ["--edge", borders.OUTER] if where == "home" else ["--server", f"https://{borders.NODE}:8443"]
        with open(self.path("ca.pem"), "w", encoding="ascii") as out:
            for who in ("node", "outer"):
                with open(self.path(who + "/ca.pem"), encoding="ascii") as f:
                    out.write(f.read())
        state = self.path(f"{self._testMethodName[-12:]}-{user}")
        login = subprocess.run([*self.borders.inside_of(where), lab.PHONE, "login", "--state", state, *edge, "--ca",
                                self.path("ca.pem"), "--device", "CSF" + user, "--user", user, "--password-file",
                                self.lab.secret_file(lab.PASSWORD)], capture_output=True, text=True, check=False,
                               timeout=lab.PATIENCE_S * 3, env=lab.environment())
        self.assertEqual(0, login.returncode, login.stderr)
        by_edge = edge if where == "home" else []
        run = self.place(where, lab.PHONE, "run", "--state", state, *by_edge, "--codec", "PCMA", *words)
        run.wait_line(r" registered \d+ at ")
        return run

    def talk(self, from_where, to_where):
        heard = {user: self.path(f"{self._testMethodName[-12:]}-{user}-heard.wav") for user in self.tunes}
        anna = self.phone(to_where, "anna", "--do", f"wait incoming; answer; record {heard['anna']}; "
                          f"play {self.tunes['anna']}; wait ended")
        rado = self.phone(from_where, "rado", "--do", f"call 1011; wait answered; record {heard['rado']}; "
                          f"play {self.tunes['rado']}; wait 1; hangup")
        self.assertEqual(0, rado.wait(), rado.log.text())
        self.assertEqual(0, anna.wait(), anna.log.text())
        rado.wait_line(r"encrypted with AEAD_AES_256_GCM")
        for here, there in (("anna", "rado"), ("rado", "anna")):
            match = sounds.best_correlation(sounds.read_samples(self.tunes[there]), sounds.read_samples(heard[here]))
            self.assertGreaterEqual(match, 0.9, f"{here} heard {there}")

    def test_home_calls_the_office_and_both_hear_1(self):
        self.wait_well()
        self.talk("home", "inside")

    def test_the_office_calls_home_and_both_hear_2(self):
        self.wait_well()
        self.talk("inside", "home")

    def test_two_behind_one_translation_talk_3(self):
        self.wait_well()
        self.talk("home", "home")

    def test_nothing_is_reached_from_outside_or_the_dmz_4(self):
        for where, addresses in (("home", (borders.NODE, borders.INNER, borders.OUTER_INSIDE)),
                                 ("dmz", (borders.NODE, borders.INNER))):
            for address in addresses:
                for port in (5060, 5090, 5091, 6972, 8443):
                    done = subprocess.run([*self.borders.inside_of(where), "timeout", "0.2", "bash", "-c",
                                           f"exec 3<>/dev/tcp/{address}/{port}"], capture_output=True, check=False)
                    self.assertNotEqual(0, done.returncode, f"{where} reached {address}:{port}")

    def test_a_link_cut_and_healed_keeps_the_phone_5(self):
        self.wait_well()
        anna = self.phone("home", "anna", "--answer")
        mark = self.outer.log.mark()
        # The inner edge's side is told by TCP only after long; the operator's way to cut is the pairing.
        self.admin("inner", "peer", "update", "exp-e", "--active", "no")
        self.outer.log.wait(r"event=link\.down", mark)
        self.admin("inner", "peer", "update", "exp-e", "--active", "yes")
        self.wait_well()
        rado = self.phone("inside", "rado", "--do", "call 1011; wait answered; wait 1; hangup")
        self.assertEqual(0, rado.wait(), rado.log.text())
        self.assertNotRegex(anna.log.text(), "connection.*lost")
        anna.stop()


if __name__ == "__main__":
    lab.main()
