"""States of the services that we call: engines, mail servers, gateways, push services, servers of calendars.

A service has a row of `ServiceState` while it is slow, refuses requests or is away; without one it works. Rows that
wait for such a service are reported as the service's fault, and do not count as late. Every TRY_EVERY one of them is
made due, so that the end is noticed even if all rows were to be tried much later. States are written when they change,
and with each try while they last; calls that succeed cost nothing (`service_watch`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wfpush import features
from wfpush.models import ServiceState
from wfpush.numbers import number
from wfpush.queue import outbox

log = structlog.get_logger(__name__)

SLOW, REFUSES, AWAY, WORKS = "slow", "refuses", "away", "works"

Service = tuple[str, str]
"""The name of a kind, and the service's own name."""
At = Callable[[datetime], str]
"""Words a time for the reader."""

TRY_EVERY = timedelta(seconds=30)
JUST_TRIED = timedelta(seconds=15)
"""The time for which a service that is away is not called again after a failed call."""
HELD_FOR = timedelta(minutes=3)
"""The time after the last try for which waiting rows do not count as late: longer than tries are apart."""
UNUSED_FOR = {SLOW: timedelta(minutes=5), REFUSES: timedelta(days=1), AWAY: timedelta(days=1)}
"""The time without a call that shows a state, after which it is over."""
IDLE_FOR = {AWAY: timedelta(minutes=1), REFUSES: timedelta(minutes=15)}
"""The same time if nothing waits for the service. Then nobody is affected, and the next call shows the state."""
SHORT = timedelta(seconds=10)


def one(name: str) -> int:
    return 1


@dataclass(frozen=True)
class Kind:
    """A kind of services. `queue`: the source of the work that waits for them. `rows`: rows that are due or to be tried
    again, for any service; `of`: the condition of those for one. `resume` makes rows due when a service works again.
    `names`: the configured services, as far as known. `parties`: the number of different devices of a service.
    `may_be_tried`: the condition of rows that failed, and may be tried sooner than planned: not of those that a person
    or the service has postponed. `remedy`: what an administrator does about it, as a sentence in English."""

    name: str
    label: str | Promise
    queue: str
    rows: Callable[[], QuerySet[Any]]
    of: Callable[[str], Q]
    resume: Callable[[str, datetime], None]
    names: Callable[[], Iterable[str]]
    parties: Callable[[str], int] = one
    may_be_tried: Q = field(default_factory=Q)
    remedy: str = ""

    def waiting(self, name: str) -> QuerySet[Any]:
        return self.rows().filter(self.of(name))


@dataclass(frozen=True)
class Kinds:
    """Kinds of services that an app adds. `make` is called when they are read: channels are loaded by then.
    `sentences` words those that do not work, if more than their rows says so; else the function `sentences` does."""

    make: Callable[[], Iterable[Kind]]
    sentences: Callable[[datetime, At], Iterable[str]] | None = None


def kinds() -> Mapping[str, Kind]:
    return {kind.name: kind for each in features.added(Kinds) for kind in each.make()}


# --- reading --------------------------------------------------------------------------------------
def troubled(now: datetime) -> list[ServiceState]:
    """Return the services that do not work at present."""
    rows = list(ServiceState.objects.order_by("kind", "name"))
    by_kind = kinds() if rows else {}
    return [row for row in rows if row.kind in by_kind and now - row.seen_at < UNUSED_FOR[row.state]]


def held(queue: str, now: datetime) -> Q | None:
    """Return the condition of rows in a queue that wait for a service which does not work; None: no row does.

    Services that nobody has tried lately hold nothing: then it is the dispatcher that does not work.
    """
    condition: Q | None = None
    rows = troubled(now)
    by_kind = kinds() if rows else {}
    for row in rows:
        kind = by_kind[row.kind]
        if kind.queue == queue and _was_seen_within(row, HELD_FOR, now):
            condition = kind.of(row.name) if condition is None else condition | kind.of(row.name)
    return condition


def without_held(rows: QuerySet[Any], queue: str, now: datetime) -> QuerySet[Any]:
    condition = held(queue, now)
    return rows if condition is None else rows.exclude(condition)


def held_names(kind: str, now: datetime) -> list[str]:
    """Return the services of a kind for which rows wait that do not count as late."""
    return [row.name for row in troubled(now) if row.kind == kind and _was_seen_within(row, HELD_FOR, now)]


def _was_seen_within(row: ServiceState, time: timedelta, now: datetime) -> bool:
    """Return whether a call has shown the state lately. One in the future does not count: the clock was set back."""
    return now - time < row.seen_at <= now


def is_left_alone(service: Service, now: datetime) -> bool:
    """Return whether the service is away and was tried within JUST_TRIED."""
    kind, name = service
    lately = {"seen_at__gt": now - JUST_TRIED, "seen_at__lte": now}
    return ServiceState.objects.filter(kind=kind, name=name, state=AWAY, **lately).exists()


