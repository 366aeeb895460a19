"""The data that a transaction reads about the events that it processes, and the rows that it will write.

All rows are read and locked at the beginning, by a few statements for all events. Then each event is decided in memory,
in order. At the end all changes are written.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from notifications.cases import lifecycle, task_state
from notifications.cases.locking import LockedRows
from notifications.items import inbox_items
from notifications.models import Event, Notification, Recipient, Task
from notifications.people import resolver
from notifications.people.resolver import Directory
from notifications.people.roster import Roster
from notifications.reasons import Reason
from notifications.routing import fanout, task_closure
from notifications.routing.addressing import Contacts
from notifications.routing.route import MessageRecipient
from notifications.routing.task_closure import Closing
from notifications.wording import batch_render, links
from wfpush.postgres.bulk import Writes


class PersonChanges(Exception):
    """Raised if an event changes a person whom other events of its batch may show. It is then processed alone."""


class Batch:
    """The shared state of events that one transaction processes; it must be created in that transaction."""

    def __init__(self, events: Sequence[Event], now: datetime) -> None:
        self.now = now
        self.notes: dict[Event, list[Reason]] = {}
        """The notes on data that was ignored, by event."""
        for event in events:
            event.data, self.notes[event] = links.without_bad_links(event.data)
        self.locked = LockedRows(events)
        self.roster = Roster(now)
        self.copies = Copies(self.locked.reworded_tasks)
        self.contacts = Contacts()
        self.writes = Writes()
        self._people = self._read_people(events)
        if len(events) > 1:
            self._refuse_edits(events)
        self._planners: list[fanout.Planner] = []
        self._closings: list[Closing] = []
        lifecycle.look_up(self.locked.reworded_tasks, self.writes)
        if len(events) > 1:
            self._look_up_people()

    def _look_up_people(self) -> None:
        recipients = [person for people in self._people.values() for person in people.values()]
        recipients += [row.recipient for row in self.copies.all()]
        recipients += [
            person for task in self.locked.reworded_tasks for person in (task.assignee, task.initiator) if person
        ]
        self.roster.stand_ins.look_up(recipients)
        self.contacts.look_up(recipients)

    def _read_people(self, events: Sequence[Event]) -> dict[int, dict[str, Recipient]]:
        """Return the people whom events name, by engine and ref."""
        engines = {event.engine_id: event.engine for event in events}
        refs: dict[int, set[str]] = {pk: set() for pk in engines}
        for event in events:
            refs[event.engine_id] |= {resolver.ref_of(person) for person in task_state.people_named(event.data)} - {""}
        return {pk: resolver.find_people(engines[pk], engine_refs) for pk, engine_refs in refs.items()}

    def _refuse_edits(self, events: Sequence[Event]) -> None:
        """Raise PersonChanges if an event changes a person of whom other rows have been read already."""
        for event in events:
            if resolver.edits_anybody(task_state.people_named(event.data), self._people[event.engine_id]):
                raise PersonChanges

    def context_of(self, event: Event) -> task_state.EventContext:
        directory = Directory(event.engine, task_state.people_named(event.data), self._people[event.engine_id])
        return task_state.EventContext(self.locked, directory, self.roster, self.writes, self.now)

    def notify(self, planner: fanout.Planner, addressed: Sequence[MessageRecipient]) -> None:
        """Make new copies, for `write`, which also saves the existing copies that the planner has changed."""
        if len(addressed) > fanout.AT_ONCE:
            planner.left = addressed
        else:
            planner.make(addressed)
        self._planners.append(planner)

    def close(self, ended: Closing) -> None:
        """Record that the engine has closed a task; `write` changes its copies."""
        self._closings.append(ended)

    def write(self) -> None:
        self.writes.write()
        changed = {row.recipient_id for planner in self._planners for row in planner.changed}
        if self._closings or changed or any(planner.left for planner in self._planners):
            new = (planner.new_recipients for planner in self._planners)
            inbox_items.lock(task_closure.recipients(self._closings).union(changed, *new))
        if self._closings:
            task_closure.close(self._closings, self.now)
        fanout.save(self._planners, self.now)


class Copies:
    """Copies of locked tasks: their recipients and states cannot change until the transaction ends.

    Changes to a copy alone, such as reading it, are possible until the copies are locked, too.
    """

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._by_task: dict[UUID, list[Notification]] = {task.pk: [] for task in tasks}
        if not self._by_task:
            return
        rows = list(
            inbox_items.standing(self._by_task)
            .select_related("recipient__brand", "recipient__manager", "brand", "category", "route")
            .order_by("recipient_id")
        )
        versions = batch_render.versions({row.template_version_id for row in rows if row.template_version_id})
        for row in rows:
            row.template_version = versions.get(row.template_version_id or 0)
            assert row.task_id is not None
            self._by_task[row.task_id].append(row)

    def of(self, task: Task) -> list[Notification]:
        """Return the task's copies by person key; empty for a task that this instance was not made with."""
        return self._by_task.get(task.pk, [])

    def all(self) -> Iterable[Notification]:
        return (row for rows in self._by_task.values() for row in rows)
