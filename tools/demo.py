#!/usr/bin/env python3
"""The main job on the real programs, for a person to watch: a node starts, a user, a device and a
profile are made, SIP OAuth mode is enabled, a softphone signs in and registers; every message is
shown. Then one thing is broken on purpose and explained. script/demo builds first and calls this.
"""
import argparse
import array
import math
import operator
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import wave

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROFILE = "Cisco Unified Client Services Framework - OAuth auth"
# The ports of the reference; others are taken only where these are in use.
PORTS = {"sip": 5060, "sips": 5061, "oauth": 5090, "mra": 5091, "config_http": 6970,
         "config_https": 6972, "https": 8443}
LIMIT_S = 60 * float(os.environ.get("BEARLINE_PATIENCE", "1"))


class Failed(Exception):
    """The demonstration could not go on; the text says why."""


def paint(code, text):
    return f"\x1b[{code}m{text}\x1b[0m" if sys.stdout.isatty() else text


def heading(number, text):
    print("\n" + paint("1", f"{number}. {text}"), flush=True)


def say(text):
    print("   " + text, flush=True)


def show(text):
    for line in text.rstrip("\n").split("\n"):
        print(paint("36", "   | ") + line)
    sys.stdout.flush()


def is_free(port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as s:
            if kind == socket.SOCK_STREAM:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def choose_ports(any_free):
    if not any_free and all(is_free(p) for p in PORTS.values()):
        return dict(PORTS)
    ports, candidate = {}, 20000 + os.getpid() % 20000
    for name in PORTS:
        while not is_free(candidate):
            candidate += 1
        ports[name] = candidate
        candidate += 1
    return ports


def free_ports(count):
    """The edges' own, next to a node on the same machine."""
    found, candidate = [], 25000 + os.getpid() % 5000
    while len(found) < count:
        if is_free(candidate):
            found.append(candidate)
        candidate += 1
    return found


class Program:
    """A program in the background, its lines kept for whoever waits for one."""

    def __init__(self, argv, log):
        self.log = open(log, "w+b")
        self.path = log
        self.process = subprocess.Popen(argv, stdout=self.log, stderr=self.log,
                                        stdin=subprocess.DEVNULL, start_new_session=True)

    def text(self):
        return pathlib.Path(self.path).read_text(errors="replace")

    def wait_for(self, word, count=1, what=None):
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            if self.text().count(word) >= count:
                return
            if self.process.poll() is not None:
                raise Failed(f"{what or self.process.args[0]} ended early:\n{self.text()}")
            time.sleep(0.05)
        raise Failed(f"waited in vain for {word!r}:\n{self.text()}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


RATE = 8000  # samples a second of the tunes; recordings have a multiple of it


def write_tune(path, notes):
    samples = array.array("h", (int(9000 * math.sin(2 * math.pi * note * i / RATE))
                                for note in notes for i in range(RATE // 2)))
    with wave.open(str(path), "wb") as f:
        f.setparams((1, 2, RATE, 0, "NONE", ""))
        f.writeframes(samples.tobytes())


def read_tune(path):
    with wave.open(str(path), "rb") as f:
        samples = array.array("h", f.readframes(f.getnframes()))
        return samples[::f.getframerate() // RATE]


ALIKE = 0.9  # from there on two sounds are the same


def correlation(sent, heard):
    """How well a fifth of a second of what was sent is found in what was heard; 1 is the same sound. A
    busy machine may drop a packet just there: then another piece counts."""
    best = 0.0
    for quarter in (1, 2, 3):
        if best < ALIKE:
            best = max(best, correlation_of(sent[len(sent) * quarter // 4:][:RATE // 5], heard))
    return best


def correlation_of(piece, heard):
    """The best of all delays."""
    norm, best = math.sqrt(sum(map(operator.mul, piece, piece))), 0.0
    for at in range(len(heard) - len(piece)):
        part = heard[at:at + len(piece)]
        product = sum(map(operator.mul, piece, part))
        if product > best * norm:
            best = max(best, product / (norm * math.sqrt(sum(map(operator.mul, part, part)))))
    return best


class Demo:
    def __init__(self, build, folder, any_free):
        self.app = pathlib.Path(build) / "src" / "app"
        self.folder = pathlib.Path(folder)
        self.ports = choose_ports(any_free)
        self.socket = self.folder / "control.sock"
        self.ca = self.folder / "node" / "ca.pem"
        self.state = self.folder / "phone"
        self.second = self.folder / "second-phone"
        self.secret = self.folder / "password"
        self.edge_socket = self.folder / "edge.sock"
        self.outer_socket = self.folder / "outer.sock"
        self.outside = self.folder / "outside-phone"
        self.edge_port = self.edge_https = 0  # of the outer edge, for phones
        self.node = self.phone = self.caller = self.edge = self.outer = None

    # ---- running things ----

    def run(self, argv, may_fail=False):
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True,
                              timeout=LIMIT_S, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0 and not may_fail:
            raise Failed(f"{' '.join(str(a) for a in argv)}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def admin(self, *words, quiet=False, may_fail=False):
        text = self.run([self.app / "bearline", "--socket", self.socket, *words], may_fail)
        if not quiet:
            shown = " ".join(f'"{w}"' if " " in w and not w.startswith("select") else w
                             for w in map(str, words))
            print(paint("33", "   admin:") + shown)
            if text.strip():
                show(text)
        return text

    def edge_admin(self, *words, quiet=False, outer=False):
        socket_path, name = (self.outer_socket, "outer edge") if outer else (self.edge_socket, "edge")
        text = self.run([self.app / "bearline", "--edge", "--socket", socket_path, *words])
        if not quiet:
            print(paint("33", f"   {name} admin:") + " ".join(map(str, words)))
            if text.strip():
                show(text)
        return text

    def pair_with(self, outer):
        """The card of one edge to the other; outer: whose card it is."""
        socket_path, name = (self.outer_socket, "outer") if outer else (self.edge_socket, "inner")
        done = subprocess.run([self.app / "bearline", "--edge", "--socket", socket_path, "peer", "card"],
                              capture_output=True, text=True, timeout=LIMIT_S, check=True)
        card = self.folder / f"{name}.json"
        card.write_text(done.stdout)
        print(paint("33", f"   {name} edge admin:") + f"peer card > {card.name}")
        show(done.stderr)
        self.edge_admin("peer", "pair", str(card), outer=not outer)

    def phone_args(self):
        return ["--state", self.state]

    # ---- the steps ----

    def start_node(self):
        argv = [self.app / "bearlined", "--data", self.folder / "node", "--control", self.socket,
                "--set", "node.name=ucm1", "--set", "node.host=localhost",
                "--set", "node.addresses=127.0.0.1"]
        for name, port in self.ports.items():
            argv += ["--set", f"ports.{name}={port}"]
        self.node = Program([str(a) for a in argv], self.folder / "bearlined.log")
        self.node.wait_for("event=node.ready", what="bearlined")
        self.node.wait_for("name=HTTPS")
        say(f"bearlined runs on 127.0.0.1; its private CA is {self.ca}")

    def configure(self):
        self.secret.write_text("correct horse battery staple\n")
        self.secret.chmod(0o600)
        self.admin("user", "add", "rado", "--first-name", "Rado", "--password-file",
                   str(self.secret))
        self.admin("line", "add", "1010", "--description", "Rado")
        self.admin("profile", "add", PROFILE, "--security", "Encrypted", "--transport", "TLS",
                   "--oauth", "yes")
        self.admin("device", "add", "CSFrado", "--owner", "rado", "--profile", PROFILE, "--line",
                   "1010")

    def enable(self):
        self.admin("param", "update", "OAuth with Refresh Login Flow", "Enabled")
        self.admin("utils", "sipOAuth-mode", "enable")

    def sign_in(self):
        p = self.ports
        text = self.run([self.app / "bearline-phone", "login", *self.phone_args(), "--server",
                         f"https://localhost:{p['https']}", "--ca", self.ca, "--device", "CSFrado",
                         "--user", "rado", "--password-file", self.secret])
        print(paint("33", "   $ ") + "bearline-phone login --device CSFrado --user rado ...")
        show(text)

    def register(self):
        self.run_phone("phone.log")
        say("every message of it, as the node saw it (tokens masked):")
        self.admin("trace", "CSFrado")

    def verify(self):
        self.admin("run", "sql",
                   "select paramvalue FROM processconfig WHERE paramname = 'ClusterSIPOAuthMode'")
        self.admin("run", "sql", "select * from expresswaycconfiguration")
        self.admin("show", "open", "ports", "regexp", str(self.ports["oauth"]))
        self.admin("show", "open", "ports", "regexp", str(self.ports["mra"]))
        self.admin("show", "registrations")

    def break_it(self):
        say("somebody takes OAuth out of the device's security profile while the phone is up:")
        self.admin("profile", "update", PROFILE, "--oauth", "no")
        before = self.phone.text()
        self.phone.wait_for("SIP OAuth Registration port Mismatch")
        say("the phone is let go at once, tries again, and says:")
        show(self.phone.text()[len(before):] or self.phone.text())
        say("what the node sent:")
        show(self.last_message("SIP/2.0 403"))
        say("and why, and what to do:")
        self.admin("diagnose", "CSFrado", may_fail=True)

    def last_message(self, start):
        """From the full trace, where each line stands behind the ladder's margin."""
        lines = self.admin("trace", "CSFrado", "--full", quiet=True).split("\n")
        first = [i for i, line in enumerate(lines) if start in line]
        if not first:
            raise Failed(f"{start} is not in the trace:\n" + "\n".join(lines))
        message = [lines[first[-1]][lines[first[-1]].index(start):]]
        for line in lines[first[-1] + 1:]:
            text = line.partition("|")[2].strip()
            if not text or ":" not in text or line[:1].isdigit():
                break
            message.append(text)
        return "\n".join(message)

    def mend_it(self):
        say("the cure it names:")
        self.admin("profile", "update", PROFILE, "--oauth", "yes")
        if self.phone.process.poll() is not None:
            self.run_phone("phone-again.log")
        else:
            say("the phone comes back by itself; here it is told not to wait:")
            self.phone.stop()
            self.run_phone("phone-again.log")
        self.admin("show", "registrations")

    def run_phone(self, log):
        print(paint("33", "   $ ") + "bearline-phone run")
        self.phone = Program(
            [str(a) for a in [self.app / "bearline-phone", "run", *self.phone_args(),
                              "--config-url",
                              f"http://localhost:{self.ports['config_http']}/CSFrado.cnf.xml"]],
            self.folder / log)
        self.phone.wait_for("registered", what="bearline-phone")
        show(self.phone.text())

    def add_second(self):
        self.admin("user", "add", "anna", "--first-name", "Anna", "--password-file",
                   str(self.secret))
        self.admin("line", "add", "1020", "--description", "Anna")
        self.admin("device", "add", "CSFanna", "--owner", "anna", "--profile", PROFILE, "--line",
                   "1020")
        print(paint("33", "   $ ") + "bearline-phone login --device CSFanna --user anna ...")
        show(self.run([self.app / "bearline-phone", "login", "--state", self.second, "--server",
                       f"https://localhost:{self.ports['https']}", "--ca", self.ca, "--device",
                       "CSFanna", "--user", "anna", "--password-file", self.secret]))

    def config_url(self, device, more):
        """Through an edge nothing but HTTPS goes."""
        kind, port = ("https", "config_https") if more else ("http", "config_http")
        return f"{kind}://localhost:{self.ports[port]}/{device}.cnf.xml"

    def script(self, state, device, text, log, *more):
        print(paint("33", "   $ ") + f"bearline-phone run {' '.join(more) + ' ' * bool(more)}--do "
              f"'{text.replace('DIR/', '')}'")
        return Program(
            [str(a) for a in [self.app / "bearline-phone", "run", "--state", state, "--codec",
                              "PCMA", *more, "--do", text.replace("DIR", str(self.folder)), "--config-url",
                              self.config_url(device, more)]],
            self.folder / log)

    def call(self):
        sent = {name: self.folder / f"{name}.wav" for name in ("rado", "anna")}
        heard = {name: self.folder / f"heard-by-{name}.wav" for name in sent}
        write_tune(sent["rado"], (440, 660, 520, 880))
        write_tune(sent["anna"], (350, 700, 410, 560))
        self.phone.stop()
        self.phone = self.script(self.state, "CSFrado", "wait incoming; answer; record "
                                 "DIR/heard-by-rado.wav; play DIR/rado.wav; wait ended",
                                 "answers.log")
        self.phone.wait_for(" registered ", what="the phone called")
        caller = self.script(self.second, "CSFanna", "call 1010; wait answered; record "
                             "DIR/heard-by-anna.wav; play DIR/anna.wav; wait 1; hangup",
                             "calls.log")
        self.caller = caller
        caller.wait_for("talking", what="the phone that calls")
        say("the call while it is up, as the operator sees it:")
        self.admin("show", "calls")
        if caller.process.wait(LIMIT_S) != 0 or self.phone.process.wait(LIMIT_S) != 0:
            raise Failed(f"the call failed:\n{caller.text()}\n{self.phone.text()}")
        show(caller.text())
        say("what each phone heard, decrypted, against what the other one sent:")
        for here, there in (("rado", "anna"), ("anna", "rado")):
            match = correlation(read_tune(sent[there]), read_tune(heard[here]))
            show(f"{here} heard {there}: correlation {match:.3f}")
            if match < ALIKE:
                raise Failed("that is not what was sent")
        self.show_call()
        self.show_record()

    def wait_zone(self, word):
        """Shows the zones once the word is in what is said of them."""
        end = time.monotonic() + LIMIT_S
        while word not in self.edge_admin("show", "zones", quiet=True):
            if time.monotonic() > end:
                raise Failed(f"the zone never said {word!r}:\n" + self.edge_admin("show", "zones", quiet=True))
            time.sleep(0.1)
        self.edge_admin("show", "zones")

    def join_edge(self):
        p, edge_ca = self.ports, self.folder / "edge" / "ca.pem"
        secret = self.folder / "edge-password"
        secret.write_text("horse staple battery correct\n")
        secret.chmod(0o600)
        self.edge = Program([str(a) for a in (
            self.app / "bearline-edge", "--role", "inner", "--data", self.folder / "edge",
            "--control", self.edge_socket, "--set", "node.name=exp-c",
            "--set", "node.host=exp-c.example.com")], self.folder / "bearline-edge.log")
        self.edge.wait_for("event=edge.ready", what="bearline-edge")
        say(f"bearline-edge --role inner runs; its private CA is {edge_ca}")
        self.admin("user", "add", "edge", "--role", "axl", "--password-file", str(secret))
        self.edge_admin("param", "set", "EdgeUnifiedCommunicationsMode", "mra")
        self.edge_admin("ucm", "add", "localhost", "--port", str(p["https"]), "--username", "edge",
                        "--password-file", str(secret), "--tls-verify", "no")
        say("it has read the cluster, and its row is there:")
        self.wait_zone("CEOAuth-ucm1")
        self.admin("run", "sql", "select * from expresswaycconfiguration")

    def distrust(self):
        say("scenario 2, the edge does not trust the node. What the edge says:")
        self.wait_zone("this edge does not trust the certificate of")
        say("what the node says:")
        self.admin("show", "handshakes")
        say("the cure it names; then scenario 3, the node does not trust the edge:")
        self.edge_admin("set", "cert", "import", "trust", "tomcat", str(self.ca))
        self.wait_zone("does not trust this edge's certificate")
        say("what the node says:")
        self.admin("show", "handshakes")
        say("and that cure:")
        self.admin("set", "cert", "import", "trust", "tomcat", str(self.folder / "edge" / "ca.pem"))
        self.wait_zone("Active")
        self.edge_admin("diagnose")

    def start_outer(self):
        link, self.edge_port, self.edge_https, tunnel, media = free_ports(5)
        self.outer = Program([str(a) for a in (
            self.app / "bearline-edge", "--role", "outer", "--data", self.folder / "outer",
            "--control", self.outer_socket, "--set", "node.name=exp-e", "--set", "node.host=localhost",
            "--set", "node.addresses=127.0.0.1")], self.folder / "bearline-outer.log")
        self.outer.wait_for("event=edge.ready", what="bearline-edge --role outer")
        say("bearline-edge --role outer runs; on this machine it takes other ports than the usual:")
        for name, value in (("EdgeSIPPort", self.edge_port), ("EdgeTraversalPort", link),
                            ("EdgeHTTPSPort", self.edge_https), ("EdgeTunnelPort", tunnel),
                            ("EdgeMediaTraversalPort", media),
                            ("EdgeUnifiedCommunicationsMode", "mra")):
            self.edge_admin("param", "set", name, str(value), outer=True)
        say("they are paired by their cards, and only the inner one dials:")
        self.pair_with(outer=True)
        self.pair_with(outer=False)
        self.outer.wait_for("event=link.up", what="bearline-edge --role outer")
        self.wait_zone("Link-exp-e    Traversal client  Active")
        self.edge_admin("status", outer=True)

    def call_from_outside(self):
        both = self.folder / "both-ca.pem"
        both.write_text(self.ca.read_text() + (self.folder / "outer" / "ca.pem").read_text())
        edge = f"localhost:{self.edge_https}"
        print(paint("33", "   $ ") + f"bearline-phone login --edge {edge} --device CSFrado --user rado ...")
        show(self.run([self.app / "bearline-phone", "login", "--state", self.outside, "--edge", edge,
                       "--ca", both, "--device", "CSFrado", "--user", "rado", "--password-file", self.secret]))
        self.phone = self.script(self.second, "CSFanna", "wait incoming; answer; record DIR/anna-inside.wav; "
                                 "play DIR/anna.wav; wait ended", "inside.log")
        self.phone.wait_for(" registered ", what="the phone inside")
        self.caller = self.script(self.outside, "CSFrado", "call 1020; wait answered; record DIR/rado-outside.wav; "
                                  "play DIR/rado.wav; wait 1; hangup", "outside.log",
                                  "--edge", edge)
        self.caller.wait_for("talking", what="the phone outside")
        say("both registrations: one over the OAuth line, one from outside over the MRA port:")
        self.admin("show", "registrations")
        if self.caller.process.wait(LIMIT_S) != 0 or self.phone.process.wait(LIMIT_S) != 0:
            raise Failed(f"the call failed:\n{self.caller.text()}\n{self.phone.text()}")
        show(self.caller.text())
        for heard, sent, who in (("anna-inside", "rado", "the phone inside heard the one outside"),
                                 ("rado-outside", "anna", "the phone outside heard the one inside")):
            match = correlation(read_tune(self.folder / f"{sent}.wav"), read_tune(self.folder / f"{heard}.wav"))
            show(f"{who}: correlation {match:.3f}")
            if match < ALIKE:
                raise Failed("that is not what was sent")
        say("the registration and the call as the outer edge saw them; the inside is hidden:")
        self.edge_admin("trace", "--limit", "24", outer=True)

    def show_record(self):
        """The phones hear of the call's end before its record is written, some milliseconds later."""
        end = time.monotonic() + LIMIT_S
        while "1020" not in self.admin("show", "cdr", "1020", quiet=True):
            if time.monotonic() > end:
                raise Failed("the call left no record")
            time.sleep(0.05)
        say("and the record that is left of it:")
        self.admin("show", "cdr", "1020")

    def show_call(self):
        say("the whole call as the node saw it on the caller's side (keys and tokens masked):")
        self.admin("trace", "CSFanna")
        full = self.admin("trace", "CSFanna", "--full", quiet=True)
        keys = [line.partition("a=crypto")[1:] for line in full.split("\n") if "a=crypto" in line]
        say("how the keys look in the trace:")
        show("".join(keys[0]))

    def invite(self):
        p, app = self.ports, self.app
        print(f"""
   The node and the phone stay up. Things to try in another terminal:
     {app}/bearline --socket {self.socket}            the admin shell (type ?)
     {app}/bearline --socket {self.socket} trace CSFrado
     {app}/bearline --edge --socket {self.edge_socket} status
     {app}/bearline --edge --socket {self.outer_socket} status
     {app}/bearline-phone run --state {self.outside} --edge localhost:{self.edge_https} --interactive \\
       --config-url https://localhost:{p['config_https']}/CSFrado.cnf.xml
     {app}/bearline-phone status --state {self.state}
     curl --cacert {self.ca} https://localhost:{p['https']}/.well-known/oauth-authorization-server
     curl http://localhost:{p['config_http']}/CSFrado.cnf.xml
     openssl s_client -connect localhost:{p['oauth']} -CAfile {self.ca} -crlf
   To sign in by browser; it prints the address of the sign-in page, the password is in {self.secret}:
     {app}/bearline-phone login --server https://localhost:{p['https']} --ca {self.ca} \\
       --device CSFanna --state {self.folder}/third-phone --no-browser
   Logs: {self.node.path}, {self.phone.path}
   Ctrl-C ends it and removes {self.folder}.""", flush=True)

    def close(self):
        for program in (self.outer, self.edge, self.caller, self.phone, self.node):
            if program:
                program.stop()


def steps(demo, once):
    heading(1, "A call server node starts; it makes its CA, certificates and keys")
    demo.start_node()
    heading(2, "A user, a line, the OAuth security profile and the device CSFrado")
    demo.configure()
    heading(3, "SIP OAuth mode is enabled")
    demo.enable()
    heading(4, "The phone signs in: authorization code with PKCE, no SIP password, no certificate")
    demo.sign_in()
    heading(5, "It fetches its configuration and registers over TLS with its token")
    demo.register()
    heading(6, "The source document's verification commands")
    demo.verify()
    heading(7, "Broken on purpose: the port mismatch (scenario 1 of the troubleshooting)")
    demo.break_it()
    heading(8, "Mended")
    demo.mend_it()
    heading(9, "A second user, line and phone")
    demo.add_second()
    heading(10, "The second phone calls the first: encrypted, and each hears the other")
    demo.call()
    heading(11, "The inner edge of Mobile and Remote Access joins the cluster")
    demo.join_edge()
    heading(12, "Each side with a CA the other does not know (scenarios 2 and 3), and mended")
    demo.distrust()
    heading(13, "The outer edge stands outside, and the two are paired")
    demo.start_outer()
    heading(14, "A phone outside signs in, registers and calls through both edges, encrypted")
    demo.call_from_outside()
    if not once:
        demo.run_phone("phone-last.log")
        demo.invite()
        threading.Event().wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the last step")
    parser.add_argument("--free-ports", action="store_true",
                        help="any free ports, even where the standard ones are free")
    parser.add_argument("--build", default=str(ROOT / "build"), help="build folder")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = tempfile.mkdtemp(prefix="bearline-demo-")
    demo = Demo(args.build, folder, args.free_ports)
    began = time.monotonic()
    try:
        steps(demo, args.once)
        print(f"\n   Done in {time.monotonic() - began:.0f} s.")
        return 0
    except Failed as why:
        print("\n" + paint("31", "The demonstration could not go on: ") + str(why),
              file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n   Stopping.")
        return 0
    finally:
        demo.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
