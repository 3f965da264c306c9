"""Calls of the real softphone through a real node, by script: both ways of sound proved by what was
recorded, refusals by their exit codes, hold, keys, transfers, a connection cut in the middle."""
# suite: threads
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
import unittest

import lab
import screen
import sounds


class Keyboard:
    """A phone on a terminal of its own: types keys, waits for what is shown."""

    def __init__(self, command, term, tty=True, columns=80):
        self.tty, self.shown, self.seen = tty, "", 0
        self.screen = screen.Screen(columns)
        if tty:
            self.fd, end = pty.openpty()
            fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            self.process = subprocess.Popen(command, stdin=end, stdout=end, stderr=end,
                                            env=lab.environment(TERM=term))
            os.close(end)
        else:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.STDOUT, env=lab.environment(TERM=term))
            self.fd = self.process.stdout.fileno()

    def read(self, until, what):
        left = until - time.monotonic()
        if left <= 0 or not select.select([self.fd], [], [], left)[0]:
            raise AssertionError(f"never showed {what!r}:\n{self.shown[-3000:]}")
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        if not data:
            raise AssertionError(f"ended before it showed {what!r}:\n{self.shown[-3000:]}")
        text = data.decode("utf-8", "replace")
        self.shown += text
        self.screen.feed(text)

    def wait(self, text):
        """Until text has been written since the last time."""
        until = time.monotonic() + lab.PATIENCE_S
        while text not in self.shown[self.seen:]:
            self.read(until, text)
        self.seen = self.shown.index(text, self.seen) + len(text)

    def see(self, *lines):
        """Until these lines (their beginnings) are the last ones on the screen."""
        until = time.monotonic() + lab.PATIENCE_S
        while True:
            shown = [line for line in self.screen.lines() if line][-len(lines):]
            if len(shown) == len(lines) and all(map(str.startswith, shown, lines)):
                return
            self.read(until, "\n".join(lines))

    def type(self, keys):
        if self.tty:
            os.write(self.fd, keys.encode())
        else:
            self.process.stdin.write(keys.encode())
            self.process.stdin.flush()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.tty:
            os.close(self.fd)
        else:
            self.process.stdin.close()
            self.process.stdout.close()


