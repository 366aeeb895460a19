"""All instances: starts them, applies answers, and stores each step before anybody is told of it."""

import asyncio
import re
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from demo.definitions import DataError, Definition
from demo.instance import Instance
from demo.people import one_of
from demo.records import Clock, InstanceRecord, KeptFile, Verdict, stamp
from demo.store import Store


class UnknownTaskError(Exception):
    """No instance has, or ever had, a task of this id."""


@dataclass(frozen=True)
class Step:
    """Where an instance stands: a human task and whom it waits for, in words."""

    step: str
    name: str
    task: str
    task_id: str
    waiting_for: str


@dataclass(frozen=True)
class Summary:
    """What lists show of an instance without reading its file."""

    id: str
    process: str
    title: str
    state: str
    seed: str
    created_at: str
    updated_at: str
    steps: tuple[Step, ...]
    task_ids: tuple[str, ...]
    ended: str
    waiting_events: int
    refused_events: int

    @classmethod
    def of(cls, record: InstanceRecord) -> "Summary":
        states = [event.state for event in record.events]
        return cls(
            id=record.id,
            process=record.process,
            title=record.title,
            state=record.state,
            seed=record.sample if record.seeded else "",
            created_at=record.created_at,
            updated_at=record.updated_at,
            steps=tuple(
                Step(task.step, task.step_name, task.name, task.id, one_of(task.addressed, task.teams))
                for task in record.open_tasks
            ),
            task_ids=tuple(record.tasks),
            ended=record.end.text if record.end else "",
            waiting_events=states.count("waiting"),
            refused_events=states.count("refused"),
        )


class Engine:
    """`on_events(instance id)` is called whenever an instance has events to send and they are safe on disk."""

    def __init__(
        self,
        definitions: Mapping[str, Definition],
        store: Store,
        base_url: str,
        clock: Clock,
        on_events: Callable[[str], None] = lambda _instance_id: None,
    ) -> None:
        self.definitions = definitions
        self.on_events = on_events
        self._store = store
        self._base_url = base_url
        self._clock = clock
        self._summaries: dict[str, Summary] = {}
        self._instance_of_task: dict[str, str] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._numbers: dict[str, int] = {}

    def load(self) -> None:
        """Reads every instance from disk. Raises StoreError for a file that cannot be read."""
        for definition in self.definitions.values():
            self._numbers[definition.id] = int(definition.default["number"]) - 1
        for record in self._store.load_all():
            self._remember(record)

    @property
    def summaries(self) -> list[Summary]:
        """All instances, the newest first."""
        return sorted(self._summaries.values(), key=lambda summary: (summary.created_at, summary.id), reverse=True)

    def record(self, instance_id: str) -> InstanceRecord:
        """One instance with all it has. Raises KeyError."""
        return self._store.load(instance_id)

    def instance_of(self, task_id: str) -> str:
        """The id of the instance that has the task, open or closed. Raises UnknownTaskError."""
        try:
            return self._instance_of_task[task_id]
        except KeyError as error:
            raise UnknownTaskError(f"This engine has no task {task_id}.") from error

    async def start(
        self, process: str, data: Mapping[str, Any], sample: str | None = None, seeded: bool = False
    ) -> InstanceRecord:
        """A new instance, up to its first human task. Raises DataError (process, sample or data do not fit)."""
        definition = self.definitions.get(process)
        if definition is None:
            raise DataError({"process": f"there is none called {process!r}; there are {', '.join(self.definitions)}"})
        filled = definition.fill(data, sample)
        if data.get("number") is None:
            filled["number"] = str(self._numbers[process] + 1)
        self._count(process, filled["number"])
        now = stamp(self._clock())
        record = InstanceRecord(
            id=self._new_id(definition.noun, filled["number"]),
            process=process,
            process_name=definition.name,
            title=f"{definition.noun.capitalize()} {filled['number']}",
            data=filled,
            created_at=now,
            updated_at=now,
            workflow=msgspec.Raw(b"null"),
            sample=sample or "",
            seeded=seeded,
        )
        Instance.start(definition, record, self._base_url, self._clock)
        await self._write(record)
        self.on_events(record.id)
        return record

    async def keep_files(
        self, task_id: str, files: Sequence[KeptFile], read: Callable[[str], Awaitable[bytes]]
    ) -> None:
        """Gets the bytes of files that came for a task, those that are not here yet. Raises UnknownTaskError, and what
        `read` raises."""
        self.instance_of(task_id)
        for file in files:
            if not self._store.has_file(file.id):
                await asyncio.to_thread(self._store.keep_file, file.id, await read(file.id))

    def file_of(self, instance_id: str, file_id: str) -> tuple[KeptFile, bytes]:
        """A file that came for a task of the instance. Raises KeyError."""
        return self.record(instance_id).file(file_id), self._store.file(file_id)

    async def note_event(self, instance_id: str, event_id: str, *, state: Any, detail: str) -> None:
        """Writes down what became of sending an event."""
        async with self._locks[instance_id]:
            record = self._store.load(instance_id)
            event = next(event for event in record.events if event.id == event_id)
            event.state, event.detail = state, detail
            event.sent_at = stamp(self._clock()) if state == "sent" else None
            await self._write(record)

    def unsent(self) -> list[str]:
        """The instances with events that wfpush has not yet taken."""
        return [summary.id for summary in self._summaries.values() if summary.waiting_events]

    async def change(self, task_id: str, change: Callable[[Instance], Verdict]) -> Verdict:
        """One step of the instance that has the task. It works on a copy from disk, so a step that fails midway changes
        nothing; the verdict is on disk before it is returned. Raises UnknownTaskError."""
        instance_id = self.instance_of(task_id)
        async with self._locks[instance_id]:
            instance = Instance.resume(self._store.load(instance_id), self._clock)
            before = len(instance.record.answers), instance.record.updated_at
            verdict = change(instance)
            if before != (len(instance.record.answers), instance.record.updated_at):
                await self._write(instance.record)
        if self._summaries[instance_id].waiting_events:
            self.on_events(instance_id)
        return verdict

    async def _write(self, record: InstanceRecord) -> None:
        """Its thread goes on when this is cancelled: whoever stops the engine gets it back once nothing is written."""
        saving = asyncio.ensure_future(asyncio.to_thread(self._store.save, record))
        try:
            await asyncio.shield(saving)
        except asyncio.CancelledError:
            await saving
            raise
        self._remember(record)

    def _remember(self, record: InstanceRecord) -> None:
        summary = Summary.of(record)
        self._summaries[record.id] = summary
        self._instance_of_task.update(dict.fromkeys(summary.task_ids, record.id))
        self._count(record.process, record.data["number"])

    def _new_id(self, noun: str, number: str) -> str:
        """An id with the number that people read, different from all ids of other data folders at the same wfpush."""
        words = [noun, *re.findall(r"[a-z0-9]+", number.lower())[:3], secrets.token_hex(3)]
        new = "-".join(word[:12] for word in words)
        return new if new not in self._summaries else self._new_id(noun, number)

    def _count(self, process: str, number: str) -> None:
        if number.isdecimal():
            self._numbers[process] = max(self._numbers.get(process, 0), int(number))


def as_dict(summary: Summary) -> dict[str, Any]:
    """A summary as the JSON API shows it."""
    names = ("id", "process", "title", "state", "created_at", "updated_at", "waiting_events", "refused_events")
    return {
        **{name: getattr(summary, name) for name in names},
        "current_steps": msgspec.to_builtins(summary.steps),
        "open_tasks": [step.task_id for step in summary.steps],
    }
