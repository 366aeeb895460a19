"""People who can be asked about a task, and who can be mentioned."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import Q, QuerySet

from notifications.cases.visibility import concerns, copies_of
from notifications.models import (
    Case,
    Notification,
    Recipient,
    Response,
    Task,
    TaskMessage,
)

MAX_PEOPLE = 50
"""Maximum people that are offered as a choice."""

Why = Literal["initiator", "assignee", "colleague", "answered", "case", "manager"]
"""Reasons why somebody can be asked; pages have words for them."""

MAX_EXTERNAL = 10
"""External people of a case to whom colleagues can write."""


@dataclass(frozen=True)
class Candidate:
    """Somebody who can be asked."""

    person: Recipient
    why: Why


def seen_of_case(case: Case, reader: Recipient) -> QuerySet[TaskMessage]:
    """Return the messages of the reader and to them, with replies, in the conversations about all tasks of a case."""
    own = TaskMessage.objects.filter(concerns(reader), task__case=case).values("pk")
    return TaskMessage.objects.filter(pk__in=own)


# --- asking -----------------------------------------------------------------------------------------------------------
def askable(task: Task, asker: Recipient) -> list[Candidate]:
    """Return the people whom somebody can ask about a task, the usual one first. Customers can ask only that one."""
    by_pk: dict[int, Candidate] = {}
    for candidate in _candidates(task, asker):
        person = candidate.person
        if person.pk != asker.pk and person.active and person.pk not in by_pk:
            by_pk[person.pk] = candidate
        if len(by_pk) == (1 if asker.external else MAX_PEOPLE):
            break
    return list(by_pk.values())


def _candidates(task: Task, asker: Recipient) -> Iterator[Candidate]:
    if task.initiator is not None:
        yield Candidate(task.initiator, "initiator")
    if task.assignee is not None:
        yield Candidate(task.assignee, "assignee")
    yield from _all(task.candidates.order_by("name", "pk"), "colleague")
    yield from _all(people_of(copies_of(task)), "colleague")
    answers = Response.objects.filter(task__case=task.case) if task.case_id else Response.objects.filter(task=task)
    yield from _all(people_of(answers), "answered")
    if task.case_id is not None:
        others = Notification.objects.filter(task__case=task.case_id, is_copy=True)
        yield from _all(people_of(others.filter(recipient__engine=None)), "case")
    if asker.manager is not None and not asker.external:
        yield Candidate(asker.manager, "manager")


def _all(people: Iterable[Recipient], why: Why) -> Iterator[Candidate]:
    return (Candidate(person, why) for person in people)


def people_of(rows: QuerySet[Any]) -> QuerySet[Recipient]:
    """Return the recipients of the rows, by name."""
    return Recipient.objects.filter(pk__in=rows.order_by().values("recipient")).order_by("name", "pk")[:MAX_PEOPLE]


# --- mentions ---------------------------------------------------------------------------------------------------------
def mentionable(task: Task, author: Recipient) -> list[Recipient]:
    """Return the colleagues who see the task, too."""
    people = Recipient.objects.filter(pk__in=copies_of(task).order_by().values("recipient"), active=True, engine=None)
    return list(people.exclude(pk=author.pk).order_by("name", "pk")[:MAX_PEOPLE])


# --- external people --------------------------------------------------------------------------------------------------
def external_people(task: Task) -> list[Recipient]:
    """Return the external people who have a part in the task's case, or in the task."""
    theirs = Q(task=task) if task.case_id is None else Q(task=task) | Q(case=task.case_id)
    keys = Notification.objects.filter(theirs, recipient__engine=task.engine_id).order_by().values("recipient")
    return list(Recipient.objects.filter(pk__in=keys, active=True).order_by("name", "pk")[:MAX_EXTERNAL])
