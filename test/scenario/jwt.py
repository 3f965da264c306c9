"""A foreign token issuer for tests: keys and signatures by the openssl program, the JSON by hand."""
import base64
import json
import os
import subprocess
import time


def b64(data):
    return base64.urlsafe_b64encode(data.encode() if isinstance(data, str) else data).rstrip(b"=").decode()


def _openssl(*words, stdin=None):
    return subprocess.run(["openssl", *words], input=stdin, capture_output=True, check=True).stdout


def _der_integer(der, at):
    length = der[at + 1]
    return int.from_bytes(der[at + 2:at + 2 + length], "big"), at + 2 + length


class Key:
    """One signing key: ES256 or RS256."""

    def __init__(self, folder, alg, kid):
        self.alg, self.kid = alg, kid
        self.path = os.path.join(folder, f"{kid}.pem")
        how = ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"] if alg == "ES256" else \
              ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        _openssl("genpkey", "-algorithm", *how, "-out", self.path)

    def jwk(self):
        common = {"kid": self.kid, "alg": self.alg, "use": "sig"}
        if self.alg == "ES256":
            der = _openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")
            return common | {"kty": "EC", "crv": "P-256", "x": b64(der[-64:-32]), "y": b64(der[-32:])}
        text = _openssl("rsa", "-in", self.path, "-noout", "-modulus").decode()
        return common | {"kty": "RSA", "n": b64(bytes.fromhex(text.strip().partition("=")[2])), "e": "AQAB"}

    def sign(self, data):
        signature = _openssl("dgst", "-sha256", "-sign", self.path, stdin=data.encode())
        if self.alg == "RS256":
            return signature
        r, at = _der_integer(signature, 2)
        s, _ = _der_integer(signature, at)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class Issuer:
    """Issues tokens for a resource. What a test wants different it names."""

    def __init__(self, folder, iss="https://login.example.com", audience="sip"):
        self.folder, self.iss, self.audience = folder, iss, audience
        self.ec = Key(folder, "ES256", "ec-1")
        self.rsa = Key(folder, "RS256", "rsa-1")
        self.stranger = Key(folder, "ES256", "ec-stranger")

    def jwks(self):
        return json.dumps({"keys": [self.ec.jwk(), self.rsa.jwk()]})

    def jwks_file(self):
        path = os.path.join(self.folder, "jwks.json")
        with open(path, "w", encoding="ascii") as f:
            f.write(self.jwks())
        return path

    def claims(self, user, **more):
        now = int(time.time())
        claims = {"iss": self.iss, "aud": self.audience, "sub": user, "client_id": "their-client",
                  "scope": "sip", "jti": os.urandom(8).hex(), "iat": now - 10, "exp": now + 600} | more
        return {k: v for k, v in claims.items() if v is not None}

    def token(self, user, key=None, header=None, **claims):
        key = key or self.ec
        head = {"typ": "at+jwt", "alg": key.alg, "kid": key.kid} | (header or {})
        text = b64(json.dumps(head)) + "." + b64(json.dumps(self.claims(user, **claims)))
        return text + "." + b64(key.sign(text))

    def unsigned(self, user):
        head = {"typ": "at+jwt", "alg": "none", "kid": self.ec.kid}
        return b64(json.dumps(head)) + "." + b64(json.dumps(self.claims(user))) + "."

    def hmac_with_public_key(self, user):
        """The confusion attack: HS256 with the public key as the secret."""
        public = _openssl("rsa", "-in", self.rsa.path, "-pubout")
        head = {"typ": "at+jwt", "alg": "HS256", "kid": self.rsa.kid}
        text = b64(json.dumps(head)) + "." + b64(json.dumps(self.claims(user)))
        mac = _openssl("dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:" + public.hex(), "-binary",
                       stdin=text.encode())
        return text + "." + b64(mac)
