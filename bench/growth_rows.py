"""`python -m bench.growth_rows make COUNT [SECONDS]`: so many items of 2,000 people, so many seconds apart, with all
that belongs to them, like one that is there. `… pages`: milliseconds of lists and pages, by name, and plans.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from statistics import median
from typing import Any
from urllib.parse import urlencode, urlsplit

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wfpush.settings")
    django.setup()

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bench.growth import DESK, INBOX, OVERVIEW, TRACE
from bench.growth_plans import plan_of
from bench.harness import Json
from notifications.items import gathered
from notifications.models import Event, Notification, Recipient, RecipientToken, TemplateVersion
from wfpush.crypto import digest_of

PEOPLE = 2_000
CHUNK = 50_000
ROUNDS = 5
TOKEN = "wfr_growth"
OPEN_OF = 100
"""One of so many items waits for an answer; the others were done."""
BUSIEST = 50
"""One of so many items is of the first person, who has more than anybody else."""

_ID = "(lpad(to_hex(1700000000000 + n), 12, '0') || '7{kind}8000' || lpad(to_hex(n), 12, '0'))::uuid"
"""Times of their own for each item, before all that follow."""

_ROWS = """
INSERT INTO notifications_{table} SELECT made.*
FROM notifications_{table} pattern, generate_series(%(first)s, %(last)s) n,
LATERAL jsonb_populate_record(pattern, jsonb_build_object({values})) made WHERE {only}
"""
_EVENT, _TASK, _ITEM = (_ID.format(kind=kind) for kind in ("001", "002", "003"))
_PERSON = "%(person)s + CASE WHEN n %% %(busiest)s = 1 THEN 0 ELSE n %% %(people)s END"
_SEQ = (
    "CASE WHEN n %% %(busiest)s = 1 THEN 2 * (n / %(busiest)s) + 1 WHEN n %% %(people)s = 0"
    " THEN 2 * (n / %(busiest)s) + 2 ELSE n / %(people)s + 1 END"
)
"""Each person's own numbers. The first person has items in two ways."""
_AT = "now() - interval '1 second' * %(apart)s * ((%(count)s - n) %% 30000000)"
_SENT = _ID.format(kind="00' || pattern.place || '")
_TABLES: dict[str, dict[str, str]] = {
    "case": {"id": "1000000 + n", "case_id": "'grown-' || n", "updated_at": _AT},
    "event": {
        "id": _EVENT,
        "event_id": "'grown-' || n",
        "source": "'growth'",
        "case_id": "1000000 + n",
        "task_id": _TASK,
        "group": "''",
    },
    "task": {
        "id": _TASK,
        "task_id": "'grown-' || n",
        "case_id": "1000000 + n",
        "assigned_event_id": _EVENT,
        "assignee_id": _PERSON,
        "state": "CASE WHEN n %% %(open_of)s = 0 THEN 'open' ELSE 'completed' END",
        "updated_at": _AT,
    },
    "notification": {
        "id": _ITEM,
        "recipient_id": _PERSON,
        "seq": _SEQ,
        "event_id": _EVENT,
        "task_id": _TASK,
        "case_id": "1000000 + n",
        "state": "CASE WHEN n %% %(open_of)s = 0 THEN 'open' ELSE 'withdrawn' END",
        "read_at": "CASE WHEN n %% %(open_of)s = 0 THEN NULL ELSE now() END",
        "created_at": _AT,
        "updated_at": _AT,
    },
}
DELIVERIES = 5
"""Of each item: people have several devices."""
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


def make(count: int, apart: int = 1) -> None:
    first = Recipient.objects.bulk_create(Recipient(ref=f"grown-up-{n}", name=f"Person {n}") for n in range(PEOPLE))
    pattern = Notification.objects.select_related("event").get(event__source="pattern")
    known = {
        "person": first[0].pk,
        "people": PEOPLE,
        "open_of": OPEN_OF,
        "busiest": BUSIEST,
        "count": count,
        "apart": apart,
        "deliveries": DELIVERIES,
        "pattern": pattern.event_id,
    }
    only = {"case": pattern.case_id, "event": pattern.event_id, "task": pattern.task_id, "notification": pattern.pk}
    for start in range(0, count, CHUNK):
        bounds = {"first": start, "last": min(start + CHUNK, count) - 1}
        with transaction.atomic(), connection.cursor() as cursor:  # an event and its task name each other
            for table, values in _TABLES.items():
                said = ", ".join(f"'{name}', {value}" for name, value in values.items())
                cursor.execute(
                    _ROWS.format(table=table, values=said, only="pattern.id = %(only)s"),
                    {**known, **bounds, "only": only[table]},
                )
            cursor.execute(
                _DELIVERIES.format(event=_EVENT, item=_ITEM, person=_PERSON, sent=_SENT), {**known, **bounds}
            )
        sys.stderr.write(f"{bounds['last'] + 1:,} of {count:,}\n")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE notifications_recipient r SET inbox_seq = found.most FROM (SELECT recipient_id, max(seq) AS most"
            " FROM notifications_notification GROUP BY 1) found WHERE r.id = found.recipient_id"
        )
        cursor.execute("VACUUM ANALYZE")
    while gathered.behind():  # once a minute by a schedule
        gathered.gather()


