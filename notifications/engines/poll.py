"""Polls engines that cannot send events: often for new tasks, now and then for all tasks.

Pages follow the instants at which tasks were created, not offsets: tasks completed meanwhile move no row out of sight.
A page, its events and the cursor are stored in one transaction: after a crash the next poll goes on from there, and
takes nothing twice. A sweep over all tasks finds tasks that changed or ended without being new.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from notifications.connectors import readable, reader_for
from notifications.connectors.access import Access
from notifications.connectors.api import Api, Failed
from notifications.connectors.base import Result, Standing
from notifications.connectors.reasons import TOO_MANY_AT_ONCE
from notifications.connectors.rest import RestConnector
from notifications.engines import task_sync
from notifications.engines.calls import EngineCalls
from notifications.errors import InvalidEvent
from notifications.intake import cloudevents, eventdata, ingest, mapping
from notifications.items.representation import iso_utc
from notifications.models import ANSWERABLE, Poll, PolledTask, Task
from notifications.reasons import Reason, crashed, said, with_text
from notifications.types import InboundEvent, Json
from wfpush.concurrency.keyed_limits import ClaimedJobs, FreePlaces, Places
from wfpush.concurrency.threads import in_database_thread
from wfpush.crypto import UndecryptableSecret
from wfpush.identifiers import uuid7
from wfpush.net.http import outbound_from_settings
from wfpush.observability import service_watch, services
from wfpush.queue import outage, outbox

log = structlog.get_logger(__name__)

SOURCE_NAME = "polls"
KIND = "poll"
"""The kind of service: engines that are polled for their tasks."""
LEASE = timedelta(seconds=30)
"""Longer than one list request takes, or the requests for its rows: each of them renews the lease."""
MAX_POLLS = 32
"""Engines that are polled at the same time."""
PAGE = 500
LARGEST_PAGE = 8_000
"""Page size for tasks that were all created in the same millisecond."""
OVERLAP = timedelta(minutes=2)
"""Tasks created shortly before the newest known one may appear only now, since their transaction took longer."""
MILLISECOND = timedelta(milliseconds=1)
CHECKED = 100
"""Number of tasks missing from a sweep that are read at the same time."""
MAX_BODY = 32 * 1024 * 1024
DEADLINE = 20.0
RETRY = outbox.Backoff(first=timedelta(seconds=5), most=timedelta(minutes=5), slow_after=timedelta(days=3650))


@dataclass(frozen=True)
class Page:
    """A page of the engine's list: digests by task id, and the rows that are `fresh`, which means new or changed."""

    digests: dict[str, str]
    fresh: list[Json]
    newest: datetime | None


@dataclass
class Ready:
    """A claimed poll, with the data for its requests."""

    poll: Poll
    connector: RestConnector
    access: Access
    paths: Mapping[str, str]
    unreadable: set[str] = field(default_factory=set)
    """Tasks of this poll that the mapping cannot read."""


class _LeaseLost(Exception):
    """Raised when the lease was lost: another process polls this engine now."""


# --- the outbox's source ----------------------------------------------------------------------------------------------
ENABLED = Q(enabled=True, engine__active=True) & ~Q(engine__callback_url="")
"""Polls that somebody has enabled, of engines that have an address and are in use."""


def due_polls() -> QuerySet[Poll]:
    return Poll.objects.filter(ENABLED, engine__kind__in=readable()).select_related("engine")


def has_due(now: datetime) -> bool:
    return outbox.due(due_polls(), now).exists()


def has_late(before: datetime) -> bool:
    """Return whether a poll is late. Engines that do not answer are left out: they are not late for lack of workers."""
    return outbox.due(services.without_held(due_polls(), SOURCE_NAME, timezone.now()), before).exists()


def _claim(room: FreePlaces[int]) -> ClaimedJobs[int, Ready]:
    ready = []
    claimed = outbox.claim_places(due_polls(), room, by=F("engine_id"), lease=LEASE, now=timezone.now())
    for engine, poll in claimed:
        connector = reader_for(poll.engine.kind)
        assert connector is not None  # due_polls selects readable kinds only
        try:
            ready.append((engine, Ready(poll, connector, *connector.way_to(poll.engine))))
        except UndecryptableSecret as fault:
            _record_failure(poll, said(fault), timezone.now())
    return ClaimedJobs(ready, len(claimed))


