"""Makes API keys and signing secrets of engines. The plain text is returned to be shown once, and never stored."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db import transaction
from django.db.models import Q, QuerySet

from notifications.connectors import signatures
from notifications.models import ApiKey, Engine, SigningSecret
from wfpush.crypto import new_api_key

OVERLAP = timedelta(hours=24)
"""Default time for which the old secret still signs and verifies beside the new one."""


class Receiver(Protocol):
    """A row whose calls are signed; the secrets are rows of `RotatedSecret`."""

    @property
    def signing_secrets(self) -> Any: ...


def issue_key(
    engine: Engine, *, name: str, scopes: Sequence[str], expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Return a new API key and its only plain copy."""
    plain, prefix, digest = new_api_key()
    key = ApiKey.objects.create(
        engine=engine, name=name, scopes=list(scopes), expires_at=expires_at, prefix=prefix, digest=digest
    )
    return key, plain


def revoke_keys(keys: QuerySet[Any], now: datetime) -> int:
    """Refuse these keys from now on. Return how many had still worked."""
    return keys.filter(revoked_at=None).update(revoked_at=now)


def active_secrets(receiver: Receiver, now: datetime) -> QuerySet[Any]:
    active: QuerySet[Any] = receiver.signing_secrets.filter(Q(expires_at=None) | Q(expires_at__gt=now))
    return active


def rotate_secret(
    engine: Engine, *, now: datetime, overlap: timedelta | None = OVERLAP, secret: str = ""
) -> tuple[SigningSecret, str]:
    """Return a new signing secret (or the given one, made by the engine's system) and its plain text.

    Earlier secrets end after `overlap`, or at their own earlier end; None: they stay. Raises ValueError, with a
    sentence for the person who typed it, for a secret that cannot sign.
    """
    plain = secret or signatures.new_secret()
    signatures.key_of(plain)
    made: SigningSecret = replace_secrets(engine, plain, now=now, overlap=overlap)
    return made, plain


@transaction.atomic
def replace_secrets(receiver: Receiver, plain: str, *, now: datetime, overlap: timedelta | None = OVERLAP) -> Any:
    """Return the new row of a secret or private key that replaces the earlier ones after `overlap`."""
    if overlap is not None:
        end = now + overlap
        active_secrets(receiver, now).filter(Q(expires_at=None) | Q(expires_at__gt=end)).update(expires_at=end)
    return receiver.signing_secrets.create(secret=plain)
