"""Reads the tasks of a team's people from their items.

In: people, and a start. Out: their tasks, messages, and open tasks.

At most MAX_ITEMS items are read. If there are more, only items after a later moment are read, which is found in the
index alone.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta

from django.db import connection

from escalations.calendars.definition import CalendarData
from escalations.calendars.working_time import Calendar
from escalations.models import Rules
from escalations.policies.matching import calendars_of
from escalations.policies.rules import parsed
from escalations.team_time.figures import Completion, Kind, Message, OpenTask, ReceivedTask
from notifications.channel_facts import INBOX
from notifications.models import Recipient

MAX_ITEMS = 20_000
"""The most items that are read, of all people together."""
USUAL = (time(8), time(18))
"""The working hours of people without a calendar, from Monday to Friday."""

_BEYOND = """
SELECT max(beyond.created_at) FROM unnest(%s::bigint[]) AS person(id) CROSS JOIN LATERAL (
    SELECT created_at FROM notifications_notification
    WHERE recipient_id = person.id AND created_at >= %s ORDER BY created_at DESC OFFSET %s LIMIT 1
) beyond
"""


def all_since(people: Sequence[int], since: datetime) -> datetime | None:
    """Return None if all items since then can be read, else the moment after which all items of all people can."""
    with connection.cursor() as cursor:
        cursor.execute(_BEYOND, [[*people], since, max(MAX_ITEMS // len(people), 1)])
        beyond: datetime | None = cursor.fetchone()[0]
        return beyond


# OFFSET 0: items are found by their people, and each task and message by its key. From some thousand items on
# PostgreSQL would read the whole tables instead.
_TASKS = """
SELECT task.kind, COALESCE(whole.type, ''), copy.category, copy.people, copy.came, copy.seen_at, copy.seen_by,
    final.at, final.recipient_id, COALESCE(task.sla_due_at, task.due_at),
    task.state IN ('open', 'acknowledged', 'info_requested'),
    EXISTS (
        SELECT FROM notifications_response asked
        WHERE asked.task_id = task.id AND asked.effect = 'request_info' AND asked.counts
            AND asked.recipient_id = ANY(copy.people)
    ),
    clock.rules_id
FROM (
    SELECT task_id, array_agg(DISTINCT recipient_id) AS people, min(created_at) AS came,
        (array_agg(category_id ORDER BY created_at, id))[1] AS category, min(read_at) AS seen_at,
        (array_agg(recipient_id ORDER BY read_at, id))[1] AS seen_by
    FROM notifications_notification
    WHERE recipient_id = ANY(%s) AND created_at >= %s AND is_copy AND task_id IS NOT NULL GROUP BY task_id OFFSET 0
) copy
CROSS JOIN LATERAL (
    SELECT id, kind, case_id, sla_due_at, due_at, state FROM notifications_task WHERE id = copy.task_id OFFSET 0
) task
LEFT JOIN LATERAL (SELECT type FROM notifications_case WHERE id = task.case_id OFFSET 0) whole ON true
LEFT JOIN LATERAL (
    SELECT at, recipient_id FROM notifications_response
    WHERE task_id = task.id AND effect = 'final' AND counts OFFSET 0
) final ON true
LEFT JOIN LATERAL (
    SELECT rules_id FROM escalations_escalation WHERE task_id = task.id ORDER BY id DESC LIMIT 1
) clock ON true
"""


def tasks(people: Sequence[int], since: datetime, now: datetime) -> list[ReceivedTask]:
    with connection.cursor() as cursor:
        cursor.execute(_TASKS, [[*people], since])
        rows = cursor.fetchall()
    rules_by_pk = {row.pk: parsed(row) for row in Rules.objects.filter(pk__in={row[-1] for row in rows if row[-1]})}
    ours = set(people)
    received = []
    for kind, case, category, had, came, seen, seen_by, at, by, due, waits, has_question, rules in rows:
        followed = rules_by_pk.get(rules)
        calendar = followed.calendar if followed is not None and followed.time == "business" else None
        answered = Completion(by, _passed(came, at, calendar)) if by in ours else None
        if answered is not None and (seen is None or at < seen):
            seen, seen_by = at, by
        late = due is not None and (at > due if at is not None else waits and due < now)
        looked = Completion(seen_by, _passed(came, seen, calendar)) if seen is not None else None
        received.append(ReceivedTask(Kind(kind, case, category), had, came, looked, answered, late, has_question))
    return received


def _passed(start: datetime, end: datetime, calendar: Calendar | None) -> timedelta:
    """Return the working time of the calendar; without one, the time on the wall clock."""
    return calendar.between(start, end) if calendar is not None else max(end - start, timedelta())


_OPEN = """
SELECT task.kind, COALESCE(whole.type, ''), copy.category, copy.people, copy.came,
    COALESCE(task.sla_due_at, task.due_at) < %s
