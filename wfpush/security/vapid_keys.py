"""Keys on the curve P-256 as web push writes them: base64url without padding (RFC 8291, RFC 8292)."""

import base64
import binascii

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from py_vapid.utils import b64urlencode, num_to_bytes

_SCALAR_BYTES = 32
_POINT_BYTES = 65
_STANDARD_ALPHABET = str.maketrans("-_", "+/")


def decode(text: str) -> bytes:
    """Decode base64url, with or without padding. Raises ValueError, also for characters that Python would skip."""
    bare = text.rstrip("=").translate(_STANDARD_ALPHABET)
    try:
        return binascii.a2b_base64(bare + "=" * (-len(bare) % 4), strict_mode=True)
    except ValueError:
        raise ValueError("is not base64url") from None


def new_private_key() -> str:
    """Return a new private key: its 32-byte scalar, in base64url."""
    pair = Vapid02()
    pair.generate_keys()
    return str(b64urlencode(num_to_bytes(pair.private_key.private_numbers().private_value, _SCALAR_BYTES)))


def load(private_key: str) -> Vapid02:
    """Return the key pair whose scalar is `private_key`. Raises ValueError."""
    size = len(decode(private_key))
    if size != _SCALAR_BYTES:
        raise ValueError(f"has {size} bytes instead of {_SCALAR_BYTES}")
    try:
        return Vapid02.from_raw(private_key.encode())
    except ValueError:
        raise ValueError("is no key of the curve P-256") from None


def public_key(pair: Vapid02) -> str:
    """Return the public key: its uncompressed point, in base64url."""
    return str(b64urlencode(pair.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)))


def check_public_key(text: str) -> None:
    """Raise ValueError unless `text` is an uncompressed point on the curve."""
    point = decode(text)
    if len(point) != _POINT_BYTES or point[0] != 4:
        raise ValueError(f"is no uncompressed point of {_POINT_BYTES} bytes")
    try:
        Vapid02.from_raw_public(base64.urlsafe_b64encode(point))
    except ValueError:
        raise ValueError("is no point on the curve P-256") from None
