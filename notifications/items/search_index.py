"""The search index: the searchable text of an item, and rows with that of many items, for people with very many.

An item lies on a page of its own in each of three large tables: reading 20,000 of them takes a quarter of a second in
any case. So a schedule collects their searchable text, 500 items in a row (`gather`). A search reads these rows, which
takes some milliseconds, and then only those items that may have changed since (`likely`). Events cost nothing more.

Text is compared in capital letters without marks (`PlainLetters`): "Muller" finds "Müller". Patterns, which find words
with a typing error, take longer: they are looked for in the newest items only (`PARTS_FOR_PATTERNS`).

The index finds the same as reading all items. Each change of an item gives it a new `seq`, and items above the indexed
`seq` are read themselves. Triggers record changes outside of items (`SearchedAnew`): the items concerned are read, too,
until they are indexed again. All others have the text that is indexed.

Each item is in one part at most: indexing it again removes its former text. So old text goes with the next run if
something outside of items has changed or an item was deleted, and within a day if an item itself has changed.
"""

import time
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Func, Max, Q, TextField, Value
from django.db.models.functions import Concat, Now

from notifications.models import Notification, SearchedAnew, SearchedPart
from wfpush.postgres import keys

GATHERED_FROM = 1_000
"""Number of changes of a person's items that are indexed together; with fewer, all items are read."""

PART = 500
"""Number of items in a row."""

MOST_CHANGES = 1_000
"""Number of changes outside of items above which finding their items would take longer than reading all items."""

AT_ONCE, SECONDS = 5_000, 2.0
"""Maximum number of items that one transaction indexes, and seconds for which one run of the schedule goes on."""

MAX_AGE = "1 day"
"""Maximum age of an item's former text, if too few items have changed for an earlier run."""


PARTS_FOR_PATTERNS = 40
"""Rows, the newest, in which patterns are looked for."""

MARKS = ("\u0300", "\u036f")
"""The first and last combining mark of Unicode's block of these."""


@dataclass(frozen=True)
class Pattern:
    """A regular expression of PostgreSQL, for capital letters without marks. A text that it matches contains at least
    one of `parts`, which is found faster."""

    regex: str
    parts: Sequence[str]


Spelling = str | Pattern
"""A spelling of a word: text, or a pattern for spellings with a typing error."""


class PlainLetters(Func):
    """The text in capital letters without marks: Ü as U, ß as SS. `plain_letters` does so for what is searched."""

    template = (
        "UPPER(REGEXP_REPLACE(NORMALIZE(REPLACE(%(expressions)s, 'ß', 'ss'), NFD),"
        f" '[{MARKS[0]}-{MARKS[1]}]', '', 'g'))"
    )
    output_field = TextField()


def plain_letters(text: str) -> str:
    """Return the text without marks: ü as u, ß as ss. The database makes it capital letters."""
    decomposed = unicodedata.normalize("NFD", text.replace("ß", "ss"))
    return "".join(letter for letter in decomposed if not MARKS[0] <= letter <= MARKS[1])


class Facts(Func):
    """The values of the key facts as text, such as `[1200.5, "Acme GmbH"]`: notifications/wording/key_facts.py."""

    template = "jsonb_path_query_array(%(expressions)s, '$.key_facts[*][2]')::text"
    output_field = TextField()


