"""Edges as scenarios run them: the real bearline-edge, and the CLI with --edge."""
import json
import os
import socket
import ssl
import subprocess

import lab
import sip

EDGE = os.path.join(lab.BUILD, "src", "app", "bearline-edge")
AXL_USER, AXL_PASSWORD = "edge", "edge secret 1"


class Edge:
    """One bearline-edge, inner unless ROLE says otherwise."""
    ROLE = "inner"

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

    def start(self, *more):
        self.program = self.lab.run_program(
            [EDGE, "--role", self.ROLE, "--data", self.data, "--control", self.control,
             "--set", f"node.name={self.name}", "--set", f"node.host={self.host}", "--set", "log.level=debug", *more])
        self.program.wait_line(r"event=edge\.ready")
        return self

    def stop(self):
        self.program.process.terminate()
        assert self.program.wait() == 0, self.program.log.text()

    def kill(self):
        self.program.kill()
        self.program.wait()

    def param(self, name, value):
        self.cli("param", "set", name, str(value))

    def card(self):
        """Its card in a file."""
        path = os.path.join(self.folder, "card.json")
        with open(path, "w", encoding="ascii") as f:
            f.write(self.cli("peer", "card").stdout)
        return path

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


class Outer(Edge):
    """One bearline-edge --role outer, on ports of its own, reached as localhost."""
    ROLE = "outer"
    PORTS = {"sip": "EdgeSIPPort", "link": "EdgeTraversalPort", "https": "EdgeHTTPSPort", "tunnel": "EdgeTunnelPort",
             "mux": "EdgeMediaTraversalPort"}

    def __init__(self, scenario_lab, name="exp-e", host="localhost"):
        super().__init__(scenario_lab, name, host)
        self.ports = {}

    def set_up(self):
        """Ports of its own, and the mode on."""
        for port, name in self.PORTS.items():
            self.ports[port] = lab.ports.take()
            self.param(name, self.ports[port])
        self.param("EdgeUnifiedCommunicationsMode", "mra")
        return self

    def sip_tls(self, session=None):
        """A connection of a phone outside."""
        context = ssl.create_default_context(cafile=self.ca)
        raw = socket.create_connection(("127.0.0.1", self.ports["sip"]), timeout=lab.PATIENCE_S)
        sock = context.wrap_socket(raw, server_hostname="localhost", session=session)
        return self.lab.track(sip.Stream(sock, lab.PATIENCE_S))

    def phone(self, device="CSFrado", line="1010", **more):
        return sip.Phone(self.sip_tls(), device, line, **more)


def pair(inner, outer):
    """A card of each to the other; the link is up."""
    inner.cli("peer", "pair", outer.card())
    outer.cli("peer", "pair", inner.card())
    inner.wait_zone(f"Link-{outer.name}", "Active")
    outer.wait_zone(f"Link-{inner.name}", "Active")


def ca_of(*parts):
    """One file with the CAs of nodes and edges: what a phone outside and inside trusts."""
    path = os.path.join(parts[0].folder, "all-ca.pem")
    with open(path, "w", encoding="ascii") as out:
        for part in parts:
            with open(part.ca, encoding="ascii") as f:
                out.write(f.read())
    return path


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
