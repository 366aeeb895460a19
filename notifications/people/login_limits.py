"""Slows down guessing of passwords, without letting anybody lock others out.

django-axes counts by name, by address, or by both, each with one limit and one pause. A success deletes all rows of any
of them: a colleague's sign-in would free somebody who guesses at the same address. So our own handler counts in its
table:

- a name at one address: after 5 failures a pause, which doubles with each further one;

- a name at all addresses together, and an address for all names: more tries and shorter pauses, against distributed
guessing;

- a browser in which the person has signed in before, known by a signed cookie, is counted by itself: strangers who use
the name or the address cannot keep the person out.

A try counts as a failure from its beginning until it succeeds: many at once are counted like one after another.
"""

import math
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.core import signing
from django.db import connection, transaction
from django.db.models import F, Max, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from wfpush.web.proxies import address_of

log = structlog.get_logger(__name__)

COOKIE = "wfpush_known"
SALT = "wfpush.known_browser"
COOKIE_LIFE = timedelta(days=400)
"""The longest time for which browsers keep a cookie."""
MOST_NAMES = 20
"""Names that a browser remembers; the one not used for longest is dropped."""
KNOWN = "known browser "
"""Prefix of the user agent in rows of known browsers; it is empty in all others."""

NO_WAIT = timedelta()
MOST_SHOWN = 200
"""Failures that the desk's filter checks: each needs three sums."""


@dataclass(frozen=True)
class Budget:
    """A limit of failures: `free` ones, then a pause of `first`, doubled with each further failure, up to `most`.
    Failures are forgotten after `within` without a new one."""

    free: int
    first: timedelta
    most: timedelta
    within: timedelta

    def wait(self, failures: int, last: datetime | None, now: datetime) -> timedelta:
        if last is None or failures < self.free:
            return NO_WAIT
        pause: timedelta = min(self.first * 2 ** min(failures - self.free, 20), self.most)
        left: timedelta = last + pause - now
        return min(max(left, NO_WAIT), pause)  # also after the clock was set back


OWN = Budget(5, timedelta(minutes=1), timedelta(hours=1), timedelta(days=1))
"""The budget of a name at an address, or in a known browser. About 33 guesses a day."""
NAME = Budget(20, timedelta(minutes=1), timedelta(minutes=15), timedelta(days=1))
"""The budget of a name at all addresses, in unknown browsers. About 120 a day."""
ADDRESS = Budget(50, timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=1))
"""The budget of an address with all names, in unknown browsers: a whole office may share it."""


@dataclass(frozen=True)
class Try:
    """A submitted password. `browser`: the id by which the browser is known to the name; empty if it is not."""

    name: str
    address: str
    browser: str

    def own(self) -> QuerySet[AccessAttempt]:
        rows: QuerySet[AccessAttempt] = AccessAttempt.objects.filter(username=self.name)
        if self.browser:
            return rows.filter(user_agent=f"{KNOWN}{self.browser}")
        return rows.filter(ip_address=self.address, user_agent="")

    def counted(self) -> list[tuple[Budget, QuerySet[AccessAttempt]]]:
        if self.browser:
            return [(OWN, self.own())]
        strangers = AccessAttempt.objects.filter(user_agent="")
        of_name, of_address = strangers.filter(username=self.name), strangers.filter(ip_address=self.address)
        return [(OWN, self.own()), (NAME, of_name), (ADDRESS, of_address)]


def try_of(request: HttpRequest, name: str) -> Try:
    return Try(name, address_of(request.META.get("REMOTE_ADDR", "")), _browser_of(request, name))


def wait_for(tried: Try, now: datetime) -> timedelta:
    """Return how long to wait until this may be tried."""
    return max(_wait(budget, rows, now) for budget, rows in tried.counted())


def _wait(budget: Budget, rows: QuerySet[AccessAttempt], now: datetime) -> timedelta:
    totals = rows.filter(attempt_time__gt=now - budget.within).aggregate(
        failures=Sum("failures_since_start"), last=Max("attempt_time")
    )
    return budget.wait(totals["failures"] or 0, totals["last"], now)


