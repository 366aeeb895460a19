"""Keys on the curve P-256 as web push writes them: base64url without padding (RFC 8291, RFC 8292)."""

import base64
import binascii

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()

_SCALAR_BYTES = 32
_POINT_BYTES = 65
_STANDARD_ALPHABET = str.maketrans("-_", "+/")


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Base64url, with or without padding. Raises ValueError."""
    bare = text.rstrip("=").translate(_STANDARD_ALPHABET)
    try:
        return binascii.a2b_base64(bare + "=" * (-len(bare) % 4), strict_mode=True)
    except ValueError:
        raise ValueError("is not base64url") from None


def new_private_key() -> str:
    """A fresh key: its 32-byte scalar."""
    number = ec.generate_private_key(CURVE).private_numbers().private_value
    return encoded(number.to_bytes(_SCALAR_BYTES, "big"))


def private_key(text: str) -> ec.EllipticCurvePrivateKey:
    """The key whose scalar is `text`. Raises ValueError."""
    scalar = decoded(text)
    if len(scalar) != _SCALAR_BYTES:
        raise ValueError(f"has {len(scalar)} bytes instead of {_SCALAR_BYTES}")
    try:
        return ec.derive_private_key(int.from_bytes(scalar, "big"), CURVE)
    except ValueError:
        raise ValueError("is no key of the curve P-256") from None


def public_key(point: bytes) -> ec.EllipticCurvePublicKey:
    """The key at an uncompressed point. Raises ValueError when that is not on the curve."""
    if len(point) != _POINT_BYTES or point[0] != 4:
        raise ValueError(f"is no uncompressed point of {_POINT_BYTES} bytes")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point)
    except ValueError:
        raise ValueError("is no point on the curve P-256") from None


def point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """The uncompressed point, 65 bytes."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
