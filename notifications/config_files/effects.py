"""What a change of configuration does to open tasks: who would have them if their last event came in now."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Subquery

from notifications.cases import task_state
from notifications.cases.facts import facts_of_task
from notifications.cases.locking import TYPES_THAT_ASK
from notifications.models import ANSWERABLE, Event, EventStatus, Recipient, Task
from notifications.people import resolver
from notifications.people.resolver import Directory
from notifications.people.roster import Roster
from notifications.routing import route

MAX_TASKS = 500
"""The most open tasks that are compared, the newest."""
MAX_NAMED = 5
"""The most people whom a sentence names."""

Reached = Mapping[UUID, frozenset[int]]
"""The keys of the people of each task, by its key."""


class Effects:
    def __init__(self, now: datetime) -> None:
        self.now = now
        self.before = reached(now)

    def sentences(self, rows: Iterable[Any]) -> Iterator[str]:
        """Yield sentences about the tasks that would go to others, and the people."""
        after = reached(self.now)
        moved = [task for task, people in self.before.items() if people != after.get(task)]
        if not moved:
            return
        would = "tasks would go to others if they" if len(moved) > 1 else "task would go to others if it"
        yield f"{len(moved)} open {would} came in now. Open items stay with their people."
        if len(self.before) == MAX_TASKS:
            yield f"Only the newest {MAX_TASKS} open tasks are compared."
        come = Counter(person for task in moved for person in after.get(task, frozenset()) - self.before[task])
        gone = Counter(person for task in moved for person in self.before[task] - after.get(task, frozenset()))
        for format_text, people in (
            (("Newly reached: %(people)s."), come),
            (("No longer reached: %(people)s."), gone),
        ):
            if people:
                yield format_text % {"people": _in_words(people)}
        if nobody := [task for task in moved if self.before[task] and not after.get(task)]:
            yield f"{len(nobody)} of them would reach nobody."


def _in_words(people: Counter[int]) -> str:
    names = {person.pk: str(person) for person in Recipient.objects.filter(pk__in=people)}
    words = [f"{names[pk]} ({count})" for pk, count in people.most_common(MAX_NAMED)]
    more = len(people) - MAX_NAMED
    return ", ".join(words) + (f" and {more} more" if more > 0 else "")


def reached(now: datetime) -> Reached:
    """Return the people whom rules notify of open tasks, by the last event of each that asks for an answer."""
    last = Event.objects.filter(task=OuterRef("pk"), type__in=TYPES_THAT_ASK, status=EventStatus.PROCESSED)
    tasks = Task.objects.filter(state__in=ANSWERABLE).annotate(last=Subquery(last.order_by("-pk").values("pk")[:1]))
    tasks = tasks.filter(last__isnull=False).select_related("case").order_by("-pk")[:MAX_TASKS]
    events = Event.objects.select_related("engine").in_bulk([task.last for task in tasks])
    roster = Roster(now)
    return {task.pk: _people(task, events[task.last], roster) for task in tasks}


def _people(task: Task, event: Event, roster: Roster) -> frozenset[int]:
    names = task_state.people_named(event.data)
    refs = {resolver.ref_of(person) for person in names} - {""}
    directory = Directory(event.engine, names, resolver.find_people(event.engine, refs))
    facts = facts_of_task(task, task.case, event)
    subject = route.Subject(event, task, task.case, directory, roster, facts)
    addressed = route.people_for(route.match(event, facts), subject)
    return frozenset(each.recipient.pk for each in addressed)