def wait_of(attempt: AccessAttempt, now: datetime) -> timedelta:
    """Return how long the person who made this failure must wait."""
    browser = attempt.user_agent.removeprefix(KNOWN) if attempt.user_agent.startswith(KNOWN) else ""
    return wait_for(Try(attempt.username or "", attempt.ip_address or "", browser), now)


def locked(now: datetime) -> list[int]:
    """Return the newest failures with a pause that has not ended."""
    recent = AccessAttempt.objects.filter(attempt_time__gt=now - OWN.within).order_by("-attempt_time")
    return [attempt.pk for attempt in recent[:MOST_SHOWN] if wait_of(attempt, now)]


@transaction.atomic
def admit(tried: Try, now: datetime) -> timedelta:
    """Return how long to wait. Zero: it may be tried, and counts as a failure until `succeeded` is called."""
    with connection.cursor() as cursor:
        for what in (f"sign-in at {tried.address}", f"sign-in of {tried.name}"):  # always in this order
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [what])
    wait = wait_for(tried, now)
    if not wait:
        _count(tried, now)
    return wait


def _count(tried: Try, now: datetime) -> None:
    agent = f"{KNOWN}{tried.browser}" if tried.browser else ""
    row, created = AccessAttempt.objects.get_or_create(
        username=tried.name, ip_address=tried.address, user_agent=agent, defaults={"failures_since_start": 1}
    )
    one_more = {} if created else {"failures_since_start": F("failures_since_start") + 1}
    AccessAttempt.objects.filter(pk=row.pk).update(attempt_time=now, **one_more)


def succeeded(request: HttpRequest, name: str) -> int:
    """Delete this name's own failures here. Failures of others go on counting."""
    removed, _ = try_of(request, name).own().delete()
    return removed


class Handler(AxesDatabaseHandler):
    """The handler of django-axes (AXES_HANDLER). Its middleware shows `locked_out` where `axes_locked_out` is set."""

    def is_allowed(self, request: Any, credentials: dict[str, Any] | None = None) -> bool:
        return not admit(try_of(request, _name_in(credentials)), request.axes_attempt_time)

    def user_login_failed(self, sender: Any, credentials: dict[str, Any], request: Any = None, **more: Any) -> None:
        if request is None:
            return
        self.clean_expired_user_attempts(request)
        tried = try_of(request, _name_in(credentials))
        request.sign_in_wait = wait_for(tried, request.axes_attempt_time)
        request.axes_locked_out, request.axes_credentials = bool(request.sign_in_wait), credentials
        log.warning("sign_in_failed", address=tried.address, known=bool(tried.browser), waits=request.axes_locked_out)

    def reset_user_attempts(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        return succeeded(request, _name_in(credentials))


def _name_in(credentials: dict[str, Any] | None) -> str:
    return str((credentials or {}).get("username") or "")


def seconds_to_wait(request: HttpRequest) -> int:
    """Return how long to wait, after `axes_locked_out` was set."""
    return math.ceil(getattr(request, "sign_in_wait", OWN.first).total_seconds())


# --- known browsers ---------------------------------------------------------------------------------------------------
def _browser_of(request: HttpRequest, name: str) -> str:
    cookie = _read_cookie(request)
    return str(cookie["id"]) if _digest(name) in cookie["names"] else ""


def _read_cookie(request: HttpRequest) -> dict[str, Any]:
    try:
        cookie: dict[str, Any] = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=COOKIE_LIFE)
    except signing.BadSignature:
        return {"id": secrets.token_hex(8), "names": []}
    return cookie


def _digest(name: str) -> str:
    """Return a digest, so that the browser's next user cannot read who has signed in."""
    return salted_hmac(SALT, name, algorithm="sha256").hexdigest()[:24]


def remember(request: HttpRequest, response: HttpResponse) -> None:
    """Remember in this browser that the person who is signed in has given their password in it."""
    cookie, digest = _read_cookie(request), _digest(request.user.get_username())
    names = [digest, *(each for each in cookie["names"] if each != digest)][:MOST_NAMES]
    response.set_cookie(
        COOKIE,
        signing.dumps({"id": cookie["id"], "names": names}, salt=SALT),
        max_age=COOKIE_LIFE,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
