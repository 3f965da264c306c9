"""The data folder: missing, read-only, full, held by another; and what kill -9 leaves."""
import os
import re
import subprocess
import threading
import unittest

import lab


class DataFolder(lab.Scenario):
    def fails(self, node):
        """Starts it in vain; (status, what it said)."""
        program = self.lab.run_program(node.command())
        program.may_fail = True
        status = program.wait()
        return status, program.log.text()

    def test_a_missing_parent_is_named(self):
        node = self.lab.node("missing", start=False)
        node.data = os.path.join(self.lab.folder, "no", "such", "folder")
        status, said = self.fails(node)
        self.assertEqual(3, status, said)
        self.assertIn(node.data, said)
        self.assertRegex(said, r"^bearlined: ")

    @unittest.skipIf(os.getuid() == 0, "root may write everywhere")
    def test_a_folder_that_may_not_be_written_is_named(self):
        node = self.lab.node("readonly", start=False)
        os.makedirs(node.data, mode=0o500)
        status, said = self.fails(node)
        self.assertEqual(3, status, said)
        self.assertIn(node.data, said)

    @unittest.skipUnless(os.getuid() == 0, "only root can mount")
    def test_a_read_only_file_system_is_named(self):
        node = self.lab.node("ro", start=False)
        with Mounted(node.data, "size=4m,ro", self):
            status, said = self.fails(node)
            self.assertEqual(3, status, said)
            self.assertIn(node.data, said)

    @unittest.skipUnless(os.getuid() == 0, "only root can mount")
    def test_a_full_disk_refuses_changes_and_loses_nothing(self):
        node = self.lab.node("full", start=False)
        with Mounted(node.data, "size=6m,mode=0700", self):
            node.start()
            node.set_param("OAuthRefreshLoginFlow", 1)
            node.add_user("rado")
            filler = os.path.join(node.data, "filler")
            with open(filler, "wb", buffering=0) as f:
                try:
                    while True:
                        f.write(b"\0" * 4096)
                except OSError:
                    pass
            kept, refused = [], None
            for i in range(400):
                done = node.cli("line", "add", str(5000 + i), check=False)
                if done.returncode != 0:
                    refused = done
                    break
                kept.append(str(5000 + i))
            self.assertIsNotNone(refused, "400 lines went onto a full disk")
            self.assertRegex(refused.stdout + refused.stderr, r"(?i)disk|full|space")
            self.assertEqual(200, node.http("GET", "/ssosp/oauth/jwks").status)  # it serves on
            node.wait_line(r"event=store\.disk_full .*refused=\d+ .*Free some space")
            status, diagnosis = node.cli("status", check=False), node.cli("diagnose", check=False)
            for done in (status, diagnosis):
                self.assertEqual(1, done.returncode)
                self.assertRegex(done.stdout, r"FAIL  Disk: full .* refused since the start\n      -> Free some space")
            phone = node.softphone("full-phone").login()
            self.assertEqual(13, phone.returncode, phone.stdout + phone.stderr)
            self.assertIn("tell its administrator", phone.stderr)
            os.remove(filler)
            node.wait_line(r"event=store\.disk_writable")  # before anybody has tried again
            self.assertEqual(0, node.cli("status").returncode)
            self.assertNotIn("Disk", node.cli("diagnose", check=False).stdout)
            node.cli("line", "add", "5999")
            node.kill()
            node.start()
            numbers = re.findall(r"\b5\d\d\d\b", node.cli("line", "list").stdout)
            self.assertEqual(set(kept) | {"5999"}, set(numbers))
            node.stop()

    def test_a_second_daemon_on_the_folder_is_refused(self):
        first = self.lab.node("first")
        second = self.lab.node("second", start=False)
        second.data = first.data
        status, said = self.fails(second)
        self.assertEqual(3, status, said)
        self.assertIn(first.data, said)
        self.assertEqual(200, first.http("GET", "/ssosp/oauth/jwks").status)

    def test_what_was_acknowledged_survives_kill_9_at_any_moment(self):
        node = self.lab.node("killed")
        acknowledged, stop = set(), threading.Event()

        def write(writer):
            number = 0
            while not stop.is_set():
                pattern = f"{writer}{number:03}"
                if node.cli("line", "add", pattern, check=False).returncode == 0:
                    acknowledged.add(pattern)
                    number += 1
        for round_ in range(1, 4):
            stop.clear()
            writers = [threading.Thread(target=write, args=(f"{round_}{i}",)) for i in range(2)]
            before = len(acknowledged)
            for w in writers:
                w.start()
            lab.wait_until(lambda: len(acknowledged) >= before + 10)
            node.kill()
            stop.set()
            for w in writers:
                w.join()
            node.start()
            there = set(re.findall(r"\b\d{5}\b", node.cli("line", "list").stdout))
            self.assertEqual(set(), acknowledged - there)
            self.assertLessEqual(len(there - acknowledged), 2 * round_)  # done, but killed before saying so
        self.assertEqual(200, node.http("GET", "/ssosp/oauth/jwks").status)

    def test_a_spent_code_and_a_spent_refresh_token_stay_spent_after_kill_9(self):
        node = self.lab.node("spent").oauth_ready()
        query, verifier = node.get_code("rado")
        trade = {"grant_type": "authorization_code", "code": query["code"],
                 "redirect_uri": "http://127.0.0.1:9/cb", "code_verifier": verifier}
        first = node.sign_in()
        status, second = node.token_request(grant_type="refresh_token", refresh_token=first["refresh_token"])
        self.assertEqual(200, status)
        self.assertEqual(200, node.token_request(**trade)[0])
        node.kill()
        node.start()
        self.assertEqual("invalid_grant", node.token_request(**trade)[1]["error"])
        phone = node.phone()
        self.assertEqual(200, phone.register(second["access_token"]).status)
        self.assertEqual("invalid_grant", node.token_request(
            grant_type="refresh_token", refresh_token=first["refresh_token"])[1]["error"])

    def test_sigterm_ends_it_at_once_and_well(self):
        node = self.lab.node("term").oauth_ready()
        phone = node.registered()
        self.assertEqual(0, node.stop())
        self.assertIsNotNone(node.log.find("event=node.stopped"))
        phone.connection.close()


class Mounted:
    """A small file system at path for a while."""

    def __init__(self, path, options, test):
        self.path, self.options, self.test = path, options, test

    def __enter__(self):
        os.makedirs(self.path, mode=0o700, exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", self.options, "tmpfs", self.path],
                              capture_output=True, check=False)
        if done.returncode != 0:
            self.test.skipTest("this root may not mount")

    def __exit__(self, *_):
        for program in self.test.lab.programs:
            if self.path in program.command and program.process.poll() is None:
                program.kill()
        subprocess.run(["umount", self.path], check=True)


if __name__ == "__main__":
    unittest.main()
