"""Edges as scenarios run them: the real bearline-edge, and the CLI with --edge."""
import json
import os
import subprocess

import lab

EDGE = os.path.join(lab.BUILD, "src", "app", "bearline-edge")
AXL_USER, AXL_PASSWORD = "edge", "edge secret 1"


class Edge:
    """One bearline-edge --role inner."""

    def __init__(self, scenario_lab, name="exp-c", host=None):
        self.lab, self.name, self.host = scenario_lab, name, host or f"{name}.example.com"
        self.folder = os.path.join(scenario_lab.folder, name)
        os.makedirs(self.folder, exist_ok=True)
        self.data = os.path.join(self.folder, "data")
        self.control = os.path.join(self.folder, "control.sock")
        self.program = None

    @property
    def ca(self):
        return os.path.join(self.data, "ca.pem")

    def start(self):
        self.program = self.lab.run_program(
            [EDGE, "--role", "inner", "--data", self.data, "--control", self.control,
             "--set", f"node.name={self.name}", "--set", f"node.host={self.host}"])
        self.program.wait_line(r"event=edge\.ready")
        return self

    def cli(self, *words, check=True):
        done = subprocess.run([lab.BEARLINE, "--edge", "--socket", self.control, *words], text=True,
                              capture_output=True, timeout=lab.PATIENCE_S * 3, env=lab.environment(), check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"bearline --edge {' '.join(words)} ended with {done.returncode}:\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def add_ucm(self, node, *more, check=True):
        return self.cli("ucm", "add", node.host, "--port", str(node.ports["https"]), "--username", AXL_USER,
                        "--password-file", self.lab.secret_file(AXL_PASSWORD), *more, check=check)

    def zones(self):
        """By name."""
        return {z["name"]: z for z in json.loads(self.cli("--json", "show", "zones").stdout)["zones"]}

    def wait_zone(self, name, status, *words):
        """The zone once it has that status and words in what is said of it."""
        def fits():
            z = self.zones().get(name)
            return z and z["sip_status"] == status and all(w in z["text"] + " -> " + z["fix"] for w in words)
        lab.wait_until(fits, lambda: json.dumps(self.zones(), indent=1))
        return self.zones()[name]

    def ucm(self):
        return json.loads(self.cli("--json", "show", "ucms").stdout)["ucms"][0]

    def wait_ucm(self, state, *words):
        def fits():
            u = self.ucm()
            return u["state"] == state and all(w in u["text"] + " -> " + u["fix"] for w in words)
        lab.wait_until(fits, lambda: json.dumps(self.ucm(), indent=1))


def trust_each_other(node, edge):
    node.cli("set", "cert", "import", "trust", "tomcat", edge.ca)
    edge.cli("set", "cert", "import", "trust", "tomcat", os.path.join(node.data, "ca.pem"))


def join(node, edge):
    """All an operator does; the zone is Active."""
    node.add_user(AXL_USER, AXL_PASSWORD, "--role", "axl")
    trust_each_other(node, edge)
    edge.cli("param", "set", "EdgeUnifiedCommunicationsMode", "mra")
    edge.add_ucm(node)
    edge.wait_zone(f"CEOAuth-{node.name}", "Active")
