"""Real borders out of network namespaces: inside, a firewall that lets only the inner edge dial out, a DMZ, a
home behind an address translation that changes ports. Everything has its usual port.

    home 192.168.7.20 -- nat 192.168.7.1 | 203.0.113.99 -- dmz 203.0.113.10 | 10.2.0.10
                                     -- fw 10.2.0.254 | 10.3.0.254 -- inner 10.3.0.2 | 10.1.0.2 -- inside 10.1.0.x
"""
import os
import shutil
import subprocess

NODE, INNER, INNER_OUT = "10.1.0.1", "10.1.0.2", "10.3.0.2"
OUTER, OUTER_INSIDE = "203.0.113.10", "10.2.0.10"
HOME, NAT_OUTSIDE = "192.168.7.20", "203.0.113.99"

FIREWALL = f"""
table inet border {{
  chain forward {{
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    ip saddr {INNER_OUT} ip daddr {OUTER_INSIDE} tcp dport {{ 7001, 2222 }} accept
    ip saddr {INNER_OUT} ip daddr {OUTER_INSIDE} udp dport 2776 accept
  }}
}}
"""
# Every connection gets another port than its own, as behind a crowded translator.
TRANSLATION = f"""
table ip border {{
  chain post {{
    type nat hook postrouting priority 100;
    oifname "out" ip protocol tcp snat to {NAT_OUTSIDE}:30000-39999 fully-random
    oifname "out" ip protocol udp snat to {NAT_OUTSIDE}:30000-39999 fully-random
  }}
}}
"""


def run(*words, text=None):
    return subprocess.run(words, check=True, capture_output=True, text=True, input=text)


def are_possible():
    """"" or why not."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("ip", "nft"):
        if not shutil.which(program):
            return f"there is no program {program}"
    probe = f"bl-probe-{os.getpid()}"
    try:
        run("ip", "netns", "add", probe)
    except subprocess.CalledProcessError as why:
        return "network namespaces are not permitted: " + why.stderr.strip()
    try:
        run("ip", "netns", "exec", probe, "nft", "-f", "-", text=TRANSLATION)
        run("ip", "-n", probe, "link", "add", "bl-p0", "type", "veth", "peer", "name", "bl-p1")
        return ""
    except subprocess.CalledProcessError as why:
        return "no address translation or no veth in namespaces: " + why.stderr.strip()
    finally:
        run("ip", "netns", "del", probe)


class Borders:
    def __init__(self):
        self.mark = f"bl{os.getpid() % 100000}"
        self.names = {n: f"{self.mark}-{n}" for n in ("inside", "inner", "fw", "dmz", "nat", "home")}
        try:
            self.build()
        except BaseException:
            self.close()
            raise

    def build(self):
        for name in self.names.values():
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "dev", "lo", "up")
        self.link("inside", "lan", [NODE + "/24"], "inner", "lan", [INNER + "/24"])
        self.link("inner", "out", [INNER_OUT + "/24"], "fw", "in", ["10.3.0.254/24"])
        self.link("fw", "dmz", ["10.2.0.254/24"], "dmz", "in", [OUTER_INSIDE + "/24"])
        self.link("dmz", "out", [OUTER + "/24"], "nat", "out", [NAT_OUTSIDE + "/24"])
        self.link("nat", "in", ["192.168.7.1/24"], "home", "up", [HOME + "/24"])
        self.ip("inner", "route", "add", "10.2.0.0/24", "via", "10.3.0.254")
        self.ip("fw", "route", "add", "10.1.0.0/24", "via", INNER_OUT)
        for inside in ("10.1.0.0/24", "10.3.0.0/24"):
            self.ip("dmz", "route", "add", inside, "via", "10.2.0.254")
        self.ip("home", "route", "add", "default", "via", "192.168.7.1")
        for router in ("fw", "nat"):
            run(*self.inside_of(router), "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        run(*self.inside_of("fw"), "nft", "-f", "-", text=FIREWALL)
        run(*self.inside_of("nat"), "nft", "-f", "-", text=TRANSLATION)

    def ip(self, where, *words):
        run("ip", "-n", self.names[where], *words)

    def link(self, a, a_name, a_addresses, b, b_name, b_addresses):
        first, second = f"{self.mark}a"[:15], f"{self.mark}b"[:15]
        run("ip", "link", "add", first, "type", "veth", "peer", "name", second)
        for end, where, name, addresses in ((first, a, a_name, a_addresses), (second, b, b_name, b_addresses)):
            run("ip", "link", "set", "dev", end, "netns", self.names[where])
            self.ip(where, "link", "set", "dev", end, "name", name)
            for address in addresses:
                self.ip(where, "addr", "add", address, "dev", name)
            self.ip(where, "link", "set", "dev", name, "up")

    def inside_of(self, where):
        """What to put before a command that is to run there."""
        return ["ip", "netns", "exec", self.names[where]]

    def close(self):
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
