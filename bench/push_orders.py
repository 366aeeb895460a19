"""What senders of web push are told, ours and peers: to which browsers, how many messages, how long."""

import base64
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench.harness import Json

PAYLOAD = 1_000
"""Bytes of JSON."""
CONTENT = PAYLOAD + 86 + 1 + 16
"""Bytes of the same encrypted: with header, delimiter and tag (RFC 8188, RFC 8291)."""
CONCURRENCY = 64
WARM_UP = 200
CONTACT = "mailto:ops@example.com"


def subscriptions(service: str, count: int) -> list[Json]:
    """As `PushSubscription.toJSON()` gives them, each with keys of its own."""
    return [_subscription(f"{service}/push/{number}") for number in range(count)]


def _subscription(endpoint: str) -> Json:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    keys = {"p256dh": _encoded(point), "auth": _encoded(os.urandom(16))}
    return {"endpoint": endpoint, "expirationTime": None, "keys": keys}


def vapid_key() -> str:
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return _encoded(number.to_bytes(32, "big"))


def public_half(vapid_key: str) -> str:
    scalar = base64.urlsafe_b64decode(vapid_key + "=")
    key = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1()).public_key()
    return _encoded(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(frozen=True)
class Order:
    """Send to each subscription in turn, from the first one again after the last, `count` messages in all."""

    subscriptions: list[Json]
    count: int
    vapid_private: str
    vapid_public: str
    contact: str = CONTACT
    concurrency: int = CONCURRENCY
    warm_up: int = WARM_UP
    size: int = PAYLOAD

    def write(self, file: Path) -> Path:
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return file

    @classmethod
    def read(cls, file: str) -> "Order":
        return cls(**json.loads(Path(file).read_text(encoding="utf-8")))

    def targets(self, count: int) -> list[Json]:
        return [self.subscriptions[number % len(self.subscriptions)] for number in range(count)]
