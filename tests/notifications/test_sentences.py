"""What 0.2.0 kept as English sentences: migrations make facts of it that say the same, also in German."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.models import JSONField, Model, Value
from django.utils import timezone, translation

from escalations import reasons as of_steps
from escalations.models import Escalation, Policy, Rules, StepRun
from notifications import reasons
from notifications.models import Event, Notification, PausedService
from notifications.reasons import CODES, Reason, joined, of, said
from tests.factories import EventFactory, NotificationFactory, TaskFactory

sentences = import_module("notifications.migrations.0013_sentences_to_facts")
clocks = import_module("escalations.migrations.0004_sentences_to_facts")
texts = import_module("notifications.migrations.0022_rows_of_former_releases")

REWORDED = {
    "after_others", "appworks_elsewhere", "appworks_left_alone", "appworks_not_a_user_name", "before_the_task",
    "email_not_taken", "engine_told", "fcm_key_of_apple", "fcm_not_taken", "fcm_wrong_message", "fits_all",
    "given_away", "http_broken_off", "http_refused", "managers_in_circle", "named_by_route", "no_policy",
    "no_team_to_lead", "overtaken", "person_gone", "replaced", "stopped_by", "team_gone", "too_old",
    "waits_for_service", "webpush_elsewhere",
}  # fmt: skip
"""Codes of facts that are worded otherwise by now than the sentences were."""
NAMES = {"reason": reasons.ASSIGNEE(), "why": of_steps.NOBODY_ELSE(), "priority": reasons.LABEL(text="urgent")}


@pytest.mark.parametrize(("code", "form"), sentences.FORMS)
def test_every_sentence_is_found_again(code: str, form: str) -> None:
    told = {name: NAMES.get(name, "Ute 7") for name in sentences.PLACEHOLDER.findall(form)}
    sentence = form % {name: str(value) for name, value in told.items()}

    assert sentences.fact_of(sentence) == CODES[code](**told).as_json()
    assert (str(of(sentences.fact_of(sentence))) == sentence) != (code in REWORDED)


@pytest.mark.parametrize(("text", "code"), clocks.ENDS.items())
def test_how_clocks_ended(text: str, code: str) -> None:
    assert clocks.end(text) == [{"code": code}]
    assert (str(CODES[code]()) == text) != (code in REWORDED)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("550 5.1.1 no such user; sorry", said("550 5.1.1 no such user; sorry")),
        ("push.example asks to wait: 429", reasons.ASKS_TO_WAIT(service="push.example", words="429")),
        (
            "The AppWorks Gateway asks to wait: 429; later",
            reasons.ASKS_TO_WAIT(service=CODES["appworks_gateway"](), words="429; later"),
        ),
        ("answered", reasons.LABEL(text="answered")),
        (
            "Ann has no manager; the wires are cut",
            joined([of_steps.NO_MANAGER(name="Ann"), said("the wires are cut")]),
        ),
        (
            "delegate of Bob (fallback owner: team Audit has no lead; Ann has no manager)",
            reasons.DELEGATE(
                name="Bob",
                reason=reasons.FALLBACK(why=joined([of_steps.NO_LEAD(name="Audit"), of_steps.NO_MANAGER(name="Ann")])),
            ),
        ),
    ],
)
def test_several_nested_and_foreign_ones(text: str, reason: Reason) -> None:
    assert of(sentences.fact_of(text)) == reason
    assert str(reason) == text


# --- in the database --------------------------------------------------------------------------------------------------
def write(row: Model, **texts: str) -> None:
    """Set columns that have no field any more, and no fact beside the text."""
    with connection.cursor() as cursor:
        for column, text in texts.items():
            sql = f"UPDATE {row._meta.db_table} SET {column} = %s, {column}_fact = NULL WHERE id = %s"
            cursor.execute(sql, [text, row.pk])


def as_0_2_0_left_it() -> tuple[Notification, Event, Escalation, StepRun]:
    plan: dict[str, Any] = {
        "routes": [{"route": 1, "name": "R", "matched": False, "reason": "not for task.assigned"}],
        "recipients": [
            {"name": "Bob", "reason": "assignee", "channels": [{"channel": "email", "reason": ""}]},
        ],
        "unresolved": [{"ref": "x", "reason": "unknown"}],
        "notes": [],
    }
    event = EventFactory()
    Event.objects.filter(pk=event.pk).update(plan=Value(plan, JSONField()))  # as it was stored then
    copy = NotificationFactory(event=event)
    write(copy, reason="member of team Finance")
    policy = Policy.objects.create(name="A: b", time="wall")
    rules = Rules.objects.create(digest="x", data={"name": "A: b"})
    task, now = TaskFactory(engine=event.engine, case=None, task_id="T-clock"), timezone.now()
    clock = Escalation.objects.create(
        task=task,
        policy=policy,
        rules=rules,
        state="closed",
        started_at=now,
        deadline=now,
        ended_at=now,
    )
    write(clock, why="A: b: it fits every task", end_reason="answered")
    told = [{"name": "Carol", "reason": "manager of Bob", "channels": []}]
    run = StepRun.objects.create(
        escalation=clock, rules=rules, step=1, due_at=now, ran_at=now, result="done", told=told
    )
    write(run, why="Ann has no lead")
    return copy, event, clock, run


@pytest.mark.django_db(transaction=True)
def test_what_is_kept_reads_as_before_in_both_languages() -> None:
    rows = copy, event, clock, run = as_0_2_0_left_it()

    for _ in range(2):  # again where it was interrupted
        for migration in (sentences, clocks):
            migration.carry_over(None, SimpleNamespace(connection=connection))
    for row in rows:
        row.refresh_from_db()

    read = [
        reasons.read(copy),
        *(reasons.read(each) for name in ("routes", "recipients", "unresolved") for each in event.plan[name]),
        reasons.read(clock, "why"),
        reasons.read(clock, "end_reason"),
        reasons.read(run, "why"),
        reasons.read(run.told[0]),
    ]
    assert [str(each) for each in read] == [
        "member of team Finance",
        "not for task.assigned",
        "assignee",
        "unknown",
        "A: b: it matches every task",
        "answered",
        "Ann has no lead",
        "manager of Bob",
    ]
    with translation.override("de"):
        assert [each.words() for each in read] == [
            "Mitglied des Teams Finance",
            "nicht für task.assigned",
            "zugewiesen",
            "unbekannt",
            "A: b: sie passt zu jeder Aufgabe",
            "beantwortet",
            "Ann has no lead",
            "Vorgesetzte Person von Bob",
        ]
    assert event.plan["recipients"][0]["channels"] == [{"channel": "email", "reason": "", "reason_fact": None}]


@pytest.mark.django_db(transaction=True)
def test_what_has_a_text_alone_gets_a_fact() -> None:
    now, fact = timezone.now(), reasons.NO_ANSWER().as_json()
    known, foreign, _ = (
        PausedService.objects.create(channel="email", service=name, reason_fact=fact, paused_at=now, until=now)
        for name in ("a", "b", "c")
    )
    write(known, reason="The mail server refuses it: 550 sorry")
    write(foreign, reason="OperationalError: gone")

    for _ in range(2):  # again where it was interrupted
        texts.add_facts(None, SimpleNamespace(connection=connection))

    assert list(PausedService.objects.order_by("service").values_list("reason_fact", flat=True)) == [
        {"code": "email_refused", "words": "550 sorry"},
        said("OperationalError: gone").as_json(),
        fact,
    ]
