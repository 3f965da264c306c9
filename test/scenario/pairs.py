"""A node, its inner edge and an outer one, and phones by hand on both sides: what scenarios of the pair share."""
import re

import calling
import edges
import lab

DEVICES = {"CSFrado": "rado", "CSFanna": "anna", "CSFivan": "ivan"}


def body_of(message):
    return message.body.decode() if isinstance(message.body, bytes) else message.body


class Pair(lab.Scenario):
    """A node, its inner edge and an outer one; phones by hand on both sides."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.lab.node().oauth_ready(users=sorted(DEVICES.values()), devices=DEVICES)
        cls.tokens = {device: cls.node.sign_in(user)["access_token"] for device, user in DEVICES.items()}
        cls.inner = edges.Edge(cls.lab).start()
        edges.join(cls.node, cls.inner)
        cls.outer = edges.Outer(cls.lab).start().set_up()
        edges.pair(cls.inner, cls.outer)

    def setUp(self):
        self.phones = []

    def tearDown(self):
        for phone in self.phones:
            phone.connection.close()

    def made(self, phone, register=True):
        self.phones.append(phone)
        if register:
            answer = phone.register(self.tokens[phone.device])
            self.assertEqual(200, answer.status, str(answer))
        return phone

    def outside(self, device, register=True, **more):
        return self.made(self.outer.phone(device, self.node.lines[device], **more), register)

    def inside(self, device):
        return self.made(self.node.phone(device, self.node.lines[device]))

    def counter(self, edge, name):
        return int(re.search(rf"^{re.escape(name)} +(\d+)$", edge.cli("show", "counters").stdout, re.M)[1])

    def talk(self, caller, callee, number):
        """A call with everything in it: re-INVITE from the callee, BYE from the caller."""
        ours, theirs = calling.establish(caller, callee, number)
        theirs.request("INVITE", body=calling.sdp(40002, direction="sendonly"))
        heard = caller.expect("INVITE")
        caller.answer(heard, 200, "OK", body=calling.sdp(direction="recvonly"), tag=None)
        callee.expect(100, 200)
        theirs.ack()
        caller.expect("ACK")
        calling.hang_up(ours, theirs)
