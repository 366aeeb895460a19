"""Makes very many items of 2,000 people, with all that belongs to them, like one that is there. Run by bench.inside."""

import sys

from django.db import connection, transaction

from notifications.items import search_index
from notifications.models import Notification, Recipient
from tests.support.multiplied import multiply

PEOPLE = 2_000
CHUNK = 50_000
OPEN_OF = 100
"""One of so many items waits for an answer; the others were done."""
BUSIEST = 50
"""One of so many items is of the first person, who has more than anybody else."""
DELIVERIES = 5
"""Of each item: people have several devices."""

_ID = "(lpad(to_hex(1700000000000 + n), 12, '0') || '7{kind}8000' || lpad(to_hex(n), 12, '0'))::uuid"
"""Times of their own for each item, before all that follow."""
_EVENT, _TASK, _ITEM = (_ID.format(kind=kind) for kind in ("001", "002", "003"))
_SENT = _ID.format(kind="00' || pattern.place || '")
_CASE = "1000000 + n"
_SEQ = (
    f"CASE WHEN n %% {BUSIEST} = 1 THEN 2 * (n / {BUSIEST}) + 1 WHEN n %% {PEOPLE} = 0"
    f" THEN 2 * (n / {BUSIEST}) + 2 ELSE n / {PEOPLE} + 1 END"
)
"""Each person's own numbers. The first person has items in two ways."""
_DELIVERIES = """
INSERT INTO notifications_delivery SELECT made.* FROM
    (SELECT row_number() OVER (ORDER BY again, id) + 3 AS place, again, delivery.*
     FROM notifications_delivery delivery, generate_series(1, %(deliveries)s) again
     WHERE event_id = %(pattern)s ORDER BY again, id LIMIT %(deliveries)s) pattern,
generate_series(%(first)s, %(last)s) n,
LATERAL jsonb_populate_record(NULL::notifications_delivery, to_jsonb(pattern) || jsonb_build_object(
    'id', {sent}, 'address', pattern.address || pattern.again,
    'event_id', {event}, 'notification_id', {item}, 'recipient_id', {person}, 'due_at', NULL,
    'state', CASE pattern.state WHEN 'pending' THEN 'delivered' ELSE pattern.state END, 'ended_at', now())) made
"""
_SEQS = """
UPDATE notifications_recipient r SET inbox_seq = items.last FROM
    (SELECT recipient_id, max(seq) AS last FROM notifications_notification GROUP BY 1) items
WHERE r.id = items.recipient_id
"""


def main(items: str, seconds_apart: str) -> None:
    count = int(items)
    first = Recipient.objects.bulk_create(Recipient(ref=f"grown-up-{n}", name=f"Person {n}") for n in range(PEOPLE))
    person = f"{first[0].pk} + CASE WHEN n %% {BUSIEST} = 1 THEN 0 ELSE n %% {PEOPLE} END"
    at = f"now() - interval '1 second' * {int(seconds_apart)} * (({count} - n) %% 30000000)"
    for start in range(0, count, CHUNK):
        numbers = range(start, min(start + CHUNK, count))
        with transaction.atomic():  # an event and its task name each other
            _make(numbers, person, at)
        sys.stderr.write(f"{numbers.stop:,} of {count:,}\n")
    with connection.cursor() as cursor:
        cursor.execute(_SEQS)
        cursor.execute("VACUUM ANALYZE")
    while search_index.behind():  # once a minute by a schedule
        search_index.gather()


def _make(numbers: range, person: str, at: str) -> None:
    """The rows of items with these numbers. `person` and `at` are SQL expressions of `n`: its owner and time."""
    pattern = Notification.objects.select_related("event", "task", "case").get(event__source="pattern")
    assert pattern.event is not None and pattern.task is not None and pattern.case is not None
    is_open = f"n %% {OPEN_OF} = 0"
    multiply(pattern.case, numbers, id=_CASE, case_id="'grown-' || n", updated_at=at)
    event_id = "'grown-' || n"
    event = {"event_id": event_id, "source": "'growth'", "case_id": _CASE, "task_id": _TASK, "group": "''"}
    multiply(pattern.event, numbers, id=_EVENT, **event)
    task = {"task_id": event_id, "case_id": _CASE, "assigned_event_id": _EVENT, "assignee_id": person}
    state = f"CASE WHEN {is_open} THEN 'open' ELSE 'completed' END"
    multiply(pattern.task, numbers, id=_TASK, state=state, updated_at=at, **task)
    item = {"recipient_id": person, "seq": _SEQ, "event_id": _EVENT, "task_id": _TASK, "case_id": _CASE}
    state = f"CASE WHEN {is_open} THEN 'open' ELSE 'withdrawn' END"
    read_at = f"CASE WHEN {is_open} THEN NULL ELSE now() END"
    multiply(pattern, numbers, id=_ITEM, state=state, read_at=read_at, created_at=at, updated_at=at, **item)
    statement = _DELIVERIES.format(event=_EVENT, item=_ITEM, person=person, sent=_SENT)
    bounds = {"first": numbers.start, "last": numbers.stop - 1}
    with connection.cursor() as cursor:
        cursor.execute(statement, {**bounds, "deliveries": DELIVERIES, "pattern": pattern.event.pk})
