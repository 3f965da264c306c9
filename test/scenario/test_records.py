"""What a node tells of its calls: those under way while they are, the records of those that ended, their
export, what a restart keeps and what the parameter CDRDays drops."""
import csv
import datetime
import glob
import io
import json
import os
import sqlite3
import unittest

import lab

DAY_MS = 86400 * 1000


def records(node, *words):
    """Newest first."""
    return json.loads(node.cli("--json", "show", "cdr", *words).stdout)


def live(node, *words):
    return json.loads(node.cli("--json", "show", "calls", *words).stdout)


class Records(lab.Scenario):
    def setUp(self):
        self.node = self.lab.node(self._testMethodName[-40:]).oauth_ready(users=["rado", "anna", "ivan"], devices={
            "CSFrado": "rado", "CSFanna": "anna", "CSFivan": "ivan"})
        self.phones = {}

    def ready(self, user, script, *words):
        if user not in self.phones:
            self.phones[user] = self.node.softphone(f"{self._testMethodName[-40:]}-{user}")
            done = self.phones[user].login(user, device="CSF" + user)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        run = self.phones[user].run("--do", script, *words, device="CSF" + user)
        run.wait_line(r" registered \d+ at ")
        return run

    def ended(self, run, status=0):
        self.assertEqual(status, run.wait(), run.log.text())

    def wait_records(self, count):
        lab.wait_until(lambda: len(records(self.node)) == count, f"{count} records")
        return records(self.node)

    def talk(self):
        anna = self.ready("anna", "wait incoming; answer; wait ended")
        rado = self.ready("rado", "call 1011; wait answered; wait 1; hangup")
        self.ended(rado)
        self.ended(anna)

    def expect_row(self, row, **fields):
        self.assertEqual(fields, {name: row[name] for name in fields})

    def test_a_call_is_listed_while_it_is_up_and_recorded_when_it_ends(self):
        n = self.node
        self.assertEqual("No call is under way.\n", n.cli("show", "calls").stdout)
        self.assertEqual("There are no records of such calls.\n", n.cli("show", "cdr").stdout)
        n.cli("line", "update", "1012", "--forward-all", "1011")
        anna = self.ready("anna", "wait incoming; wait 1; answer; wait ended")
        rado = self.ready("rado", "call 1012; wait ended")
        anna.wait_line("call 1 from 1010")
        lab.wait_until(lambda: [c["state"] for c in live(n)] == ["ringing"], "a ringing call")
        self.expect_row(live(n)[0], caller="1010", caller_device="CSFrado", dialled="1012", encrypted=False,
                        answer_ms=0, trunk_in="", trunk_out="")
        lab.wait_until(lambda: [c["state"] for c in live(n)] == ["answered"], "an answered call")
        self.expect_row(live(n)[0], caller="1010", dialled="1012", called="1011", called_device="CSFanna",
                        encrypted=True)
        for number in ("1010", "1011", "1012"):
            self.assertEqual(live(n), live(n, number))
        self.assertEqual([], live(n, "1013"))
        self.assertRegex(n.cli("show", "calls", "1011").stdout, r"1010 +1012 +1011 +CSFanna +answered +yes")
        self.assertEqual(1, json.loads(n.cli("--json", "status").stdout)["counts"]["calls"])
        self.assertRegex(n.cli("show", "counters").stdout, r"(?m)^calls +1$")
        call = live(n)[0]["call"]
        anna.process.terminate()
        self.ended(rado)
        anna.wait()
        row = self.wait_records(1)[0]
        self.assertEqual([], live(n))
        self.expect_row(row, call=call, node=n.name, caller="1010", caller_device="CSFrado", dialled="1012",
                        called="1011", called_device="CSFanna", status=200, cause=16, ended_by="called",
                        reason="hung up", encrypted=True, trunk_in="", trunk_out="")
        self.assertTrue(0 < row["start_ms"] < row["answer_ms"] < row["end_ms"], row)

    def test_an_operator_ends_a_call(self):
        n = self.node
        anna = self.ready("anna", "wait incoming; answer; wait ended", "--trace")
        rado = self.ready("rado", "call 1011; wait answered; wait ended", "--trace")
        lab.wait_until(lambda: [c["state"] for c in live(n)] == ["answered"], "an answered call")
        call = live(n)[0]
        unknown = n.cli("call", "hangup", str(call["id"] + 1), check=False)
        self.assertEqual((4, f"there is no call {call['id'] + 1}: see \"show calls\"\n"),
                         (unknown.returncode, unknown.stderr))
        self.assertEqual([call], live(n))
        said = n.cli("call", "hangup", str(call["id"])).stdout
        self.assertRegex(said, rf"^Call {call['id']} between 1010 and 1011, answered .*, is ended\.$")
        self.ended(rado)
        self.ended(anna)
        for run in (rado, anna):
            self.assertRegex(run.log.text(), r"(?m)\bBYE sip:")
        row = self.wait_records(1)[0]
        self.assertEqual([], live(n))
        self.expect_row(row, call=call["call"], called="1011", called_device="CSFanna", status=200, cause=31,
                        ended_by="node", reason="ended by an operator", encrypted=True)
        audit = json.loads(n.cli("--json", "show", "audit", "--limit", "1").stdout)[0]
        self.expect_row(audit, action="hangup", kind="call", key=call["call"], result="ok")

    def test_how_calls_end(self):
        n = self.node
        self.talk()
        self.expect_row(self.wait_records(1)[0], called="1011", status=200, cause=16, ended_by="caller",
                        encrypted=True)
        refusals = (("reject busy", 486, 17, 50), ("reject declined", 603, 21, 52))
        for i, (script, status, cause, code) in enumerate(refusals):
            anna = self.ready("anna", f"wait incoming; {script}")
            rado = self.ready("rado", "call 1011; wait answered")
            self.assertEqual(code, rado.wait(), rado.log.text())
            self.ended(anna)
            row = self.wait_records(2 + i)[0]
            self.expect_row(row, status=status, cause=cause, ended_by="called", answer_ms=0, duration_s=0,
                            called_device="", encrypted=False)
            self.assertIn(str(status), row["reason"])
        anna = self.ready("anna", "wait incoming; wait ended")
        rado = self.ready("rado", "call 1011; wait ringing; hangup")
        self.ended(rado)
        anna.wait()
        self.expect_row(self.wait_records(4)[0], cause=16, ended_by="caller", answer_ms=0,
                        reason="given up before an answer")
        rado = self.ready("rado", "call 4711; wait answered")
        self.assertNotEqual(0, rado.wait())
        self.expect_row(self.wait_records(5)[0], dialled="4711", status=404, cause=1, ended_by="node",
                        reason="404 Not Found")
        self.assertEqual([], live(n))
        self.assertEqual(4, len(records(n, "1011")))
        self.assertEqual(1, len(records(n, "4711")))
        self.assertEqual(2, len(records(n, "--limit", "2")))
        self.assertEqual([], records(n, "--until", "1h"))
        self.assertEqual(5, len(records(n, "--since", "1h")))
        self.assertRegex(n.cli("show", "cdr", "4711").stdout, r"1010 +4711 +4711 +0 +404 +node +no +404 Not Found")
        self.check_export(n)

    def check_export(self, n):
        shown = records(n)
        lines = n.cli("cdr", "export", "--json").stdout.splitlines()
        self.assertEqual(shown, [json.loads(line) for line in lines])
        rows = list(csv.DictReader(io.StringIO(n.cli("cdr", "export", "--csv").stdout, newline="")))
        self.assertEqual([(r["call"], str(r["status"]), str(r["cause"]), r["dialled"]) for r in shown],
                         [(r["call"], r["status"], r["cause"], r["dialled"]) for r in rows])
        self.assertEqual(["no", "no", "no", "no", "yes"], [r["encrypted"] for r in rows])
        began = datetime.datetime.fromisoformat(rows[-1]["start"].replace("Z", "+00:00"))
        self.assertEqual(shown[-1]["start_ms"], round(began.timestamp() * 1000))
        self.assertEqual("", rows[0]["answer"])
        only = n.cli("cdr", "export", "--csv", "--number", "4711").stdout.splitlines()
        self.assertEqual(2, len(only))
        for text in (*lines, *only):
            self.assertNotRegex(text, r"inline:|Bearer|eyJ")
        self.assertEqual(2, n.cli("cdr", "export", check=False).returncode)

    def test_a_restart_keeps_them_and_a_stop_writes_the_call_under_way(self):
        n = self.node
        self.talk()
        kept = self.wait_records(1)
        anna = self.ready("anna", "wait incoming; answer; wait ended")
        rado = self.ready("rado", "call 1011; wait answered; wait ended")
        lab.wait_until(lambda: [c["state"] for c in live(n)] == ["answered"], "an answered call")
        self.assertEqual(0, n.stop())
        rado.kill()
        anna.kill()
        n.start()
        rows = records(n)
        self.assertEqual(kept, rows[1:])
        self.expect_row(rows[0], dialled="1011", called="1011", status=200, cause=41, ended_by="node",
                        reason="the node was stopped", encrypted=True)
        self.assertEqual([], live(n))

    def test_a_killed_node_keeps_what_was_written(self):
        self.talk()
        kept = self.wait_records(1)
        self.node.kill()
        self.node.start()
        self.assertEqual(kept, records(self.node))

    def test_old_ones_go_when_the_parameter_says_so(self):
        n = self.node
        self.talk()
        self.wait_records(1)
        self.talk()
        newest, oldest = self.wait_records(2)
        self.assertEqual(0, n.stop())
        db = sqlite3.connect(glob.glob(os.path.join(n.data, "*.db"))[0])
        with db:
            db.execute("UPDATE cdr SET end_unix_ms = end_unix_ms - ? WHERE id = ?", (5 * DAY_MS, oldest["id"]))
        db.close()
        n.start()
        n.set_param("CDRDays", 6)
        self.assertEqual(2, len(records(n)))
        n.set_param("CDRDays", 4)
        n.wait_line(r"event=cdr\.pruned count=1 days=4")
        self.assertEqual([newest], records(n))


