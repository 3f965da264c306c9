"""Debian's baresip calls through the node: over TLS by its certificate with bearline-phone at the other end,
SRTP, sound, keys and hold; over UDP and TCP with Digest between plain lines; and never from a plain line to an
encrypted one."""
import json
import os
import shutil
import unittest

import lab
import pki
import ports
from sounds import best_correlation, read_samples, write_tune

PROFILE = "plain with digest"
CONFIG = """poll_method epoll
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
audio_source aufile,{tune}
ausrc_srate 8000
auplay_srate 8000
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module sndfile.so
snd_path {folder}
module srtp.so
sip_certificate {certificate}
sip_cafile {ca}
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
"""
ACCOUNT = ('<sip:{line}@localhost;transport={transport}>;auth_user=anna;auth_pass="digest secret";regint=60;'
           'outbound="sip:127.0.0.1:{server};transport={transport}"{more}\n')


class Baresip:
    """A started baresip and its control connection: commands and events are JSON in netstrings."""

    def __init__(self, node, line, transport, tune, certificate):
        self.folder = os.path.join(node.lab.folder, f"baresip-{line}-{ports.take()}")
        os.makedirs(self.folder)
        control, _, port = (ports.take() for _ in range(3))  # it takes the port after its own as well
        server, more = (node.ports["sips"], ";mediaenc=srtp-mand") if transport == "tls" else (node.ports["sip"], "")
        for name, text in (
                ("config", CONFIG.format(port=port, tune=tune, folder=self.folder, control=control, ca=node.ca,
                                         certificate=certificate)),
                ("accounts", ACCOUNT.format(line=line, transport=transport, server=server, more=more)),
                ("contacts", "")):
            with open(os.path.join(self.folder, name), "w", encoding="ascii") as f:
                f.write(text)
        self.program = node.lab.run_program(["baresip", "-f", self.folder, "-4", "-s"], cwd=self.folder)
        self.program.wait_line("baresip is ready")
        self.sock = lab.socket.create_connection(("127.0.0.1", control), lab.PATIENCE_S)
        node.lab.track(self.sock)
        self.buffer = b""

    def do(self, command, params=""):
        text = json.dumps({"command": command, "params": params, "token": "t"})
        self.sock.sendall(f"{len(text)}:{text},".encode())

    def wait(self, event):
        """The next event of that type; others are passed over."""
        while True:
            length, mark, rest = self.buffer.partition(b":")
            if mark and len(rest) > int(length):
                said = json.loads(rest[:int(length)])
                self.buffer = rest[int(length) + 1:]
                if said.get("type") == event:
                    return said
                continue
            data = self.sock.recv(65536)
            if not data:
                raise AssertionError(f"baresip ended before {event}:\n{self.program.log.text(80)}")
            self.buffer += data

    def heard(self):
        """What it decoded in its longest call, once that is over."""
        return read_samples(self.dump())

    def dump(self):
        names = [os.path.join(self.folder, n) for n in os.listdir(self.folder) if n.endswith("dec.wav")]
        return max(names, key=os.path.getsize)

    def hears(self):
        return os.path.getsize(self.dump()) > 40000

    def stop(self):
        self.do("quit")
        self.program.wait()


