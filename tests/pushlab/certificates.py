"""Certificates for names on loopback, by an authority that only the tests' processes know."""

import ssl
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


@dataclass(frozen=True)
class Certificates:
    """`authority`: a file for SSL_CERT_FILE. `fingerprint`: of the server's key, as Chromium's flag wants it."""

    authority: Path
    server: ssl.SSLContext
    fingerprint: str


def issue(folder: Path, *names: str) -> Certificates:
    authority = trustme.CA()
    made = authority.issue_cert(*names)
    authority.cert_pem.write_to_path(folder / "authority.pem")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.configure_cert(server)
    key = x509.load_pem_x509_certificate(made.cert_chain_pems[0].bytes()).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Certificates(folder / "authority.pem", server, b64encode(sha256(spki).digest()).decode())
