"""Operators' keys: issued and shown once, found with their account, and ended with its password."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone

from notifications.config_files.models import OperatorKey
from notifications.connectors import credentials
from wfpush.crypto import digest_of, new_operator_key


def issue(user: Any, *, name: str, expires_at: datetime) -> tuple[OperatorKey, str]:
    """Return a new key of an account, and its only plain copy."""
    plain, prefix, digest = new_operator_key()
    key = OperatorKey.objects.create(user=user, name=name, expires_at=expires_at, prefix=prefix, digest=digest)
    return key, plain


def find(credential: str) -> OperatorKey | None:
    """Return the key, with its account, if it works and the account still opens the desk."""
    key = OperatorKey.objects.select_related("user__recipient").filter(digest=digest_of(credential)).first()
    if key is None or not key.usable:
        return None
    person = getattr(key.user, "recipient", None)
    is_open = key.user.is_active and key.user.is_staff and (person is None or person.active)
    return key if is_open else None


def end_with_password(request: HttpRequest, user: User) -> None:
    """Revoke the keys of an account with a new password: somebody else may have made them."""
    credentials.revoke_keys(OperatorKey.objects.filter(user=user), timezone.now())