FROM (
    SELECT item.task_id, array_agg(DISTINCT item.recipient_id) AS people, min(item.created_at) AS came,
        (array_agg(item.category_id ORDER BY item.created_at, item.id))[1] AS category
    FROM unnest(%s::bigint[]) AS person(id) CROSS JOIN LATERAL (
        SELECT id, task_id, recipient_id, category_id, created_at FROM notifications_notification
        WHERE recipient_id = person.id AND state = 'open' AND task_id IS NOT NULL ORDER BY due_at LIMIT %s
    ) item GROUP BY item.task_id OFFSET 0
) copy
CROSS JOIN LATERAL (
    SELECT kind, case_id, sla_due_at, due_at FROM notifications_task WHERE id = copy.task_id OFFSET 0
) task
LEFT JOIN LATERAL (SELECT type FROM notifications_case WHERE id = task.case_id OFFSET 0) whole ON true
"""


def open_now(people: Sequence[int], now: datetime) -> list[OpenTask]:
    """Return the open tasks of people. Of a person with very many, only those that are due first."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [now, [*people], max(MAX_ITEMS // len(people), 1)])
        return [
            OpenTask(Kind(kind, case, category), had, came, bool(late))
            for kind, case, category, had, came, late in cursor.fetchall()
        ]


_MESSAGES = """
SELECT COALESCE(task.kind, ''), COALESCE(whole.type, ''), item.category_id, item.recipient_id, sent.ended_at
FROM (
    SELECT id, recipient_id, task_id, case_id, category_id FROM notifications_notification
    WHERE recipient_id = ANY(%s) AND created_at >= %s OFFSET 0
) item
CROSS JOIN LATERAL (
    SELECT ended_at FROM notifications_delivery
    WHERE notification_id = item.id AND state = 'delivered' AND channel <> %s AND ended_at IS NOT NULL OFFSET 0
) sent
LEFT JOIN LATERAL (SELECT kind FROM notifications_task WHERE id = item.task_id OFFSET 0) task ON true
LEFT JOIN LATERAL (SELECT type FROM notifications_case WHERE id = item.case_id OFFSET 0) whole ON true
"""


class WorkingHours:
    """Working hours of people: by their calendar or one of a team of theirs, else USUAL hours in their time zone."""

    def __init__(self, people: Iterable[Recipient]) -> None:
        zones = {person.pk: person.timezone or "UTC" for person in people}
        by_person = calendars_of([*zones])
        calendars = {calendar.pk: calendar.reckoning_or_none() for calendar in {*by_person.values()}}
        usual = {zone: Calendar(CalendarData(zone, ((USUAL,),) * 5 + ((),) * 2)) for zone in {*zones.values()}}
        own = {person: calendars[calendar.pk] for person, calendar in by_person.items()}
        self._of = {person: own.get(person) or usual[zone] for person, zone in zones.items()}

    def are(self, person: int, at: datetime) -> bool:
        """Return whether the person works at that instant."""
        return self._of[person].is_open(at)


def messages_outside_hours(people: Sequence[int], since: datetime, hours: WorkingHours) -> list[Message]:
    with connection.cursor() as cursor:
        cursor.execute(_MESSAGES, [[*people], since, INBOX])
        return [
            Message(Kind(kind, case, category), at)
            for kind, case, category, person, at in cursor.fetchall()
            if not hours.are(person, at)
        ]
