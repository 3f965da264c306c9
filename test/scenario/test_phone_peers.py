"""The real softphone and a phone by hand at the two ends of a real node: what other phones may ask of it
that it never asks of itself, and what it tells its person when they refuse."""
import unittest

import calling
import lab


class PhonePeers(calling.Scenario):
    def setUp(self):
        super().setUp()
        self.ivan = self.agent("CSFivan")

    def phone(self, script, *words):
        """The softphone of the first line, registered and at work on its script."""
        phone = self.node.softphone(self._testMethodName[-40:])
        done = phone.login("rado", device="CSFrado")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        run = phone.run("--do", script, "--suite", "AES_CM_128_HMAC_SHA1_80", *words, device="CSFrado")
        run.wait_line(r" registered \d+ at ")
        return run

    def ended(self, run, status=0):
        self.assertEqual(status, run.wait(), run.log.text())

    def answered(self, invite):
        """A 200 and its ACK: the dialog."""
        said = self.ivan.answer(invite, 200, "OK", body=calling.sdp(40002), tag="ivan")
        self.ivan.expect("ACK")
        return calling.Dialog(self.ivan, invite, said, is_caller=False)

    def hung_up(self, run):
        self.ivan.answer(self.ivan.expect("BYE"), 200, "OK")
        self.ended(run)

    def test_early_sound_is_confirmed_and_changed_before_the_answer(self):
        run = self.phone("call 1012; wait answered; wait ended")
        invite = self.ivan.expect("INVITE")
        self.assertIn("100rel", invite.get("Supported"))
        said = self.ivan.answer(invite, 183, "Session Progress", [("Require", "100rel"), ("RSeq", "41")],
                                calling.sdp(40002), tag="ivan")
        prack = self.ivan.expect("PRACK")
        self.assertEqual(f"41 {invite.get('CSeq')}", prack.get("RAck"))
        self.ivan.answer(prack, 200, "OK")
        run.wait_line("sound from the way to 1012")
        dialog = calling.Dialog(self.ivan, invite, said, is_caller=False)
        dialog.request("UPDATE", body=calling.sdp(40006, direction="sendonly"))
        self.assertIn(b"a=recvonly", self.ivan.expect(200).body)
        self.ivan.answer(invite, 200, "OK", tag="ivan")  # without SDP: all is agreed
        self.ivan.expect("ACK")
        run.wait_line("talking, PCMU, encrypted with AES_CM_128_HMAC_SHA1_80")
        dialog.request("BYE")
        self.ivan.expect(200)
        self.ended(run)

    def test_ringing_is_confirmed_to_who_asks_for_it(self):
        run = self.phone("wait incoming; wait 1; answer; wait ended")
        sent = self.ivan.invite("1010", [("Require", "100rel")])
        ringing = self.ivan.expect(100, 180)
        self.assertIn("100rel", ringing.get("Require"))
        dialog = calling.Dialog(self.ivan, sent, ringing)
        dialog.request("PRACK", [("RAck", f"{ringing.get('RSeq')} {sent.get('CSeq')}")])
        self.ivan.expect(200)
        self.ivan.expect(200)  # no 180 comes between: it was confirmed
        dialog.ack(cseq=1)
        dialog.request("BYE")
        self.ivan.expect(200)
        self.ended(run)

    def test_glare_is_tried_again(self):
        run = self.phone("call 1012; wait answered; hold; hangup")
        self.answered(self.ivan.expect("INVITE"))
        hold = self.ivan.expect("INVITE")
        self.assertIn(b"a=sendonly", hold.body)
        self.ivan.reject(hold, 491, "Request Pending")
        again = self.ivan.expect("INVITE")
        self.assertIn(b"a=sendonly", again.body)
        self.ivan.answer(again, 200, "OK", body=calling.sdp(40002, direction="recvonly"))
        self.ivan.expect("ACK")
        self.hung_up(run)

    def test_a_longer_session_is_asked_for(self):
        run = self.phone("call 1012; wait answered; hangup")
        self.ivan.reject(self.ivan.expect("INVITE"), 422, "Session Interval Too Small", [("Min-SE", "4000")])
        again = self.ivan.expect("INVITE")
        self.assertEqual("4000", again.get("Session-Expires").partition(";")[0])
        self.assertEqual("4000", again.get("Min-SE"))
        self.answered(again)
        self.hung_up(run)

    def test_refusals_tell_what_to_do(self):
        for status, reason, headers, code, text in (
                (488, "Not Acceptable Here", [("Warning", '305 there "No codec in common"')], 55,
                 r"\(488: No codec in common\); .*: try without --codec"),
                (480, "Temporarily Unavailable", [("Retry-After", "7")], 51, r"\(480\); try again in 7 s"),
                (603, "Decline", [], 52, r"declined \(603\)$")):
            run = self.phone("call 1012; wait answered")
            self.ivan.reject(self.ivan.expect("INVITE"), status, reason, headers)
            self.ended(run, code)
            run.wait_line(text)

    def asked_after_silence(self, run):
        """The question whether anybody is there, after a call's first ten seconds without sound."""
        run.wait_line(r"nothing heard from 1012 for 10 s", patience_s=10 + lab.PATIENCE_S)
        return self.ivan.expect("OPTIONS")

    def test_who_is_silent_is_asked_and_the_call_stays(self):
        run = self.phone("call 1012; wait answered; wait ended")
        dialog = self.answered(self.ivan.expect("INVITE"))
        self.ivan.answer(self.asked_after_silence(run), 200, "OK")
        dialog.request("BYE")
        self.ivan.expect(200)
        self.ended(run)

    def test_who_knows_no_call_any_more_is_hung_up(self):
        run = self.phone("call 1012; wait answered; wait held")
        self.answered(self.ivan.expect("INVITE"))
        self.ivan.answer(self.asked_after_silence(run), 481, "Call/Transaction Does Not Exist")
        self.ivan.answer(self.ivan.expect("BYE"), 481, "Call/Transaction Does Not Exist")
        self.ended(run, 57)
        run.wait_line(r"the other side is not there any more \(481\)")


if __name__ == "__main__":
    unittest.main()
