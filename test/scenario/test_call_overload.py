"""More than a node takes: what is new hears 503 with Retry-After, calls that are there go on."""
import unittest

import calling


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