class DialPlanCommands(lab.Scenario):
    """The nouns of the dial plan at the command line."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.lab.node()
        for number in ("1010", "1011", "1012"):
            cls.node.add_line(number)

    def refused(self, code, said, *words):
        done = self.node.cli(*words, check=False, stdin="")
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        self.assertIn(said, done.stdout + done.stderr)

    def test_line_settings(self):
        n = self.node
        n.cli("line", "update", "1010", "--forward-all", "1011", "--ring-s", "20", "--busy-trigger", "1")
        self.assertRegex(n.cli("line", "show", "1010").stdout, r"forward_all +1011")
        self.refused(1, "leads", "line", "update", "1011", "--forward-all", "1010")
        self.refused(1, "1 to 300", "line", "update", "1010", "--ring-s", "301")
        self.refused(1, "1 to 200", "line", "update", "1010", "--busy-trigger", "201")
        self.refused(4, "4711", "line", "update", "4711", "--ring-s", "5")
        n.cli("line", "update", "1010", "--forward-all=", "--ring-s", "0", "--busy-trigger", "0")
        self.assertNotRegex(n.cli("line", "show", "1010").stdout, r"forward_all +1011")

    def test_hunt_groups(self):
        n = self.node
        n.cli("hunt-group", "add", "2000", "--members", "1010,1011", "--algorithm", "sequential")
        self.assertIn("2000", n.cli("hunt-group", "list").stdout)
        self.assertRegex(n.cli("hunt-group", "show", "2000").stdout, r"1010.*1011")
        self.refused(1, "2000", "hunt-group", "add", "2000", "--members", "1010")
        self.refused(1, "4711", "hunt-group", "add", "2001", "--members", "4711")
        self.refused(1, "circular", "hunt-group", "update", "2000", "--algorithm", "circular")
        self.refused(4, "2002", "hunt-group", "show", "2002")
        n.cli("hunt-group", "update", "2000", "--members", "1012")
        self.assertNotIn("1011", n.cli("hunt-group", "show", "2000").stdout)
        n.cli("hunt-group", "remove", "2000", "--yes")
        self.refused(4, "2000", "hunt-group", "show", "2000")

    def test_trunks_and_the_patterns_that_lead_there(self):
        n = self.node
        n.cli("trunk", "add", "carrier", "--host", "sbc.example.net", "--transport", "TLS", "--srtp-allowed", "yes")
        self.assertIn("sbc.example.net", n.cli("trunk", "show", "carrier").stdout)
        self.refused(1, "TLS", "trunk", "update", "carrier", "--transport", "UDP")
        self.refused(1, "carrier", "trunk", "add", "carrier", "--host", "h")
        n.cli("route-pattern", "add", "0.!", "--trunk", "carrier", "--discard", "PreDot")
        self.assertIn("0.!", n.cli("route-pattern", "list").stdout)
        self.refused(1, "0.!", "trunk", "remove", "carrier", "--yes")
        self.refused(1, "nobody", "route-pattern", "add", "8X", "--trunk", "nobody")
        self.refused(1, "[", "route-pattern", "add", "8[", "--line", "1010")
        n.cli("route-pattern", "update", "0.!", "--trunk=", "--blocked", "yes", "--discard", "none")
        n.cli("trunk", "remove", "carrier", "--yes")
        n.cli("route-pattern", "remove", "0.!", "--yes")
        self.refused(4, "carrier", "trunk", "show", "carrier")
        self.refused(4, "0.!", "route-pattern", "show", "0.!")


if __name__ == "__main__":
    unittest.main()