async def _poll(ready: Ready) -> None:
    api, began = Api(_door.open(), ready.access, ready.paths), time.monotonic()
    service = (KIND, ready.poll.engine.slug)
    with structlog.contextvars.bound_contextvars(engine=ready.poll.engine.slug):
        try:
            since = eventdata.instant(ready.poll.cursor.get("since"))
            await _pages(api, ready, since - OVERLAP if since else None, "since")
            if await in_database_thread(_begin_sweep, ready.poll, timezone.now()):
                await _sweep(api, ready)
            service_watch.watch.took(service, 0.0)  # many requests: their duration says nothing about the engine
            await in_database_thread(_finish, ready, timezone.now())
        except Failed as failed:
            state = services.AWAY if failed.result.down else services.REFUSES
            reason, seconds = with_text(failed.result.reason), time.monotonic() - began
            service_watch.watch.failed(service, state, reason, party=ready.poll.pk, seconds=seconds)
            await in_database_thread(_record_failure, ready.poll, failed.result.reason, timezone.now())
        except _LeaseLost:
            log.warning("poll_lease_lost")
        except Exception as fault:  # whatever an engine answers, the dispatcher must live and poll again
            if outage.database_is_away(fault):
                raise
            log.exception("poll_failed")
            await in_database_thread(_record_failure, ready.poll, crashed(fault), timezone.now())


# --- pages ------------------------------------------------------------------------------------------------------------
async def _sweep(api: Api, ready: Ready) -> None:
    await _pages(api, ready, eventdata.instant(ready.poll.cursor["sweep"].get("since")), "sweep")
    while unseen := await in_database_thread(_unlisted_tasks, ready.poll):
        standings = await asyncio.gather(*(ready.connector.read(api, task.task_id) for task in unseen))
        await in_database_thread(_keep_standings, ready.poll, list(zip(unseen, standings, strict=True)), timezone.now())


async def _pages(api: Api, ready: Ready, since: datetime | None, part: str) -> None:
    """Read pages until one is not full. Raises Failed, _LeaseLost."""
    size = PAGE
    while True:
        rows = await ready.connector.listing.created_since(api, since - MILLISECOND if since else None, size)
        page = await in_database_thread(_page, ready, rows, since)
        listing = ready.connector.listing
        more = [add(api, row) for row in page.fresh for add in (listing.add_people, listing.add_form)]
        await asyncio.gather(listing.add_starters(api, page.fresh), *more)
        await in_database_thread(_keep, ready, page, part, timezone.now())
        if len(rows) < size:
            return
        if page.newest == since:  # a full page of one millisecond: only a larger page gets beyond it
            if size >= LARGEST_PAGE:
                raise Failed(Result("misconfigured", None, TOO_MANY_AT_ONCE(count=LARGEST_PAGE)))
            size *= 2
        since = page.newest


# --- storing pages ----------------------------------------------------------------------------------------------------
def _page(ready: Ready, rows: Sequence[Json], since: datetime | None) -> Page:
    """Raises _LeaseLost."""
    _renew_lease(ready.poll, timezone.now())
    by_id = {ready.connector.listing.id_of(row): row for row in rows}
    digests = {task_id: task_sync.digest_of(row) for task_id, row in by_id.items()}
    listed = PolledTask.objects.filter(engine=ready.poll.engine_id, task_id__in=by_id)
    digests_before = dict(listed.values_list("task_id", "digest"))
    fresh = [row for task_id, row in by_id.items() if digests_before.get(task_id) != digests[task_id]]
    return Page(digests, fresh, max((ready.connector.listing.created_at(row) for row in rows), default=since))


@transaction.atomic
def _keep(ready: Ready, page: Page, part: str, now: datetime) -> None:
    """Raises _LeaseLost."""
    poll = ready.poll
    events = _events(ready, page.fresh, now)
    ingest.accept(poll.engine, [event for event in events.values() if event is not None], now)
    unreadable = {task_id for task_id, event in events.items() if event is None}
    ready.unreadable |= unreadable
    digests = {task_id: digest for task_id, digest in page.digests.items() if task_id not in unreadable}
    _note_listed(poll, digests, ["digest", "sweep"] if part == "sweep" else ["digest"])
    place = poll.cursor["sweep"] if part == "sweep" else poll.cursor
    since = eventdata.instant(place.get("since"))
    if page.newest is not None and (since is None or page.newest > since):
        place["since"] = page.newest.isoformat()
    _renew_lease(poll, now)


def _note_listed(poll: Poll, digests: Mapping[str, str], fields: list[str]) -> None:
    """Store the digests of tasks. `fields`: the columns to update for tasks that are stored already."""
    number = poll.cursor.get("number", 0)
    PolledTask.objects.bulk_create(
        [PolledTask(engine=poll.engine, task_id=pk, digest=digest, sweep=number) for pk, digest in digests.items()],
        update_conflicts=True,
        unique_fields=["engine", "task_id"],
        update_fields=fields,
    )