def searched_text() -> PlainLetters:
    """Return the searchable text of an item. Concat takes null as empty.

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
    return PlainLetters(Concat(*parts, Facts(F("details")), output_field=TextField()))


# --- reading ----------------------------------------------------------------------------------------------------------
_FOUND = """
SELECT * FROM (
SELECT word.item AS id, TRUE
FROM (SELECT items, texts FROM notifications_searchedpart WHERE recipient_id = %(person)s {newest}) AS part,
    unnest(part.items, part.texts) AS word(item, text)
WHERE {conditions}
UNION ALL
SELECT id, FALSE FROM notifications_notification WHERE recipient_id = %(person)s AND seq >
    (SELECT COALESCE(max(upto), 0) FROM notifications_searchedpart WHERE recipient_id = %(person)s)
UNION ALL
SELECT id, FALSE FROM notifications_notification WHERE recipient_id = %(person)s AND case_id = ANY(%(cases)s::bigint[])
UNION ALL
SELECT id, FALSE FROM notifications_notification WHERE recipient_id = %(person)s AND task_id = ANY(%(tasks)s::uuid[])
) AS found WHERE %(among)s::uuid[] IS NULL OR id = ANY(%(among)s::uuid[])
LIMIT %(most)s
"""


@dataclass(frozen=True)
class SearchMatches:
    """Keys of items: those that certainly contain the words, and those that must be read."""

    sure: frozenset[UUID]
    doubtful: frozenset[UUID]


def likely(
    person: int, words: Sequence[Sequence[Spelling]], most: int, among: Collection[UUID] | None = None
) -> SearchMatches | None:
    """Return the person's items that may contain every one of the words, in one of its spellings; only among these
    keys, if any are given. None if that is unknown, and if they are more than `most`."""
    if not SearchedPart.objects.filter(recipient=person).exists():
        return None
    # Read the changes first: the indexing of their items deletes them in the transaction that adds the parts.
    changes = list(SearchedAnew.objects.values_list("case_id", "task_id", "person_id")[: MOST_CHANGES + 1])
    if len(changes) > MOST_CHANGES or any(who for _case, _task, who in changes):
        return None
    params = {
        "person": person,
        "cases": [case for case, _task, _who in changes if case is not None],
        "tasks": [task for _case, task, _who in changes if task is not None],
        "among": None if among is None else [*among],
        "most": most + 1,
    }
    matches = _find_matches(words, params)
    if len(matches) > most:
        return None
    doubtful = frozenset(key for key, gathered in matches if not gathered)
    return SearchMatches(frozenset(key for key, _gathered in matches) - doubtful, doubtful)


def _find_matches(words: Sequence[Sequence[Spelling]], params: dict[str, Any]) -> list[tuple[UUID, bool]]:
    """Return keys of items, each with whether its indexed text matches; again with False if it may have changed."""
    conditions = []
    for spellings in words:
        ways = []
        for spelling in spellings:
            texts = spelling.parts if isinstance(spelling, Pattern) else [spelling]
            names = {f"spelling{len(params) + at}": text for at, text in enumerate(texts)}
            params |= {name: f"%{connection.ops.prep_for_like_query(text)}%" for name, text in names.items()}
            way = " OR ".join(f"word.text LIKE UPPER(%({name})s)" for name in names)
            if isinstance(spelling, Pattern):
                way, name = f"({way}) AND word.text ~ %(regex{len(params)})s", f"regex{len(params)}"
                params[name] = spelling.regex
            ways.append(way)
        conditions.append(f"({' OR '.join(ways)})")
    has_pattern = any(isinstance(spelling, Pattern) for spellings in words for spelling in spellings)
    newest = f"ORDER BY upto DESC LIMIT {PARTS_FOR_PATTERNS}" if has_pattern else ""
    with connection.cursor() as cursor:
        cursor.execute(_FOUND.format(conditions=" AND ".join(conditions), newest=newest), params)
        matches: list[tuple[UUID, bool]] = cursor.fetchall()
    return matches


# --- gathering --------------------------------------------------------------------------------------------------------
def gather() -> int:
    """Index the changes since the last run, for everybody with many. Return the number of items read."""
    until = time.monotonic() + SECONDS
    _forget_deleted()
    count, most = _index_changes(MOST_CHANGES)
    while most and time.monotonic() < until:
        added, most = _index_changes(most)
        count += added
    for person in behind():
        added = AT_ONCE
        while added == AT_ONCE and time.monotonic() < until:
            added = _index_next(person)
            count += added
    return count


def _try_lock() -> bool:
    """Return whether no other transaction indexes, until this one ends. An uncommitted part of another transaction
    would not have the changes that this one deletes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('wfpush searched', 0))")
        return bool(cursor.fetchone()[0])


@transaction.atomic
def _forget_deleted() -> None:
    """Delete the parts of inboxes from which items were deleted. Their other items are indexed again."""
    if _try_lock():
        _run(
            "WITH deleted AS (DELETE FROM notifications_searchedanew WHERE inbox_id IS NOT NULL RETURNING inbox_id)"
            " DELETE FROM notifications_searchedpart WHERE recipient_id IN (SELECT inbox_id FROM deleted)"
        )


@transaction.atomic
def _index_changes(most: int) -> tuple[int, int]:
    """Index items that the first changes concern, for people who have parts. Return the number of items, and of changes
    to take next: fewer than `most` if these are too many items for one transaction, 0 if none are left."""
    changes = list(SearchedAnew.objects.filter(inbox_id=None).order_by("pk")[:most]) if _try_lock() else []
    if not changes:
        return 0, 0
    concerned = _conditions_for(changes)
    gathered = Notification.objects.filter(recipient__in=SearchedPart.objects.values("recipient"))
    items: dict[UUID, int] = {}
    for condition in concerned:
        items |= gathered.filter(condition).values_list("pk", "recipient")[: AT_ONCE + 1]
    if len(items) <= AT_ONCE:
        _replace(items, upto=0)
        _drop_small_parts(items.values())
    elif len(changes) > 1:
        return 0, len(changes) // 2
    else:  # then the items of these people are indexed from the first on, in several transactions
        for condition in concerned:
            recipients = Notification.objects.filter(condition).values("recipient")
            SearchedPart.objects.filter(recipient__in=recipients).delete()
    SearchedAnew.objects.filter(pk__in=[change.pk for change in changes]).delete()
    return min(len(items), AT_ONCE), min(2 * most, MOST_CHANGES) if len(changes) == most else 0


