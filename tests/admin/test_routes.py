"""Routes read as sentences, take only targets that can be reached, and are tried on events before they meet one."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from notifications import reasons
from notifications.models import (
    Category,
    Delivery,
    Event,
    EventType,
    EventVariable,
    Notification,
    Route,
    Task,
    Template,
    TemplateText,
)
from tests.admin import world as story
from tests.admin.pages import add_row, adding, choose, filled, form_at, list_of, page_of, rows_of, save_form, text_of
from tests.admin.world import World
from tests.factories import RouteFactory
from tests.support.length import some

DRY_RUN = "admin:notifications_route_dry_run"


def with_target(client: Client, route: Route, **target: Any) -> Any:
    names = ("id", "kind", "team", "person", "ref", "path", "role")
    added = {f"targets-1-{name}": target.get(name, "") for name in names} | {"targets-1-route": str(route.pk)}
    return save_form(client, route, **added, **{"targets-TOTAL_FORMS": "2"})


def with_condition(client: Client, row: Any, path: str, operator: str, value: str, **headers: str) -> Any:
    """The page after a route, rule or policy was saved with this one condition."""
    row.conditions.all().delete()
    condition = {"id": "", "path": path, "operator": operator, "value": value}
    added = {f"conditions-0-{name}": text for name, text in condition.items()} | {"conditions-TOTAL_FORMS": "1"}
    return client.post(page_of(row), filled(form_at(client, page_of(row)), **added), follow=True, headers=headers)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("team", "Choose the team."),
        ("person", "Choose the person."),
        ("path", "Enter the path to the person"),
        ("role", "Enter the role as"),
    ],
)
def test_a_target_without_what_its_kind_needs_is_refused(kind: str, sentence: str, route: Route, root: Client) -> None:
    assert sentence in text_of(with_target(root, route, kind=kind))
    assert route.targets.count() == 1


def test_a_target_takes_what_its_kind_needs_and_drops_the_rest(world: World, route: Route, root: Client) -> None:
    with_target(root, route, kind="team", team=world.team.pk, person=world.bob.pk, path="not a path!")
    target = route.targets.get(kind="team")
    assert (target.team, target.person, target.path) == (world.team, None, "")


def test_a_team_lead_may_but_need_not_name_a_team(world: World, route: Route, root: Client) -> None:
    with_target(root, route, kind="team_lead")
    assert route.targets.get(kind="team_lead").team is None


@pytest.mark.parametrize(
    ("path", "operator", "value", "sentence"),
    some(
        [
            ("variables.amount", "gt", "much", "Enter a number"),
            ("task.kind", "eq", "", "Enter the value to compare with."),
            ("task.kind", "exists", "yes", "takes no value"),
            ("task kind", "eq", "x", "Enter a path such as task.kind."),
        ],
        2,
    ),
)
def test_a_condition_that_could_never_be_meant_is_refused(
    path: str, operator: str, value: str, sentence: str, route: Route, root: Client
) -> None:
    assert sentence in text_of(with_condition(root, route, path, operator, value))
    assert not route.conditions.exists()


def test_a_condition_on_something_no_event_has_is_saved_with_a_warning(route: Route, root: Client) -> None:
    shown = text_of(with_condition(root, route, "task.colour", "eq", "red"))
    assert "No sample or variable of its event types has “task.colour”" in shown
    assert route.conditions.get().path == "task.colour"


def test_a_route_that_reaches_nobody_or_has_no_words_is_saved_with_a_warning(route: Route, root: Client) -> None:
    route.targets.all().delete()
    route.template.versions.all().update(state="retired")
    shown = text_of(save_form(root, route))
    assert "This rule has no target" in shown
    assert "has no published version" in shown
    assert "nobody" in text_of(root.get(list_of(Route, "q=Audit")))
    assert [each.name for each in rows_of(root, Route, "gaps=targets")] == ["Audit"]


def test_the_list_reads_as_sentences(world: World, route: Route, root: Client) -> None:
    with_condition(root, route, "variables.amount", "gt", "1000")
    with_target(root, route, kind="team", team=world.team.pk)
    page = root.get(list_of(Route, "q=Audit"))
    assert "<code>task.assigned</code>, <code>variables.amount</code> is more than 1,000" in page.content.decode()
    assert "the task's assignee and the members of Finance" in text_of(page)
    with_condition(root, route, "recipients", "exists", "")
    body = root.get(list_of(Route, "q=Audit")).content.decode()
    assert "<code>recipients</code> is present" in body, "a path without a dot is code, too"


def test_routes_are_switched_with_their_history(route: Route, root: Client) -> None:
    assert "1 disabled." in text_of(choose(root, [route], "disable"))
    route.refresh_from_db()
    assert not route.enabled
    assert route.history.first().enabled is False  # type: ignore[union-attr]
    assert route.history.first().history_user.username == "root"  # type: ignore[union-attr]
    assert "1 enabled." in text_of(choose(root, [route], "enable"))


def test_a_route_is_made_with_conditions_and_targets(world: World, root: Client) -> None:
    page = add_row(
        root,
        Route,
        name="Urgent",
        priority="5",
        enabled="on",
        category=Category.objects.all()[0].pk,
        template=Template.objects.all()[0].pk,
        event_types=[EventType.objects.get(name="task.assigned").pk],
        **{
            "targets-TOTAL_FORMS": "1",
            "targets-0-kind": "person",
            "targets-0-person": str(world.carol.pk),
            "targets-0-team": "",
            "targets-0-path": "",
            "conditions-TOTAL_FORMS": "1",
            "conditions-0-path": "task.priority",
            "conditions-0-operator": "in",
            "conditions-0-value": "high, urgent",
        },
    )
    assert "was added successfully" in text_of(page)
    made = Route.objects.get(name="Urgent")
    assert made.targets.get().person == world.carol
    assert str(made.conditions.get()) == "task.priority is one of high, urgent"


# --- event types and categories -------------------------------------------------------------------------------------
def test_a_sample_is_checked_as_an_events_data_is(world: World, root: Client) -> None:
    event_type = EventType.objects.get(name="task.assigned")
    assert "/data/task/id" in text_of(save_form(root, event_type, sample='{"task": {"name": "x"}}'))
    for sample in ("{not json", f'{{"amount": {"9" * 5000}}}', "[" * 5000):
        assert "This is not JSON" in text_of(save_form(root, event_type, sample=sample))
    event_type.refresh_from_db()
    assert "id" in event_type.sample["task"]


def test_variables_the_sample_lacks_are_named(world: World, root: Client) -> None:
    event_type = EventType.objects.get(name="task.assigned")
    EventVariable.objects.create(event_type=event_type, path="variables.cost_centre")
    shown = text_of(save_form(root, event_type))
    assert "variables.cost_centre" in shown
    assert "previews will show them as missing" in shown


def ticked(client: Client, event_type: EventType, path: str, box: str) -> Any:
    """The form of the type, with the box of one of its variables ticked."""
    page = client.get(page_of(event_type))
    (inline,) = page.context["inline_admin_formsets"]
    (form,) = (each for each in inline.formset.forms if each.instance.path == path)
    return client.post(page_of(event_type), filled(page, **{form.add_prefix(box): "on"}), follow=True)


def test_ticking_sensitive_names_the_published_templates_that_show_it(world: World, root: Client) -> None:
    event_type = EventType.objects.get(name="task.assigned")
    TemplateText.objects.filter(version__template__slug="task").update(title="{{ variables.amount }} <b>")
    template = Template.objects.get(slug="task")

    page = ticked(root, event_type, "variables.amount", "sensitive")

    shown = text_of(page)
    assert "Lock screens no longer show variables.amount" in shown
    assert "Messages already sent do not change." in shown
    assert page_of(template) in page.content.decode() and str(template) in shown
    assert "From now on" not in text_of(save_form(root, event_type))


def test_ticking_what_no_template_shows_says_nothing(world: World, root: Client) -> None:
    event_type = EventType.objects.get(name="task.assigned")

    assert "From now on" not in text_of(ticked(root, event_type, "task.expires_at", "sensitive"))


def test_people_may_set_what_lies_below_variables_and_nothing_else(world: World, root: Client) -> None:
    event_type = EventType.objects.get(name="task.assigned")

    assert "one name after “variables”" in text_of(ticked(root, event_type, "task.name", "settable"))
    ticked(root, event_type, "variables.amount", "settable")

    assert [row.path for row in event_type.variables.filter(settable=True)] == ["variables.amount"]


def test_channels_keep_their_order_and_must_exist(world: World, root: Client) -> None:
    category = Category.objects.all()[0]
    save_form(root, category, channels="email, live")
    category.refresh_from_db()
    assert category.channels == ["email", "live"]
    refused = text_of(save_form(root, category, channels="pigeon"))
    assert "“pigeon” is not one of: live, webpush, fcm, email, appworks." in refused


# --- dry run --------------------------------------------------------------------------------------------------------
def dry_run(client: Client, world: World, body: str) -> str:
    return text_of(client.post(reverse(DRY_RUN), {"engine": world.engine.pk, "body": body}))


def written(**data: Any) -> str:
    return json.dumps({"specversion": "1.0", "id": "try", "source": "try", "type": "task.assigned", "data": data})


def test_the_dry_run_says_who_would_be_told_how_and_why(world: World, root: Client) -> None:
    body = written(**story.invoice("T-900", 900, candidates=["bob", "zoe"]))
    shown = dry_run(root, world, body)
    assert "event task.assigned from Invoices would come in" in shown
    assert "rule “Tasks” matched because it is task.assigned" in shown
    assert "Bob Bauer (candidate) would get “Approve invoice 900”" in shown
    assert "browser: would not be sent: No browser is registered." in shown
    assert "e-mail bob@acme.example: would be sent" in shown
    assert "“zoe” is not notified: unknown" in shown
    assert "other rules did not apply" in shown


def test_the_dry_run_keeps_nothing_and_sends_nothing(world: World, root: Client) -> None:
    body = written(
        **story.invoice("T-900", 900, assignee={"ref": "newcomer", "name": "New Comer", "email": "n@example.org"})
    )
    assert "New Comer (assignee) would get" in dry_run(root, world, body)
    assert not Event.objects.exists()
    assert not Task.objects.exists()
    assert not Notification.objects.exists()
    assert not Delivery.objects.exists()
    assert not type(world.bob).objects.filter(ref="newcomer").exists()


def test_the_dry_run_tells_the_same_story_as_the_real_event(world: World, root: Client) -> None:
    data = story.invoice("T-901", 901, candidates=["alice", "bob", "zoe"])
    foretold = dry_run(root, world, written(**data))
    event = story.send(world, "real", "task.assigned", data)
    told = [f"{each['name']} ({reasons.read(each)})" for each in event.plan["recipients"]]
    assert sorted(told) == ["Alice Adams (candidate)", "Bob Bauer (candidate)"]
    assert all(each in foretold for each in told)
    trace = text_of(root.get(page_of(event)))
    assert all(each in trace for each in told)


def test_the_dry_run_starts_from_a_sample_or_a_real_event(day: World, root: Client) -> None:
    sample = EventType.objects.get(name="exception.raised")
    page = root.get(reverse(DRY_RUN), {"sample": sample.pk})
    assert json.loads(page.context["form"]["body"].value())["data"] == sample.sample
    event = Event.objects.get(event_id="e-3")
    page = root.get(reverse(DRY_RUN), {"event": str(event.pk)})
    filled_in = json.loads(page.context["form"]["body"].value())
    assert filled_in["data"] == event.data
    assert filled_in["id"] != event.event_id
    route = Route.objects.filter(event_types__name="case.status_changed")[0]
    page = root.get(page_of(route, "dry_run_here"))
    assert json.loads(page.context["form"]["body"].value())["type"] in set(
        route.event_types.values_list("name", flat=True)
    )
    assert root.get(reverse(DRY_RUN), {"sample": "x", "event": "x"}).status_code == 200


def test_the_dry_run_says_what_would_not_be_sent(world: World, root: Client) -> None:
    type(world.bob).objects.filter(pk=world.bob.pk).update(email="")
    body = written(**story.invoice("T-902", 902, assignee="bob"))
    shown = dry_run(root, world, body)
    assert "e-mail: would not be sent: No e-mail address is known." in shown
    body = written(**story.invoice("T-903", 903, assignee="zoe"))
    assert "nobody would be notified" in dry_run(root, world, body)


def test_the_dry_run_reads_an_engines_own_json_by_its_mapping(world: World, root: Client) -> None:
    root.post(page_of(world.engine, "try_mapping"), {"preset": "flowable"})
    body = json.dumps({"id": "1", "name": "Approve it", "assignee": "bob", "createTime": "2026-11-25T09:00:00Z"})
    shown = dry_run(root, world, body)
    assert "Bob Bauer (assignee) would get “Approve it”" in shown


@pytest.mark.parametrize(
    ("body", "sentence"),
    [("{", "JSON"), ('{"specversion": "1.0"}', "/id"), ('{"a": 1}', "/data/task/id"), ("[]", "/id")],
)
def test_the_dry_run_says_what_is_wrong_with_an_event(body: str, sentence: str, world: World, root: Client) -> None:
    answer = root.post(reverse(DRY_RUN), {"engine": world.engine.pk, "body": body})
    assert answer.status_code == 200
    assert sentence in " ".join(answer.context["form"].errors["body"])


def test_the_dry_run_says_what_an_event_stumbles_over_and_what_to_do(
    world: World, root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: Any) -> None:
        raise LookupError("there is no such calendar")

    monkeypatch.setattr("notifications.routing.route.match", stumble)
    body = written(**story.invoice("T-904", 904, assignee="bob"))
    answer = root.post(reverse(DRY_RUN), {"engine": world.engine.pk, "body": body})
    assert answer.status_code == 200
    shown = text_of(answer)
    assert "it could not be processed: LookupError: there is no such calendar" in shown
    assert "look at the History of the rules and templates changed last" in shown
    assert answer.context["form"]["body"].value() == body
    assert not Task.objects.exists()


def test_the_dry_run_of_an_event_that_came_in_says_so_and_goes_on(day: World, root: Client) -> None:
    body = json.dumps(
        {
            "specversion": "1.0",
            "id": "e-3",
            "source": "invoices",
            "type": "task.assigned",
            "data": story.invoice("T-905", 905, assignee="bob"),
        }
    )
    answer = root.post(reverse(DRY_RUN), {"engine": day.engine.pk, "body": body})
    shown = text_of(answer)
    assert "an event with this source and id exists, so this counts as a repeat" in shown
    assert page_of(Event.objects.get(event_id="e-3")) in answer.content.decode()
    assert "Bob Bauer (assignee) would get “Approve invoice 905”" in shown
    assert not Task.objects.filter(task_id="T-905").exists()


# --- taking away ----------------------------------------------------------------------------------------------------
def deleted(client: Client, row: Any) -> bool:
    answer = client.post(page_of(row).replace("/change/", "/delete/"), {"post": "yes"})
    assert answer.status_code in (200, 302, 403)
    return not type(row).objects.filter(pk=row.pk).exists()


def test_a_route_goes_with_its_conditions_and_targets(route: Route, root: Client) -> None:
    with_condition(root, route, "task.kind", "eq", "approval")
    assert deleted(root, route)


def test_what_is_in_use_stays(day: World, root: Client) -> None:
    RouteFactory(name="To finance", types=["task.assigned"]).targets.create(kind="team", team=day.team)
    assert not deleted(root, day.team), "a route names it"
    assert not deleted(root, day.engine), "it sent events"
    assert not deleted(root, day.bob), "he was told something"
    assert not deleted(root, Category.objects.filter(routes__isnull=False)[0])
    assert not deleted(root, Template.objects.filter(routes__isnull=False)[0])


def test_an_engine_that_never_sent_anything_goes_with_its_keys(world: World, root: Client) -> None:
    type(world.customer).objects.filter(pk=world.customer.pk).delete()
    assert deleted(root, world.engine)


# --- categories -----------------------------------------------------------------------------------------------------
def test_a_category_is_named_in_other_languages_one_a_line(root: Client) -> None:
    form = filled(form_at(root, adding(Category)))
    del form["mandatory"]  # browsers send nothing of boxes without a tick
    root.post(adding(Category), form | {"name": "Travel", "slug": "travel", "names": "de: Reisen\nfr: Voyages"})

    category = Category.objects.get(slug="travel")
    assert category.names == {"de": "Reisen", "fr": "Voyages"}
    assert filled(form_at(root, page_of(category)))["names"] == "de: Reisen\nfr: Voyages"
    found = text_of(root.get(list_of(Category, "q=Voyages")))
    assert "Reisen, Voyages" in found
    assert "incidents" not in found
