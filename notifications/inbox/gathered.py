"""What is searched of an item; and that of many items in one row, for people who have very many.

An item lies on a page of its own in each of three large tables: to read through 20,000 of them takes a quarter of a
second, however it is done. So a schedule gathers what is searched of them, 500 items in a row (`gather`), and a search
reads these rows, which takes some milliseconds, and then only the items that it found there (`likely`). An event pays
nothing for it.

It finds what reading through finds. Each change of an item gives it a new `seq`, and items above what is gathered are
looked at themselves. Triggers note what changes outside of items (`SearchedAnew`): items that this concerns are looked
at, too, until they are gathered again. Items that have other words by now are left out when they are read.
"""

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, F, Func, Max, Q, QuerySet, Sum, TextField, Value
from django.db.models.functions import Concat, Upper

from notifications.models import Notification, SearchedAnew, SearchedPart
from wfpush.postgres import keys

GATHERED_FROM = 1_000
"""So many changes of a person's items are gathered together; with fewer all items are read through."""

PART = 500
"""Items in a row."""

MOST_CHANGES = 1_000
"""Of more changes outside of items it would take longer to find the items than to read all through."""

AT_ONCE, SECONDS = 5_000, 10.0
"""Items gathered by one statement, and for how long one run of the schedule goes on."""


class Facts(Func):
    """The values of the key facts as text, such as `[1200.5, "Acme GmbH"]`: notifications/wording/key_facts.py."""

    template = "jsonb_path_query_array(%(expressions)s, '$.key_facts[*][2]')::text"
    output_field = TextField()


def searched_text() -> Concat:
    """All that is searched of an item. Concat takes what is missing as empty.

    A migration that empties SearchedPart belongs to each change of it, and a trigger to each field of another table.
    """
    fields = [
        "title",
        "body",
        "case__title",
        "case__case_id",
        "task__task_id",
        "task__initiator__name",
        "task__initiator__ref",
        "on_behalf_of__name",
    ]
    parts = [part for name in fields for part in (F(name), Value("\n"))]
    return Concat(*parts, Facts(F("details")), output_field=TextField())


# --- reading ----------------------------------------------------------------------------------------------------------
_FOUND = """
SELECT word.item FROM notifications_searchedpart part, unnest(part.items, part.texts) AS word(item, text)
WHERE part.recipient_id = %(person)s AND {conditions}
UNION ALL
SELECT id FROM notifications_notification WHERE recipient_id = %(person)s AND seq >
    (SELECT COALESCE(max(upto), 0) FROM notifications_searchedpart WHERE recipient_id = %(person)s)
UNION ALL
SELECT id FROM notifications_notification WHERE recipient_id = %(person)s AND case_id = ANY(%(cases)s::bigint[])
UNION ALL
SELECT id FROM notifications_notification WHERE recipient_id = %(person)s AND task_id = ANY(%(tasks)s::uuid[])
LIMIT %(most)s
"""


def likely(person: int, words: Sequence[Sequence[str]], most: int) -> set[UUID] | None:
    """The keys of the person's items that may contain every one of the words, in one of its ways. None where that is
    not known, and where they are more than `most`."""
    if not SearchedPart.objects.filter(recipient=person).exists():
        return None
    # Read first: who gathers these items anew takes their changes away in the transaction that adds the parts.
    changes = list(SearchedAnew.objects.values_list("case_id", "task_id", "person_id")[: MOST_CHANGES + 1])
    if len(changes) > MOST_CHANGES or any(who for _case, _task, who in changes):
        return None
    known = {
        "person": person,
        "cases": keys.array(case for case, _task, _who in changes if case is not None),
        "tasks": keys.array(task for _case, task, _who in changes if task is not None),
        "most": most + 1,
    }
    found = _found(words, known)
    return set(found) if len(found) <= most else None


def _found(words: Sequence[Sequence[str]], known: dict[str, Any]) -> list[UUID]:
    conditions = []
    for ways in words:
        names = {
            f"way{len(known) + place}": f"%{connection.ops.prep_for_like_query(way)}%" for place, way in enumerate(ways)
        }
        conditions.append("(" + " OR ".join(f"word.text LIKE UPPER(%({name})s)" for name in names) + ")")
        known |= names
    with connection.cursor() as cursor:
        cursor.execute(_FOUND.format(conditions=" AND ".join(conditions)), known)
        return [key for (key,) in cursor.fetchall()]