def _conditions_for(changes: Sequence[SearchedAnew]) -> list[Q]:
    """Return conditions for the items that changes concern, one by one, since each has an index."""
    cases, tasks, people = (
        [key for change in changes if (key := getattr(change, name)) is not None]
        for name in ("case_id", "task_id", "person_id")
    )
    return [Q(case__in=cases), Q(task__in=tasks), Q(task__initiator__in=people), Q(on_behalf_of__in=people)]


def behind() -> list[int]:
    """Return people with many changes that are not indexed, or some that have not been for long; most changes first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT person.id FROM notifications_recipient person"
            " LEFT JOIN notifications_searchedpart part ON part.recipient_id = person.id"
            " WHERE person.inbox_seq >= %(many)s GROUP BY person.id"
            " HAVING person.inbox_seq - COALESCE(max(part.upto), 0) >= %(many)s OR person.inbox_seq > max(part.upto)"
            " AND max(part.at) FILTER (WHERE part.upto > 0) <= now() - %(kept)s::interval"
            " ORDER BY person.inbox_seq - COALESCE(max(part.upto), 0) DESC",
            {"many": GATHERED_FROM, "kept": MAX_AGE},
        )
        return [pk for (pk,) in cursor.fetchall()]


@transaction.atomic
def _index_next(person: int) -> int:
    """Index the next items of a person. Return their number."""
    if not _try_lock():
        return 0
    _drop_small_parts([person])
    parts = SearchedPart.objects.filter(recipient=person)
    last = parts.aggregate(upto=Max("upto"))["upto"] or 0
    rows = Notification.objects.filter(recipient=person, seq__gt=last).order_by("seq").values_list("pk", "seq")
    items = dict(rows[:AT_ONCE])
    if not items:  # the items that had changed last were deleted
        parts.filter(upto=last).update(at=Now())
        return 0
    return _replace(dict.fromkeys(items, person), upto=max(items.values()))


# --- parts ------------------------------------------------------------------------------------------------------------
_TAKE_OUT = """
UPDATE notifications_searchedpart part SET (items, texts) = (
    SELECT COALESCE(array_agg(item), '{}'), COALESCE(array_agg(text), '{}')
    FROM unnest(part.items, part.texts) AS word(item, text) WHERE item <> ALL(%(items)s::uuid[])
)
WHERE recipient_id = ANY(%(people)s::bigint[])
AND EXISTS (SELECT 1 FROM unnest(part.items) AS item WHERE item = ANY(%(items)s::uuid[]))
"""
_EMPTIED = """
DELETE FROM notifications_searchedpart part WHERE recipient_id = ANY(%(people)s::bigint[]) AND items = '{}'
AND upto < (SELECT max(upto) FROM notifications_searchedpart other WHERE other.recipient_id = part.recipient_id)
"""
_INSERT = """
INSERT INTO notifications_searchedpart (recipient_id, upto, at, items, texts)
SELECT recipient_id, {upto}, now(), array_agg(id), array_agg(searched) FROM (
    SELECT item.*, (row_number() OVER (PARTITION BY recipient_id ORDER BY seq) - 1) / {part} AS place
    FROM ({rows}) AS item
) AS placed GROUP BY recipient_id, place RETURNING cardinality(items)
"""
_THIN = """
DELETE FROM notifications_searchedpart WHERE recipient_id IN (
    SELECT recipient_id FROM notifications_searchedpart WHERE recipient_id = ANY(%(people)s::bigint[])
    GROUP BY recipient_id HAVING count(*) > 4 * (sum(cardinality(items)) / %(part)s + 1)
)
"""


def _replace(items: dict[UUID, int], upto: int) -> int:
    """Index items by their keys, each with the key of its recipient, and remove their former text. Return the number of
    items that still exist."""
    params = {"items": [*items], "people": [*set(items.values())]}
    _run(_TAKE_OUT, params)
    _run(_EMPTIED, params)
    notifications = Notification.objects.filter(keys.among(Notification, items))
    rows = notifications.annotate(searched=searched_text()).values("id", "recipient_id", "seq", "searched")
    statement, values = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_INSERT.format(upto=int(upto), part=PART, rows=statement), values)
        return sum(count for (count,) in cursor.fetchall())


def _drop_small_parts(people: Collection[int]) -> None:
    """Delete the parts of people who have very small ones: their items are indexed again, in few large parts."""
    _run(_THIN, {"people": [*set(people)], "part": PART})


def _run(statement: str, params: dict[str, Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
