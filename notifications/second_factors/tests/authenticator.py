"""An authenticator in software, for requests that no browser sends: WebAuthn Level 3, with a P-256 key."""

import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class SoftAuthenticator:
    """`origin`: the page on which it thinks it is. `verifies`: it asks for the finger or PIN. `count`: its counter,
    which rises with each use; None: it has none, and sends 0."""

    origin: str
    rp_id: str
    verifies: bool = True
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    user: bytes = b""
    count: int | None = 0

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: dict[str, Any]) -> str:
        """Return what the browser posts after the registration."""
        self.user = websafe_decode(options["publicKey"]["user"]["id"])
        public = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        credential = bytes(16) + struct.pack(">H", len(self.id)) + self.id + public
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": self._data(ATTESTED) + credential})
        client = self._client("webauthn.create", options)
        return self._json(clientDataJSON=client, attestationObject=attestation)

    def get(self, options: dict[str, Any]) -> str:
        """Return what the browser posts after a sign-in or confirmation."""
        data, client = self._data(0), self._client("webauthn.get", options)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._json(clientDataJSON=client, authenticatorData=data, signature=signature, userHandle=self.user)

    def _data(self, flags: int) -> bytes:
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        if self.count is not None:
            self.count += 1
        return hashlib.sha256(self.rp_id.encode()).digest() + struct.pack(">BI", flags, self.count or 0)

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        document = {"type": kind, "challenge": options["publicKey"]["challenge"], "origin": self.origin}
        return json.dumps(document).encode()

    def _json(self, **response: bytes) -> str:
        name = websafe_encode(self.id)
        shown = {key: websafe_encode(value) for key, value in response.items()}
        answer = {"id": name, "rawId": name, "type": "public-key", "response": shown, "clientExtensionResults": {}}
        return json.dumps(answer)
