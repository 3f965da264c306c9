"""Certificates for tests, by the openssl program: a CA and what it issues."""
import os
import subprocess


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


class Authority:
    """A CA of a test's own."""

    def __init__(self, folder, name="Test CA"):
        self.folder, self.name = folder, name.replace(" ", "-")
        self.cert, self.key = self.path("pem"), self.path("key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.cert,
                "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def path(self, end, name=""):
        return os.path.join(self.folder, f"{self.name}{'-' + name if name else ''}.{end}")

    def issue(self, common_name, names=(), rsa=False, days=1):
        """(certificate file, key file) of a leaf; names: DNS names or addresses."""
        key, request, cert, ext = (self.path(end, common_name) for end in ("key", "csr", "pem", "ext"))
        kind = ["rsa:2048"] if rsa else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("req", "-newkey", *kind, "-nodes", "-subj", f"/CN={common_name}", "-keyout", key, "-out", request)
        with open(ext, "w", encoding="ascii") as f:
            f.write("basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n")
            if names:
                f.write("subjectAltName=" + ",".join(
                    ("IP:" if n.replace(".", "").isdigit() else "DNS:") + n for n in names) + "\n")
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial",
                "-days", str(days), "-extfile", ext, "-out", cert)
        return cert, key