@unittest.skipUnless(shutil.which("baresip"), "baresip is not installed")
class BaresipCalls(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        n = cls.node = cls.lab.node().oauth_ready(users=["rado", "anna"], devices={"CSFrado": "rado"})
        n.set_param("SIPDigestAlgorithms", "MD5")  # this baresip knows no other
        n.cli("profile", "add", "digest", "--digest", "on")
        n.cli("profile", "add", "secure", "--security", "encrypted", "--transport", "tls")
        n.cli("user", "update", "anna", "--digest-password-file", cls.lab.secret_file("digest secret"))
        for line, device, profile in (("1050", "CSFudp", "digest"), ("1051", "CSFtcp", "digest"),
                                      ("1052", "CSFtls", "secure")):
            n.add_line(line)
            n.add_device(device, "anna", line, profile)
        authority = pki.Authority(cls.lab.folder, "Device CA")
        n.cli("set", "cert", "import", "trust", "callmanager", authority.cert)
        cls.certificate = os.path.join(cls.lab.folder, "device.pem")
        with open(cls.certificate, "w", encoding="ascii") as f:
            for path in authority.issue("CSFtls"):
                with open(path, encoding="ascii") as part:
                    f.write(part.read())
        cls.tunes = {}
        for name, notes in {"rado": (440, 660, 520, 880), "bare": (350, 700, 410, 560)}.items():
            cls.tunes[name] = os.path.join(cls.lab.folder, name + ".wav")
            write_tune(cls.tunes[name], notes * 10, 15)  # baresip hangs up at the end of its file
        cls.tunes["short"] = os.path.join(cls.lab.folder, "short.wav")
        write_tune(cls.tunes["short"], (440, 660, 520, 880))

    def baresip(self, line, transport, tune="bare"):
        phone = Baresip(self.node, line, transport, self.tunes[tune], self.certificate)
        self.addCleanup(phone.program.kill)
        self.node.wait_registrations(1, "CSF" + transport)
        return phone

    def softphone(self, script, *options):
        phone = self.node.softphone(self._testMethodName[-30:])
        done = phone.login()
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        run = phone.run("--do", script, *options)
        run.wait_line(r" registered 1010 at ")
        return run

    def answered(self, line):
        """Of each answered call in the records: was it encrypted?"""
        rows = json.loads(self.node.cli("--json", "show", "cdr", line).stdout)
        return [row["encrypted"] for row in rows if row["called_device"]]

    def assert_heard(self, tune, samples):
        self.assertGreaterEqual(best_correlation(read_samples(self.tunes[tune])[:12000], samples), 0.9)

    def test_a_plain_phone_reaches_no_encrypted_line(self):
        bare = self.baresip("1050", "udp")
        rado = self.softphone("wait incoming")
        bare.do("dial", "sip:1010@localhost")
        self.assertIn("488", bare.wait("CALL_CLOSED")["param"])
        bare.program.wait_line(r"^Warning: 399 ")
        self.assertEqual([], rado.log.find("call 1 from"))
        rado.stop()
        bare.stop()

    def test_a_mixed_call_is_plain_where_the_parameter_allows_it(self):
        n, there = self.node, os.path.join(self.lab.folder, "mixed.wav")
        n.set_param("SIPSrtpFallback", "fallback")
        self.addCleanup(n.set_param, "SIPSrtpFallback", "refuse")
        bare = self.baresip("1050", "udp")
        rado = self.softphone(f"wait incoming; answer; record {there}; play {self.tunes['short']}; wait 1; hangup; "
                              "call 1050; wait answered; hold; resume; dtmf 7; hangup")
        bare.do("dial", "sip:1010@localhost")
        bare.wait("CALL_ESTABLISHED")
        rado.wait_line(r"call 1 with 1050: talking, PCMU, not encrypted")
        bare.wait("CALL_CLOSED")
        bare.wait("CALL_INCOMING")
        bare.do("accept")
        rado.wait_line(r"call 2 with 1050: talking, PCM[AU], not encrypted")
        bare.wait("CALL_DTMF_START")
        bare.wait("CALL_CLOSED")
        self.assertEqual(0, rado.wait(), rado.log.text())
        self.assert_heard("bare", read_samples(there))
        self.assert_heard("short", bare.heard())
        lab.wait_until(lambda: self.answered("1050") == [False, False], "not two plain calls in the records")
        strict = self.softphone("wait incoming", "--srtp-only")
        bare.do("dial", "sip:1010@localhost")
        self.assertIn("488", bare.wait("CALL_CLOSED")["param"])
        strict.stop()
        bare.stop()

    def test_baresip_over_tls_and_the_softphone_talk_encrypted(self):
        there = os.path.join(self.lab.folder, "there.wav")
        bare = self.baresip("1052", "tls")
        rado = self.softphone(f"wait incoming; answer; record {there}; play {self.tunes['short']}; wait digits 5; "
                              "wait 1; hangup")
        bare.do("dial", "sip:1010@localhost")
        bare.wait("CALL_ESTABLISHED")
        rado.wait_line(r"talking, PCMU, encrypted with AES_CM_128_HMAC_SHA1_80")
        lab.wait_until(lambda: os.path.exists(there) and os.path.getsize(there) > 40000, "the softphone hears nothing")
        bare.do("sndcode", "5")
        rado.wait_line("pressed 5")
        bare.do("hold")
        rado.wait_line("held by the other side")
        bare.do("resume")
        rado.wait_line("talking again")
        bare.wait("CALL_CLOSED")
        self.assertEqual(0, rado.wait(), rado.log.text())
        self.assert_heard("bare", read_samples(there))
        self.assert_heard("short", bare.heard())
        bare.stop()

    def test_two_of_them_talk_over_udp_and_tcp_with_digest(self):
        one, other = self.baresip("1050", "udp"), self.baresip("1051", "tcp", "rado")
        one.do("dial", "sip:1051@localhost")
        other.wait("CALL_INCOMING")
        other.do("accept")
        one.wait("CALL_ESTABLISHED")
        lab.wait_until(lambda: one.hears() and other.hears(), "they do not hear each other")
        other.do("hangup")
        one.wait("CALL_CLOSED")
        one.stop()
        other.stop()
        self.assert_heard("rado", one.heard())
        self.assert_heard("bare", other.heard())


if __name__ == "__main__":
    unittest.main()
