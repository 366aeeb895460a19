"""Bob writes rules. One that sends approvals to himself waits until another rule editor, or an administrator, looks."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from escalations.models import Policy, PolicyStep
from notifications.models import CaseList, Category, Recipient, Route, RouteTarget, Template
from notifications.roles import RULE_EDITORS
from notifications.rotas.tests.rotas import rota_of
from tests.admin.conftest import member_of, signed_in
from tests.admin.pages import add_row, choose, save_form, text_of
from tests.admin.test_routes import with_condition, with_target
from tests.admin.test_rules import calendar, form, publish  # noqa: F401  # a fixture
from tests.admin.world import World
from tests.factories import RouteFactory, TeamFactory
from tests.support.length import some

WAITS = "would send approvals to you, so it stays disabled until somebody else enables it"


@pytest.fixture
def bob(world: World) -> Recipient:
    """A rule editor, who reads the desk in English."""
    Recipient.objects.filter(pk=world.bob.pk).update(user=member_of(RULE_EDITORS), locale="en")
    return Recipient.objects.get(pk=world.bob.pk)


@pytest.fixture
def editor(bob: Recipient) -> Client:
    assert bob.user is not None
    return signed_in(bob.user)


def is_on(rule: Any) -> bool:
    return bool(type(rule).objects.get(pk=rule.pk).enabled)


KINDS = [
    "person",
    "team",
    "team_lead",
    "teams_lead",
    "manager",
    "duty",
    "case_list",
    "initiator",
    "customer",
    "followers",
    "role",
    "path",
]


@pytest.mark.parametrize("kind", some(KINDS, 6))
def test_a_route_to_its_editor_waits_for_somebody_else(
    kind: str, bob: Recipient, world: World, route: Route, editor: Client, root: Client
) -> None:
    team = TeamFactory(slug="own", lead=bob, members=[bob])
    CaseList.objects.create(case_type="claims").people.set([bob])
    Recipient.objects.filter(pk=world.carol.pk).update(manager=bob)
    said = {"person": {"person": bob.pk}, "team": {"team": team.pk}, "team_lead": {"team": team.pk}}
    said |= {"duty": {"ref": rota_of(team, bob).pk}, "role": {"role": "requester"}, "path": {"path": "variables.by"}}

    assert WAITS in text_of(with_target(editor, route, kind=kind.replace("teams_", "team_"), **said.get(kind, {})))
    assert not is_on(route)
    assert WAITS in text_of(choose(editor, [route], "enable"))
    assert not is_on(route)
    assert LogEntry.objects.filter(change_message__contains="Waits for a second person", object_id=route.pk).exists()

    assert WAITS not in text_of(choose(root, [route], "enable"))
    assert is_on(route)


def test_a_route_to_a_kind_without_a_rule_of_its_own_waits_too(route: Route, editor: Client) -> None:
    Route.objects.filter(pk=route.pk).update(enabled=False)
    RouteTarget.objects.create(route=route, kind="added_later")
    assert WAITS in text_of(choose(editor, [route], "enable"))
    assert not is_on(route)


@pytest.mark.parametrize("kind", ["assignee", "candidates", "task_teams", "recipients"])
def test_a_route_to_whom_the_engine_names_goes_on(kind: str, route: Route, editor: Client) -> None:
    assert WAITS not in text_of(with_target(editor, route, kind=kind))
    assert is_on(route) and route.targets.filter(kind=kind).exists()


def test_what_went_to_its_editor_before_goes_on_until_it_is_about_something_else(
    bob: Recipient, route: Route, editor: Client
) -> None:
    RouteTarget.objects.create(route=route, kind="person", person=bob)
    save_form(editor, route, name="Audits")
    assert is_on(route)
    assert WAITS in text_of(with_condition(editor, route, "variables.amount", "gt", "1000"))
    assert not is_on(route)


def test_rules_that_ask_nothing_or_name_others_go_on(
    bob: Recipient, world: World, route: Route, editor: Client
) -> None:
    news: Route = RouteFactory(name="News", types=["case.status_changed"])
    with_target(editor, news, kind="person", person=bob.pk)
    with_target(editor, route, kind="person", person=world.alice.pk)

    assert is_on(news) and is_on(route)


def test_a_policy_waits_too(bob: Recipient, world: World, editor: Client, root: Client) -> None:
    policy = Policy.objects.create(name="Approvals", time="wall", enabled=False)
    PolicyStep.objects.create(
        policy=policy,
        target="person",
        person=bob,
        time="wall",
        template=Template.objects.get(slug="task-late"),
        category=Category.objects.all()[0],
    )
    assert WAITS in text_of(choose(editor, [policy], "enable"))
    assert not is_on(policy)
    assert "1 enabled" in text_of(choose(root, [policy], "enable"))

    Policy.objects.filter(pk=policy.pk).update(enabled=False)
    others = Policy.objects.create(name="Urgent", time="wall", enabled=False)
    PolicyStep.objects.create(policy=others, kind="raise_priority", time="wall")
    assert "1 enabled" in text_of(choose(editor, [others], "enable"))

    page = save_form(editor, policy, enabled="on")
    assert not page.context.get("errors"), page.context["errors"]
    assert WAITS in text_of(page)
    assert not is_on(policy)


def test_a_rule_of_one_page_waits_with_its_policy(
    bob: Recipient,
    world: World,
    editor: Client,
    root: Client,
    calendar: Any,  # noqa: F811
) -> None:
    world.team.members.add(bob)
    page = text_of(publish(editor, form(world, calendar)))
    assert WAITS in page and "is published" not in page
    route = Route.objects.get(name="Large invoices")
    assert not is_on(route) and not is_on(Policy.objects.get(route=route))


def test_nobody_puts_themself_on_a_list_for_cases(bob: Recipient, world: World, editor: Client) -> None:
    refused = "Only somebody else may add you"
    assert refused in text_of(add_row(editor, CaseList, case_type="claims", people=[bob.pk], teams=[]))
    assert not CaseList.objects.exists()

    add_row(editor, CaseList, case_type="claims", people=[world.alice.pk], teams=[])
    assert CaseList.objects.count() == 1
