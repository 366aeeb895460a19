"""Encrypts push messages for one browser: aes128gcm in one record (RFC 8291, RFC 8188)."""

import os
from functools import lru_cache
from struct import pack

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from wfpush.security import p256

MOST_PLAINTEXT = 3993
"""Bytes: 4,096, which every push service takes (RFC 8030, 7.2), without header, delimiter and tag."""

_RECORD_SIZE = 4096
_SALT_BYTES = 16
_LAST_RECORD = b"\x02"
_KEYS_KEPT = 4096
"""Browsers whose parsed keys are kept, about 2 kB each."""


def encrypt(plaintext: bytes, p256dh: str, auth: str) -> bytes:
    """Encrypt for the browser with these keys. Raises ValueError for invalid ones (endpoints.py checks them before)."""
    point, theirs = _parsed(p256dh)
    # A new key pair for every message: who learns one key can read no other message.
    ours = ec.generate_private_key(p256.CURVE)
    our_point = p256.point_of(ours.public_key())
    shared = ours.exchange(ec.ECDH(), theirs)
    key = _hkdf(p256.decoded(auth), shared, b"WebPush: info\x00" + point + our_point, 32)
    salt = os.urandom(_SALT_BYTES)
    content_key = _hkdf(salt, key, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _hkdf(salt, key, b"Content-Encoding: nonce\x00", 12)
    header = salt + pack("!LB", _RECORD_SIZE, len(our_point)) + our_point
    return header + AESGCM(content_key).encrypt(nonce, plaintext + _LAST_RECORD, None)


@lru_cache(maxsize=_KEYS_KEPT)
def _parsed(p256dh: str) -> tuple[bytes, ec.EllipticCurvePublicKey]:
    point = p256.decoded(p256dh)
    return point, p256.public_key(point)


def _hkdf(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)
