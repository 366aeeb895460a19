"""Dead ends are shown before they matter: on a page, in a panel, and as a warning when a route is saved."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from escalations.admin import dead_ends as desk
from escalations.models import Policy
from notifications.models import Absence, Recipient, Route, RouteTarget, Task, Team
from tests.admin import sla
from tests.admin.pages import page_of, save_form, text_of
from tests.admin.world import World

PAGE = "admin:escalations_escalation_dead_ends"
GOOD_NEWS = "In the next 14 days, every rule and every step reaches somebody."


@pytest.fixture
def broken(world: World) -> Policy:
    """Bob's record has no manager, whom the third step would tell."""
    policy = sla.policy()
    sla.assign(world, "T-201", world.now + timedelta(hours=2))
    Recipient.objects.filter(ref="bob").update(manager=None)
    return policy


def panel(client: Client) -> Any:
    context = client.get("/admin/").context
    return next(each for each in [*context["panels"], *context["well"]] if each.href == reverse(PAGE))


# --- the page ---------------------------------------------------------------------------------------------------------
def test_a_broken_manager_is_one_line_with_what_leads_there(broken: Policy, root: Client) -> None:
    page = root.get(reverse(PAGE))
    (line,) = page.context["lines"]
    assert (line["why"], line["since"], line["instead"]) == ("Bob Bauer has no manager", "now", "")
    assert line["leads"] == [{"name": "SLA policy “Approvals”, step 3", "href": page_of(broken)}]
    assert "Notified instead nobody" in text_of(page)


def test_routes_are_linked_and_who_hears_instead_is_named(world: World, broken: Policy, root: Client) -> None:
    Policy.objects.update(fallback=world.alice)
    route = Route.objects.get(name="Tasks that wait too long")
    RouteTarget.objects.filter(route=route).delete()
    RouteTarget.objects.create(route=route, kind="team", team=Team.objects.create(slug="empty", name="Empty"))
    page = root.get(reverse(PAGE))
    assert [(line["why"], line["instead"]) for line in page.context["lines"]] == [
        ("Bob Bauer has no manager", "Alice Adams"),
        ("team Empty has no members", ""),
    ]
    assert f'<a class="desk-link" href="{page_of(route)}">rule “Tasks that wait too long”</a>' in " ".join(
        page.content.decode().split()
    )


def test_what_begins_later_says_when(world: World, root: Client) -> None:
    sla.policy()
    sla.assign(world, "T-201", world.now + timedelta(hours=2))
    begins = world.now + timedelta(days=3)
    Absence.objects.create(recipient=world.carol, begins_at=begins, ends_at=begins + timedelta(days=2))
    whys = {line["why"]: line["since"] for line in root.get(reverse(PAGE)).context["lines"]}
    assert whys["Carol Castle is away, and nobody stands in"].startswith("from ")


def test_nothing_is_good_news(world: World, root: Client) -> None:
    assert GOOD_NEWS in text_of(root.get(reverse(PAGE)))
    assert panel(root).rows == []
    assert GOOD_NEWS in text_of(root.get("/admin/"))


def test_the_page_is_german(broken: Policy, root: Client) -> None:
    root.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    Recipient.objects.update(email="")
    said = text_of(root.get(reverse(PAGE)))
    said = said[said.index("Regeln und SLA-Schritte") : said.rindex("niemand")]
    assert "Bob Bauer hat keine vorgesetzte Person" in said
    assert "weder ein Gerät noch eine E-Mail-Adresse" in said
    assert "SLA-Richtlinie „Approvals“, Schritt 3" in said
    assert re.findall(r"\b(the|has|no|of|step|would|see|now|from|nobody|which|route)\b", said) == []


# --- the overview -----------------------------------------------------------------------------------------------------
def test_the_overview_names_them_and_leads_there(broken: Policy, root: Client) -> None:
    (row,) = panel(root).rows
    assert row.href == reverse(PAGE)
    assert "Bob Bauer has no manager SLA policy “Approvals”, step 3" in text_of(root.get("/admin/"))


