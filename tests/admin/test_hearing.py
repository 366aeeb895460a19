"""Why did Bob not hear? The answer first, the ledger below."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.http import urlencode

from notifications.models import (
    Absence,
    CaseList,
    Delivery,
    Device,
    Engine,
    Event,
    Notification,
    Recipient,
    Route,
    RouteTarget,
    Team,
)
from tests.admin.pages import list_of, page_of, text_of
from tests.admin.world import World, invoice, send


def asked(client: Client, **fields: Any) -> Any:
    page = client.get(f"{list_of(Recipient)}hearing/?{urlencode(fields)}")
    assert page.status_code == 200
    return page


def said(client: Client, **fields: Any) -> str:
    answer = asked(client, **fields).context["answer"]
    assert answer is not None
    return f"{answer.text} {answer.to_do}"


def like_others(name: str) -> Route:
    """A route that is tried first, with the category and template of another."""
    other = Route.objects.exclude(template=None)[0]
    return Route.objects.create(name=name, category=other.category, template=other.template, priority=0)


@pytest.mark.parametrize(
    ("person", "about", "sentences"),
    [
        ("bob", "T-101", ["Bob Bauer was told “", "by e-mail bob@acme.example", "It was read at"]),
        (
            "alice@acme.example",
            "e-2",
            [
                "is in the inbox of Alice Adams, and came by no other way: ",
                "e-mail: 550 5.1.1 No such user here",
                "The delivery's page says more",
            ],
        ),
        (
            "carol",
            "e-6",
            [
                "could not be processed, so nobody heard of it: OperationalError: the database went away",
                "The event's page says more",
            ],
        ),
        ("carol", "e-1", [", which does not name Carol Castle."]),
        ("bob", "e-5", ["No route applied to com.acme.coffee.empty e-5, so nobody was told."]),
    ],
    ids=["told", "given up", "failed", "not named", "no route"],
)
def test_it_says_why_and_what_to_do(
    person: str, about: str, sentences: list[str], day: World, operator: Client
) -> None:
    told = said(operator, person=person, about=about)
    assert [sentence for sentence in sentences if sentence not in told] == []


def test_the_answer_stands_before_the_ledger(day: World, operator: Client) -> None:
    page = text_of(asked(operator, person="alice", about="e-2"))
    assert page.index("came by no other way") < page.index("task.assigned e-2")


def test_a_message_that_waits_says_so(day: World, operator: Client) -> None:
    Delivery.objects.filter(recipient=day.alice, channel="email").update(state="pending", due_at=day.now)
    assert "still waits to be sent to Alice Adams by e-mail" in said(operator, person="alice", about="T-102")


def test_whoever_was_away_reads_who_got_it(day: World, operator: Client) -> None:
    Absence.objects.update_or_create(
        recipient=day.bob,
        defaults={
            "begins_at": day.now - timedelta(days=1),
            "ends_at": day.now + timedelta(days=3),
            "delegate": day.carol,
        },
    )
    send(day, "away-1", "task.assigned", invoice("T-900", 9000, assignee="bob"))
    told = said(operator, person="bob", about="T-900")
    assert told.startswith("Bob Bauer was away, and Carol Castle got it instead.")
    assert "Carol Castle gets what is for them." in said(operator, person=f"#{day.bob.pk}", about="")


def test_a_route_that_names_them_but_did_not_apply_says_which_condition(day: World, operator: Client) -> None:
    route = like_others("Big ones to Carol")
    route.conditions.create(path="variables.amount", operator="gt", value="5000")
    RouteTarget.objects.create(route=route, kind="person", person=day.carol)
    send(day, "small-1", "task.assigned", invoice("T-901", 9010, assignee="bob"))
    told = said(operator, person="carol", about="T-901")
    assert "Routes that name Carol Castle did not apply: “Big ones to Carol”: " in told and "does not hold" in told
    RouteTarget.objects.filter(route=route).update(kind="case_list", person=None)
    assert "did not apply" not in said(operator, person="carol", about="T-901")
    CaseList.objects.create(case_type="invoice").people.set([day.carol])
    assert "Routes that name Carol Castle did not apply" in said(operator, person="carol", about="T-901")
    team = Team.objects.create(slug="treasury", name="Treasury", lead=day.bob)
    team.members.set([day.carol])
    RouteTarget.objects.filter(route=route).update(kind="team_lead", team=team)
    assert "did not apply" not in said(operator, person="carol", about="T-901"), "she is not its lead"
    assert "By the routes as they are now, they would not hear of it, either." in told
    assert not Notification.objects.filter(recipient=day.carol, task__task_id="T-901").exists()


def test_a_route_that_was_made_since_would_tell_them(day: World, operator: Client) -> None:
    coffee = like_others("Coffee")
    RouteTarget.objects.create(route=coffee, kind="person", person=day.bob)
    coffee.conditions.create(path="variables.floor", operator="eq", value="3")
    assert "By the routes as they are now, they would hear of it." in said(operator, person="bob", about="e-5")
    assert not Notification.objects.filter(route=coffee).exists()


def test_of_a_time_it_says_how_much_came_and_what_keeps_the_rest(day: World, operator: Client) -> None:
    told = said(operator, person="alice", within="24")
    assert told.startswith("Alice Adams got 2 items in the last 1 d 0 h;")
    assert "has no device" in told
    Recipient.objects.filter(pk=day.carol.pk).update(active=False)
    Notification.objects.filter(recipient=day.carol).delete()
    told = said(operator, person="carol", within="168")
    assert "Nothing was for Carol Castle in the last 7 d 0 h." in told and "is not active" in told


def test_who_is_not_known_and_what_never_came_is_said_at_the_field(day: World, operator: Client) -> None:
    assert "Nobody is known by that" in text_of(asked(operator, person="zoe"))
    assert "No event, task or case has this id" in text_of(asked(operator, person="bob", about="T-0"))


def test_customers_of_two_engines_with_one_ref_are_told_apart(day: World, operator: Client) -> None:
    other = Engine.objects.create(slug="other", name="Other engine")
    from_other = Recipient.objects.create(ref="C-9", name="Other", engine=other)
    assert "Nobody is known by that" in text_of(asked(operator, person="C-9"))
    landed = operator.get(page_of(from_other, "why_not"), follow=True)
    assert "Nothing was for Other" in text_of(landed)


def test_the_pages_of_people_events_and_tasks_lead_there(day: World, operator: Client) -> None:
    event = Event.objects.get(event_id="e-1")
    address = f"{list_of(Recipient)}hearing/"
    assert f"{address}?about={event.pk}" in operator.get(page_of(event)).content.decode()
    assert event.task is not None
    assert f"{address}?about=T-101" in operator.get(page_of(event.task)).content.decode()
    assert page_of(day.bob, "why_not") in operator.get(page_of(day.bob)).content.decode()


def test_it_reads_a_bounded_number_of_rows(
    day: World, operator: Client, django_assert_max_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Device.objects.all().delete()
    for number in range(30):
        send(day, f"many-{number}", "task.assigned", invoice("T-101", 4711, assignee="bob"))
    with django_assert_max_num_queries(60):
        page = asked(operator, person="bob", about="T-101")
    assert len(page.context["answer"].lines) == 20
