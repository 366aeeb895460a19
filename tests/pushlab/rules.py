"""What push services ask of those who send: RFC 8030 (HTTP), RFC 8188 and 8291 (encryption), RFC 8292 (VAPID)."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

MAX_BODY = 4096
MAX_TTL = 28 * 24 * 3600
HEADER = 16 + 4 + 1 + 65
"""RFC 8188: salt, record size, length of the key's id; RFC 8291: the id is a public key on P-256."""
TAG = 16
DAY = 24 * 3600
URGENCIES = ("very-low", "low", "normal", "high")


class Refused(Exception):
    """The answer of a push service that takes nothing."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status} {detail}")
        self.status, self.detail = status, detail


@dataclass(frozen=True)
class Parcel:
    """A push message as it was sent. Only the browser can read its body."""

    ttl: int
    topic: str
    urgency: str
    body: bytes


def b64d(text: str | bytes) -> bytes:
    """base64url without its padding. Raises ValueError."""
    data = text.encode() if isinstance(text, str) else text
    try:
        return base64.urlsafe_b64decode(data + b"=" * (-len(data) % 4))
    except binascii.Error as fault:
        raise ValueError(str(fault)) from fault


def b64e(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read_parcel(headers: Mapping[str, str], body: bytes) -> Parcel:
    """Raises Refused."""
    ttl = headers.get("TTL")
    if ttl is None or not re.fullmatch(r"\d+", ttl):
        raise Refused(400, "TTL, in seconds, is needed")  # RFC 8030, 5.2
    topic = headers.get("Topic", "")
    if topic and not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", topic):
        raise Refused(400, "Topic is not 1 to 32 characters of base64url")  # RFC 8030, 5.4
    urgency = headers.get("Urgency", "normal")
    if urgency not in URGENCIES:
        raise Refused(400, f"Urgency is none of {', '.join(URGENCIES)}")
    if len(body) > MAX_BODY:
        raise Refused(413, "the body is too large")
    check_encrypted(headers.get("Content-Encoding", ""), body)
    return Parcel(min(int(ttl), MAX_TTL), topic, urgency, body)


def check_encrypted(encoding: str, body: bytes) -> None:
    """Raises Refused unless the body is one record of aes128gcm."""
    if encoding != "aes128gcm" or len(body) < HEADER + TAG + 1:
        raise Refused(400, "the body is not encrypted by aes128gcm")
    record, key_length = int.from_bytes(body[16:20], "big"), body[20]
    if key_length != 65 or len(body) - HEADER > record:
        raise Refused(400, "the body is not one record with a public key before it")  # RFC 8291, 4
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), body[21:HEADER])
    except ValueError as fault:
        raise Refused(400, "the sender's key is not a point on P-256") from fault


def check_vapid(authorization: str, origin: str, key: bytes, now: float) -> None:
    """RFC 8292. `key`: the one that the browser subscribed with. Raises Refused."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "vapid":
        raise Refused(401, "an Authorization of the scheme vapid is needed")
    parts = dict(parse_qsl(rest.replace(" ", "").replace(",", "&"), keep_blank_values=True))
    try:
        sender = b64d(parts["k"])
        claims = _verified(parts["t"], sender)
    except (KeyError, ValueError, InvalidSignature) as fault:
        raise Refused(401, f"the token is not valid: {fault!r}") from fault
    if sender != key:
        raise Refused(403, "the browser subscribed with another key")
    if claims.get("aud") != origin:
        raise Refused(401, f"aud is {claims.get('aud')!r}, not {origin!r}")
    if not now <= claims.get("exp", 0) <= now + DAY:
        raise Refused(401, "exp is over, or more than a day away")
    if not str(claims.get("sub", "")).startswith(("mailto:", "https:")):
        raise Refused(401, "sub is neither mailto: nor https:")


def _verified(token: str, sender: bytes) -> dict[str, object]:
    head, claims, signature = token.split(".")
    if json.loads(b64d(head)).get("alg") != "ES256":
        raise ValueError("alg")
    raw = b64d(signature)
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
    public.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    read: dict[str, object] = json.loads(b64d(claims))
    return read