def test_the_overview_looks_ahead_only_now_and_then_and_the_page_each_time(
    broken: Policy, root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[object] = []
    ahead = desk.dead_ends
    monkeypatch.setattr(desk, "dead_ends", lambda *args, **how: looked.append(args) or ahead(*args, **how))
    for _visit in range(3):
        root.get("/admin/")
    assert len(looked) == 1
    Recipient.objects.filter(ref="bob").update(manager=Recipient.objects.get(ref="carol"))
    assert GOOD_NEWS in text_of(root.get(reverse(PAGE)))
    assert panel(root).rows == [], "what the page found, the overview knows"
    assert len(looked) == 2
    monkeypatch.setattr(desk._Cache, "LASTS", 0.0)
    root.get("/admin/")
    assert len(looked) == 3


def test_many_tasks_do_not_make_the_overview_slow(
    world: World, root: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    sla.policy()
    people = Recipient.objects.bulk_create(
        Recipient(ref=f"p{number}", name=f"P {number}", email="p@acme.example", manager=world.carol)
        for number in range(300)
    )
    Task.objects.bulk_create(
        Task(engine=world.engine, task_id=f"X-{number}", name="Approve", assignee=people[number % 300])
        for number in range(2_000)
    )
    root.get("/admin/")
    desk.forget()
    with django_assert_max_num_queries(62):
        assert root.get("/admin/").status_code == 200


# --- saving a route ---------------------------------------------------------------------------------------------------
def test_saving_a_route_that_reaches_nobody_warns(world: World, root: Client) -> None:
    route = Route.objects.get(name="Tasks that wait too long")
    RouteTarget.objects.filter(route=route).delete()
    target = RouteTarget.objects.create(route=route, kind="person", person=world.carol)
    assert "this reaches nobody" not in text_of(save_form(root, route)).lower()
    begins = world.now + timedelta(days=2)
    Absence.objects.create(recipient=world.carol, begins_at=begins, ends_at=begins + timedelta(days=2))
    target.delete()
    target = RouteTarget.objects.create(route=route, kind="team", team=Team.objects.create(slug="empty", name="Empty"))
    assert "This reaches nobody now: team Empty has no members" in text_of(save_form(root, route))
    target.team.lead = world.carol
    target.team.save()
    RouteTarget.objects.filter(pk=target.pk).update(kind="team_lead")
    warned = text_of(save_form(root, route))
    assert "on this reaches nobody: Carol Castle is away, and nobody stands in" in warned
    assert "From " in warned


def test_what_another_route_leads_into_is_not_this_ones_warning(world: World, broken: Policy, root: Client) -> None:
    assert "this reaches nobody" not in text_of(save_form(root, Route.objects.get(name="Tasks"))).lower()


# --- who, and in which words ------------------------------------------------------------------------------------------
def test_who_sees_no_policies_sees_no_dead_ends(broken: Policy, operator: Client, editor: Client) -> None:
    assert "no manager" in text_of(operator.get("/admin/"))
    assert "no manager" not in text_of(editor.get("/admin/"))
    group = Group.objects.get(name="Operators")
    group.permissions.remove(group.permissions.get(codename="view_policy"))
    assert operator.get(reverse(PAGE)).status_code == 403


def test_of_many_causes_a_few_are_said(world: World, root: Client) -> None:
    people = Recipient.objects.bulk_create(
        Recipient(ref=f"p{number}", name=f"P {number}", email="p@acme.example") for number in range(30)
    )
    Task.objects.bulk_create(
        Task(engine=world.engine, task_id=f"X-{number}", assignee=person, data={"task": {"kind": "approval"}})
        for number, person in enumerate(people)
    )
    warned = desk.warnings(sla.policy())
    assert len(warned) == desk.WARNED + 1
    assert warned[-1].endswith("more are under Dead ends.")
