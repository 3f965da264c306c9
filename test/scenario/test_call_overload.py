"""More than a node takes: what is new hears 503 with Retry-After, calls that are there go on."""
import unittest

import calling
import lab


class Overload(calling.Scenario):
    SETTINGS = ("limits.transactions=256",)

    def test_beyond_the_bound_new_calls_hear_503_and_calls_that_are_there_go_on(self):
        alice, bob, carol = (self.agent(d) for d in self.USERS)
        ours, theirs = calling.establish(alice, bob, "1011")
        # Messages nobody answers hold a transaction on either side each.
        refused = None
        for _ in range(30):
            for _ in range(50):
                carol.request("MESSAGE", "sip:1011@localhost", body="x", contact=None)
            refused = self.refusal(carol)
            if refused:
                break
        self.assertIsNotNone(refused, "no bound was reached")
        self.assertRegex(refused.get("Retry-After") or "", r"^[1-9]\d*$")
        theirs.request("BYE")
        alice.answer(alice.expect("BYE"), 200, "OK")
        while bob.connection.receive().status != 200:
            pass
        for agent in (alice, bob, carol):
            agent.cut()

    def test_calls_nobody_answers_fill_the_bound_and_leave_nothing(self):
        self.node.cli("line", "update", "1011", "--busy-trigger", "200")
        alice, bob, carol = (self.agent(d) for d in self.USERS)
        _, theirs = calling.establish(alice, bob, "1011")
        sent = {}
        refused = None
        for _ in range(200):  # each holds a transaction on either side
            invite = carol.invite("1011")
            sent[invite.get("Call-ID")] = invite
            refused = self.refusal(carol)
            if refused:
                break
        self.assertIsNotNone(refused, "no bound was reached")
        self.assertRegex(refused.get("Retry-After") or "", r"^[1-9]\d*$")
        carol.ack_refusal(sent[refused.get("Call-ID")], refused)
        # The call that is there changes its session, and ends.
        theirs.request("INVITE", body=calling.sdp(direction="sendonly"))
        held = alice.expect("INVITE")
        alice.answer(held, 200, "OK", body=calling.sdp(40004, direction="recvonly"))
        self.answer_to(bob, "INVITE", 200)
        theirs.ack()
        alice.expect("ACK")
        theirs.request("BYE")
        alice.answer(alice.expect("BYE"), 200, "OK")
        self.answer_to(bob, "BYE", 200)
        for agent in (alice, bob, carol):
            agent.cut()
        # Counted: what a call leaves for 64*T1 goes, and nothing else was left.
        names = ("calls", "calls.contexts", "sip.transactions")
        lab.wait_until(lambda: not any(self.counter(n) for n in names),
                       lambda: str({n: self.counter(n) for n in names}), 60 * lab.PATIENCE)

    def answer_to(self, agent, method, status):
        """The next answer to a request of that method, whatever else comes before it."""
        while True:
            message = agent.connection.receive()
            if message.status and message.status >= 200 and message.get("CSeq").endswith(method):
                self.assertEqual(status, message.status)
                return message

    def refusal(self, agent):
        """A 503 among what has come for the phone so far."""
        try:
            while True:
                message = agent.connection.receive(0.02)
                if message.status == 503:
                    return message
        except TimeoutError:
            return None


if __name__ == "__main__":
    unittest.main()