def sentences(
    now: datetime,
    at: At,
    reason: Callable[[ServiceState], str],
    without: Collection[Service] = (),
    *,
    with_remedy: bool = False,
) -> list[str]:
    """Return sentences in the reader's language about the services that do not work, except those in `without`, and
    kinds that have sentences of their own. `reason` words the reason of a row. `with_remedy`: in English, with what to
    do."""
    worded = {kind.name for each in features.added(Kinds) if each.sentences is not None for kind in each.make()}
    rows = [row for row in troubled(now) if row.kind not in worded and (row.kind, row.name) not in without]
    remedies = {kind.name: kind.remedy for kind in kinds().values()} if with_remedy and rows else {}
    return [f"{_sentence(row, at(row.since), reason(row))} {remedies.get(row.kind, '')}".strip() for row in rows]


def _sentence(row: ServiceState, since: str, reason: str) -> str:
    """Return a sentence about the service, in the reader's language, like `since` and `reason`."""
    kind = kinds()[row.kind]
    names = {"kind": str(kind.label), "service": row.name, "since": since, "reason": reason}
    forms = {
        AWAY: _("%(kind)s %(service)s has not answered since %(since)s: %(reason)s"),
        REFUSES: _("%(kind)s %(service)s has refused everything since %(since)s: %(reason)s"),
        SLOW: _("%(kind)s %(service)s has been slow since %(since)s."),
    }
    text = capfirst(forms[row.state] % names)
    text = text if text.endswith((".", "!", "?")) else f"{text}."
    count = kind.waiting(row.name).count()
    waits = ngettext("%(count)s entry waits for it.", "%(count)s entries wait for it.", count)
    return f"{text} {waits % {'count': number(count)}}" if count else text


# --- writing --------------------------------------------------------------------------------------
_REPORT = f"""
INSERT INTO wfpush_servicestate AS known (kind, name, state, since, seen_at, try_at, reason, reason_fact)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s::jsonb)
ON CONFLICT (kind, name) DO UPDATE SET
    since = CASE WHEN (known.state = '{SLOW}') = (EXCLUDED.state = '{SLOW}') THEN known.since ELSE EXCLUDED.since END,
    state = EXCLUDED.state, try_at = EXCLUDED.try_at,
    seen_at = CASE WHEN known.seen_at > %s THEN EXCLUDED.seen_at ELSE GREATEST(known.seen_at, EXCLUDED.seen_at) END,
    reason = EXCLUDED.reason, reason_fact = EXCLUDED.reason_fact
RETURNING xmax = 0
"""


def report(
    service: Service,
    state: str,
    reason: Mapping[str, Any],
    now: datetime,
    *,
    since: datetime,
    try_at: datetime | None = None,
) -> None:
    """Write that a call has shown the service in this state. `reason`: the columns `reason` and `reason_fact`.
    `try_at`: the next try; None: after TRY_EVERY."""
    kind, name = service
    again = None if state == SLOW else try_at or now + TRY_EVERY
    fact = ServiceState._meta.get_field("reason_fact").get_db_prep_value(reason["reason_fact"], connection)
    with connection.cursor() as cursor:
        cursor.execute(_REPORT, [kind, name, state, since, now, again, reason["reason"], fact, timezone.now()])
        is_new = cursor.fetchone()[0]
    if is_new:
        log.error("service_fails", kind=kind, service=name, state=state, reason=reason["reason"])


def report_works(service: Service, now: datetime, called_at: datetime | None = None) -> None:
    """Write that the service works: a call begun at `called_at` has succeeded, and no later one failed. Waiting rows
    become due at once, and count as due from now on."""
    kind, name = service
    with transaction.atomic():
        rows = ServiceState.objects.filter(kind=kind, name=name).select_for_update()
        if called_at is not None:
            rows = rows.filter(Q(seen_at__lte=called_at) | Q(seen_at__gt=now))  # later: the clock was set back
        row = rows.first()
        if row is None:
            return
        row.delete()
        log.info("service_works_again", kind=kind, service=name)
        of = kinds().get(kind)
        if of is not None and row.state != SLOW:
            of.resume(name, now)
            outbox.shorten_wait(of.waiting(name), SHORT, now)


def forget_or_try(row: ServiceState, now: datetime) -> None:
    """End a state that no call has shown for long. Or, at its time, make the least tried row due that waits for the
    service, if none is due. Only one of several processes does it."""
    same = ServiceState.objects.filter(pk=row.pk, seen_at=row.seen_at)
    kind = kinds().get(row.kind)
    if kind is None or now - row.seen_at >= UNUSED_FOR[row.state]:
        same.delete()
        return
    if row.try_at is None or row.try_at > now:
        return
    if now - row.seen_at >= IDLE_FOR[row.state] and not kind.waiting(row.name).exists():
        same.delete()
        return
    if same.filter(try_at=row.try_at).update(try_at=now + TRY_EVERY):
        waiting = kind.waiting(row.name).filter(lease_token=None)
        tried = waiting.filter(kind.may_be_tried).order_by("attempts", "due_at")
        first = tried.values_list("pk", flat=True).first()
        if first is not None and not outbox.due(waiting, now).exists():
            outbox.bring_forward(kind.rows().model._default_manager.filter(pk=first), now)
            outbox.source_named(kind.queue).wake()


def has_to_be_tried(now: datetime) -> bool:
    return ServiceState.objects.filter(try_at__lte=now).exists()
