"""SIP for tests: messages as text, connections over UDP, TCP and TLS, and a phone that speaks both
dialects by hand. Knows nothing of Bearline's code: what it sends and expects is written out here."""
import hashlib
import re
import secrets
import socket
import ssl
import time

SUPPORTED = ("replaces,join,sdp-anat,norefersub,resource-priority,extended-refer,X-cisco-callinfo,"
             "X-cisco-serviceuri,X-cisco-escapecodes,X-cisco-service-control,X-cisco-srtp-fallback,"
             "X-cisco-monrec,X-cisco-config,X-cisco-sis-7.0.0,X-cisco-xsi-8.5.1,X-cisco-graceful-reg,"
             "X-cisco-duplicate-reg")

REMOTECC = "application/x-cisco-remotecc-request+xml"


def remotecc_body():
    """The two parts of a phone's first REGISTER: all its lines, and the options it would like."""
    parts = ('<x-cisco-remotecc-request><bulkregisterreq><contact all="true"><register></register></contact>'
             '</bulkregisterreq></x-cisco-remotecc-request>',
             '<x-cisco-remotecc-request><optionsind><combine max="6"><remotecc><status></status></remotecc>'
             '<service-control></service-control></combine><dialog usage="hook status"><unot></unot><sub></sub>'
             '</dialog><dialog usage="shared line"><unot></unot><sub></sub></dialog>'
             '<presence usage="blf speed dial"><unot></unot><sub></sub></presence><joinreq></joinreq>'
             '<cfwdall-anyline>No</cfwdall-anyline><coaching></coaching><oosalarm></oosalarm></optionsind>'
             '</x-cisco-remotecc-request>')
    text = ""
    for part in parts:
        text += (f"--uniqueBoundary\r\nContent-Type: {REMOTECC}\r\n"
                 "Content-Disposition: session;handling=optional\r\n\r\n"
                 f'<?xml version="1.0" encoding="UTF-8"?>\r\n{part}\r\n')
    return text + "--uniqueBoundary--\r\n"


class Closed(Exception):
    """The peer ended the connection."""


