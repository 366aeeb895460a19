"""Keeps the record of sign-ins by providers."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from notifications.sign_on.models import IdentityProvider, ProviderSession, SignInOutcome, SignInRecord
from notifications.sign_on.refusals import REFUSALS
from wfpush.web.proxies import address_of

log = structlog.get_logger(__name__)

RETENTION = timedelta(days=400)


def add(
    request: HttpRequest,
    provider: IdentityProvider | None,
    outcome: SignInOutcome,
    *,
    user: AbstractBaseUser | None = None,
    identity: str = "",
    code: str = "",
    detail: str = "",
) -> SignInRecord:
    """Record what happened, with the network address and browser of the request."""
    address, browser = address_of(request.META.get("REMOTE_ADDR", "")), request.headers.get("User-Agent", "")
    return add_from(address, browser, provider, outcome, user=user, identity=identity, code=code, detail=detail)


def add_from(
    address: str,
    browser: str,
    provider: IdentityProvider | None,
    outcome: SignInOutcome,
    *,
    user: AbstractBaseUser | None = None,
    identity: str = "",
    code: str = "",
    detail: str = "",
) -> SignInRecord:
    """Record what a worker did about a request from this network address and browser."""
    log.info("sign_on", outcome=str(outcome), code=code, provider=provider.slug if provider else "")
    return SignInRecord.objects.create(
        at=timezone.now(),
        provider=provider,
        user_id=user.pk if user is not None else None,
        identity=identity[:320],
        outcome=outcome,
        code=code,
        detail=detail[:500],
        address=address or None,
        browser=browser[:300],
    )


def light(provider: IdentityProvider, code: str, now: datetime) -> None:
    """Turn the provider's light: green after a sign-in, red after a failure of the provider or its setup."""
    values: dict[str, Any] = {"works_since": now, "fault": "", "fault_at": None}
    if code:
        if not REFUSALS[code].is_fault:
            return
        values = {"fault": code, "fault_at": now}
    IdentityProvider.objects.filter(pk=provider.pk).update(**values)


def older_than(time: datetime) -> QuerySet[SignInRecord]:
    return SignInRecord.objects.filter(at__lt=time)


def sessions_older_than(time: datetime) -> QuerySet[ProviderSession]:
    return ProviderSession.objects.filter(created_at__lt=time)
