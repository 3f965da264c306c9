"""Long runs at one node: what it holds while thousands of strangers sit at its doors, and that
nothing stays behind when phones and calls come and go. Called by script/soak."""
import json
import os
import pathlib
import resource
import ssl
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("BEARLINE_BUILD", str(ROOT / "build-release"))
sys.path.insert(0, str(ROOT / "test" / "scenario"))
import edges  # noqa: E402  pylint: disable=wrong-import-position
import lab  # noqa: E402  pylint: disable=wrong-import-position
from test_abuse import Abuse  # noqa: E402  pylint: disable=wrong-import-position

CONNECTIONS = int(os.environ.get("SOAK_CONNECTIONS", "10000"))
REGISTRATIONS = int(os.environ.get("SOAK_REGISTRATIONS", "20000"))
CALLS = int(os.environ.get("SOAK_CALLS", "100000"))
CALL_RATE = int(os.environ.get("SOAK_CALL_RATE", "300"))  # two transactions a call for 32 s: 9600 of a worker's 32768
CALL_PHONES = 200
EDGE_PHONES = int(os.environ.get("SOAK_EDGE_PHONES", "9900"))
OUTER_KB, INNER_KB = 25, 4  # a phone, without the messages an edge keeps for "trace"

# Memory is flat when it has grown by no more than this since it was read first, warm.
FLAT_SHARE, FLAT_KB = 0.05, 512


class Soak(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.lab.node().oauth_ready()
        cls.token = cls.node.sign_in()["access_token"]

    open_silent = Abuse.open_silent
    a_phone_registers = Abuse.a_phone_registers
    a_phone_gets_in = Abuse.a_phone_gets_in

    def counters(self):
        return json.loads(self.node.cli("--json", "show", "counters").stdout)

    def process_kb(self):
        """Anonymous memory of the node's process, kB."""
        text = pathlib.Path(f"/proc/{self.node.program.process.pid}/smaps_rollup").read_text(encoding="ascii")
        return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(("Anonymous:", "Swap:")))

    def assert_flat(self, sizes_kb):
        self.assertLessEqual(max(sizes_kb), sizes_kb[0] * (1 + FLAT_SHARE) + FLAT_KB, sizes_kb)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.node.program.process.pid}/fd"))


class Silent(Soak):
    """Strangers that connect and say nothing, half a greeting, a whole greeting and no more, or half
    a request."""

    def a_greeting(self):
        client = ssl.MemoryBIO()
        tls = self.node.tls().wrap_bio(ssl.MemoryBIO(), client, server_hostname="localhost")
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return client.read()

    def test_phones_get_in_between_them(self):
        hello, tenth = self.a_greeting(), CONNECTIONS // 10
        self.a_phone_registers()
        descriptors, before = self.descriptors(), self.counters()
        opened = []
        for count, port, data in ((5 * tenth, "oauth", b""), (3 * tenth, "sip", b"REGISTER sip:l"),
                                  (tenth, "oauth", hello[:100]), (tenth, "oauth", hello)):
            opened += self.open_silent(count, port, data)
        held = self.counters()
        lab.wait_until(self.a_phone_gets_in, "no phone gets in")
        served, times, until = 0, [], time.monotonic() + 10
        while time.monotonic() < until:
            times.append(self.a_phone_registers())
            served += 1
        self.assertEqual(200, self.node.http("GET", "/ssosp/oauth/jwks").status)
        print(f"\n  {len(opened)} strangers; the node held {held['connections.open']} connections, "
              f"{held['connections.handshakes']} of them in a handshake; "
              f"{served} phones registered meanwhile, median {sorted(times)[served // 2] * 1000:.1f} ms, "
              f"slowest {max(times) * 1000:.1f} ms; {self.process_kb()} kB")
        for s in opened:
            s.close()
        refused = {k.rsplit(".", 1)[1]: v - before[k] for k, v in self.counters().items()
                   if k.startswith("connections.refused.") and v > before[k]}
        print(f"  let go early: {refused}")
        lab.wait_until(lambda: self.descriptors() <= descriptors, "descriptors stay behind", 60)
        self.a_phone_registers()
        # All but the greetings shed to keep handshakes flowing were really there.
        self.assertGreaterEqual(held["connections.open"] + sum(refused.values()), len(opened))
        self.assertGreaterEqual(held["connections.open"], 8 * tenth)


