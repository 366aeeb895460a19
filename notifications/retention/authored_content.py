"""The person's own rows and texts: deleted, or emptied if other rows refer to them.

Their texts are repeated elsewhere: in notices and items of others, in data that engines send back. So the text of each
answer or message is removed from all rows of its task, or of its case, in which tasks pass texts on.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from notifications import reasons
from notifications.items import superseding
from notifications.models import (
    Attachment,
    AttachmentPiece,
    Callback,
    Case,
    Delivery,
    DeliveryState,
    Device,
    Event,
    Farewell,
    Notification,
    Recipient,
    RefusedAnswer,
    Response,
    Task,
    TaskContent,
    TaskMessage,
)
from notifications.retention import rules, scrubbing
from notifications.retention.columns import going, model_of, tables
from notifications.retention.models import Erasure
from notifications.retention.pruning import HELD, forget_addresses
from notifications.retention.scrubbing import Tally
from notifications.retention.search_terms import OMITTED, Terms
from wfpush.postgres import bulk

AT_ONCE = 20
"""Number of answers or messages of a batch: each has the rows of a case."""
PAGE = 500


# --- answers ----------------------------------------------------------------------------------------------------------
def take_out_answers(erasure: Erasure, terms: Terms, now: datetime) -> tuple[str, Tally]:
    rows = Response.objects.filter(recipient=erasure.person_id).prefetch_related("attachments")
    return _take_out(rows, _answer_texts, _empty_answers, erasure, terms, now)


def _answer_texts(row: Response) -> Iterator[str]:
    yield row.comment
    yield from _texts_in(row.variables)
    yield from _texts_in([entry.get("value") for entry in row.values])
    yield from (each.name for each in row.attachments.all())


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(each)


def _empty_answers(rows: Sequence[Response]) -> int:
    changed = [row for row in rows if row.variables or row.values or row.comment not in ("", OMITTED)]
    for row in changed:
        row.comment, row.variables, row.values = OMITTED if row.comment else "", {}, []
    bulk.update(changed, ["comment", "variables", "values"])
    _empty_callbacks(rows)
    return len(changed)


def _empty_callbacks(rows: Iterable[Response | TaskMessage]) -> None:
    """Empty the callbacks of these answers or messages, which have the same ids."""
    calls = list(Callback.objects.filter(pk__in=[row.pk for row in rows], due_at=None))
    for call in calls:
        call.body = without_words(call.body)
    bulk.update(calls, ["body"])


# --- messages ---------------------------------------------------------------------------------------------------------
def take_out_messages(erasure: Erasure, terms: Terms, now: datetime) -> tuple[str, Tally]:
    rows = TaskMessage.objects.filter(author=erasure.person_id).prefetch_related("attachments")
    return _take_out(rows, _message_texts, _empty_messages, erasure, terms, now)


def _message_texts(row: TaskMessage) -> Iterator[str]:
    yield row.text
    yield from (each.name for each in row.attachments.all())


def _empty_messages(rows: Sequence[TaskMessage]) -> int:
    for row in rows:
        row.text, row.key = OMITTED, ""
    bulk.update(rows, ["text", "key"])
    _empty_callbacks(rows)
    return len(rows)


def take_out_refused(erasure: Erasure, terms: Terms, now: datetime) -> tuple[str, Tally]:
    rows = RefusedAnswer.objects.filter(recipient=erasure.person_id)
    return _take_out(rows, lambda row: [row.comment], _empty_refused, erasure, terms, now)


def _empty_refused(rows: Sequence[RefusedAnswer]) -> int:
    for row in rows:
        row.comment = OMITTED if row.comment else ""
    bulk.update(rows, ["comment"])
    return len(rows)


# --- both -------------------------------------------------------------------------------------------------------------
def _take_out(rows: Any, texts_of: Any, empty: Any, erasure: Erasure, terms: Terms, now: datetime) -> tuple[str, Tally]:
    """Empty the next rows, except those of held cases and those that must still be sent to an engine."""
    rows = rows.order_by("pk").select_related("task__case")
    some = list((rows.filter(pk__gt=erasure.cursor) if erasure.cursor else rows)[:AT_ONCE])
    ids = [row.pk for row in some]
    held = set(rows.filter(rules.in_force("task__case"), pk__in=ids).values_list("pk", flat=True))
    waits = set(Callback.objects.filter(pk__in=ids, due_at__isnull=False).values_list("pk", flat=True)) - held
    eligible = [row for row in some if row.pk not in held and row.pk not in waits]
    tally = Tally(left=len(waits), held=len(held))
    phrases = [text for row in eligible for text in texts_of(row) if text != OMITTED]
    if any(text.strip() for text in phrases):
        tally.add(_take_out_of_cases([row.task for row in eligible], terms.with_phrases(phrases), now))
    tally.changed += empty(eligible) if eligible else 0
    return str(ids[-1]) if len(ids) == AT_ONCE else "", tally


def _take_out_of_cases(tasks: Sequence[Task], terms: Terms, now: datetime) -> Tally:
    """Clear the terms from all rows of these tasks and their cases. Lock order: case, task, people, items."""
    alone = [task.pk for task in tasks if task.case_id is None]
    cases = {task.case_id for task in tasks if task.case_id is not None}
    mine = Q(task__in=alone) | Q(task__case__in=cases)
    questions = Notification.objects.filter(addressed__message__task__in=[task.pk for task in tasks])
    scope: list[Any] = [
        Case.objects.filter(pk__in=cases),
        Task.objects.filter(Q(pk__in=alone) | Q(case__in=cases)),
        Notification.objects.filter(mine | Q(case__in=cases)),
        questions,
        Delivery.objects.filter(Q(notification__task__in=alone) | Q(notification__case__in=cases)),
        Event.objects.filter(Q(task__in=alone) | Q(case__in=cases)),
        TaskContent.objects.filter(mine),
        TaskMessage.objects.filter(mine),
        Response.objects.filter(mine),
        Callback.objects.filter(mine),
    ]
    tally = Tally()
    for rows in scope:
        columns = tables()[rows.model._meta.label_lower]
        for some in _pages(rows):
            page_tally = scrubbing.take_out(rows.model, columns, some, terms, now)
            tally.changed += page_tally.changed  # held rows, and others left, are counted with their table
            tally.left += page_tally.left
    return tally


def _pages(rows: Any) -> Iterator[list[Any]]:
    last: Any = None
    while some := list(
        (rows.filter(pk__gt=last) if last else rows).order_by("pk").distinct().values_list("pk", flat=True)[:PAGE]
    ):
        yield some
        last = some[-1]


# --- files ------------------------------------------------------------------------------------------------------------
def empty_files(erasure: Erasure, terms: Terms, now: datetime) -> tuple[str, Tally]:
    """Delete the bytes of the person's files. The file itself stays in messages and answers."""
    rows = Attachment.objects.filter(uploader=erasure.person_id).order_by("pk")
    some = list((rows.filter(pk__gt=erasure.cursor) if erasure.cursor else rows)[:AT_ONCE])
    ids = [row.pk for row in some]
    paths = tables()["notifications.attachment"].case or ""
    held = set(rows.filter(rules.in_force(paths), pk__in=ids).values_list("pk", flat=True))
    waits = set(Callback.objects.filter(due_at__isnull=False, pk__in=_used_by(some)).values_list("pk", flat=True))
    eligible = [row for row in some if row.pk not in held and waits.isdisjoint(_used_by([row]))]
    AttachmentPiece.objects.filter(attachment__in=[row.pk for row in eligible]).delete()
    for row in eligible:
        row.name, row.type, row.sha256, row.size = OMITTED, "text/plain", "", 0
    bulk.update([row for row in eligible if row.is_used], ["name", "type", "sha256", "size"])
    Attachment.objects.filter(pk__in=[row.pk for row in eligible if not row.is_used]).delete()
    left = len(some) - len(eligible) - len(held)
    return str(ids[-1]) if len(ids) == AT_ONCE else "", Tally(len(eligible), left, len(held))


