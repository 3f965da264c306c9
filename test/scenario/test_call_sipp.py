"""SIPp's own scenarios (sipp -sd uac, uas) call through the node: over UDP, over TCP, and out to a SIP trunk.
Changed in them is what their own comments ask for before a record-routing proxy: the route set; over TCP
the caller registers first, over the connection it calls on."""
import os
import re
import shutil
import subprocess
import unittest

import calling
import lab
import ports

CALLS = 30
REGISTER = """
  <send>
    <![CDATA[

      REGISTER sip:localhost SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:1051@localhost>;tag=[call_number]
      To: <sip:1051@localhost>
      Call-ID: [call_id]
      CSeq: 1 REGISTER
      Max-Forwards: 70
      Contact: <sip:1051@[local_ip]:[local_port];transport=tcp>;+u.sip!devicename.ccm.cisco.com="CSFtcp"
      Content-Length: 0

    ]]>
  </send>

  <recv response="200">
  </recv>
"""


@unittest.skipUnless(shutil.which("sipp"), "sipp is not installed")
class Sipp(calling.Scenario):
    USERS = {"CSFsipp": "sipp"}  # as SIPp calls itself in From
    PLAIN = ("CSFuac", "CSFtcp", "CSFuas")
    OWNER = "sipp"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node.set_param("BusyTrigger", 50)
        cls.scenarios = {"uac": cls.own("uac"), "uas": cls.own("uas")}
        cls.scenarios["register and uac"] = cls.scenarios["uac"].replace("<send ", REGISTER + "\n  <send ", 1)

    @classmethod
    def own(cls, name):
        text = subprocess.run(["sipp", "-sd", name], capture_output=True, text=True, check=False).stdout
        text = text[text.index("<?xml"):]
        if name == "uac":
            text = text.replace('<recv response="200" rtd="true">', '<recv response="200" rtd="true" rrs="true">')
            for method in ("ACK", "BYE"):
                text = re.sub(rf"{method} sip:\S+ SIP/2\.0\n(\s+)", rf"{method} [next_url] SIP/2.0\n\1[routes]\n\1", text)
        else:
            text = re.sub(r"( +)\[last_Via:\]\n", r"\1[last_Via:]\n\1[last_Record-Route:]\n", text)
            text = text.replace('timewait milliseconds="4000"', 'timewait milliseconds="50"')
        return text

    def tearDown(self):
        lab.wait_until(lambda: self.live_calls() == 0, "a call is left")

    def registered_port(self, device):
        """A UDP port over which the device has registered."""
        with self.node.sip_udp() as connection:
            answer = self.node.phone(device, self.node.lines[device], connection, cisco=False).register()
            self.assertEqual(200, answer.status, str(answer))
            return connection.sock.getsockname()[1]

    def start(self, scenario, port, *words):
        folder = os.path.join(self.lab.folder, self._testMethodName[-30:] + scenario.replace(" ", "-"))
        os.makedirs(folder)
        path = os.path.join(folder, "scenario.xml")
        with open(path, "w", encoding="ascii") as f:
            f.write(self.scenarios[scenario])
        program = self.lab.run_program(
            ["sipp", *words, "-sf", path, "-i", "127.0.0.1", "-p", str(port), "-mi", "127.0.0.1", "-m", str(CALLS),
             "-nostdin", "-timeout", str(30 * lab.PATIENCE), "-timeout_error", "-trace_err"],
            cwd=folder, env=lab.environment(TERM="dumb"))
        program.folder = folder
        return program

    def call(self, caller, scenario, port, number, *words):
        return self.start(scenario, port, f"127.0.0.1:{self.node.ports['sip']}", "-s", number, "-r", "60", "-l", "10",
                          *words)

    def assert_all_succeed(self, *programs):
        for program in programs:
            status = program.wait(60 * lab.PATIENCE)
            errors = "".join(open(os.path.join(program.folder, f), encoding="utf-8", errors="replace").read()[:3000]
                             for f in os.listdir(program.folder) if f.endswith("_errors.log"))
            self.assertEqual(0, status, program.log.text(60) + errors)
            self.assertRegex(program.log.text(), rf"Successful call +\| +\d+ +\| +{CALLS} ")
            self.assertRegex(program.log.text(), r"Failed call +\| +\d+ +\| +0 ")

    def test_uac_to_uas_over_udp(self):
        uas = self.start("uas", self.registered_port("CSFuas"))
        uac = self.call("CSFuac", "uac", self.registered_port("CSFuac"), self.node.lines["CSFuas"])
        self.assert_all_succeed(uac, uas)

    def test_uac_over_tcp_to_uas_over_udp(self):
        uas = self.start("uas", self.registered_port("CSFuas"))
        uac = self.call("CSFtcp", "register and uac", ports.take(), self.node.lines["CSFuas"], "-t", "t1")
        self.assert_all_succeed(uac, uas)

    def test_uac_over_udp_to_uas_behind_a_trunk(self):
        for transport, mode in (("UDP", "u1"), ("TCP", "t1")):
            with self.subTest(transport):
                port = ports.take()
                uas = self.start("uas", port, "-t", mode)
                name, pattern = f"to-{transport}", {"UDP": "7XXX", "TCP": "8XXX"}[transport]
                self.node.cli("trunk", "add", name, "--host", "127.0.0.1", "--port", str(port), "--transport", transport)
                self.node.cli("route-pattern", "add", pattern, "--trunk", name)
                uac = self.call("CSFuac", "uac", self.registered_port("CSFuac"), pattern.replace("X", "1"))
                self.assert_all_succeed(uac, uas)
                shutil.rmtree(uac.folder)
                shutil.rmtree(uas.folder)


if __name__ == "__main__":
    unittest.main()
