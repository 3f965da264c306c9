"""What every scenario needs: real nodes on fresh data folders and free loopback ports, the admin CLI,
sign-in over real HTTPS, SIP connections, the softphone. Nothing here waits for a fixed time: it waits
for a log line, an answer or a socket, and gives up after PATIENCE_S with the node's log.

    class Something(lab.Scenario):
        def test_a_sentence(self):
            node = self.lab.node()
            node.oauth_ready(users=["rado"], devices={"CSFrado": "rado"})
            token = node.sign_in("rado")["access_token"]
"""
import base64
import collections
import hashlib
import html.parser
import http.client
import json
import os
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

import ports
import sip

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BEARLINE_BUILD", os.path.join(ROOT, "build"))
VARIANT = os.environ.get("BEARLINE_VARIANT", "gcc")
PATIENCE = int(os.environ.get("BEARLINE_PATIENCE", "1"))
PATIENCE_S = 20 * PATIENCE

BEARLINED = os.path.join(BUILD, "src", "app", "bearlined")
BEARLINE = os.path.join(BUILD, "src", "app", "bearline")
PHONE = os.path.join(BUILD, "src", "app", "bearline-phone")

PROFILE = "Cisco Unified Client Services Framework - OAuth auth"
PLAIN_PROFILE = "Cisco Unified Client Services Framework - Standard SIP Non-Secure Profile"
PASSWORD = "correct horse 7"
MODE = "ClusterSIPOAuthMode"


def environment(**more):
    """Without what a user's own settings could change."""
    kept = {k: v for k, v in os.environ.items()
            if k in ("PATH", "LANG", "HOME", "TMPDIR") or k.endswith("SAN_OPTIONS")}
    return kept | {"LC_ALL": "C.UTF-8"} | more


class Lines:
    """What a program writes, line by line, with waiting for a line."""

    def __init__(self, pipe):
        self.lines, self.changed, self.ended = [], threading.Condition(), False
        self.thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self.thread.start()

    def _read(self, pipe):
        with pipe:
            for raw in pipe:
                with self.changed:
                    self.lines.append(raw.decode("utf-8", "replace").rstrip("\n"))
                    self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def mark(self):
        """A place to look from."""
        with self.changed:
            return len(self.lines)

    def find(self, pattern, start=0):
        with self.changed:
            return [line for line in self.lines[start:] if re.search(pattern, line)]

    def wait(self, pattern, start=0, count=1, patience_s=None):
        """The first line that matches, once count of them do; None when it does not come."""
        until = time.monotonic() + (patience_s or PATIENCE_S)
        seen = start
        found = []
        with self.changed:
            while True:
                found += [line for line in self.lines[seen:] if re.search(pattern, line)]
                seen = len(self.lines)
                if len(found) >= count:
                    return found[0]
                left = until - time.monotonic()
                if left <= 0 or self.ended:
                    return None
                self.changed.wait(left)

    def text(self, last=None):
        with self.changed:
            return "\n".join(self.lines[-last:] if last else self.lines)


class Program:
    """A started program with its output; killed at the end of its lab at the latest."""

    def __init__(self, command, env=None, cwd=None):
        self.command = command
        self.process = subprocess.Popen(  # pylint: disable=R1732
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=env or environment(), cwd=cwd)
        self.log = Lines(self.process.stdout)

    def wait_line(self, pattern, start=0, count=1, patience_s=None):
        line = self.log.wait(pattern, start, count, patience_s)
        if line is None:
            raise AssertionError(f"{os.path.basename(self.command[0])} never wrote /{pattern}/. It wrote:\n"
                                 + self.log.text(60))
        return line

    def wait(self, patience_s=None):
        """Its exit status."""
        status = self.process.wait(patience_s or PATIENCE_S)
        self.log.thread.join()
        return status

    def stop(self):
        """Asks it to end; its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.wait()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.thread.join()


class Form(html.parser.HTMLParser):
    """The sign-in page as a browser sees it: action and fields of its form."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields, self.alert, self._in_alert = None, {}, "", False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form" and self.action is None:
            self.action = attrs.get("action", "")
        if tag == "input" and attrs.get("name"):
            self.fields[attrs["name"]] = attrs.get("value") or ""
        if attrs.get("role") == "alert":
            self._in_alert = True

    def handle_endtag(self, tag):
        self._in_alert = False

    def handle_data(self, data):
        if self._in_alert:
            self.alert += data


