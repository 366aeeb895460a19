"""Why was Bob not notified? The answer first, the ledger below."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from notifications.admin.ledger.why_not_notified import explain
from notifications.models import CaseList, Delivery, Device, Event, Notification, Recipient, RouteTarget, Task, Team
from tests.admin.causes import CAUSES, IDS, away, big_ones, route_to
from tests.admin.pages import page_of, text_of
from tests.admin.world import World, invoice, send

PAGE = "admin:notifications_recipient_why_not_notified"
TIME = re.compile(r"\w+ \d+ \w+ 20\d\d [\d:]+ UTC|20\d\d-\d\d-\d\d \d\d:\d\d \w+")
"""Times in sentences: TIME stands for them in `CAUSES`."""


@pytest.mark.parametrize("cause", CAUSES)
def test_the_first_sentence_is_right(cause: str, day: World) -> None:
    make, sentence = CAUSES[cause]
    person, subject = make(day)
    said = TIME.sub("TIME", explain(person, subject, timezone.now()).text)
    assert said.startswith(sentence), said


# --- the page ---------------------------------------------------------------------------------------------------------
def asked(client: Client, person: Recipient, **fields: Any) -> Any:
    chosen = {name: getattr(value, "pk", value) for name, value in fields.items()}
    page = client.get(f"{reverse(PAGE)}?{urlencode({'person': person.pk, **chosen})}")
    assert page.status_code == 200
    return page


def said(client: Client, person: Recipient, **fields: Any) -> str:
    explained = asked(client, person, **fields).context["answer"]
    assert explained is not None
    return f"{explained.text} {explained.to_do}"


def test_person_and_task_are_picked(day: World, operator: Client) -> None:
    page = operator.get(reverse(PAGE))
    content = page.content.decode()
    for name in ("recipient", "task"):
        assert f'data-field-name="{name}"' in content
    assert "autocomplete.js" in content
    search = {"app_label": "notifications", "model_name": "notification"}
    offered = operator.get(reverse("admin:autocomplete"), {**search, "field_name": "task", "term": "T-101"}).json()
    assert [each["text"] for each in offered["results"]] == ["Approve invoice 4711 · T-101"]
    offered = operator.get(reverse("admin:autocomplete"), {**search, "field_name": "recipient", "term": "erin"}).json()
    assert [each["text"] for each in offered["results"]] == ["Erin Example · C-9 · Invoices"]
    for wrong in ("bob", "²", "0"):
        assert "Select a valid choice" in text_of(operator.get(reverse(PAGE), {"person": wrong, "task": wrong}))


def test_the_answer_stands_before_the_ledger(day: World, operator: Client) -> None:
    page = text_of(asked(operator, day.alice, event=Event.objects.get(event_id="e-2")))
    assert page.index("but no message was sent") < page.index("task.assigned e-2")
    assert "The delivery's page says more" in page


def test_it_says_whether_a_message_was_read(day: World, operator: Client) -> None:
    told = said(operator, day.bob, task=Task.objects.get(task_id="T-101"))
    assert "by e-mail bob@acme.example on" in told and "It was read on" in told


def test_of_a_stand_in_it_says_until_when(day: World, operator: Client) -> None:
    person, about = away(day)
    assert said(operator, person, task=about).startswith("Bob Bauer was away, and Carol Castle was notified instead.")
    assert "Carol Castle stands in." in said(operator, person)


def test_only_routes_that_may_mean_the_person_count(day: World, operator: Client) -> None:
    _carol, about = big_ones(day)
    route = RouteTarget.objects.filter(route__name="Big ones")
    applied = "Rule “Big ones” would notify Carol Castle, but did not apply"
    assert applied in said(operator, day.carol, task=about)
    route.update(kind="case_list", person=None)
    assert applied not in said(operator, day.carol, task=about)
    CaseList.objects.create(case_type="invoice").people.set([day.carol])
    assert applied in said(operator, day.carol, task=about)
    team = Team.objects.create(slug="treasury", name="Treasury", lead=day.bob)
    team.members.set([day.carol])
    route.update(kind="team_lead", team=team)
    assert applied not in said(operator, day.carol, task=about), "she is not its lead"
    for kind, path, role in (("path", "variables.by", ""), ("role", "", "buyer"), ("recipients", "", "")):
        route.update(kind=kind, team=None, path=path, role=role)
        data = {"variables": {"by": "carol"}, "recipients": ["carol"], "case": {"id": "1", "roles": {"buyer": "carol"}}}
        named = send(day, f"cause-{next(IDS)}", "com.acme.bought", data)
        Delivery.objects.filter(event=named).delete()
        assert applied in said(operator, day.carol, event=named), kind


def test_the_present_routes_are_tried_too(day: World, operator: Client) -> None:
    about = Event.objects.get(event_id="e-5")
    assert "they would not be notified either." in said(operator, day.bob, event=about)
    coffee = route_to(day.bob, name="Coffee")
    coffee.conditions.create(path="variables.floor", operator="eq", value="3")
    assert "With the current rules they would be notified." in said(operator, day.bob, event=about)
    assert not Notification.objects.filter(route=coffee).exists()


def test_of_a_period_it_says_how_much_came_and_what_keeps_the_rest(day: World, operator: Client) -> None:
    told = said(operator, day.alice, within="24")
    assert told.startswith("Alice Adams got 2 items within 24 hours;") and "has no device" in told
    Notification.objects.filter(recipient=day.carol).delete()
    assert said(operator, day.carol, within="168").startswith("Nothing came for Carol Castle within 7 days.")
    Recipient.objects.filter(pk=day.carol.pk).update(active=False)
    assert said(operator, day.carol, within="168").startswith("Carol Castle is not active, so no message is sent")


def test_the_pages_of_people_events_tasks_and_cases_lead_there(day: World, operator: Client) -> None:
    event = Event.objects.get(event_id="e-1")
    assert event.task is not None and event.case is not None
    for row, name in ((event, "event"), (event.task, "task"), (event.case, "case")):
        assert f"{reverse(PAGE)}?{name}={row.pk}" in operator.get(page_of(row)).content.decode()
    assert said(operator, day.bob, case=event.case).startswith("Bob Bauer was notified of")
    assert page_of(day.bob, "why_not") in operator.get(page_of(day.bob)).content.decode()
    assert f"?person={day.bob.pk}" in operator.get(page_of(day.bob, "why_not"))["Location"]


def test_it_reads_a_bounded_number_of_rows(
    day: World, operator: Client, django_assert_max_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Device.objects.all().delete()
    for number in range(30):
        send(day, f"many-{number}", "task.assigned", invoice("T-101", 4711, assignee="bob"))
    with django_assert_max_num_queries(60):
        page = asked(operator, day.bob, task=Task.objects.get(task_id="T-101"))
    assert len(page.context["answer"].lines) == 20
