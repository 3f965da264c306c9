"""Calls by hand: what one phone sends and what it must hear, message by message. Knows dialogs (route
set, tags, CSeq) and nothing of Bearline's code.

    alice, bob = calling.Agent(phone_a), calling.Agent(phone_b)
    sent = alice.invite("1011")
    at_bob = bob.expect("INVITE")
    bob.answer(at_bob, 200, "OK", body=calling.sdp())
    dialog = calling.Dialog(alice, sent, alice.expect(100, 200))
"""
import json
import re
import secrets

import lab
import sip

KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"


def sdp(port=40000, secure=True, direction="sendrecv"):
    """An audio offer or answer as a phone writes it."""
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
             f"m=audio {port} RTP/{'SAVP' if secure else 'AVP'} 0 101"]
    if secure:
        lines.append(f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}")
    lines += ["a=rtpmap:101 telephone-event/8000", f"a={direction}"]
    return "\r\n".join(lines) + "\r\n"


def tag_of(value):
    found = re.search(r";tag=([^;>\s]+)$|;tag=([^;>\s]+);", value or "")
    return found and (found[1] or found[2])


def uri_of(value):
    """Without brackets and what follows them."""
    found = re.search(r"<([^>]*)>", value)
    return found[1] if found else value.partition(";")[0].strip()


def values(message, name):
    """The values of a header field, each by itself."""
    return [v.strip() for line in message.all(name) for v in re.split(r",(?![^<]*>)", line)]


class Agent:
    """The calls of one registered phone (sip.Phone), or of a line on a connection."""

    def __init__(self, phone=None, connection=None, line=None, user=None, host="localhost"):
        self.phone, self.connection = phone, connection or phone.connection
        self.line = line or phone.line
        self.user = user or (phone.user if phone else self.line)
        self.host = host

    def is_open(self):
        return self.connection.sock.fileno() >= 0

    def cut(self):
        """The connection ends without a word."""
        self.connection.close()

    @property
    def uri(self):
        return f"sip:{self.user}@{self.connection.local};transport={self.connection.transport.lower()}"

    @property
    def identity(self):
        return f"<sip:{self.line}@{self.host}>"

    def send(self, start, headers, body=""):
        """A message of these (name, value) pairs; as the other side reads it."""
        headers = [f"{n}: {v}" for n, v in headers if v is not None]
        if body:
            headers.append("Content-Type: application/sdp" if body.startswith("v=") else "Content-Type: text/plain")
        head = "\r\n".join([start, *headers, f"Content-Length: {len(body.encode())}"])
        self.connection.send(head + "\r\n\r\n" + body)
        if self.connection.transport == "UDP":
            self.connection.last = None  # nothing is repeated but by the test
        return sip.Message(head.encode(), body.encode())

    def via(self, branch=None):
        c = self.connection
        return f"SIP/2.0/{c.transport} {c.local};branch={branch or 'z9hG4bK' + secrets.token_hex(8)};rport"

    def request(self, method, uri, to=None, headers=(), body="", **other):
        """Out of a dialog. other: from_, call_id, cseq, contact, branch, max_forwards."""
        return self.send(f"{method} {uri} SIP/2.0", [
            ("Via", self.via(other.get("branch"))),
            ("From", other.get("from_") or f"{self.identity};tag={secrets.token_hex(6)}"),
            ("To", to or f"<{uri}>"),
            ("Call-ID", other.get("call_id") or secrets.token_hex(10)),
            ("CSeq", f"{other.get('cseq', 1)} {method}"),
            ("Max-Forwards", other.get("max_forwards", 70)),
            ("Contact", other.get("contact", f"<{self.uri}>")),
            *headers], body)

    def invite(self, number, headers=(), body=None, **other):
        return self.request("INVITE", f"sip:{number}@{self.host}", None, headers, sdp() if body is None else body,
                            **other)

    def answer(self, request, status, reason, headers=(), body="", tag="b"):
        """tag goes to the To; an answer that makes a dialog has a Contact too."""
        to = request.get("To")
        if status > 100 and not tag_of(to) and tag:
            to += f";tag={tag}"
        method = request.get("CSeq").split()[1]
        makes_dialog = 100 < status < 300 and method in ("INVITE", "SUBSCRIBE", "UPDATE")
        return self.send(f"SIP/2.0 {status} {reason}", [
            *(("Via", v) for v in request.all("Via")),
            *((("Record-Route", v) for v in request.all("Record-Route")) if status > 100 else ()),
            ("From", request.get("From")), ("To", to), ("Call-ID", request.get("Call-ID")),
            ("CSeq", request.get("CSeq")),
            ("Contact", f"<{self.uri}>" if makes_dialog else None), *headers], body)

    def reject(self, request, status, reason, headers=(), tag="b"):
        """A final refusal of an INVITE and the ACK to it."""
        self.answer(request, status, reason, headers, tag=tag)
        return self.expect("ACK")

    def ack_refusal(self, invite, answer):
        """The ACK of the same transaction (RFC 3261, 17.1.1.3)."""
        return self.send(invite.start.replace("INVITE", "ACK", 1), [
            ("Via", invite.get("Via")), ("From", invite.get("From")), ("To", answer.get("To")),
            ("Call-ID", invite.get("Call-ID")), ("CSeq", invite.get("CSeq").replace("INVITE", "ACK")),
            ("Max-Forwards", 70)])

    def cancel(self, invite, **changed):
        return self.send(invite.start.replace("INVITE", "CANCEL", 1), [
            ("Via", changed.get("via") or invite.get("Via")), ("From", invite.get("From")), ("To", invite.get("To")),
            ("Call-ID", invite.get("Call-ID")), ("CSeq", invite.get("CSeq").replace("INVITE", "CANCEL")),
            ("Max-Forwards", 70)])

    def expect(self, *whats):
        """The next messages are these, in this order: statuses or methods; gives the last one."""
        for what in whats:
            message = self.connection.receive()
            got = message.status or message.method
            if got != what:
                raise AssertionError(f"{self.line} wanted {what} and got:\n{message}")
        return message

    def expect_nothing(self):
        """What was sent to this phone before now has been read: the answer to an OPTIONS comes next."""
        self.request("OPTIONS", f"sip:{self.host}")
        self.expect(200)