Reply = collections.namedtuple("Reply", "status headers body")


class Node:
    """One bearlined."""

    PORTS = ("sip", "sips", "oauth", "mra", "config_http", "config_https", "https")

    def __init__(self, lab, name, addresses="127.0.0.1", settings=(), host="localhost"):
        self.lab, self.name, self.host = lab, name, host
        self.folder = os.path.join(lab.folder, name)
        os.makedirs(self.folder, exist_ok=True)
        self.data = os.path.join(self.folder, "data")
        self.control = os.path.join(self.folder, "control.sock")
        self.ports = dict(zip(self.PORTS, ports.take(len(self.PORTS))))
        self.addresses, self.settings = addresses, list(settings)
        self.program = None

    # --- life ---

    def command(self):
        settings = [f"node.name={self.name}", f"node.host={self.host}", f"node.addresses={self.addresses}",
                    "limits.workers=2"]
        settings += [f"ports.{k}={v}" for k, v in self.ports.items()] + self.settings
        command = [BEARLINED, "--data", self.data, "--control", self.control]
        for s in settings:
            command += ["--set", s]
        return command

    def start(self, state="ready"):
        """Starts it and waits until its doors are open; state "degraded": until one is not."""
        self.program = self.lab.run_program(self.command())
        self.program.wait_line(r"event=node\." + state)
        return self

    @property
    def log(self):
        return self.program.log

    def wait_line(self, pattern, start=0, count=1, patience_s=None):
        return self.program.wait_line(pattern, start, count, patience_s)

    def stop(self):
        return self.program.stop()

    def kill(self):
        self.program.process.send_signal(signal.SIGKILL)
        self.program.wait()

    # --- the CLI ---

    def cli(self, *words, stdin=None, check=True, env=None):
        """Runs one command; its CompletedProcess with text output."""
        done = subprocess.run([BEARLINE, "--socket", self.control, *words], input=stdin, text=True,
                              capture_output=True, timeout=PATIENCE_S * 3, env=env or environment(), check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"bearline {' '.join(words)} ended with {done.returncode}:\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def add_user(self, name, password=PASSWORD, *more):
        return self.cli("user", "add", name, "--password-file", self.lab.secret_file(password), *more)

    def add_device(self, name, owner, line, profile=PROFILE, *more):
        return self.cli("device", "add", name, *(["--owner", owner] if owner else []),
                        "--profile", profile, "--line", line, *more)

    def add_line(self, number):
        return self.cli("line", "add", number)

    def add_oauth_profile(self, name=PROFILE):
        return self.cli("profile", "add", name, "--security", "encrypted", "--transport", "tls", "--oauth", "on")

    def set_param(self, name, value):
        return self.cli("param", "update", name, str(value))

    def enable(self):
        return self.cli("utils", "sipOAuth-mode", "enable")

    def oauth_ready(self, users=("rado",), devices=None):
        """Refresh logins on, a profile with OAuth, users, their devices with lines from 1010 up, the mode
        enabled. devices: name to owner."""
        self.set_param("OAuthRefreshLoginFlow", 1)
        self.add_oauth_profile()
        for user in users:
            self.add_user(user)
        self.lines = {}
        for i, (device, owner) in enumerate((devices or {"CSFrado": "rado"}).items()):
            self.lines[device] = str(1010 + i)
            self.add_line(self.lines[device])
            self.add_device(device, owner, self.lines[device])
        self.enable()
        return self

    # --- HTTP ---

    @property
    def ca(self):
        return os.path.join(self.data, "ca.pem")

    def tls(self, minimum=None, maximum=None, cert=None):
        """A context that trusts the node's CA and checks the name."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.ca)
        if minimum:
            context.minimum_version = minimum
        if maximum:
            context.maximum_version = maximum
        if cert:
            context.load_cert_chain(*cert)
        return context

    def http(self, method, path, body=None, headers=None, port="https", plain=False):
        """One exchange; the body as bytes."""
        if plain:
            connection = http.client.HTTPConnection("localhost", self.ports[port], timeout=PATIENCE_S)
        else:
            connection = http.client.HTTPSConnection("localhost", self.ports[port], timeout=PATIENCE_S,
                                                     context=self.tls())
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def post_form(self, path, fields, headers=None):
        return self.http("POST", path, urllib.parse.urlencode(fields),
                         {"Content-Type": "application/x-www-form-urlencoded"} | (headers or {}))

    def authorize_path(self, challenge, state, **more):
        query = {"response_type": "code", "client_id": "bearline-phone", "scope": "sip offline_access",
                 "redirect_uri": "http://127.0.0.1:9/cb", "state": state, "code_challenge": challenge,
                 "code_challenge_method": "S256"} | more
        return "/ssosp/oauth/authorize?" + urllib.parse.urlencode(query)

    def get_code(self, user, password=PASSWORD, **more):
        """(redirect's query, PKCE verifier) of a sign-in through the page, or the refused Reply."""
        verifier, state = secrets.token_urlsafe(32), secrets.token_urlsafe(8)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        page = self.http("GET", self.authorize_path(challenge, state, **more))
        if page.status != 200:
            return page, verifier
        form = Form(page.body.decode())
        form.fields.pop("cancel", None)
        cookie = page.headers["Set-Cookie"].split(";")[0]
        sent = self.post_form(urllib.parse.urljoin("/ssosp/oauth/authorize", form.action),
                              form.fields | {"username": user, "password": password}, {"Cookie": cookie})
        if sent.status != 303:
            return sent, verifier
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(sent.headers["Location"]).query))
        assert query["state"] == state
        return query, verifier

    def token_request(self, **fields):
        """The token endpoint's (status, JSON)."""
        reply = self.post_form("/ssosp/oauth/token", {"client_id": "bearline-phone"} | fields)
        return reply.status, json.loads(reply.body)

    def sign_in(self, user="rado", password=PASSWORD, **more):
        """What the token endpoint gives for a sign-in through the page."""
        query, verifier = self.get_code(user, password, **more)
        assert isinstance(query, dict), query
        status, answer = self.token_request(grant_type="authorization_code", code=query["code"],
                                            redirect_uri=more.get("redirect_uri", "http://127.0.0.1:9/cb"),
                                            code_verifier=verifier)
        assert status == 200, answer
        return answer

    # --- SIP ---

    def connect(self, port, address="127.0.0.1"):
        return socket.create_connection((address, self.ports.get(port, port)), timeout=PATIENCE_S)

    def sip_tls(self, port="oauth", context=None, address="127.0.0.1", session=None):
        raw = self.connect(port, address)
        sock = (context or self.tls()).wrap_socket(raw, server_hostname="localhost", session=session)
        return self.lab.track(sip.Stream(sock, PATIENCE_S))

    def sip_tcp(self, port="sip", address="127.0.0.1"):
        return self.lab.track(sip.Stream(self.connect(port, address), PATIENCE_S))

    def sip_udp(self, port="sip", address="127.0.0.1"):
        return self.lab.track(sip.Datagrams((address, self.ports.get(port, port)), PATIENCE_S))

    def phone(self, device="CSFrado", line="1010", connection=None, **more):
        """A phone by hand on a TLS connection to the OAuth port."""
        return sip.Phone(connection or self.sip_tls(), device, line, **more)

    def registered(self, device="CSFrado", line="1010", token=None, connection=None, **more):
        """A phone that has just registered."""
        phone = self.phone(device, line, connection, **more)
        answer = phone.register(token or self.sign_in()["access_token"])
        assert answer.status == 200, str(answer)
        return phone

    def registrations(self, device=""):
        """Rows as the operator API tells them."""
        out = self.cli("--json", "show", "registrations", *([device] if device else [])).stdout
        rows = json.loads(out)
        return rows if isinstance(rows, list) else rows.get("registrations", rows.get("items"))

    def wait_registrations(self, count, device=""):
        """Waits until so many are there: what a change lets go is let go by other threads."""
        return wait_until(lambda: len(self.registrations(device)) == count,
                          lambda: f"registrations: {self.registrations(device)}, wanted {count}")

    def config_url_of(self, device):
        return f"http://localhost:{self.ports['config_http']}/{device}.cnf.xml"

    def softphone(self, state="phone"):
        return Softphone(self, os.path.join(self.folder, state))


