"""Reads tasks in their engines, and applies what differs here as events of our own.

An engine is right about its tasks: tasks that it has ended or given to somebody else without telling us are changed
here, and so are those that a call of ours has changed there.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from notifications.cases import task_state
from notifications.connectors import reader_for
from notifications.connectors.access import Access, EngineClient
from notifications.connectors.rest import Api, Failed, RestConnector, Standing
from notifications.models import Callback, Engine, Event, Task
from notifications.people import resolver
from notifications.routing import pipeline
from notifications.types import Json, object_in
from wfpush.concurrency.background_loop import BackgroundLoop
from wfpush.crypto import UndecryptableSecret
from wfpush.net.breaker import Breaker
from wfpush.net.http import outbound_from_settings

log = structlog.get_logger(__name__)

EVENT_SOURCE = "wfpush"
WITHIN = 5.0
"""Seconds for all tasks that are read at once."""
SETTLED = timedelta(minutes=1)
"""An engine whose queries lag behind its commands may not show a younger task."""


@dataclass(frozen=True)
class Asked:
    """A task, and how its engine is asked."""

    pk: UUID
    task: str
    engine: str
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
        """The states of those tasks whose engines can be asked; None where one did not answer."""
        asked = [each for each in _askable(tasks, now) if not self._breaker.wait(each.engine)]
        if not asked:
            return {}
        background, line = self._open()
        found, failed = background.run(_read_all(line, asked))
        for each in asked:
            if each.engine in failed:
                self._breaker.failed(each.engine)
            else:
                self._breaker.succeeded(each.engine)
        return {each.pk: found.get(each.pk) for each in asked}

    def _open(self) -> tuple[BackgroundLoop, EngineClient]:
        if self._background is None or self._line is None or not self._background.alive:
            self._background, self._line = BackgroundLoop("engine-reader"), EngineClient(outbound_from_settings())
        return self._background, self._line

    def close(self) -> None:
        if self._background is not None and self._line is not None:
            self._background.run(self._line.close())
            self._background.close()
        self._background = self._line = None


def _askable(tasks: Sequence[Task], now: datetime) -> list[Asked]:
    ways: dict[int, tuple[Access, Mapping[str, str]] | None] = {}
    asked = []
    for task in tasks:
        connector = reader_for(task.engine.kind)
        if connector is None or not task.engine.takes_answers or now - task.created_at < SETTLED:
            continue
        if task.engine_id not in ways:
            ways[task.engine_id] = _way(task.engine, connector)
        if (way := ways[task.engine_id]) is not None:
            asked.append(Asked(task.pk, task.task_id, task.engine.slug, connector, *way))
    return asked


def _way(engine: Engine, connector: RestConnector) -> tuple[Access, Mapping[str, str]] | None:
    try:
        return connector.way_to(engine)
    except UndecryptableSecret:
        return None


async def _read_all(line: EngineClient, asked: Sequence[Asked]) -> tuple[dict[UUID, Standing], set[str]]:
    """What was read in time, and the engines that failed."""
    found: dict[UUID, Standing] = {}
    failed: set[str] = set()

    async def read(each: Asked) -> None:
        try:
            found[each.pk] = await each.connector.read(Api(line, each.access, each.paths), each.task)
        except Failed as fault:
            log.warning("task_not_read", engine=each.engine, task=each.task, detail=fault.result.detail)
            failed.add(each.engine)

    try:
        async with asyncio.timeout(WITHIN), asyncio.TaskGroup() as reading:
            for each in asked:
                reading.create_task(read(each))
    except TimeoutError:
        failed |= {each.engine for each in asked if each.pk not in found}
    return found, failed


# --- catching up ------------------------------------------------------------------------------------------------------
def apply_difference(task: Task, standing: Standing, now: datetime) -> bool:
    """Process what the engine knows and we do not as an event, at once. False: nothing was new."""
    if not standing.known and lags(task.engine):  # over and forgotten, or not visible yet: nobody can tell
        return False
    if not standing.is_open:
        said: Json = {"task": {"id": task.task_id}, **({"result": {"by": standing.by}} if standing.by else {})}
        return _happens(task, "task.completed", f"{task.pk}/closed", said, now)
    if standing.assignee and not _is_theirs(task, standing.assignee):
        return _is_given(task, standing.assignee, f"{task.pk}/{now.timestamp():.3f}", now)
    return False


def _is_theirs(task: Task, user: str) -> bool:
    """Whether the task is that person's, by any name that the engine may have for them. Unknown people are reported
    once."""
    person = resolver.find_person(task.engine, user)
    if person is None:
        return resolver.ref_of(object_in(task.data, "task").get("assignee")) == user
    return person.pk == task.assignee_id


def _is_given(task: Task, user: str, event_id: str, now: datetime) -> bool:
    """An event without the case, since the holder of the task's lock must not wait for the case's lock."""
    said = task_state.merged(task.data, {"task": {"id": task.task_id, "assignee": user}})
    said.pop("case", None)
    return _happens(task, "task.assigned", event_id, said, now)


def apply_standing(callback: Callback, standing: Standing, now: datetime) -> None:
    """Apply here what a call to the engine has changed or shown there, in the transaction that ends the call, with the
    task locked. Raises nothing: the call was made, and what fails here is applied before the next step."""
    try:
        apply_difference(Task.objects.select_related("engine").get(pk=callback.task_id), standing, now)
    except Exception:
        log.exception("call_not_followed", callback=str(callback.pk))


def lags(engine: Engine) -> bool:
    connector = reader_for(engine.kind)
    return connector is not None and connector.lags


def _happens(task: Task, type: str, event_id: str, data: Json, now: datetime) -> bool:
    """False if the event was told before."""
    fields: dict[str, Any] = {
        "type": type,
        "subject": task.task_id,
        "time": max(now, task.last_event_time or now),  # an engine whose clock is ahead may have sent later events
        "received_at": now,
        "data": data,
        "digest": "",
        "group": f"task:{task.task_id}"[:260],
    }
    with transaction.atomic():
        event, created = Event.objects.get_or_create(
            engine=task.engine, source=EVENT_SOURCE, event_id=event_id, defaults=fields
        )
        if created:
            pipeline.process([event], now)
    return created
