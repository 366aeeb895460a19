"""A fresh installation, before anybody opens the admin: every event says something sensible to the right people."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from notifications import starter
from notifications.models import (
    Category,
    Engine,
    Event,
    EventStatus,
    EventType,
    EventVariable,
    Notification,
    Route,
    RouteTarget,
    Template,
    TemplateAction,
    TemplateFact,
    TemplateText,
    TemplateVersion,
)
from notifications.routing import pipeline
from notifications.routing.route import match
from notifications.starter.samples import FIELD_WORK, SAMPLES
from notifications.starter.templates import IN_MAILS, LANGUAGES, TEMPLATES, names_in
from notifications.types import BEHAVIOURS, Json
from notifications.wording.render import Rendering, actions_of, render
from notifications.wording.template_check import check
from tests.factories import RecipientFactory
from tests.support.story import Story

pytestmark = pytest.mark.django_db

CLOSING = ("task.completed", "task.cancelled")
"""Events that withdraw copies: they need no words of their own."""

MILESTONES = ("submitted", "under_review", "approved", "rejected", "completed", "on_hold")
REQUEST_STEPS = ("received", "assigned", "updated", "completed", "on_hold")


@pytest.fixture(autouse=True)
def fresh() -> None:
    """As a migration leaves the database."""
    starter.ensure(apps)


def moved(name: str, status: str, **more: Any) -> Json:
    return {**SAMPLES[name], "case": {**SAMPLES[name]["case"], "status": status}, **more}


def stories() -> dict[str, tuple[str, Json]]:
    """A name, and the type and data of an event."""
    told = {name: (name, data) for name, data in SAMPLES.items() if name not in (*CLOSING, "task.message")}
    told["field work"] = ("task.assigned", FIELD_WORK)
    told["a bare task"] = ("task.assigned", {"task": {"id": "T-1", "name": "Look at this", "assignee": "bob"}})
    told["an exception without words"] = (
        "exception.raised",
        {"exception": {"code": "no_route"}, "task": {"id": "T-1"}},
    )
    told["an escalation of nobody's"] = ("task.escalated", {"task": {"id": "T-1"}})
    late = SAMPLES["task.escalation_raised"]
    told["a late reminder"] = ("task.escalation_raised", late)
    told["a reminder"] = ("task.escalation_raised", late | {"escalation": late["escalation"] | {"overdue": False}})
    told["a step without a date"] = ("task.escalation_raised", {"task": {"id": "T-1"}, "escalation": {}})
    told["something else"] = ("com.acme.archived", {"recipients": ["alice"]})
    told["something else with words"] = ("com.acme.archived", {"recipients": ["alice"], "title": "T", "message": "M"})
    told["something about a case"] = ("com.acme.archived", {"case": {"id": "4711", "title": "Invoice 4711"}})
    for status in MILESTONES:
        told[f"case {status}"] = ("case.status_changed", moved("case.status_changed", status, message="By Friday."))
    for status in REQUEST_STEPS:
        told[f"request {status}"] = ("request.status_changed", moved("request.status_changed", status, message="Soon."))
    told["a case without a title"] = (
        "case.status_changed",
        {"case": {"id": "4711", "title": "", "status": "approved"}},
    )
    return told


STORIES = stories()
OF_STEPS = {
    "task.escalation_raised": "task-late",
    "a reminder": "task-reminder",
    "a late reminder": "task-reminder",
    "a step without a date": "task-reminder",
}
ODD = re.compile(r"[{}_\[]|  | [,.:!?)]|\(\)|\.\.|\bnil\b|None")
"""What a sentence has that went wrong."""


def worded(story: str, language: str, channel: str = "live") -> tuple[Route, Rendering]:
    """By the route that tells of it; of a step of an SLA policy, which no route tells of, by the template for it."""
    name, data = STORIES[story]
    event = Event(type=name, source="invoices", subject="4711", data=data, engine=Engine(name="Invoices"))
    about = {"id": "e-1", "type": name, "source": "invoices", "subject": "4711", "engine": "Invoices", "time": None}
    facts = {**data, "event": about, "brand": {"name": "Acme", "contact": "help@acme.example"}}
    if story in OF_STEPS:
        route = Route(template=Template.objects.get(slug=OF_STEPS[story]))
    else:
        route = next(tried.route for tried in match(event, facts) if tried.matched)
    version = route.template.versions.get(state="published")
    return route, render(version, language, channel, facts, timezone="Europe/Berlin")


# --- it is all there -----------------------------------------------------------------------------------------
def counts() -> dict[str, int]:
    kinds = (
        Category,
        EventType,
        EventVariable,
        Template,
        TemplateVersion,
        TemplateText,
        TemplateAction,
        TemplateFact,
        Route,
        RouteTarget,
    )
    return {kind.__name__: kind._default_manager.count() for kind in kinds}


def test_doing_it_again_changes_nothing() -> None:
    before = counts()

    starter.ensure(apps)

    assert counts() == before
    assert before["Category"] == 5
    assert before["Template"] == len(TEMPLATES)
    assert before["TemplateText"] == len(LANGUAGES) * (len(TEMPLATES) + len(IN_MAILS))
    assert before["TemplateFact"] == sum(len(seed.facts) for seed in TEMPLATES) > 0


def test_what_an_administrator_changed_stays() -> None:
    Route.objects.filter(name="Tasks").update(enabled=False)
    Template.objects.get(slug="task").versions.get().texts.filter(language="de").delete()
    Category.objects.filter(slug="approvals").update(name="Decisions")

    starter.ensure(apps)

    assert not Route.objects.get(name="Tasks").enabled
    assert Template.objects.get(slug="task").versions.get().texts.count() == len(LANGUAGES) - 1
    assert Category.objects.get(slug="approvals").name == "Decisions"


def test_it_runs_in_a_migration_too() -> None:
    for kind in (Route, Template, EventType, Category):
        kind._default_manager.all().delete()
    state = MigrationLoader(connection).project_state(("notifications", "0001_initial"))

    starter.ensure(state.apps)

    assert set(Route.objects.get(name="Field work").event_types.values_list("name", flat=True)) == {
        "task.assigned", "task.updated", "task.info_supplied",
    }  # fmt: skip
    assert Template.objects.get(slug="task").versions.get().published_at is not None


def test_every_behaviour_has_its_event_type_with_variables_and_a_sample() -> None:
    names = set(EventType.objects.exclude(sample={}).filter(variables__isnull=False).values_list("name", flat=True))

    assert names == {*BEHAVIOURS, "task.info_requested", "task.escalation_raised"}


@pytest.mark.parametrize("template", [seed.slug for seed in TEMPLATES])
def test_nothing_is_wrong_with_the_templates(template: str) -> None:
    assert check(TemplateVersion.objects.get(template__slug=template)) == []


def test_everything_has_a_name_and_its_words_in_every_language_of_the_pages() -> None:
    languages = [code for code, _name in settings.LANGUAGES]

    assert list(LANGUAGES) == languages, "notifications/starter/texts/ has a folder for each language in locale/"
    for category in Category.objects.all():
        said = [names_in(language).categories[category.slug] for language in languages]
        assert all(said)
        assert {languages[0]: category.name, **category.names} == dict(zip(languages, said, strict=True))
    labelled = [*TemplateAction.objects.all(), *TemplateFact.objects.all()]
    assert all(set(rule.labels) == {*languages} and all(rule.labels.values()) for rule in labelled)


def test_personal_data_is_marked_sensitive_and_what_decides_an_approval_is_not() -> None:
    of_tasks = EventType.objects.get(name="task.assigned").variables
    sensitive = set(of_tasks.filter(sensitive=True).values_list("path", flat=True))

    assert {"customer.name", "customer.phone", "location.address", "task.description"} <= sensitive
    assert not {"variables.amount", "task.name", "case.title"} & sensitive


# --- how it reads --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("story", STORIES)
def test_every_event_reads_well(story: str) -> None:
    for language in LANGUAGES:
        _, said = worded(story, language)

        assert said.warnings == ()
        assert said.language == language
        for text in (said.title, said.body, said.short_body):
            assert text
            assert "—" not in text
            plain = text.replace("(missing_po)", "(code)")
            assert not ODD.search(re.sub(r"[ \u00a0](?=[:?!])", "", plain) if language == "fr" else plain)
        assert said.title == said.title[0].upper() + said.title[1:]
        assert not said.title.endswith(".")
        assert re.search(r"[.!?”“»:)\w]$", said.body)


@pytest.mark.parametrize(
    ("story", "language", "member", "words"),
    [
        ("task.assigned", "en", "title", "Approve invoice 4711"),
        ("task.assigned", "en", "body", "Office furniture for the new floor, as agreed in October."),
        ("task.assigned", "en", "short_body", "Your approval is needed: Invoice 4711."),
        ("task.assigned", "de", "short_body", "Ihre Genehmigung wird gebraucht: Invoice 4711."),
        ("task.assigned", "fr", "short_body", "Votre approbation est requise\u00a0: Invoice 4711."),
        ("task.assigned", "es", "short_body", "Se necesita su aprobación: Invoice 4711."),
        ("case on_hold", "fr", "title", "Invoice 4711\u00a0: maintenant «\u00a0on hold\u00a0»"),
        ("request received", "es", "title", "Hemos recibido su solicitud «Broken heating»"),
        ("exception.raised", "en", "title", "Invoice 4711: The purchase order is missing"),
        (
            "exception.raised",
            "en",
            "short_body",
            "Next step: Ask purchasing for the order number, or reject the invoice.",
        ),
        ("field work", "de", "short_body", "Neuer Einsatz: Inspection 301."),
    ],
)
def test_it_is_spoken_as_it_is_written(story: str, language: str, member: str, words: str) -> None:
    assert getattr(worded(story, language)[1], member) == words


def test_bodies_say_where_whom_and_what_next() -> None:
    problem, work = worded("exception.raised", "en")[1].body, worded("field work", "de")[1].body

    assert "Case: 4711\nProblem: The purchase order is missing (missing_po)\nNext step: Ask purchasing" in problem
    assert "Maximilianstraße 12, 80539 München, bei Erin Lindner (+49 89 5550 1234)" in work
    assert "2 Dokumente gehören dazu." in work


@pytest.mark.parametrize(
    ("status", "english", "german"),
    [
        ("submitted", "Invoice 4711 has been submitted", "Invoice 4711 wurde eingereicht"),
        ("under_review", "Invoice 4711 is under review", "Invoice 4711 wird geprüft"),
        ("approved", "Invoice 4711 has been approved", "Invoice 4711 wurde genehmigt"),
        ("rejected", "Invoice 4711 has been rejected", "Invoice 4711 wurde abgelehnt"),
        ("completed", "Invoice 4711 is completed", "Invoice 4711 ist abgeschlossen"),
        ("on_hold", "Invoice 4711 is now “on hold”", "Invoice 4711 ist jetzt „on hold“"),
    ],
)
def test_milestones_are_said_in_words(status: str, english: str, german: str) -> None:
    assert [worded(f"case {status}", language)[1].title for language in ("en", "de")] == [english, german]


@pytest.mark.parametrize(
    ("status", "english", "german"),
    [
        (
            "received",
            "We have received your request “Broken heating”",
            "Wir haben Ihre Anfrage „Broken heating“ erhalten",
        ),
        ("assigned", "We are working on your request “Broken heating”", "Wir bearbeiten Ihre Anfrage „Broken heating“"),
        ("updated", "News about your request “Broken heating”", "Neues zu Ihrer Anfrage „Broken heating“"),
        ("completed", "Your request “Broken heating” is completed", "Ihre Anfrage „Broken heating“ ist erledigt"),
    ],
)
def test_customers_are_told_kindly_and_by_the_brand(status: str, english: str, german: str) -> None:
    told = [worded(f"request {status}", language)[1] for language in ("en", "de")]

    assert [each.title for each in told] == [english, german]
    assert not any(word in each.body for each in told for word in ("Hello", "Guten Tag", "regards", "Grüße"))
    english_mail, german_mail = (worded(f"request {status}", language, "email")[1].body for language in ("en", "de"))
    assert english_mail.startswith("Hello,\n\n")
    assert english_mail.endswith("Kind regards\nAcme")
    assert german_mail.startswith("Guten Tag,\n\n")
    assert "So erreichen Sie uns: help@acme.example" in german_mail


def test_an_approval_offers_its_answers_with_their_rules() -> None:
    version = TemplateVersion.objects.get(template__slug="task")
    offered = ["acknowledge", "approve", "reject", "request_info", "complete", "resolve"]

    assert [(each.title, each.comment) for each in actions_of(version, "de", offered)] == [
        ("Zur Kenntnis nehmen", "none"),
        ("Genehmigen", "optional"),
        ("Ablehnen", "required"),
        ("Rückfrage stellen", "required"),
        ("Als erledigt melden", "optional"),
        ("Als gelöst melden", "optional"),
    ]


# --- whom it reaches -----------------------------------------------------------------------------------------
def told(event: Event) -> dict[str, str]:
    """Person to the title they read."""
    return {
        row.recipient.ref: row.title for row in Notification.objects.filter(event=event).select_related("recipient")
    }


@pytest.fixture
def story() -> Story:
    return Story.begin()


def test_a_task_reaches_its_people(story: Story) -> None:
    assert told(story.assign("T-1", assignee="bob", teams=["finance"])) == {"bob": "Approve invoice 4711"}
    assert set(told(story.assign("T-2", candidates=["alice"], teams=["finance"]))) == {"alice", "bob", "carol"}


@pytest.mark.parametrize(
    ("kind", "category", "route"),
    [
        ("approval", "approvals", "Tasks"),
        ("review", "approvals", "Tasks"),
        ("exception", "incidents", "Exceptions that need a person"),
        ("field", "field-work", "Field work"),
        ("", "approvals", "Tasks"),
    ],
)
def test_the_kind_of_a_task_decides_its_category(story: Story, kind: str, category: str, route: str) -> None:
    story.assign("T-1", kind=kind)

    copy = story.copy(story.bob, "T-1")
    assert (copy.category.slug, copy.route and copy.route.name) == (category, route)


def test_an_escalation_reaches_lead_and_manager(story: Story) -> None:
    story.assign("T-1", assignee="alice", teams=["finance"])

    escalated = story.happen("task.escalated", {"task": {"id": "T-1"}}, minute=60)

    title = "“Approve invoice 4711” has waited too long"
    assert told(escalated) == {"bob": title, "carol": title}


def test_an_exception_reaches_its_teams_and_so_does_its_end(story: Story) -> None:
    raised = story.happen("exception.raised", SAMPLES["exception.raised"])
    resolved = story.happen("exception.resolved", SAMPLES["exception.resolved"])

    assert set(told(raised)) == set(told(resolved)) == {"bob", "carol"}


def test_a_milestone_reaches_recipients_and_followers(story: Story) -> None:
    story.happen("case.status_changed", {"case": {"id": "4711", "status": "submitted"}, "recipients": ["bob"]})
    case = story.engine.cases.get()
    case.followers.add(story.carol)

    approved = {"case": {"id": "4711", "title": "Invoice 4711", "status": "approved"}, "recipients": ["bob"]}

    assert told(story.happen("case.status_changed", approved)) == {
        "bob": "Invoice 4711 has been approved",
        "carol": "Invoice 4711 has been approved",
    }


def test_a_customer_is_told_kindly_and_a_follower_plainly(story: Story) -> None:
    erin = {"ref": "C-9", "name": "Erin", "email": "erin@customer.example", "locale": "de"}
    request: Json = {"id": "R-88", "title": "Heizung defekt", "status": "received"}
    story.happen("request.status_changed", {"case": request, "customer": erin})
    story.engine.cases.get().followers.add(story.carol)

    completed = story.happen("request.status_changed", {"case": {**request, "status": "completed"}, "customer": erin})

    assert told(completed) == {
        "C-9": "Ihre Anfrage „Heizung defekt“ ist erledigt",
        "carol": "Heizung defekt is completed",
    }


def test_others_hear_of_a_question_by_the_route(story: Story) -> None:
    RouteTarget.objects.create(
        route=Route.objects.get(name="Questions about a task"), kind="person", person=story.carol
    )
    story.assign("T-1", initiator="alice")
    story.answer(story.bob, "request_info", "Which floor?", task_id="T-1")
    pipeline.drain()

    copy = story.copy(story.carol, "T-1")
    assert copy.title == "Bob has a question about “Approve invoice 4711”"
    assert copy.body.startswith("“Which floor?”")
    assert (copy.state, copy.actions) == ("info", [])


def test_other_events_reach_whom_they_name_and_the_rest_is_unrouted(story: Story) -> None:
    named = story.happen("com.acme.archived", {"recipients": ["alice"], "title": "Invoice 4711 archived"})
    unknown = story.happen("com.acme.archived", {"shelf": 7})

    assert told(named) == {"alice": "Invoice 4711 archived"}
    assert unknown.status == EventStatus.UNROUTED


def test_routes_an_administrator_adds_are_tried_first(story: Story) -> None:
    mine = Route.objects.create(
        name="Big invoices",
        category=Category.objects.get(slug="approvals"),
        template=Template.objects.get(slug="general"),
    )
    RouteTarget.objects.create(route=mine, kind="person", person=RecipientFactory(ref="dora"))

    assert set(told(story.assign("T-1"))) == {"bob", "dora"}
