"""A signed answer by itself: all that verifies its signature, without a database."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.webauthn import AuthenticatorData, CollectedClientData

from notifications.second_factors.fingerprints import fingerprint_of
from notifications.signed_answers import statements
from notifications.signed_answers.models import AnswerSignature
from notifications.types import Json

FORMAT = "wfpush-signed-answer/1"
BYTES = ("credential_id", "public_key", "authenticator_data", "client_data", "signature")
"""Members that are bytes, as base64url without padding."""
TEXTS = ("statement", "listing", *BYTES)
UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError, UnsupportedAlgorithm, NotImplementedError)
"""What readers of keys and authenticator data raise for bytes that are none."""


@dataclass(frozen=True)
class Bundle:
    """The columns of an `AnswerSignature`, and the id of its answer, which is not signed."""

    answer: str
    statement: str
    listing: str
    credential_id: str
    public_key: str
    authenticator_data: str
    client_data: str
    signature: str

    @classmethod
    def of(cls, row: AnswerSignature) -> "Bundle":
        return cls(str(row.pk), *(getattr(row, name) for name in TEXTS))

    @classmethod
    def from_json(cls, text: str) -> "Bundle":
        """Raises ValueError for a text that is no bundle."""
        document = json.loads(text)
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ValueError(f"Its format is not {FORMAT}.")
        members = {name: document.get(name) for name in ("answer", *TEXTS)}
        wrong = [name for name, value in members.items() if not isinstance(value, str)]
        if wrong:
            raise ValueError(f"{wrong[0]} is missing, or is no text.")
        return cls(**members)  # type: ignore[arg-type]  # all are texts

    def as_json(self) -> str:
        document = {"format": FORMAT, **asdict(self), "public_key_sha256": self.fingerprint}
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the public key; empty if that is unreadable."""
        try:
            return fingerprint_of(from_text(self.public_key))
        except ValueError:
            return ""

    @property
    def members(self) -> Json:
        """The members of the signed statement. Raises ValueError."""
        return statements.read(self.statement)


def in_text(content: bytes) -> str:
    """Return bytes as base64url without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def from_text(text: str) -> bytes:
    """Return the bytes of base64url without padding. Raises ValueError."""
    return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def faults_of(bundle: Bundle) -> list[str]:
    """Return why the signature does not prove the statement; empty if it does. It reads the bundle only."""
    try:
        members = bundle.members
    except ValueError as error:
        return [f"The statement cannot be read: {error}"]
    faults = [] if members.get("purpose") == statements.ONE else ["The statement is none of an answer."]
    faults += _list_faults(bundle)
    try:
        return faults + _signature_faults(bundle, str(members.get("origin")))
    except UNREADABLE as error:
        return [*faults, f"The signature cannot be read: {error}"]


def _list_faults(bundle: Bundle) -> list[str]:
    if not bundle.listing:
        return []
    try:
        listed = statements.read(bundle.listing)
    except ValueError as error:
        return [f"The list of statements cannot be read: {error}"]
    if listed.get("purpose") != statements.SEVERAL:
        return ["The list is none of statements."]
    digests = listed.get("statements")
    is_listed = isinstance(digests, list) and statements.sha256(bundle.statement.encode()) in digests
    return [] if is_listed else ["The signed list does not have this statement."]


def _signature_faults(bundle: Bundle, origin: str) -> list[str]:
    """Raises one of UNREADABLE."""
    client = CollectedClientData(from_text(bundle.client_data))
    data = AuthenticatorData(from_text(bundle.authenticator_data))
    key = CoseKey.parse(cast(Mapping[int, Any], cbor.decode(from_text(bundle.public_key))))
    host = urlsplit(origin).hostname or ""
    checks: list[tuple[Any, str]] = [
        (client.type == "webauthn.get", "The signature is none of a sign-in or an answer."),
        (
            client.challenge == statements.challenge_of(bundle.listing or bundle.statement),
            "The signature is of another statement.",
        ),
        (client.origin == origin, "The signature was made on a page of another origin."),
        (data.rp_id_hash == hashlib.sha256(host.encode()).digest(), "The signature is for another installation."),
        (data.is_user_present(), "Nobody was present at the signature."),
        (data.is_user_verified(), "The device did not check who signed."),
        (_is_valid(key, data + client.hash, bundle.signature), "The public key has not made this signature."),
    ]
    return [fault for holds, fault in checks if not holds]


def _is_valid(key: CoseKey, message: bytes, signature: str) -> bool:
    try:
        key.verify(message, from_text(signature))
    except InvalidSignature:
        return False
    return True