class Message:
    """One message: start line, headers in order, body."""

    def __init__(self, head, body):
        self.raw = head + b"\r\n\r\n" + body
        lines = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "replace")).split("\r\n")
        self.start = lines[0]
        self.headers = [tuple(x.strip() for x in line.partition(":")[::2]) for line in lines[1:]]
        self.body = body

    @property
    def status(self):
        return int(self.start.split(" ")[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def method(self):
        return "" if self.status else self.start.split(" ")[0]

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    def lines(self):
        """The head as it stood on the wire."""
        return self.raw.partition(b"\r\n\r\n")[0].decode("utf-8", "replace").split("\r\n")

    def __str__(self):
        return self.raw.decode("utf-8", "replace")


class Stream:
    """A SIP connection over TCP or TLS."""

    def __init__(self, sock, patience_s):
        self.sock, self.patience_s = sock, patience_s
        self.buffer = b""
        self.pongs = 0
        self.transport = "TLS" if isinstance(sock, ssl.SSLSocket) else "TCP"

    @property
    def local(self):
        host, port = self.sock.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def send(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def _fill(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no SIP message came")
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(65536)
        except (ConnectionError, ssl.SSLError) as e:
            if isinstance(e, TimeoutError):
                raise
            raise Closed(str(e)) from e
        if not data:
            raise Closed("the peer closed")
        self.buffer += data

    def receive(self, patience_s=None):
        """The next message; keepalive answers are counted and passed over."""
        deadline = time.monotonic() + (patience_s or self.patience_s)
        while True:
            while self.buffer.startswith(b"\r\n"):
                self.buffer = self.buffer[2:]
                self.pongs += 1
            head, mark, rest = self.buffer.partition(b"\r\n\r\n")
            if mark:
                length = re.search(rb"^(?:Content-Length|l)[ \t]*:[ \t]*(\d+)", head, re.I | re.M)
                n = int(length[1]) if length else 0
                if len(rest) >= n:
                    self.buffer = rest[n:]
                    return Message(head, rest[:n])
            self._fill(deadline)

    def wait_pong(self):
        deadline = time.monotonic() + self.patience_s
        while not self.buffer.startswith(b"\r\n"):
            self._fill(deadline)
        self.buffer = self.buffer[2:]

    def wait_closed(self, patience_s=None):
        """Reads on to the end; the messages that came before it."""
        got = []
        try:
            while True:
                got.append(self.receive(patience_s))
        except Closed:
            return got

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Datagrams:
    """A SIP peer over UDP. What was sent is sent again at growing intervals until an answer comes."""

    transport = "UDP"

    def __init__(self, address, patience_s):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.connect(address)
        self.patience_s = patience_s
        self.last = None

    @property
    def local(self):
        host, port = self.sock.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def send(self, data):
        self.last = data.encode() if isinstance(data, str) else data
        self.sock.send(self.last)

    def receive(self, patience_s=None):
        deadline = time.monotonic() + (patience_s or self.patience_s)
        wait_s = 0.5
        while True:
            self.sock.settimeout(max(0.01, min(wait_s, deadline - time.monotonic())))
            try:
                data = self.sock.recv(65536)
            except TimeoutError:
                if time.monotonic() >= deadline:
                    raise
                if self.last:
                    self.sock.send(self.last)
                wait_s = min(wait_s * 2, 4)
                continue
            head, _, body = data.partition(b"\r\n\r\n")
            return Message(head, body)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def digest_answer(challenge, method, uri, user, password, nc=1):
    """The credentials for one Digest challenge (RFC 7616; qop auth)."""
    fields = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge))
    algorithm = re.search(r"algorithm=\"?([\w-]+)", challenge)[1]
    name = {"MD5": "md5", "SHA-256": "sha256"}[algorithm]

    def h(text):
        return hashlib.new(name, text.encode()).hexdigest()

    cnonce = secrets.token_hex(8)
    ha1 = h(f"{user}:{fields['realm']}:{password}")
    ha2 = h(f"{method}:{uri}")
    response = h(f"{ha1}:{fields['nonce']}:{nc:08x}:{cnonce}:auth:{ha2}")
    return (f'Digest username="{user}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", uri="{uri}", '
            f'response="{response}", algorithm={algorithm}, cnonce="{cnonce}", qop=auth, nc={nc:08x}')


class Phone:
    """Registers a device by hand. cisco: the dialect of the reference's phones; else RFC 8898."""

    def __init__(self, connection, device, line, host="localhost", cisco=True, instance=None):
        self.connection, self.device, self.line, self.host, self.cisco = connection, device, line, host, cisco
        self.instance = instance or secrets.token_hex(6)
        self.call_id = f"{secrets.token_hex(8)}@{host}"
        self.from_tag = secrets.token_hex(8)
        self.cseq = 100
        self.user = f"{line}-{self.instance}" if cisco else line

    def contact(self):
        c = self.connection
        uri = f"<sip:{self.user}@{c.local};transport={c.transport.lower()}>"
        urn = f'+sip.instance="<urn:uuid:00000000-0000-0000-0000-{self.instance}>"'
        if not self.cisco:
            return f"{uri};{urn}"
        return (f'{uri};{urn};+u.sip!devicename.ccm.cisco.com="{self.device}";'
                '+u.sip!model.ccm.cisco.com="503";video')

    def request(self, method="REGISTER", contact=None, expires=3600, headers=(), body="", uri=None, cseq=None):
        """The request as bytes. contact "" leaves the header out; expires None likewise."""
        self.cseq = cseq if cseq is not None else self.cseq + 1
        self.branch = "z9hG4bK" + secrets.token_hex(8)
        lines = [f"{method} {uri or 'sip:' + self.host} SIP/2.0",
                 f"Via: SIP/2.0/{self.connection.transport} {self.connection.local};branch={self.branch}",
                 f"From: <sip:{self.line}@{self.host}>;tag={self.from_tag}",
                 f"To: <sip:{self.line}@{self.host}>",
                 f"Call-ID: {self.call_id}",
                 "Max-Forwards: 70",
                 f"CSeq: {self.cseq} {method}",
                 "User-Agent: Cisco-CSF" if self.cisco else "User-Agent: standard"]
        contacts = [self.contact()] if contact is None else [contact] if isinstance(contact, str) else contact
        lines += [f"Contact: {c}" for c in contacts if c]
        if expires is not None:
            lines.append(f"Expires: {expires}")
        if self.cisco:
            lines.append(f"Supported: {SUPPORTED}")
        lines += list(headers)
        if body:
            lines += ["Content-Type: multipart/mixed; boundary=uniqueBoundary", "Mime-Version: 1.0"]
        lines.append(f"Content-Length: {len(body.encode())}")
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    def credentials(self, token):
        if self.cisco:
            return f'Proxy-Authorization: Bearer token="{token}"'
        return f"Authorization: Bearer {token}"

    def receive_final(self):
        """The final answer to the last request; provisional ones and other requests are passed over."""
        while True:
            m = self.connection.receive()
            if m.status >= 200 and self.branch in (m.get("Via") or ""):
                return m

    def register(self, token=None, **how):
        """Sends one REGISTER and gives its final answer."""
        headers = list(how.pop("headers", ()))
        if token is not None:
            headers.append(self.credentials(token))
        self.connection.send(self.request(headers=headers, **how))
        return self.receive_final()

    def answer_challenge(self, token):
        """As the reference's phone: the same REGISTER again with the token, the reason and the body."""
        reason = ('Reason: SIP;cause=200;text="cisco-alarm:111 Name=' + self.device +
                  ' ActiveLoad=Jabber_for_Windows-12.8.0.51973 InactiveLoad=Jabber_for_Windows-12.8.0.51973'
                  ' Last=Application-Requested-Destroy"')
        return self.register(token, headers=[reason], body=remotecc_body())

    def unregister(self):
        return self.register(expires=0)