class PhoneCalls(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.lab.node().oauth_ready(users=["rado", "anna", "ivan"], devices={
            "CSFrado": "rado", "CSFanna": "anna", "CSFivan": "ivan"})
        cls.tunes = {}
        for name, notes in {"rado": (440, 660, 520, 880), "anna": (350, 700, 410, 560)}.items():
            cls.tunes[name] = os.path.join(cls.lab.folder, name + ".wav")
            sounds.write_tune(cls.tunes[name], notes)

    def phone(self, user):
        phone = self.node.softphone(f"{self._testMethodName[-40:]}-{user}")
        done = phone.login(user, device="CSF" + user)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return phone

    def run_phone(self, user, script, *words):
        run = self.phone(user).run("--do", script, *words, device="CSF" + user)
        return run

    def ready(self, user, script, *words):
        run = self.run_phone(user, script, *words)
        run.wait_line(r" registered \d+ at ")
        return run

    def ended(self, run, status=0):
        self.assertEqual(status, run.wait(), run.log.text())

    def path(self, name):
        return os.path.join(self.lab.folder, f"{self._testMethodName[-40:]}-{name}.wav")

    def test_two_phones_talk_and_each_hears_the_other_encrypted(self):
        there, here = self.path("there"), self.path("here")
        anna = self.ready("anna", f"wait incoming; answer; record {there}; play {self.tunes['anna']}; wait ended",
                          "--codec", "PCMA")
        rado = self.ready("rado", f"call 1011; wait answered; record {here}; play {self.tunes['rado']}; "
                          "wait 1; hangup", "--trace")
        self.ended(rado)
        self.ended(anna)
        rado.wait_line(r"talking, PCMA, encrypted with AEAD_AES_256_GCM")
        anna.wait_line(r"call 1 from 1010")
        self.assertGreaterEqual(sounds.best_correlation(sounds.read_samples(self.tunes["rado"]), sounds.read_samples(there)), 0.9)
        self.assertGreaterEqual(sounds.best_correlation(sounds.read_samples(self.tunes["anna"]), sounds.read_samples(here)), 0.9)
        self.assertLess(sounds.best_correlation(sounds.read_samples(self.tunes["anna"]), sounds.read_samples(there)), 0.6)
        self.assertNotRegex(rado.log.text(), r"inline:[A-Za-z0-9+/]{8}")

    def test_each_cipher_suite_carries_the_sound(self):
        for suite in ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AEAD_AES_128_GCM"):
            there = self.path(suite)
            anna = self.ready("anna", f"wait incoming; answer; record {there}; wait ended")
            rado = self.ready("rado", f"call 1011; wait answered; play {self.tunes['rado']}; hold; resume; wait 1; hangup",
                              "--codec", "PCMU", "--suite", suite)
            self.ended(rado)
            self.ended(anna)
            anna.wait_line(rf"talking, PCMU, encrypted with {suite}$")
            self.assertGreaterEqual(sounds.best_correlation(sounds.read_samples(self.tunes["rado"]), sounds.read_samples(there)), 0.9)

    def test_phones_without_a_common_suite_are_told_why(self):
        anna = self.ready("anna", "wait incoming 2", "--suite", "AEAD_AES_128_GCM")
        rado = self.ready("rado", "call 1011; wait answered", "--suite", "AEAD_AES_256_GCM")
        self.ended(rado, 55)
        rado.wait_line(r"\(488: None of the offered SRTP keys can be used\); .* try without --suite")
        self.ended(anna, 60)

    def test_opus_is_what_two_phones_choose(self):
        anna = self.ready("anna", "wait incoming; answer; wait ended")
        rado = self.ready("rado", "call 1011; wait answered; wait 1; hangup")
        self.ended(rado)
        self.ended(anna)
        rado.wait_line(r"talking, opus, encrypted with AEAD_AES_256_GCM")

    def test_each_refusal_has_its_exit_code(self):
        for word, status in (("busy", 50), ("declined", 52), ("unavailable", 51)):
            anna = self.ready("anna", f"wait incoming; reject {word}")
            rado = self.run_phone("rado", "call 1011; wait answered; hangup")
            self.ended(rado, status)
            self.ended(anna)
        self.ended(self.run_phone("rado", "call 4711; wait answered"), 53)
        self.ended(self.run_phone("rado", "play nothing.wav"), 59)
        self.ended(self.run_phone("rado", "wait incoming 1"), 60)

    def test_who_gives_up_leaves_no_ringing_phone(self):
        anna = self.ready("anna", "wait incoming; wait ended")
        rado = self.ready("rado", "call 1011; wait ringing; hangup")
        self.ended(rado)
        self.ended(anna)
        anna.wait_line(r"the caller gave up")

    def test_keys_and_hold_reach_the_other_side(self):
        anna = self.ready("anna", "wait incoming; answer; wait digits 12#; wait held; wait resumed; wait ended")
        rado = self.ready("rado", "call 1011; wait answered; dtmf 12#; hold; wait 1; resume; wait 1; hangup")
        self.ended(rado)
        self.ended(anna)

    def test_a_blind_transfer(self):
        anna = self.ready("anna", "wait incoming; answer; wait 5; hangup")
        ivan = self.ready("ivan", "wait incoming; answer; wait ended")
        rado = self.ready("rado", "call 1011; wait answered; transfer 1012")
        self.ended(rado)
        ivan.wait_line(r"call 1 from 1011")
        anna.wait_line(r"where the other side transfers us")
        self.ended(anna)
        self.ended(ivan)

    def test_an_attended_transfer(self):
        anna = self.ready("anna", "wait incoming; answer; wait 6; hangup")
        ivan = self.ready("ivan", "wait incoming; answer; wait ended")
        rado = self.ready("rado", "call 1011; wait answered; call 1012; wait answered; join")
        self.ended(rado)
        ivan.wait_line(r"another call took its place")
        self.ended(anna)
        self.ended(ivan)

    def test_a_transfer_to_nobody_fails_and_the_call_stays(self):
        anna = self.ready("anna", "wait incoming; answer; wait ended")
        rado = self.ready("rado", "call 1011; wait answered; transfer 4711")
        self.ended(rado, 58)
        self.ended(anna)

    def test_call_waiting(self):
        anna = self.ready("anna", "wait incoming; answer; wait incoming; wait 1; answer; wait 1; hangup; wait 1")
        rado = self.ready("rado", "call 1011; wait answered; wait held; wait ended")
        anna.wait_line(r"call 1 with 1010: talking")
        ivan = self.ready("ivan", "call 1011; wait answered; wait ended")
        self.ended(ivan)
        self.ended(anna)
        self.ended(rado)

    def test_auto_answer_and_a_signal_hang_up(self):
        anna = self.phone("anna").run("--answer", device="CSFanna")
        anna.wait_line(r" registered 1011")
        rado = self.ready("rado", "call 1011; wait answered; wait ended")
        rado.wait_line(r"talking")
        self.assertEqual(0, anna.stop())
        self.ended(rado)
        rado.wait_line(r"the other side hung up")

    def interactive(self, user, term="xterm", tty=True, columns=80, audio="none"):
        phone = self.phone(user)
        keys = Keyboard(phone.command("run", "--config-url", self.node.config_url_of("CSF" + user),
                                      "--interactive", "--audio", audio), term, tty, columns)
        self.addCleanup(keys.close)
        keys.wait("[c] call  [q] quit")
        return keys

    def test_a_person_calls_by_keys(self):
        anna = self.ready("anna", "wait incoming; answer; wait digits 5; wait held; wait resumed; wait ended")
        rado = self.interactive("rado")
        rado.type("c1011\r")
        rado.wait("talking  1011")
        rado.type("k5\x1b")
        anna.wait_line(r"pressed 5")
        rado.wait("[o] hold")
        rado.type("o")
        rado.wait("on hold  1011")
        rado.wait("[o] resume")
        rado.type("o")
        rado.wait("talking  1011")
        rado.wait("AEAD_AES_256_GCM")
        rado.type("h")
        rado.wait("hung up here")
        rado.type("q")
        self.assertEqual(0, rado.process.wait(lab.PATIENCE_S))
        self.ended(anna)

    def test_a_person_answers_on_a_narrow_screen(self):
        registered = "1011 registered at localhost (TLSv1.3)"
        anna = self.interactive("anna", columns=60)
        anna.see(registered, "[c] call  [q] quit")
        rado = self.ready("rado", "call 1011; wait answered; wait held; wait resumed; wait ended")
        anna.see(registered, "> INCOMING CALL 1 from 1010", "[a] answer  [b] busy  [d] decline  [c] call  [q] quit")
        self.assertEqual(1, anna.screen.bells)
        anna.type("a")
        anna.see(registered, "> 1 talking  1010  00:0", "    loss 0.0 %, jitter",
                 "[h] hang up  [o] hold  [m] mute  [k] keys  [t] transfer", "    [c] call  [q] quit")
        self.assertIn("opus, AEAD_AES_256_GCM,", anna.screen.text())
        ivan = self.ready("ivan", "call 1011; wait answered")
        anna.see("  1 talking  1010", "    loss", "> INCOMING CALL 2 from 1012",
                 "[a] answer  [b] busy  [d] decline  [n] next  [c] call", "    [q] quit")
        anna.type("b")
        self.ended(ivan, 50)
        anna.see(registered, "> 1 talking  1010", "    loss", "[h] hang up  [o] hold", "    [c] call  [q] quit")
        anna.type("o")
        anna.see(registered, "> 1 on hold  1010", "    loss", "[h] hang up  [o] resume", "")
        anna.type("o")
        anna.see(registered, "> 1 talking  1010", "    loss", "[h] hang up  [o] hold", "")
        anna.type("h")
        anna.wait("ended after")
        anna.see(registered, "[c] call  [q] quit")
        self.assertEqual(1, anna.screen.text().count(registered))
        self.ended(rado)
        anna.type("q")
        self.assertEqual(0, anna.process.wait(lab.PATIENCE_S))

    def test_without_a_sound_card_calls_go_on_in_silence(self):
        anna = self.interactive("anna", audio="plughw:CARD=nowhere,DEV=7")
        rado = self.ready("rado", "call 1011; wait answered; wait 1; hangup")
        anna.wait("INCOMING CALL")
        anna.type("a")
        anna.wait("call 1: no sound by plughw:CARD=nowhere,DEV=7: this machine has no such sound device; "
                  "the call goes on in silence")
        anna.wait("talking  1010")
        self.ended(rado)
        anna.wait("the other side hung up")
        anna.type("q")
        self.assertEqual(0, anna.process.wait(lab.PATIENCE_S))

    def test_a_person_answers_on_a_terminal_that_can_do_nothing(self):
        anna = self.interactive("anna", "dumb", tty=False)
        rado = self.ready("rado", "call 1011; wait answered; wait ended")
        anna.wait("INCOMING CALL 1 from 1010")
        anna.wait("[a] answer")
        anna.type("a\n")
        anna.wait("talking  1010")
        anna.type("h\n")
        self.ended(rado)
        anna.wait("[c] call  [q] quit")
        anna.type("q")
        self.assertEqual(0, anna.process.wait(lab.PATIENCE_S))
        self.assertNotIn("\x1b", anna.shown)

    def test_a_server_that_dies_ends_calls_with_a_word(self):
        node = self.lab.node("short").oauth_ready(users=["rado", "anna"], devices={
            "CSFrado": "rado", "CSFanna": "anna"})
        phones = {}
        for user in ("rado", "anna"):
            phones[user] = node.softphone(user)
            self.assertEqual(0, phones[user].login(user, device="CSF" + user).returncode)
        anna = phones["anna"].run("--answer", device="CSFanna")
        anna.wait_line(r" registered 1011")
        rado = phones["rado"].run("--do", "call 1011; wait answered; wait ended 60; call 1011; wait answered",
                                  device="CSFrado")
        rado.wait_line(r"talking")
        node.kill()
        self.assertEqual(59, rado.wait(45 + lab.PATIENCE_S), rado.log.text())
        rado.wait_line(r"the connection to the server was lost")
        anna.stop()


if __name__ == "__main__":
    unittest.main()