def _events(ready: Ready, rows: Iterable[Json], now: datetime) -> dict[str, InboundEvent | None]:
    """Return the events by task id; None for a task that the mapping cannot read, which counts as new until it can.
    Tasks without any person are left out: when they get one, they have changed."""
    expressions = task_sync.expressions_of(ready.poll.engine, ready.connector)
    events: dict[str, InboundEvent | None] = {}
    for row in rows:
        task_id = ready.connector.listing.id_of(row)
        try:
            document = mapping.translate(expressions, row, source=f"/engines/{ready.poll.engine.slug}")
            if _waits_for_nobody(document):
                continue
            events[task_id] = cloudevents.structured(
                {**document, "id": str(uuid7()), "type": "task.assigned", "time": iso_utc(now)}
            )
        except InvalidEvent as fault:
            log.error("polled_task_cannot_be_read", task=task_id, fault=str(fault))
            events[task_id] = None
    return events


def _waits_for_nobody(document: Json) -> bool:
    task = (document.get("data") or {}).get("task") or {}
    return isinstance(task, dict) and not (task.get("assignee") or task.get("candidates") or task.get("teams"))


def _renew_lease(poll: Poll, now: datetime) -> None:
    """Raises _LeaseLost."""
    if not outbox.renew(poll, now + LEASE, cursor=poll.cursor):
        raise _LeaseLost


# --- sweeps -----------------------------------------------------------------------------------------------------------
def _begin_sweep(poll: Poll, now: datetime) -> bool:
    """Begin a sweep if one is due. Return whether one has begun, or was interrupted before."""
    if poll.cursor.get("sweep"):
        return True
    if poll.swept_at is not None and now - poll.swept_at < timedelta(minutes=poll.sweep_every):
        return False
    poll.cursor["number"] = poll.cursor.get("number", 0) + 1
    poll.cursor["sweep"] = {"began": iso_utc(now)}
    _renew_lease(poll, now)
    return True


def _unlisted_tasks(poll: Poll) -> list[Task]:
    """Return tasks that are open here, and that the engine has not listed in this sweep."""
    began = eventdata.instant(poll.cursor["sweep"]["began"])
    assert began is not None
    listed = PolledTask.objects.filter(
        engine=poll.engine_id, task_id=OuterRef("task_id"), sweep=poll.cursor.get("number", 0)
    )
    tasks = Task.objects.filter(engine=poll.engine_id, state__in=ANSWERABLE, created_at__lt=began - task_sync.SETTLED)
    return list(tasks.exclude(Exists(listed)).select_related("engine", "assignee").order_by("pk")[:CHECKED])


def _keep_standings(poll: Poll, standings: Sequence[tuple[Task, Standing]], now: datetime) -> None:
    """End tasks that are over; mark tasks that are still open as seen. Raises _LeaseLost."""
    task_sync.apply_differences(standings, now)
    _note_listed(poll, {task.task_id: "" for task, _ in standings}, ["sweep"])
    _renew_lease(poll, now)


# --- the end of a poll ------------------------------------------------------------------------------------------------
def _finish(ready: Ready, now: datetime) -> None:
    poll = ready.poll
    count = len(ready.unreadable)
    unreadable = said(f"The mapping cannot read {count} of its tasks; the log names them." if count else "")
    fields: Json = {"asked_at": now, "error_fact": unreadable.as_json()}
    if poll.cursor.pop("sweep", None):
        fields["swept_at"] = now
        PolledTask.objects.filter(engine=poll.engine_id, sweep__lt=poll.cursor.get("number", 0)).delete()
    outbox.postpone(poll, now + timedelta(seconds=poll.every), attempts=0, cursor=poll.cursor, **fields)


def _record_failure(poll: Poll, reason: Reason, now: datetime) -> None:
    log.warning("poll_came_to_nothing", detail=str(reason))
    again = RETRY.next_at(poll.attempts, now, now) or now + RETRY.most
    outbox.postpone(poll, again, error_fact=reason.as_json())


_door = EngineCalls(
    lambda: Places(_claim, _poll, most=MAX_POLLS, each=1),
    lambda: outbound_from_settings(deadline=DEADLINE, max_body=MAX_BODY, per_host=0),
)

SOURCES = (outbox.Source(SOURCE_NAME, "dispatcher", has_due, _door.drain, _door.close, has_late),)
