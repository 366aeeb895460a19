"""Standard Webhooks signatures (https://github.com/standard-webhooks/standard-webhooks): symmetric `v1` both ways, and
asymmetric `v1a` (Ed25519) for receivers that hold only a public key.

We do not use the `standardwebhooks` library, because it takes text: it decodes the body before it has checked anything,
and raises ValueError or UnicodeDecodeError for malformed headers. It has no `v1a`. A signature is over raw bytes, so
these functions take raw bytes. Tests compare them with the library.
"""

import base64
import hashlib
import hmac
import re
import secrets as random
from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SECRET_PREFIX = "whsec_"
PRIVATE_KEY_PREFIX, PUBLIC_KEY_PREFIX = "whsk_", "whpk_"
TOLERANCE = 300
"""Seconds a timestamp may lie in the past or in the future."""

_NEW_KEY_BYTES = 32
_KEY_BYTES = range(24, 65)  # the specification's limits
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_ID = re.compile(r"[\x21-\x7e]+")


class SignatureError(Exception):
    """Raised when a request has no valid signature. `detail` says why, in a sentence without secrets."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def new_secret() -> str:
    """Return a fresh signing secret: `whsec_` and the base64 of 32 random bytes."""
    return SECRET_PREFIX + base64.b64encode(random.token_bytes(_NEW_KEY_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """Return the key's bytes. Raises ValueError with a sentence for the person who typed the secret."""
    text = secret.removeprefix(SECRET_PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise ValueError("A signing secret is `whsec_` followed by base64 text; this one is not.") from None
    if len(key) not in _KEY_BYTES:
        raise ValueError(f"A signing secret holds 24 to 64 bytes; this one holds {len(key)}.")
    return key


def new_private_key() -> str:
    """Return a fresh Ed25519 key for `v1a`: `whsk_` and the base64 of its 32 bytes."""
    return PRIVATE_KEY_PREFIX + base64.b64encode(random.token_bytes(_NEW_KEY_BYTES)).decode()


def public_key_of(private_key: str) -> str:
    """Return what receivers verify `v1a` signatures with: `whpk_` and the base64 of the public key."""
    return PUBLIC_KEY_PREFIX + base64.b64encode(_ed25519(private_key).public_key().public_bytes_raw()).decode()


def sign(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of `webhook-signature`: one signature for each secret, so that the receiver may know either. A
    private key signs as `v1a`, a secret as `v1`.

    `timestamp` is in Unix seconds. Raises ValueError for an id that no header can carry and for a bad secret.
    """
    if not _ID.fullmatch(message_id):
        raise ValueError("A webhook id is printable ASCII without spaces.")
    if not secrets:
        raise ValueError("There is no secret to sign with.")
    return " ".join(_entry(secret, message_id, timestamp, body) for secret in secrets)


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: float) -> str:
    """Check a signed request and return its `webhook-id`, the sender's idempotency key.

    Header names are matched whatever their case; `now` is in Unix seconds. Raises SignatureError.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    message_id = _header(lowered, "webhook-id")
    if not _ID.fullmatch(message_id):
        raise SignatureError("webhook-id is not printable ASCII without spaces.")
    timestamp = _timestamp(_header(lowered, "webhook-timestamp"), now)
    received = _signatures(_header(lowered, "webhook-signature"))
    expected = [_signature(key_of(secret), message_id, timestamp, body) for secret in secrets]
    # compare every pair, so that the time taken does not reveal which secret was close
    matches = [hmac.compare_digest(one, other) for one in received for other in expected]
    if not any(matches):
        raise SignatureError("No signature matches the body. Check the secret, and sign the bytes exactly as sent.")
    return message_id


def _entry(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    if secret.startswith(PRIVATE_KEY_PREFIX):
        version, signature = "v1a", _ed25519(secret).sign(_signed_content(message_id, timestamp, body))
    else:
        version, signature = "v1", _signature(key_of(secret), message_id, timestamp, body)
    return f"{version},{base64.b64encode(signature).decode()}"


def _signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> bytes:
    return hmac.digest(key, _signed_content(message_id, timestamp, body), hashlib.sha256)


def _signed_content(message_id: str, timestamp: int, body: bytes) -> bytes:
    return f"{message_id}.{timestamp}.".encode("ascii") + body


def _ed25519(private_key: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(private_key.removeprefix(PRIVATE_KEY_PREFIX)))


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not value:
        raise SignatureError(f"The header {name} is missing.")
    return value


def _timestamp(text: str, now: float) -> int:
    if not _TIMESTAMP.fullmatch(text):
        raise SignatureError("webhook-timestamp is not a whole number of Unix seconds.")
    timestamp = int(text)
    if str(timestamp) != text:
        raise SignatureError("webhook-timestamp has leading zeros.")  # the number is signed as it is written
    if timestamp < now - TOLERANCE:
        raise SignatureError(f"webhook-timestamp is more than {TOLERANCE} seconds old. Sign anew on every try.")
    if timestamp > now + TOLERANCE:
        raise SignatureError(f"webhook-timestamp is more than {TOLERANCE} seconds ahead. Check the sender's clock.")
    return timestamp


def _signatures(header: str) -> list[bytes]:
    """Return the `v1` signatures; others, such as the asymmetric `v1a`, are skipped as the specification asks."""
    signatures = []
    for entry in header.split():
        version, comma, text = entry.partition(",")
        if not comma:
            raise SignatureError("webhook-signature is a list of `v1,<base64>`; one entry has no comma.")
        if version != "v1":
            continue
        try:
            signatures.append(base64.b64decode(text, validate=True))
        except ValueError:
            raise SignatureError("webhook-signature holds text that is not base64.") from None
    if not signatures:
        raise SignatureError("webhook-signature holds no signature of version v1.")
    return signatures
