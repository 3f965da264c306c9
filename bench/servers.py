"""The servers script/bench measures beside one another: how each is started, told its port and ended.

A server is a process group of its own, pinned to one CPU, listening for TLS on 127.0.0.1. What is
special about bearlined (its settings, its first start, its users) is in bearlined.py.
"""
import os
import shutil
import signal
import socket
import subprocess
import time

READY_S = 60
STOP_S = 15


class CannotRun(Exception):
    """This server cannot be measured here; the text says why and what helps."""


def free_ports(count):
    """Loopback ports below the range the kernel gives to clients."""
    held = []
    try:
        for port in range(21000 + os.getpid() % 5000, 31000):
            s = socket.socket()
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                s.close()
                continue
            held.append(s)
            if len(held) == count:
                return [h.getsockname()[1] for h in held]
    finally:
        for s in held:
            s.close()
    raise CannotRun("no free loopback ports between 21000 and 31000")


class Server:
    """Base: start() gives a running, listening server; stop() ends it and all it has started."""

    name = ""
    load_args = ()  # what bench_load must know about it

    def __init__(self, place):
        self.place = place  # .folder, .programs, .cert, .key, .cpu
        self.process = None
        self.port = 0

    def argv(self):
        raise NotImplementedError

    def prepare(self):
        """Once, before the first start."""

    def start(self):
        self.port = self.port or free_ports(1)[0]
        log = os.path.join(self.place.folder, self.name + ".log")
        with open(log, "ab") as out:
            self.process = subprocess.Popen(
                self.argv(), cwd=self.place.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, {self.place.cpu}))
        self._await_listening(log)

    def _await_listening(self, log):
        end = time.monotonic() + READY_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            if self.listening():
                time.sleep(0.5)  # until all its processes are there
                return
            time.sleep(0.1)
        self.stop()
        with open(log, errors="replace") as f:
            last = "".join(f.readlines()[-5:]).strip()
        raise CannotRun(f"{self.name} did not listen on 127.0.0.1:{self.port}: {last or 'no output'}")

    def listening(self):
        with socket.socket() as s:
            s.settimeout(1)
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        if not self.process:
            return
        for sig in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, sig)
            except ProcessLookupError:
                pass
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                continue
            if not self._group_alive():
                break
        self.process = None

    def _group_alive(self):
        """Children may outlive the first process for a moment."""
        end = time.monotonic() + STOP_S
        while time.monotonic() < end:
            try:
                os.killpg(self.process.pid, 0)
            except ProcessLookupError:
                return False
            time.sleep(0.05)
        return True


class Echo(Server):
    """The limit: TLS and an answer of fixed size, no protocol."""

    name = "echo"
    load_args = ("--echo",)
    answer_bytes = 600

    def argv(self):
        return [self.place.program("bench_echo"), f"--port={self.port}", f"--cert={self.place.cert}",
                f"--key={self.place.key}", f"--answer={self.answer_bytes}"]


class Kamailio(Server):
    """The peer: Debian's Kamailio as a registrar over TLS, bindings in memory, no token check."""

    name = "kamailio"
    load_args = ("--concurrency=2",)  # many handshakes at a time upset its TLS workers
    packages = "kamailio kamailio-tls-modules"

    def prepare(self):
        self.binary = shutil.which("kamailio", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if not self.binary:
            raise CannotRun(f"kamailio is not installed; to compare with it: script/setup --bench "
                            f"(or apt-get install {self.packages})")

    def argv(self):
        config = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kamailio", "kamailio.cfg")
        return [self.binary, "-f", config, "-DD", "-E", "-w", self.place.folder, "-Y", self.place.folder,
                "-x", "tlsf", "-X", "tlsf", "-m", "2048", "-M", "16",
                "-A", f"PORT={self.port}", "-A", f'CERT="{self.place.cert}"',
                "-A", f'KEY="{self.place.key}"']
