"""Where a path is typed the desk offers those of its events, to whom they concern, and tells of those that none had."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from escalations.models import Policy
from notifications.admin.rules.known_paths import described
from notifications.intake import last_call
from notifications.models import Event, EventVariable, FourEyesRule, Route, RouteCondition, TemplateVersion
from notifications.roles import ensure_roles
from notifications.wording import template_versions
from notifications.wording.known_paths import KnownPath
from tests.admin import sla
from tests.admin import world as story
from tests.admin.conftest import signed_in
from tests.admin.pages import adding, filled, list_of, page_of, text_of
from tests.admin.test_routes import with_condition
from tests.admin.world import World
from tests.factories import EventFactory, RouteFactory
from tests.support.length import some

PATHS = "admin:notifications_route_paths"


def asked(client: Client, **query: Any) -> dict[str, Any]:
    answer = client.get(reverse(PATHS), query)
    assert answer.status_code == 200
    return {each["path"]: each for group in answer.json()["groups"] for each in group["paths"]}


# --- who picks what -------------------------------------------------------------------------------------------------
def test_paths_come_with_type_share_and_last_value_in_the_readers_language(day: World, root: Client) -> None:
    amount = asked(root, type="task.assigned", engine=day.engine.pk)["variables.amount"]
    assert (amount["kind"], amount["share"], amount["last"]) == ("number", 1, "1,200.5")
    assert (amount["facts"], amount["about"]) == ("number · 100%", "Amount · last: 1,200.5")

    german = root.get(reverse(PATHS), {"type": "task.assigned"}, headers={"accept-language": "de"}).json()
    assert german["source"] == "Was die letzten 4 Ereignisse enthielten."
    [amount] = [each for group in german["groups"] for each in group["paths"] if each["path"] == "variables.amount"]
    assert amount["facts"] == "Zahl · 100 %"


@pytest.mark.parametrize(("share", "percent"), [(0.001, "1%"), (0.5, "50%"), (0.996, "99%"), (1, "100%")])
def test_all_events_are_said_of_all_alone(share: float, percent: str) -> None:
    assert described(KnownPath("variables.amount", "number", share, 1), False)["facts"] == f"number · {percent}"


def test_types_are_named_by_key_or_name_and_engines_by_key_or_slug(day: World, root: Client) -> None:
    custom = asked(root, type="com.acme.coffee.empty", engine="invoices")
    assert custom["variables.floor"]["last"] == "3"
    route = RouteFactory(types=["com.acme.coffee.empty"])
    key = route.event_types.get().pk
    assert asked(root, type=key, engine=day.engine.pk)["variables.floor"]["last"] == "3"
    assert "variables.floor" not in asked(root, tasks="1")
    for odd in ({"engine": "9" * 40, "type": "9" * 40}, {"version": "9" * 40}):
        assert root.get(reverse(PATHS), odd).status_code == 200


def test_values_are_for_those_who_read_events(day: World, operator: Client, editor: Client) -> None:
    EventVariable.objects.filter(path="variables.amount").update(sensitive=True)
    seen = asked(operator, type="task.assigned")["variables.amount"]
    assert (seen["last"], "sensitive" in seen["about"]) == ("1,200.5", True), "its page shows them the event's data"
    of_templates = asked(editor, type="task.assigned")
    assert of_templates["variables.amount"]["facts"] == "number · 100%"
    assert not any(each["last"] or "1,200" in each["about"] for each in of_templates.values())


def test_others_pick_nothing(day: World, client: Client) -> None:
    ensure_roles(apps)
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_event"))
    assert signed_in(user).get(reverse(PATHS)).status_code == 403
    assert client.get(reverse(PATHS)).status_code == 302, "to the page where one signs in"


def test_hidden_characters_of_values_are_written_out(world: World, root: Client) -> None:
    data = {**story.invoice("T-1", 1, assignee="bob"), "variables": {"vendor": "Ac\u202eme"}}
    story.send(world, "e-1", "task.assigned", data)
    assert asked(root, type="task.assigned")["variables.vendor"]["last"] == "Ac\\u202eme"


@pytest.mark.parametrize("kind", some(["route", "policy", "rule", "version", "type"], 2))
def test_each_form_with_a_path_offers_them(kind: str, world: World, route: Route, root: Client) -> None:
    template = TemplateVersion.objects.filter(template__routes__isnull=False)[0]
    pages = {
        "route": lambda: page_of(route),
        "policy": lambda: page_of(sla.policy()),
        "rule": lambda: adding(FourEyesRule),
        "version": lambda: page_of(template_versions.new_draft(template.template, template)),
        "type": lambda: page_of(route.event_types.get()),
    }
    shown = root.get(pages[kind]()).content.decode()
    assert f'data-paths="{reverse(PATHS)}' in shown
    assert 'wfpush/admin/paths.js" type="module"' in shown


def test_expressions_of_a_mapping_are_picked_from_the_engines_json(
    world: World, root: Client, operator: Client
) -> None:
    def send(body: str) -> None:
        last_call.watch(world.engine)
        events = f"/api/v1/engines/{world.engine.slug}/events"
        Client().post(events, body, "application/json", headers={"X-API-Key": world.api_key})

    address = reverse("admin:notifications_engine_paths", args=[world.engine.pk])
    assert f'data-paths="{address}"' in root.get(page_of(world.engine)).content.decode()
    shown = root.get(address).json()
    assert shown["source"] == "An example of its kind."
    send('{"processInstanceId": "7", "vars": [{"name": "amount", "value": 1200.5}], "odd-name": 1}')
    shown = root.get(address).json()
    paths = {each["path"]: each for group in shown["groups"] for each in group["paths"]}
    assert shown["source"] == "The last message of the engine."
    assert list(paths) == ["processInstanceId", "vars", "vars[0].name", "vars[0].value"]
    assert (paths["vars[0].value"]["facts"], paths["vars[0].value"]["about"]) == ("number", "1,200.5")
    send("no JSON")
    assert root.get(address).json()["groups"] == []
    assert operator.get(address).status_code == 403, "operators edit no mapping"


# --- numbers --------------------------------------------------------------------------------------------------------
def test_a_number_is_typed_and_shown_in_the_readers_language(route: Route, root: Client) -> None:
    with_condition(root, route, "variables.amount", "gt", "10.000", **{"accept-language": "de"})
    condition = RouteCondition.objects.get(route=route)
    assert condition.value == "10000", "as conditions compare it"
    for language, text in (("de", "10.000"), ("en", "10,000")):
        fields = filled(root.get(page_of(route), headers={"accept-language": language}))
        assert fields["conditions-0-value"] == text
        assert text in text_of(root.get(list_of(Route, "q=Audit"), headers={"accept-language": language}))
        assert text in text_of(root.get(list_of(RouteCondition), headers={"accept-language": language}))


def test_a_number_that_may_be_two_is_refused_with_both(route: Route, root: Client) -> None:
    shown = text_of(with_condition(root, route, "variables.amount", "ge", "10.000"))
    assert "“10.000” may be 10,000 or 10: enter 10000 or 10.0000." in shown
    assert not route.conditions.exists()


# --- doubts ---------------------------------------------------------------------------------------------------------
def many(world: World, variables: dict[str, Any]) -> None:
    data = {"task": {"id": "T"}, "variables": variables}
    Event.objects.bulk_create(EventFactory.build_batch(200, engine=world.engine, data=data))


def test_variables_are_learnt_from_events(world: World, route: Route, root: Client) -> None:
    many(world, {"vendor": "Acme"})
    assert "vendor”: is" not in text_of(with_condition(root, route, "variables.vendor", "eq", "Acme"))
    shown = text_of(with_condition(root, route, "variables.vendr", "eq", "Acme"))
    assert "None of the last 200 events had “variables.vendr”: is the condition's path right?" in shown
    shown = text_of(with_condition(root, route, "variables.amount", "gt", "5"))
    assert "None of the last 200 events had “variables.amount”" in shown, "though a sample has it"


def test_rules_and_policies_doubt_as_routes_do(world: World, root: Client) -> None:
    rule = FourEyesRule.objects.create(name="Large")
    policy: Policy = sla.policy()
    many(world, {"vendor": "Acme"})
    for row in (rule, policy):
        shown = text_of(with_condition(root, row, "variables.vendr", "eq", "Acme"))
        assert "None of the last 200 events had “variables.vendr”" in shown, row
        assert "None of the last" not in text_of(with_condition(root, row, "case.title", "eq", "Acme")), row


def test_a_number_that_equals_none_is_told_of(day: World, route: Route, root: Client) -> None:
    shown = text_of(with_condition(root, route, "variables.amount", "eq", "10,000"))
    assert "“variables.amount” is a number in events and never equals “10,000”" in shown
    assert "never equals" not in text_of(with_condition(root, route, "variables.amount", "eq", "10000"))


def test_a_number_that_programs_read_otherwise_is_told_of(day: World, route: Route, root: Client) -> None:
    shown = text_of(with_condition(root, route, "variables.amount", "eq", "4.799", **{"accept-language": "de"}))
    assert "„4.799“ ist hier die Zahl 4,7990" in shown and "schreiben Sie 4799." in shown
    shown = text_of(with_condition(root, route, "variables.amount", "eq", "4799", **{"accept-language": "de"}))
    assert "ist hier die Zahl" not in shown