# --- gathering --------------------------------------------------------------------------------------------------------
def gather() -> int:
    """Gather what has changed since, of everybody with many changes; returns how many items were read."""
    until = time.monotonic() + SECONDS
    count, more = _gather_anew()
    while more and time.monotonic() < until:
        added, more = _gather_anew()
        count += added
    for person in behind():
        added = AT_ONCE
        while added == AT_ONCE and time.monotonic() < until:
            added = _gather_of(person)
            count += added
    return count


def _alone() -> bool:
    """Whether no other transaction gathers, until this one ends. A part that another one has made and not committed
    would not have the changes that this one takes away."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('wfpush searched', 0))")
        return bool(cursor.fetchone()[0])


@transaction.atomic
def _gather_anew() -> tuple[int, bool]:
    """Items whose cases, tasks or people have changed, of those who have parts. Returns how many, and whether there may
    be more."""
    changes = list(SearchedAnew.objects.order_by("pk")[:MOST_CHANGES]) if _alone() else []
    if not changes:
        return 0, False
    deleted = {change.inbox_id for change in changes if change.inbox_id is not None}
    SearchedPart.objects.filter(recipient__in=deleted).delete()
    cases, tasks, people = (
        [key for change in changes if (key := getattr(change, name)) is not None]
        for name in ("case_id", "task_id", "person_id")
    )
    concerned = [  # one after the other: each has an index
        Q(case__in=cases),
        Q(task__in=tasks),
        Q(task__initiator__in=people),
        Q(on_behalf_of__in=people),
    ]
    gathered = Notification.objects.filter(recipient__in=SearchedPart.objects.values("recipient"))
    found = [pk for condition in concerned for pk in gathered.filter(condition).values_list("pk", flat=True)]
    count = 0
    for start in range(0, len(found), AT_ONCE):
        some = Notification.objects.filter(keys.among(Notification, found[start : start + AT_ONCE]))
        count += _insert(some, upto="0")
    SearchedAnew.objects.filter(pk__in=[change.pk for change in changes]).delete()
    return count, len(changes) == MOST_CHANGES


def behind() -> list[int]:
    """Whoever has many changes that are not gathered; most of them first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT person.id FROM notifications_recipient person"
            " LEFT JOIN notifications_searchedpart part ON part.recipient_id = person.id"
            " WHERE person.inbox_seq >= %(many)s GROUP BY person.id"
            " HAVING person.inbox_seq - COALESCE(max(part.upto), 0) >= %(many)s"
            " ORDER BY person.inbox_seq - COALESCE(max(part.upto), 0) DESC",
            {"many": GATHERED_FROM},
        )
        return [pk for (pk,) in cursor.fetchall()]


@transaction.atomic
def _gather_of(person: int) -> int:
    """The next items of a person."""
    if not _alone():
        return 0
    parts = SearchedPart.objects.filter(recipient=person)
    mine = Notification.objects.filter(recipient=person)
    size = parts.aggregate(parts=Count("pk"), items=Sum(Func(F("items"), function="cardinality")), upto=Max("upto"))
    count = mine.count()
    if (size["items"] or 0) > 2 * count + PART or size["parts"] > 4 * (count // PART + 1):
        parts.delete()
        size["upto"] = 0
    return _insert(mine.filter(seq__gt=size["upto"] or 0).order_by("seq")[:AT_ONCE], upto="max(seq)")


_INSERT = """
INSERT INTO notifications_searchedpart (recipient_id, upto, items, texts)
SELECT recipient_id, {upto}, array_agg(id), array_agg(searched) FROM (
    SELECT item.*, (row_number() OVER (PARTITION BY recipient_id ORDER BY seq) - 1) / {part} AS place
    FROM ({rows}) AS item
) AS placed GROUP BY recipient_id, place RETURNING cardinality(items)
"""


def _insert(items: QuerySet[Notification], upto: str) -> int:
    rows = items.annotate(searched=Upper(searched_text())).values("id", "recipient_id", "seq", "searched")
    statement, values = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_INSERT.format(upto=upto, part=PART, rows=statement), values)
        return sum(count for (count,) in cursor.fetchall())