class Register(Soak):
    """Phones come by new connections; every third says good-bye, every third vanishes without a
    word, every third is pushed away by the next."""

    def round(self, i):
        connection = self.node.sip_tls()
        phone = self.node.phone(connection=connection)
        self.assertEqual(200, phone.register(self.token).status)
        if i % 3 == 0:
            phone.unregister()
        if i % 3 == 2:
            return connection
        connection.close()
        return None

    def test_memory_stays_flat(self):
        kept, sizes = [], []
        for i in range(REGISTRATIONS):
            connection = self.round(i)
            kept += [connection] if connection else []
            while len(kept) > 10:
                kept.pop(0).close()
            if (i + 1) % (REGISTRATIONS // 4) == 0:
                sizes.append(self.process_kb())
        for connection in kept:
            connection.close()
        self.node.wait_registrations(0)
        print(f"\n  {REGISTRATIONS} registrations; kB after each quarter: {sizes}")
        self.assert_flat(sizes[1:])


class Calls(Soak):
    """Calls of phones on OAuth lines, from INVITE to the answer to BYE, one after the other for minutes."""

    def a_phones_file(self):
        """CALL_PHONES phones of one user, imported; "device,line,token" row by row."""
        rows = [(f"CSFSOAK{i:04}", f"5{i:04}") for i in range(CALL_PHONES)]
        table = pathlib.Path(self.lab.folder, "import.csv")
        table.write_text("user,device,line,profile\n" + "".join(
            f'rado,{device},{line},"{lab.PROFILE}"\n' for device, line in rows), encoding="ascii")
        self.node.cli("import", str(table))
        return self.lab.secret_file("\n".join(f"{device},{line},{self.token}" for device, line in rows))

    def wait_at_rest(self):
        """What a call leaves for 32 s (RFC 6026) goes."""
        names = ("calls", "calls.contexts", "sip.transactions", "cdr.waiting")
        until = time.monotonic() + 40
        while any((left := {k: v for k, v in self.counters().items() if k in names}).values()):
            self.assertLess(time.monotonic(), until, left)
            time.sleep(0.5)
        self.assertEqual(set(names), left.keys())

    def test_memory_stays_flat_and_nothing_is_left(self):
        self.node.set_param("SIPStationKeepAliveInterval", 3600)  # none of these phones refreshes
        phones = self.a_phones_file()
        before = self.counters()
        self.assertEqual(0, before["calls"] + before["calls.contexts"] + before["sip.transactions"])
        stages = [CALLS * quarter // 4 for quarter in (1, 2, 3, 4)]
        done = subprocess.run(
            [os.path.join(lab.BUILD, "bench", "bench_load"), "soak", f"--server=127.0.0.1:{self.node.ports['oauth']}",
             f"--phones={phones}", f"--pid={self.node.program.process.pid}", "--node=localhost", "--warm=0",
             f"--rate={CALL_RATE}", "--stages=" + ",".join(map(str, stages))],
            capture_output=True, text=True, check=False)
        ended = time.monotonic()
        self.assertIn(done.returncode, (0, 1), done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(0, done.returncode, result)
        peak = self.counters()
        self.wait_at_rest()
        rest_s, after = time.monotonic() - ended, self.counters()
        sizes = [stage["private_bytes"] // 1024 for stage in result["stages"]]
        runs = [stage["run"] for stage in result["stages"]]
        print(f"\n  {CALLS} calls at {', '.join(str(round(r['rate'])) for r in runs)} a second, "
              f"{', '.join(str(round(r['cpu_us'])) for r in runs)} us CPU each; kB after each quarter: {sizes}; "
              f"at the end {peak['calls.contexts']} contexts and {peak['sip.transactions']} transactions, "
              f"none {rest_s:.0f} s later; {self.process_kb()} kB then")
        for run in runs:
            self.assertEqual((CALLS // 4, 0, {"200": 2 * (CALLS // 4)}),
                             (run["done"], run["failed"], run["status"]))
        if CALLS // 4 >= 40 * CALL_RATE:
            self.assert_flat(sizes)
        else:
            print("  too short to judge memory by: a quarter must outlast what a call leaves for 32 s")
        self.assertEqual(CALLS, after["cdr.written"] - before["cdr.written"])
        self.assertEqual((0, 0), (after["cdr.dropped"], after["calls.refused_overload"]))


class Edge(Soak):
    """Phones outside through one edge pair: what each costs, and that all come back when an edge has ended."""

    def edge(self, kind, name):
        edge = kind(self.lab, name)
        edge.start("--set", "log.trace_mb=0", "--set", "limits.connections=20000")
        return edge

    def resident_kb(self, edge):
        text = pathlib.Path(f"/proc/{edge.program.process.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS:"))

    def register(self, count):
        for _ in range(count):
            i = len(self.phones)
            phone = self.outer.phone(f"CSFEDGE{i:05}", f"6{i:05}")
            self.phones.append(phone)
            answer = phone.register(self.token)
            self.assertEqual(200, answer.status, str(answer))

    def close_all(self):
        for phone in self.phones:
            phone.connection.close()
        self.phones = []

    def test_what_a_phone_costs_and_all_come_back(self):
        self.phones = []
        table = pathlib.Path(self.lab.folder, "import.csv")
        table.write_text("user,device,line,profile\n" + "".join(
            f'rado,CSFEDGE{i:05},6{i:05},"{lab.PROFILE}"\n' for i in range(EDGE_PHONES + 100)), encoding="ascii")
        self.node.cli("import", str(table))
        self.inner = self.edge(edges.Edge, "exp-c")
        edges.join(self.node, self.inner)
        self.outer = self.edge(edges.Outer, "exp-e").set_up()
        edges.pair(self.inner, self.outer)
        self.register(100)
        before = [self.resident_kb(e) for e in (self.outer, self.inner)]
        self.register(EDGE_PHONES)
        each = [(self.resident_kb(e) - b) / EDGE_PHONES for e, b in zip((self.outer, self.inner), before)]
        print(f"\n  {EDGE_PHONES + 100} phones: {each[0]:.1f} kB each at the outer edge, {each[1]:.1f} kB at the inner one")
        self.assertLessEqual(each[0], OUTER_KB)
        self.assertLessEqual(each[1], INNER_KB)
        # The outer edge is killed; 500 phones come back.
        self.outer.kill()
        self.close_all()
        began = time.monotonic()
        self.outer.start()
        self.inner.wait_zone("Link-exp-e", "Active")
        self.register(500)
        took_s = time.monotonic() - began
        print(f"  500 phones back {took_s:.1f} s after the outer edge was killed")
        self.assertLess(took_s, 60)
        self.close_all()


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, CONNECTIONS + 1000)), hard))
    known = {"silent": Silent, "register": Register, "calls": Calls, "edge": Edge}
    names = sys.argv[1:] or list(known)
    if any(n not in known for n in names):
        print(f"soak: no such run; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(known[n]) for n in names)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
