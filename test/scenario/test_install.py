"""What `meson install` puts where, and that systemd takes the unit as it is."""
import os
import shutil
import subprocess
import tempfile
import unittest

import lab

FILES = ["sbin/bearlined", "sbin/bearline-edge", "share/man/man8/bearline-edge.8",
         "lib/systemd/system/bearline-edge.service", "bin/bearline", "bin/bearline-phone", "share/man/man1/bearline.1",
         "share/man/man1/bearline-phone.1", "share/man/man8/bearlined.8",
         "share/doc/bearline/operator.md", "share/doc/bearline/LICENSE",
         "lib/systemd/system/bearlined.service", "lib/sysusers.d/bearline.conf"]


@unittest.skipUnless(lab.VARIANT == "gcc", "files are the same whoever compiled")
class Install(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="bearline-install-")
        self.addCleanup(shutil.rmtree, self.folder)
        done = subprocess.run(["meson", "install", "-C", lab.BUILD, "--no-rebuild", "--destdir",
                               self.folder], capture_output=True, text=True)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.prefix = os.path.join(self.folder, "usr/local")

    def read(self, name):
        with open(os.path.join(self.prefix, name), encoding="utf-8") as file:
            return file.read()

    def test_everything_the_guide_names_is_there(self):
        for name in FILES:
            self.assertTrue(os.path.isfile(os.path.join(self.prefix, name)), name)
        version = subprocess.run([os.path.join(self.prefix, "sbin/bearlined"), "--version"],
                                 capture_output=True, text=True)
        self.assertEqual(0, version.returncode, version.stderr)

    def test_the_unit_starts_the_installed_program(self):
        self.assertIn("\nExecStart=/usr/local/sbin/bearlined\n",
                      self.read("lib/systemd/system/bearlined.service"))
        self.assertIn("\nExecStart=/usr/local/sbin/bearline-edge --role ${ROLE}\n",
                      self.read("lib/systemd/system/bearline-edge.service"))
        self.assertIn("u bearline ", self.read("lib/sysusers.d/bearline.conf"))

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze here")
    def test_systemd_accepts_the_unit(self):
        for name in ("bearlined.service", "bearline-edge.service"):
            unit = self.read(f"lib/systemd/system/{name}")
            copy = os.path.join(self.folder, name)
            with open(copy, "w", encoding="utf-8") as file:
                file.write(unit.replace("/usr/local", self.prefix))
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", copy],
                                  capture_output=True, text=True)
            self.assertEqual((0, ""), (done.returncode, done.stderr))


if __name__ == "__main__":
    unittest.main()
