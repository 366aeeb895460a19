"""VAPID (RFC 8292): identifies us to push services by a token, signed with the key that a browser subscribed with.

A token is valid for a whole origin for up to a day. So one is made per key and origin and used for most of its life:
signing costs as much as encrypting half a message.
"""

from functools import lru_cache
from typing import NamedTuple

from django.conf import settings
from py_vapid import jwt

from wfpush.security import vapid_keys

LIFE = 12 * 3600
"""Seconds for which a token is valid; services refuse more than 24 h (RFC 8292, section 2)."""
RENEWED_BEFORE_END = 3600

_MOST_TOKENS = 1000


class UnknownSender(LookupError):
    """Raised for a browser that subscribed with a key that VAPID_PRIVATE_KEY and brands lack, or no longer have."""


class _Token(NamedTuple):
    header: str
    made_at: float


class Signer:
    """Signs with any of the private keys `keys`, newest first. `subject` is an address for operators of push
    services."""

    def __init__(self, keys: tuple[str, ...], subject: str) -> None:
        self._keys = {vapid_keys.public_key(pair): pair for pair in map(vapid_keys.load, keys)}
        self.public_keys = list(self._keys)
        """Public keys, newest first: base64url of the uncompressed points."""
        self.public_key = self.public_keys[0]
        """The public key with which browsers subscribe."""
        self._subject = subject
        self._unknown: set[str] = set()
        self._tokens: dict[tuple[str, str], _Token] = {}

    def knows(self, public_key: str) -> bool:
        """Return whether the key was looked up before, with or without result."""
        return public_key in self._keys or public_key in self._unknown

    def hold(self, public_key: str, private_key: str) -> None:
        """Sign with a brand's key, too. An empty `private_key`: no brand has it."""
        if private_key:
            self._keys[public_key] = vapid_keys.load(private_key)
        else:
            self._unknown.add(public_key)

    def authorization(self, sender: str, origin: str, now: float) -> str:
        """Return the `Authorization` header of a message to `origin`. `now` is in Unix seconds.

        `sender` is the public key that the browser subscribed with, empty for the newest. Raise UnknownSender.
        """
        cached = self._tokens.get((sender, origin))
        # The lower bound is for a clock that was set back: services refuse a token that ends more than a day from now.
        if cached is not None and cached.made_at <= now < cached.made_at + LIFE - RENEWED_BEFORE_END:
            return cached.header
        if len(self._tokens) >= _MOST_TOKENS:
            self._tokens.clear()
        header = self._signed(sender or self.public_key, origin, now)
        self._tokens[sender, origin] = _Token(header, now)
        return header

    def _signed(self, public_key: str, origin: str, now: float) -> str:
        pair = self._keys.get(public_key)
        if pair is None:
            raise UnknownSender("It subscribed under a key that neither VAPID_PRIVATE_KEY nor a brand holds any more.")
        claims = {"aud": origin, "exp": int(now) + LIFE, "sub": self._subject}
        return f"vapid t={jwt.sign(claims, pair.private_key)}, k={public_key}"


def signer() -> Signer:
    """Return the signer with the keys of the settings."""
    return _signer(tuple(settings.VAPID_PRIVATE_KEY), settings.VAPID_SUBJECT)


@lru_cache(maxsize=4)
def _signer(keys: tuple[str, ...], subject: str) -> Signer:
    return Signer(keys, subject)
