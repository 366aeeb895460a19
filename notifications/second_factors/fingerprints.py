"""The fingerprint of a passkey's public key, by which people recognise the key in records, e-mails and signatures."""

import hashlib
from collections.abc import Mapping
from typing import Any

from allauth.mfa.models import Authenticator
from fido2 import cbor


def public_key_bytes(key: Mapping[int, Any]) -> bytes:
    """Return the public key as COSE_Key (RFC 9052), in canonical CBOR."""
    return cbor.encode(dict(key))


def fingerprint_of(public_key: bytes) -> str:
    """Return the SHA-256 of a public key, in hex."""
    return hashlib.sha256(public_key).hexdigest()


def fingerprint(passkey: Authenticator) -> str:
    """Return the fingerprint of a row of django-allauth for a passkey."""
    return fingerprint_of(public_key_bytes(passkey.wrap().authenticator_data.credential_data.public_key))