def _used_by(rows: Iterable[Attachment]) -> set[Any]:
    """Return the keys of the files' answers and messages, which are also those of their callbacks."""
    return {key for row in rows for key in (row.message_id, row.response_id) if key is not None}


EMPTIED = {"comment": OMITTED, "variables": {}, "types": {}, "attachments": []}
"""Members of an answer's event, with their values after erasure."""


def without_words(body: str) -> str:
    event = json.loads(body)
    data = event.get("data")
    if not isinstance(data, dict):
        return body
    for name, value in EMPTIED.items():
        if data.get(name):
            data[name] = value
    message = data.get("message")
    if isinstance(message, dict):
        message["text"] = OMITTED
        message["attachments"] = []
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def remove_rows(erasure: Erasure, terms: Terms, now: datetime) -> tuple[str, Tally]:
    """Delete the next rows of the person. `cursor` is the number of the current kind of rows."""
    number = int(erasure.cursor or 0)
    references = going()
    label, field = references[number]
    model = model_of(label)
    ids = list(
        model._base_manager.filter(**{field: erasure.person_id}).values_list("pk", flat=True)[: scrubbing.AT_ONCE]
    )
    removed = model._base_manager.filter(pk__in=ids).delete()[0] if ids else 0
    following = number if len(ids) == scrubbing.AT_ONCE else number + 1
    return str(following) if following < len(references) else "", Tally(changed=removed)


