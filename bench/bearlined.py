"""The server under measurement. Everything script/bench must know of bearlined's settings file and of
bearline's commands stands in SETTINGS and SETUP below: when those change, change them here alone.

The node runs one worker, so that it has the one core the other servers have too. Its data folder is
made once (users, devices, lines, the issuer of the bench tokens) and used by each later start.
"""
import os
import subprocess

from servers import CannotRun, Server, free_ports

ISSUER = "https://bench.invalid"
AUDIENCE = "bearline-bench"
PROFILE = "Cisco Unified Client Services Framework - OAuth auth"

# The settings file. {data} and {control} are paths, {port} is the OAuth line port; everything else that
# listens gets a free port as well, so that a node that runs already is not disturbed.
SETTINGS = """\
[node]
name = bench
host = localhost
addresses = 127.0.0.1

[paths]
data = {data}
control = {control}

[limits]
workers = 1
transactions = 1000000

[ports]
sip = {ports[0]}
sips = {ports[1]}
oauth = {port}
mra = {ports[2]}
config_http = {ports[3]}
config_https = {ports[4]}
https = {ports[5]}
"""

# How the programs are called: {config} is the settings file, {control} the UNIX socket.
START = ["{bearlined}", "--config", "{config}"]
CLI = ["{bearline}", "--socket", "{control}"]

# What the administrator would type once. {import} is the file of rows(), {jwks} the key set.
SETUP = [
    ["profile", "add", PROFILE, "--security", "Encrypted", "--transport", "TLS", "--oauth", "yes"],
    ["issuer", "add", ISSUER, "--audience", AUDIENCE, "--user-claim", "sub", "--jwks-file", "{jwks}"],
    ["import", "{import}"],
    ["param", "update", "OAuth with Refresh Login Flow", "Enabled"],
    ["utils", "sipOAuth-mode", "enable"],
]

IMPORT_HEADER = "user,device,line,profile"


def rows(count):
    """One row for each phone of bench_tokens: the file that `bearline import` takes."""
    yield IMPORT_HEADER
    for i in range(count):
        yield f"bench{i:06},CSFBENCH{i:06},1{i:06},{PROFILE}"


class Bearlined(Server):
    name = "bearline"
    is_set_up = False

    def prepare(self):
        place = self.place
        if not place.has_program("bearlined") or not place.has_program("bearline"):
            raise CannotRun("bearlined is not built")
        self.port, *ports = free_ports(7)
        folder = os.path.join(place.folder, "bearlined")
        os.makedirs(os.path.join(folder, "data"), exist_ok=True)
        self.words = {
            "bearlined": place.program("bearlined"), "bearline": place.program("bearline"),
            "data": os.path.join(folder, "data"), "control": os.path.join(folder, "control.sock"),
            "config": os.path.join(folder, "bearlined.conf"), "jwks": place.jwks,
            "import": os.path.join(folder, "import.csv"), "port": self.port, "ports": ports,
        }
        with open(self.words["config"], "w") as f:
            f.write(SETTINGS.format(**self.words))
        with open(self.words["import"], "w") as f:
            f.writelines(row + "\n" for row in rows(place.phone_count))
        self._first_start()

    def argv(self):
        return self._fill(START)

    def _fill(self, words):
        return [w.format(**self.words) for w in words]

    def _first_start(self):
        self.start()
        try:
            for command in SETUP:
                self._command(command)
        finally:
            self.stop()
        self.is_set_up = True

    def _command(self, command):
        done = subprocess.run(self._fill(CLI + command), capture_output=True, text=True, timeout=600,
                              check=False)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            words = " ".join(w for w in command if "{" not in w)
            raise CannotRun(f"`bearline {words}` failed: {said[-1] if said else 'without a word'}")

    def listening(self):
        """Until the mode is enabled the OAuth port is closed: then the CLI's socket counts."""
        return super().listening() if self.is_set_up else os.path.exists(self.words["control"])
