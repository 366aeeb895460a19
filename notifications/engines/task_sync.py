"""Reads tasks in their engines, and applies differences here as events of our own.

An engine is right about its tasks. A task that it has ended or reassigned without an event changes here. So does a task
that a call of ours has changed there.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction

from notifications.cases import task_state
from notifications.cases.locking import asks
from notifications.connectors import reader_for
from notifications.connectors.access import Access, EngineClient
from notifications.connectors.api import Api, Failed
from notifications.connectors.base import Standing
from notifications.connectors.rest import RestConnector
from notifications.models import Callback, Engine, Event, Recipient, Task
from notifications.people import resolver
from notifications.routing import pipeline
from notifications.types import Json, object_in
from wfpush.concurrency.background_loop import BackgroundLoop
from wfpush.crypto import UndecryptableSecret
from wfpush.net.breaker import Breaker
from wfpush.net.http import outbound_from_settings
from wfpush.queue import outage

log = structlog.get_logger(__name__)

EVENT_SOURCE = "wfpush"
WITHIN = 5.0
"""Seconds for all tasks that are read at once."""
SETTLED = timedelta(minutes=1)
"""Age below which an engine whose queries lag behind its commands may not show a task."""


@dataclass(frozen=True)
class Request:
    """A task, with its engine's connector and sign-in."""

    task: Task
    connector: RestConnector
    access: Access
    paths: Mapping[str, str]


class Reader:
    """Reads tasks. Keeps connections and tokens from one batch of tasks to the next.

    Pauses engines that do not answer. Belongs to one thread.
    """

    def __init__(self) -> None:
        self._breaker = Breaker(failures=3, pause=5.0, most=60.0)
        self._background: BackgroundLoop | None = None
        self._line: EngineClient | None = None

    def read(self, tasks: Sequence[Task], now: datetime) -> dict[UUID, Standing | None]:
        """Return the states of those tasks whose engines can be asked; None where an engine did not answer."""
        requests = [each for each in _askable(tasks, now) if not self._breaker.wait(each.task.engine.slug)]
        if not requests:
            return {}
        background, line = self._open()
        standings, failed = background.run(_read_all(line, requests))
        for request in requests:
            slug = request.task.engine.slug
            if slug in failed:
                self._breaker.failed(slug)
            else:
                self._breaker.succeeded(slug)
        return {request.task.pk: standings.get(request.task.pk) for request in requests}

    def _open(self) -> tuple[BackgroundLoop, EngineClient]:
        if self._background is None or self._line is None or not self._background.alive:
            self._background, self._line = BackgroundLoop("engine-reader"), EngineClient(outbound_from_settings())
        return self._background, self._line

    def close(self) -> None:
        if self._background is not None and self._line is not None:
            self._background.run(self._line.close())
            self._background.close()
        self._background = self._line = None


def _askable(tasks: Sequence[Task], now: datetime) -> list[Request]:
    ways: dict[int, tuple[Access, Mapping[str, str]] | None] = {}
    requests = []
    for task in tasks:
        connector = reader_for(task.engine.kind)
        if connector is None or not task.engine.takes_answers or now - task.created_at < SETTLED:
            continue
        if task.engine_id not in ways:
            ways[task.engine_id] = _way(task.engine, connector)
        if (way := ways[task.engine_id]) is not None:
            requests.append(Request(task, connector, *way))
    return requests


def _way(engine: Engine, connector: RestConnector) -> tuple[Access, Mapping[str, str]] | None:
    try:
        return connector.way_to(engine)
    except UndecryptableSecret:
        return None


async def _read_all(line: EngineClient, requests: Sequence[Request]) -> tuple[dict[UUID, Standing], set[str]]:
    """Return the states that were read in time, and the slugs of the engines that failed."""
    standings: dict[UUID, Standing] = {}
    failed: set[str] = set()

    async def read(request: Request) -> None:
        task, api = request.task, Api(line, request.access, request.paths)
        try:
            standings[task.pk] = await request.connector.read(api, task.task_id)
        except Failed as fault:
            log.warning("task_not_read", engine=task.engine.slug, task=task.task_id, detail=fault.result.detail)
            failed.add(task.engine.slug)

    try:
        async with asyncio.timeout(WITHIN), asyncio.TaskGroup() as reading:
            for request in requests:
                reading.create_task(read(request))
    except TimeoutError:
        failed |= {request.task.engine.slug for request in requests if request.task.pk not in standings}
    return standings, failed


def expressions_of(engine: Engine, connector: RestConnector) -> list[tuple[str, str]]:
    """Return the members of an event and their expressions: the engine's mapping, or the preset of its kind."""
    mapped = list(engine.event_mappings.values_list("member", "expression"))
    return mapped or list(connector.preset.items())


def digest_of(row: Json) -> str:
    """Return a digest of a task as its engine writes it."""
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:32]