def empty_history(erasure: Erasure, terms: Terms, now: datetime) -> tuple[str, Tally]:
    """Empty the history of the person and devices; a last message to a device keeps its address until it is sent."""
    people = Recipient.history.filter(id=erasure.person_id).exclude(ref=terms.token, name="", email="", phone="")
    values = {"ref": terms.token, "name": "", "email": "", "phone": "", "locale": "en", "timezone": ""}
    device_history = Device.history.filter(recipient=erasure.person_id).exclude(digest="")
    changed = _wipe(people, **values) + _wipe(device_history, name="", digest="", sender="", platform="", language="")
    more = people.exists() or device_history.exists()
    left = 0 if more else Farewell.objects.filter(recipient=erasure.person_id).count()
    return "more" if more else "", Tally(changed, left)


def _wipe(rows: Any, **values: str) -> int:
    some = list(rows.values_list("pk", flat=True)[: scrubbing.AT_ONCE])
    return int(rows.model.objects.filter(pk__in=some).update(**values))


def end_messages(erasure: Erasure, terms: Terms, now: datetime) -> tuple[str, Tally]:
    """Supersede unsent messages to the person, and remove the addresses of sent ones."""
    rows = Delivery.objects.filter(recipient=erasure.person_id).order_by("pk")
    rows = rows.filter(pk__gt=erasure.cursor) if erasure.cursor else rows
    some = list(rows.select_related("notification")[: scrubbing.AT_ONCE])
    ids = [row.pk for row in some]
    held = set(Delivery.objects.filter(rules.in_force(HELD), pk__in=ids).values_list("pk", flat=True))
    pending = {row.notification_id for row in some if row.state == DeliveryState.PENDING}
    if pending:
        superseding.supersede(sorted(pending), reasons.PERSON_INACTIVE(), now)
    changed = forget_addresses([pk for pk in ids if pk not in held])
    return str(ids[-1]) if len(ids) == scrubbing.AT_ONCE else "", Tally(changed, held=len(held))


def end_sessions(erasure: Erasure, terms: Terms, now: datetime) -> tuple[str, Tally]:
    cursor, removed = scrubbing.end_sessions(erasure.cursor, erasure.person.user_id, erasure.person_id)
    return cursor, Tally(changed=removed)