def pages() -> Json:
    """Milliseconds of each page, and how PostgreSQL found what the inbox shows."""
    person = Recipient.objects.get(ref="grown-up-0")
    later = timezone.now() + timedelta(days=1)
    RecipientToken.objects.create(recipient=person, label="growth", digest=digest_of(TOKEN), expires_at=later)
    boss = User.objects.create_superuser("growth")
    here = urlsplit(settings.BASE_URL).netloc
    app, desk = Client(HTTP_HOST=here, HTTP_AUTHORIZATION=f"Bearer {TOKEN}"), Client(HTTP_HOST=here)
    desk.force_login(boss, "notifications.signing_in.AccountBackend")
    event = Event.objects.filter(source="growth").latest("id")
    person.user = User.objects.create_user("grown-up")
    person.save(update_fields=["user"])
    inbox = Client(HTTP_HOST=here)
    inbox.force_login(person.user, "notifications.signing_in.AccountBackend")
    own = Notification.objects.filter(recipient=person)
    kind, case = own.values_list("task__kind", "case__case_id").earliest("created_at")
    searched = {
        "as it opens": "",
        "done, the last page": f"?tab=done&page={own.filter(state='withdrawn').count() // 50}",
        "everything, by kind of task": f"?tab=all&kind={kind}",
        "filters with their numbers": "?tab=all&filters=1",
        "a word that all have": "?tab=all&q=approve",
        "page 100 of a word that all have": "?tab=all&q=approve&page=100",
        "a word that none has": "?tab=all&q=nowhere",
        "the id of a case": f"?tab=all&q={case}",
        "words, an amount and a name": "?tab=all&q=approve+1%2C200.50+nobody",
    }
    shown = {f"{INBOX}{name}": partial(inbox.get, f"/{query}") for name, query in searched.items()}
    milliseconds = {
        **{name: _milliseconds(get) for name, get in shown.items()},
        "The API's first page of an inbox": _milliseconds(lambda: app.get("/api/v1/notifications")),
        **{name: _milliseconds(partial(desk.get, url)) for name, url in desk_pages(event).items()},
    }
    return {"milliseconds": milliseconds, "plans": {name: plan_of(get) for name, get in shown.items()}}


def desk_pages(event: Event) -> dict[str, str]:
    """Name to address: the overview, an event's trace, every list and its search, and the search over all of them."""
    pages = {OVERVIEW: reverse("admin:index"), TRACE: _desk("event", "change", event.pk)}
    pages[f"{DESK}a task's page"] = _desk("task", "change", event.task_id)
    pages[f"{DESK}a case's page"] = _desk("case", "change", event.case_id)
    for words in (event.event_id, "approve 1000", "person 7"):
        pages[f"{DESK}search for “{words}”"] = f"{reverse('admin:search')}?{urlencode({'q': words})}"
    for model, listed in admin.site._registry.items():
        if model is TemplateVersion:  # on their template's page
            continue
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        name = f"{DESK}list of {model._meta.verbose_name_plural}"
        pages[name] = address
        if listed.get_search_fields(HttpRequest()):
            pages[f"{name}, an id"] = f"{address}?q={event.event_id}"
            pages[f"{name}, a word"] = f"{address}?q=Approve"
    return pages


def _desk(model: str, page: str, pk: Any) -> str:
    return reverse(f"admin:notifications_{model}_{page}", args=[pk])


def _milliseconds(get: Callable[[], object]) -> float:
    """The median. Raises AssertionError if a page does not open."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer = get()
        took.append((time.perf_counter() - began) * 1_000)
        assert getattr(answer, "status_code", 0) == 200, answer
    return median(took)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(*map(int, sys.argv[2:]))
    else:
        sys.stdout.write(json.dumps(pages()))