class Dialog:
    """One end of a call (RFC 3261, 12): sends within it."""

    def __init__(self, agent, invite, answer, is_caller=True):
        self.agent, self.call_id, self.invite = agent, invite.get("Call-ID"), invite
        self.local, self.remote = invite.get("From"), answer.get("To")
        self.target = uri_of((answer if is_caller else invite).get("Contact"))
        self.routes = values(answer, "Record-Route")
        if is_caller:
            self.routes.reverse()
            self.cseq = int(invite.get("CSeq").split()[0])
        else:
            self.local, self.remote = self.remote, self.local
            self.cseq = 7000

    def request(self, method, headers=(), body="", **other):
        """other: cseq, branch, max_forwards, routes, target, agent."""
        if "cseq" not in other and method not in ("ACK", "CANCEL"):
            self.cseq += 1
        agent = other.get("agent") or self.agent
        contact = f"<{agent.uri}>" if method not in ("ACK", "BYE", "PRACK", "INFO", "MESSAGE") else None
        return agent.send(f"{method} {other.get('target', self.target)} SIP/2.0", [
            ("Via", agent.via(other.get("branch"))),
            *(("Route", r) for r in other.get("routes", self.routes)),
            ("From", self.local), ("To", self.remote), ("Call-ID", self.call_id),
            ("CSeq", f"{other.get('cseq', self.cseq)} {method}"), ("Max-Forwards", other.get("max_forwards", 70)),
            ("Contact", contact), *headers], body)

    def ack(self, body="", **other):
        """To a 2xx, by itself from end to end; of the last INVITE unless cseq tells another."""
        return self.request("ACK", (), body, **({"cseq": self.cseq} | other))


def establish(caller, callee, number, **how):
    """A call from INVITE to ACK: (caller's dialog, callee's dialog)."""
    secure = how.pop("secure", True)
    tag = how.pop("tag", secrets.token_hex(4))
    sent = caller.invite(number, body=sdp(secure=secure), **how)
    caller.expect(100)
    heard = callee.expect("INVITE")
    said = callee.answer(heard, 200, "OK", body=sdp(40002, secure), tag=tag)
    ours = Dialog(caller, sent, caller.expect(200))
    ours.ack()
    callee.expect("ACK")
    return ours, Dialog(callee, heard, said, is_caller=False)


def hang_up(ours, theirs):
    """BYE from the first to the second."""
    ours.request("BYE")
    theirs.agent.answer(theirs.agent.expect("BYE"), 200, "OK")
    return ours.agent.expect(200)


class Scenario(lab.Scenario):
    """A node with OAuth lines, and plain ones where a class names devices for them. After each test no phone
    has anything left to hear and the node holds no call and no registration."""

    USERS = {"CSFrado": "rado", "CSFanna": "anna", "CSFivan": "ivan"}
    PLAIN = ()
    OWNER = "rado"  # of the plain ones
    SETTINGS = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        n = cls.node = cls.lab.node(settings=cls.SETTINGS).oauth_ready(
            users=sorted(set(cls.USERS.values())), devices=cls.USERS)
        cls.tokens = {device: n.sign_in(user)["access_token"] for device, user in cls.USERS.items()}
        for i, device in enumerate(cls.PLAIN):
            n.lines[device] = str(1050 + i)
            n.add_line(n.lines[device])
            n.add_device(device, cls.OWNER, n.lines[device], lab.PLAIN_PROFILE)

    def setUp(self):
        self.agents = []
        self.addCleanup(self.cut_all)

    def cut_all(self):
        for agent in self.agents:
            agent.cut()

    def tearDown(self):
        for agent in self.agents:
            if agent.is_open():
                agent.expect_nothing()
        for agent in self.agents:
            if agent.is_open() and agent.connection.transport == "UDP":
                agent.phone.unregister()
            agent.connection.close()
        lab.wait_until(lambda: self.live_calls() == 0, "a call is left")
        self.node.wait_registrations(0)

    def agent(self, device, connection=None, **more):
        """The registered phone of a device: over TLS on an OAuth line, else over the connection given."""
        token = self.tokens.get(device)
        phone = self.node.phone(device, self.node.lines[device], connection or self.node.sip_tls(), **more)
        answer = phone.register(token)
        self.assertEqual(200, answer.status, str(answer))
        self.agents.append(Agent(phone))
        return self.agents[-1]

    def live_calls(self):
        return json.loads(self.node.cli("--json", "status").stdout)["counts"]["calls"]

    def counter(self, name):
        """One of show counters."""
        found = re.search(rf"^{re.escape(name)} +(\d+)$", self.node.cli("show", "counters").stdout, re.M)
        return int(found[1])
