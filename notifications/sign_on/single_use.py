"""Lets a provider's message count once, in all processes together."""

from datetime import timedelta

import redis
from django.core.cache import cache

from notifications.sign_on.models import IdentityProvider
from notifications.sign_on.refusals import Refused
from wfpush.crypto import digest_of

REMEMBERED = timedelta(days=1)
"""Longer than any message is valid."""


def use(provider: IdentityProvider, kind: str, name: str) -> None:
    """Count the use of a message, by its id. Raises Refused if it was used before, or if nobody can know."""
    key = digest_of(f"{provider.identity_key} {kind} {name}")
    try:
        is_first = cache.add(f"sign-on:{key}", True, REMEMBERED.total_seconds())
    except redis.RedisError as error:
        raise Refused("busy", "Redis") from error
    if not is_first:
        raise Refused("state", kind)
