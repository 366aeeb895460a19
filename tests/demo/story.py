"""Telling a process as a story: every step goes through the file on disk, as if the engine had been restarted."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from demo.callbacks import Answer
from demo.definitions import Definition, load_definitions
from demo.instance import Instance
from demo.people import ALICE, BOB, CAROL
from demo.records import EventRecord, InstanceRecord, Person, TaskRecord, Verdict, stamp
from demo.store import Store

BASE_URL = "http://demo.example"
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PEOPLE = {"Alice": ALICE, "Bob": BOB, "Carol": CAROL}
DEFINITIONS = load_definitions()


class Now:
    """A clock that moves when told to."""

    def __init__(self, moment: datetime = MONDAY) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **amount: float) -> None:
        self.moment += timedelta(**amount)


class Story:
    """One instance. People are named by first name, tasks by their step in the model."""

    def __init__(self, folder: Path, process: str, sample: str | None = None, **data: Any) -> None:
        self.now = Now()
        self.store = Store(folder)
        self.store.open()
        self.definition: Definition = DEFINITIONS[process]
        filled = self.definition.fill({"number": "4711", **data}, sample)
        self.id = f"{self.definition.noun}-1"
        record = InstanceRecord(
            id=self.id,
            process=process,
            process_name=self.definition.name,
            title="4711",
            data=filled,
            created_at=stamp(self.now()),
            updated_at=stamp(self.now()),
            workflow=msgspec.Raw(b"null"),
        )
        Instance.start(self.definition, record, BASE_URL, self.now)
        self.store.save(record)
        self.answers = 0

    @property
    def record(self) -> InstanceRecord:
        return self.store.load(self.id)

    def task(self, step: str) -> TaskRecord:
        """The open task of that step; there must be exactly one."""
        (task,) = [task for task in self.record.open_tasks if task.step == step]
        return task

    @property
    def waiting(self) -> dict[str, list[str]]:
        """Open tasks by step, with the refs of the people (or teams) they wait for."""
        return {task.step: task.addressed or task.teams for task in self.record.open_tasks}

    def answer(
        self, by: str, action: str, step: str, comment: str = "", *, key: str = "", values: Any = None
    ) -> Verdict:
        """Somebody's answer, as wfpush passes it on; refused answers fail the story unless one asks for `verdict`."""
        verdict = self.verdict(by, action, self.task(step).id, comment, key=key, values=values)
        assert verdict.status == 200, verdict
        return verdict

    def verdict(
        self, by: str, action: str, task_id: str, comment: str = "", *, key: str = "", values: Any = None
    ) -> Verdict:
        self.answers += 1
        answer = Answer(task_id, action, PEOPLE[by], comment, values or {})
        return self.change("respond", key or f"answer-{self.answers}", answer)

    def change(self, method: str, *arguments: Any) -> Verdict:
        """Loads, does one thing, saves."""
        instance = Instance.resume(self.record, self.now)
        verdict: Verdict = getattr(instance, method)(*arguments)
        self.store.save(instance.record)
        return verdict

    def events(self, event_type: str) -> list[EventRecord]:
        return [event for event in self.record.events if event.type == event_type]

    def statuses(self, event_type: str) -> list[str]:
        return [event.data["case"]["status"] for event in self.events(event_type)]

    @property
    def told(self) -> list[str]:
        """The lines of the history."""
        return [entry.text for entry in self.record.history]


def person(name: str) -> Person:
    return PEOPLE[name]
