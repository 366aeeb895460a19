"""Where a user is signed in: the browsers of their sessions, which end one by one or together.

django-allauth's `usersessions` would write at every request, store keys of sessions, and leave open pages and devices
as they are.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, update_session_auth_hash
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.models import Session
from django.db import Error, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from notifications.inbox.sign_in import session_limits
from notifications.models import Account, Recipient
from notifications.people import devices, revocation
from notifications.second_factors.models import BrowserSession
from wfpush.web.proxies import address_of

log = structlog.get_logger(__name__)

NOTED_EVERY = 300
"""Seconds between two notes of a process that a session is in use."""
MAX_NOTED = 10_000
"""Sessions that a process remembers to have noted."""
MAX_SESSIONS = 100
"""Sessions of a user that are listed, the ones used last first."""

OF_DIGESTS = """
SELECT session_key, session_data, expire_date, encode(sha256(decode(session_key, 'escape')), 'hex') AS digest
FROM django_session WHERE encode(sha256(decode(session_key, 'escape')), 'hex') = ANY(%s)
"""
"""By the index of `devices.ENDED_SESSIONS`."""

_noted: dict[tuple[str, str], float] = {}


class SessionNotesMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if settings.SESSION_COOKIE_NAME in request.COOKIES or request.session.modified:
            _note(request)
        return response


def _note(request: HttpRequest) -> None:
    """Note the session of a user after the response, so that a new one is listed from its beginning. A failure of the
    database is no failure of the page."""
    user_id, digest = request.session.get(SESSION_KEY), devices.session_digest(request.session.session_key)
    if user_id is None or not digest or time.monotonic() - _noted.get((digest, user_id), -NOTED_EVERY) < NOTED_EVERY:
        return
    if not getattr(request.user, "is_authenticated", False):  # the account was deleted, or this request signed out
        return
    now = timezone.now()
    seen = {
        "used_at": now,
        "address": str(address_of(request.META.get("REMOTE_ADDR", "")))[:45],
        "browser": request.headers.get("User-Agent", "")[:300],
    }
    try:
        with transaction.atomic():
            if not BrowserSession.objects.filter(digest=digest, user_id=user_id).update(**seen):
                new = {**seen, "user_id": user_id, "began_at": now}
                BrowserSession.objects.update_or_create(digest=digest, defaults=new)
    except Error as error:
        log.warning("session_not_noted", error=str(error)[:200])
        return
    if len(_noted) >= MAX_NOTED:
        _noted.clear()
    _noted[digest, user_id] = time.monotonic()


def sessions_of(user: AbstractBaseUser) -> list[BrowserSession]:
    """Return the sessions that sign the user in now."""
    account = Account.objects.select_related("signed_out").get(pk=user.pk)
    rows = list(BrowserSession.objects.filter(user_id=user.pk).order_by("-used_at")[:MAX_SESSIONS])
    raw: Iterable[Any] = Session.objects.raw(OF_DIGESTS, [[row.digest for row in rows]])
    stored = {each.digest: each for each in raw}
    return [row for row in rows if row.digest in stored and _signs_in(stored[row.digest], account)]


def _signs_in(session: Any, account: Account) -> bool:
    data = session.get_decoded()
    is_own = constant_time_compare(data.get(HASH_SESSION_KEY, ""), account.get_session_auth_hash())
    return is_own and data.get(SESSION_KEY) == str(account.pk) and _goes_on(session, data)


def _goes_on(session: Any, data: Any) -> bool:
    return session.expire_date > timezone.now() and not session_limits.is_over(data)


@transaction.atomic
def end_one(user: AbstractBaseUser, digest: str) -> bool:
    """End one of the user's sessions, with its devices and open pages. Return whether there was one."""
    if not BrowserSession.objects.filter(user_id=user.pk, digest=digest).delete()[0]:
        return False
    person = Recipient.objects.filter(user_id=user.pk).values_list("pk", flat=True).first()
    devices.end_session(digest, person, devices.REMOVED, timezone.now())
    return True


@transaction.atomic
def end_others(request: HttpRequest, user: AbstractBaseUser) -> None:
    """End all sessions, apps, devices and links of the user except this session, which goes on under another key."""
    session, before = request.session, devices.session_digest(request.session.session_key)
    revocation.sign_out_everywhere(user, timezone.now(), devices.REMOVED, keep=before)
    update_session_auth_hash(request, Account.objects.select_related("signed_out").get(pk=user.pk))
    after = devices.session_digest(session.session_key)
    devices.follow_session(before, after)
    BrowserSession.objects.filter(user_id=user.pk).exclude(digest=before).delete()
    BrowserSession.objects.filter(digest=before).update(digest=after)