# --- catching up ------------------------------------------------------------------------------------------------------
def apply_differences(standings: Sequence[tuple[Task, Standing]], now: datetime) -> int:
    """Process the differences between the engines and our tasks as events; tasks that have ended there end here
    together. Return how many tasks have changed.

    If that fails, each half is processed by itself, down to the task that is the cause, which is logged. Events that
    were processed are not processed again.
    """
    try:
        return _apply(standings, now)
    except Exception as fault:  # whatever it is, the other tasks must go on
        if outage.database_is_away(fault):
            raise
        if len(standings) > 1:
            half = len(standings) // 2
            return apply_differences(standings[:half], now) + apply_differences(standings[half:], now)
        log.exception("not_caught_up_with_engine", task=str(standings[0][0].pk))
        return 0


def apply_difference(task: Task, standing: Standing, now: datetime) -> bool:
    """Apply the engine's state to one task. Return whether anything changed. Errors propagate."""
    return bool(_apply([(task, standing)], now))


def _apply(standings: Sequence[tuple[Task, Standing]], now: datetime) -> int:
    people = _people_of(standings)
    events = [event for task, standing in standings if (event := _difference(task, standing, now, people)) is not None]
    assignments = [event for event in events if asks(event)]
    return _process([event for event in events if not asks(event)]) + sum(_process([event]) for event in assignments)


People = Mapping[int, Mapping[str, Recipient]]
"""People, by engine key and by their name in that engine."""


def _people_of(standings: Sequence[tuple[Task, Standing]]) -> People:
    """Return the assignees in the engines, by engine key and ref."""
    engines = {task.engine_id: task.engine for task, _ in standings}
    assignees: dict[int, set[str]] = {pk: set() for pk in engines}
    for task, standing in standings:
        if standing.is_open and standing.assignee:
            assignees[task.engine_id].add(standing.assignee)
    return {pk: resolver.find_people(engines[pk], refs) for pk, refs in assignees.items()}


def _difference(task: Task, standing: Standing, now: datetime, people: People) -> Event | None:
    """Return the event for a difference in the engine; None if there is none."""
    if not standing.is_known and lags(task.engine):  # over and forgotten, or not visible yet: nobody can tell
        return None
    if not standing.is_open:
        content: Json = {"task": {"id": task.task_id}, **({"result": {"by": standing.by}} if standing.by else {})}
        return _event(task, "task.completed", f"{task.pk}/closed", content, now)
    if standing.assignee and not _is_theirs(task, standing.assignee, people[task.engine_id].get(standing.assignee)):
        content = _reassignment(task, standing.assignee)
        return _event(task, "task.assigned", f"{task.pk}/{now.timestamp():.3f}", content, now)
    return None


def _is_theirs(task: Task, user: str, person: Recipient | None) -> bool:
    """Return whether the task is that person's, whom the engine calls `user`. Unknown people are reported once."""
    if person is None:
        return resolver.ref_of(object_in(task.data, "task").get("assignee")) == user
    return person.pk == task.assignee_id


def _reassignment(task: Task, user: str) -> Json:
    """Return the task's data with `user`, without the case, whose lock a task's transaction must not wait for."""
    content = task_state.merged(task.data, {"task": {"id": task.task_id, "assignee": user}})
    content.pop("case", None)
    return content


def apply_standing(callback: Callback, standing: Standing, now: datetime) -> None:
    """Apply the state that a call has set or read in the engine, in the transaction that ends the call, with the task
    locked. Raises nothing: the call was made, and a change that fails here is applied before the next step."""
    try:
        apply_difference(Task.objects.select_related("engine").get(pk=callback.task_id), standing, now)
    except Exception:
        log.exception("call_not_followed", callback=str(callback.pk))


def lags(engine: Engine) -> bool:
    connector = reader_for(engine.kind)
    return connector is not None and connector.lags


def _event(task: Task, type: str, event_id: str, data: Json, now: datetime) -> Event:
    return Event(
        engine=task.engine,
        source=EVENT_SOURCE,
        event_id=event_id,
        type=type,
        subject=task.task_id,
        time=max(now, task.last_event_time or now),  # an engine whose clock is ahead may have sent later events
        received_at=now,
        processed_at=now,
        data=data,
        digest="",
        group=f"task:{task.task_id}"[:260],
    )


def _process(events: Sequence[Event]) -> int:
    """Process the events that are not stored yet; return how many. If there are several, each may change copies only by
    ending its task."""
    if not events:
        return 0
    with transaction.atomic():
        Event.objects.bulk_create(events, ignore_conflicts=True)
        new = list(Event.objects.filter(pk__in=[event.pk for event in events]).values_list("pk", flat=True))
        fresh = [event for event in events if event.pk in new]
        if fresh:
            pipeline.process(fresh, fresh[0].received_at)
    return len(fresh)