class Softphone:
    """bearline-phone with a state folder of its own."""

    def __init__(self, node, state):
        self.node, self.state = node, state

    def command(self, verb, *words):
        return [PHONE, verb, "--state", self.state, *words]

    def call(self, verb, *words):
        return subprocess.run(self.command(verb, *words), capture_output=True, text=True, check=False,
                              timeout=PATIENCE_S * 3, env=environment(), stdin=subprocess.DEVNULL)

    def login(self, user="rado", password=PASSWORD, device="CSFrado", **more):
        words = ["--server", more.get("server", f"https://localhost:{self.node.ports['https']}"), "--device", device,
                 "--ca", more.get("ca", self.node.ca), "--user", user, "--password-file",
                 self.node.lab.secret_file(password)]
        return self.call("login", *words)

    def run(self, *words, device="CSFrado"):
        """Started and left running."""
        return self.node.lab.run_program(
            self.command("run", "--config-url", self.node.config_url_of(device), *words))


def wait_until(condition, explain=lambda: "it did not happen", patience_s=None):
    """For what no line or socket tells: asks again, a little later each time."""
    until, pause_s = time.monotonic() + (patience_s or PATIENCE_S), 0.005
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(explain() if callable(explain) else explain)
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 0.1)
    return True


class Lab:
    """A folder, what runs in it, and the end of both."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="bearline-scenario-")
        os.chmod(self.folder, 0o755)
        self.programs, self.open, self.secrets = [], [], {}

    def node(self, name="ucm1", start=True, **more):
        node = Node(self, name, **more)
        return node.start() if start else node

    def run_program(self, command, **more):
        program = Program(command, **more)
        self.programs.append(program)
        return program

    def track(self, closable):
        self.open.append(closable)
        return closable

    def secret_file(self, text):
        """A file of mode 0600 with a password in it."""
        if text not in self.secrets:
            path = os.path.join(self.folder, f"secret-{len(self.secrets)}")
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as f:
                f.write(text + "\n")
            self.secrets[text] = path
        return self.secrets[text]

    def close(self):
        """Ends everything; the exit status of programs that did not end well by themselves."""
        for closable in self.open:
            closable.close()
        for program in reversed(self.programs):
            if program.process.poll() is None:
                program.process.terminate()
        bad = []
        for program in reversed(self.programs):
            try:
                status = program.wait(10 * PATIENCE)
            except subprocess.TimeoutExpired:
                program.kill()
                status = "no end after SIGTERM"
            if status not in (0, -signal.SIGKILL) and os.path.basename(program.command[0]) in ("bearlined", "bearline-edge") \
                    and not getattr(program, "may_fail", False):
                bad.append((program, status))
        shutil.rmtree(self.folder, ignore_errors=True)
        return bad


class Scenario(unittest.TestCase):
    """One lab for all tests of a class; setUpClass of a subclass calls super's first. A node that ends
    badly fails the class: that is how sanitizers speak."""

    lab = None

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab()
        cls.addClassCleanup(cls._end)

    @classmethod
    def _end(cls):
        for program, status in cls.lab.close():
            raise AssertionError(f"{os.path.basename(program.command[0])} ended with {status}:\n{program.log.text(80)}")

    def run(self, result=None):
        """Prints the nodes' last lines beneath a failure."""
        before = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before and self.lab:
            for program in self.lab.programs:
                sys.stderr.write(f"\n--- {' '.join(program.command[:1])} ({program.process.poll()})\n"
                                 f"{program.log.text(40)}\n")
        return result


def main():
    unittest.main(verbosity=2)
