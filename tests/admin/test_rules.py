"""A rule is written on one page, tried before it is published, and published all or nothing."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from lxml import html

from escalations.admin.rules.events import Recent
from escalations.admin.rules.forms import WAIT
from escalations.admin.rules.page import NAME
from escalations.clocks import due_steps
from escalations.models import Escalation, Policy
from notifications.models import Event, Notification, Route, Task, Template
from tests.admin import sla
from tests.admin import world as story
from tests.admin.pages import list_of, text_of
from tests.admin.world import World
from tests.factories import EventFactory
from tests.support.length import some
from wfpush.queue import outbox


@pytest.fixture
def calendar(world: World) -> Any:
    return sla.calendar()


def form(world: World, calendar: Any, **changes: Any) -> dict[str, Any]:
    """For tasks above 1,000: Finance is told, reminded after 2 h, and their manager told after 4."""
    fields: dict[str, Any] = {
        "name": "Large invoices",
        "enabled": "on",
        "types": [WAIT],
        "goes_on": "on",
        "category": Route.objects.get(name="Tasks").category_id,
        "template": Template.objects.get(slug="task").pk,
        **rows("conditions", [{"path": "variables.amount", "operator": "gt", "value": "1000"}]),
        **rows("targets", [{"kind": "team", "team": world.team.pk}]),
        **rows("texts", []),
        **rows(
            "steps",
            [
                {"offset": "2h", "kind": "notify", "target": "team", "level": 1, "team": world.team.pk, "repeats": 0},
                {"offset": "4h", "kind": "notify", "target": "manager", "level": 1, "repeats": 0},
            ],
        ),
        "late-counted": "duration",
        "late-time": "business",
        "late-calendar": calendar.pk,
        **changes,
    }
    anew = {name.removesuffix("TOTAL_FORMS") for name in changes if name.endswith("-TOTAL_FORMS")}
    return {name: text for name, text in fields.items() if name in changes or not name.startswith(tuple(anew))}


def rows(prefix: str, said: list[dict[str, Any]], initial: int = 0) -> dict[str, Any]:
    fields: dict[str, Any] = {f"{prefix}-TOTAL_FORMS": len(said), f"{prefix}-INITIAL_FORMS": initial}
    return fields | {f"{prefix}-{at}-{name}": value for at, row in enumerate(said) for name, value in row.items()}


def publish(client: Client, fields: dict[str, Any], address: str = "") -> Any:
    return client.post(address or reverse(NAME), {**fields, "_publish": "1"}, follow=True)


def ask(client: Client, fields: dict[str, Any], address: str = "") -> Any:
    answer = client.post(address or reverse(NAME), {**fields, "_answer": "1"})
    assert answer.status_code == 200
    return json.loads(answer.content)


def counts() -> list[int]:
    return [model.objects.count() for model in (Route, Policy, Template, Event, Task, Notification, Escalation)]


def test_a_rule_is_published_with_all_its_parts(world: World, calendar: Any, root: Client) -> None:
    page = publish(root, form(world, calendar))
    assert "The rule “Large invoices” is published." in text_of(page)
    route = Route.objects.get(name="Large invoices")
    assert {each.name for each in route.event_types.all()} == {"task.assigned", "task.updated", "task.info_supplied"}
    assert [str(each) for each in route.conditions.all()] == ["variables.amount is more than 1000"]
    assert [str(each) for each in route.targets.all()] == ["the members of Finance"]
    assert not route.stop and route.priority < Route.objects.get(name="Tasks").priority
    policy = Policy.objects.get(route=route)
    assert (policy.clock, policy.minutes, policy.calendar) == ("duration", 240, calendar)
    assert [(step.offset, step.target, step.template.slug) for step in policy.steps.all()] == [
        (-120, "team", "task-reminder"),
        (0, "manager", "task-late"),
    ]
    assert [str(each) for each in policy.conditions.all()] == ["variables.amount is more than 1000"]
    for row, parts in ((route, {"conditions": 1, "targets": 1}), (policy, {"conditions": 1, "steps": 2})):
        [record] = row.history.all()
        assert {name: len(kept) for name, kept in record.parts.items()} == parts


def test_a_sample_event_marks_a_name_that_is_cut(db: None) -> None:
    name = f"Approve the replacement of the {'air conditioning ' * 3}units 90217"
    event = EventFactory(data={"task": {"name": name}})

    assert f"{name[:79].rstrip()}…, " in str(Recent(event, meets=True, lacking=0))


def test_what_it_would_do_is_shown_and_nothing_is_kept(world: World, calendar: Any, root: Client) -> None:
    story.live(world)
    before = counts()
    said = ask(root, form(world, calendar))
    assert said["faults"] == []
    parts = {name: " ".join(html.split()) for name, html in said["parts"].items()}
    assert "It matches 4 of the last 4 such events" in parts["when"]
    in_every_currency = "amount counts in every currency. To limit it to one, add a condition on currency."
    assert in_every_currency in parts["when"]
    amount = {"path": "variables.amount", "operator": "gt", "value": "1000"}
    most = {**amount, "operator": "le", "value": "5000"}
    between = ask(root, form(world, calendar, **rows("conditions", [amount, most])))["parts"]["when"]
    assert between.count("in every currency") == 1
    count = {"path": "variables.floor", "operator": "gt", "value": "3"}
    assert "in every currency" not in ask(root, form(world, calendar, **rows("conditions", [count])))["parts"]["when"]
    eur = {"path": "variables.currency", "operator": "eq", "value": "EUR"}
    assert (
        "in every currency"
        not in ask(root, form(world, calendar, **rows("conditions", [amount, eur])))["parts"]["when"]
    )
    assert "Alice Adams, Bob Bauer" in parts["who"]
    assert 'lang="en"' in parts["words"] and 'lang="de"' in parts["words"]
    assert "4 h after the assignment, working time" in parts["late"]
    assert "remind" not in parts["try"] or "Finance" in parts["try"]
    assert "What comes next" in parts["try"]
    assert counts() == before


@pytest.mark.parametrize(
    ("changes", "sentence", "others"),
    [
        ({}, "Also applies to this event: recipients of both rules get this rule's message", ["Tasks"]),
        ({"goes_on": ""}, "Would apply to this event, but this rule stops it", ["Tasks"]),
        ({"goes_on": "", "enabled": ""}, "", []),
        (
            rows("targets", []),
            "Also applies to this event: recipients of both rules get this rule's message",
            ["Tasks"],
        ),
        (rows("conditions", [{"path": "variables.amount", "operator": "gt", "value": "99000"}]), "", []),
    ],
)
def test_a_new_rule_shows_its_position_and_which_others_apply(
    changes: dict[str, Any], sentence: str, others: list[str], world: World, calendar: Any, root: Client
) -> None:
    story.live(world)
    part = html.fragment_fromstring(ask(root, form(world, calendar, **changes))["parts"]["order"], create_parent=True)
    text = " ".join(part.text_content().split())
    assert ("Position 100: tried before all other rules" in text) == ("enabled" not in changes)
    assert sentence in text
    assert [link.text for link in part.iter("a")] == others


def test_a_rule_shows_which_others_apply_before_it(world: World, calendar: Any, root: Client) -> None:
    story.live(world)
    tasks = Route.objects.get(name="Tasks")
    publish(root, form(world, calendar))
    address = reverse("admin:notifications_route_rule", args=[tasks.pk])
    fields = form(world, calendar, name="Tasks")
    text = " ".join(html.fromstring(ask(root, fields, address)["parts"]["order"]).text_content().split())
    assert "tried after" in text
    assert "Applies to this event first: recipients of both rules get the earlier rule's message Large invoices" in text

    Route.objects.filter(name="Large invoices").update(stop=True)
    text = " ".join(html.fromstring(ask(root, fields, address)["parts"]["order"]).text_content().split())
    assert "Applies to this event first, so this rule does not Large invoices" in text


def test_an_event_then_does_what_was_shown(world: World, calendar: Any, root: Client) -> None:
    story.live(world)
    said = ask(root, form(world, calendar))
    publish(root, form(world, calendar))
    event = story.send(world, "e-99", "task.assigned", story.invoice("T-199", 4799, teams=["finance"]))
    told = {each["name"]: each["route"] for each in event.plan["recipients"]}
    assert told == {"Alice Adams": "Large invoices", "Bob Bauer": "Large invoices"}
    for name in told:
        assert name in said["parts"]["try"]
    assert Escalation.objects.get(task__task_id="T-199").policy == Policy.objects.get(name="Large invoices")


def test_a_step_for_those_who_have_the_task_reminds_them(world: World, calendar: Any, root: Client) -> None:
    publish(root, form(world, calendar))
    story.send(world, "e-99", "task.assigned", story.invoice("T-199", 4799, teams=["finance"]))
    clock = Escalation.objects.get(task__task_id="T-199")
    outbox.hold(clock)
    due_steps.advance([clock], clock.due_at + timedelta(seconds=1))
    task = Task.objects.get(task_id="T-199")
    assert task.escalated == []
    assert {copy.recipient.ref for copy in task.notifications.exclude(notice="")} == {"alice", "bob"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    some([
        ({"types": []}, "Choose the events that it applies to."),
        (rows("targets", []), "Add a recipient."),
        (rows("targets", [{"kind": "team"}]), "Choose the team."),
        (rows("conditions", [{"path": "variables.amount", "operator": "gt", "value": "lots"}]), "number"),
        ({"late-counted": "due", **rows("steps", [])}, "Add a step"),
        ({"late-calendar": ""}, "Choose the calendar that defines working time."),
        (rows("steps", [{"offset": "soon", "kind": "notify", "target": "manager", "level": 1}]), "Enter a time"),
        (rows("steps", [{"offset": "2h", "kind": "notify", "level": 1}]), "Choose who is notified."),
        (
            rows("steps", [{"offset": "2h", "kind": "notify", "target": "person", "person": "zoe", "level": 1}]),
            "There is nobody called “zoe”.",
        ),
        (
            {"words-own": "on", **rows("texts", [{"language": "en", "title": "{{ task.name", "body": ""}])},
            "The last {{ is never closed by }}.",
        ),
        ({"words-own": "on", **rows("texts", [])}, "Enter the text in at least one language."),
    ], 5),
    ids=[
        "no events", "nobody", "no team", "no number", "no step", "no calendar", "no time", "nobody told", "unknown",
        "bad words", "no words",
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_published(
    changes: dict[str, Any], sentence: str, world: World, calendar: Any, root: Client
) -> None:
    before = counts()
    page = publish(root, form(world, calendar, **changes))
    assert sentence in text_of(page)
    assert counts() == before


def test_words_of_its_own_are_a_template_of_its_own(world: World, calendar: Any, root: Client) -> None:
    texts = [
        {"language": "en", "title": "Large: {{ task.name }}", "body": "Look twice.", "short_body": ""},
        {"language": "de", "title": "Groß: {{ task.name }}", "body": "Zweimal ansehen.", "short_body": ""},
    ]
    publish(root, form(world, calendar, **{"words-own": "on"}, **rows("texts", texts)))
    route = Route.objects.get(name="Large invoices")
    assert route.template.name == "Large invoices"
    version = route.template.versions.get(state="published")
    assert version.actions.count() == Template.objects.get(slug="task").versions.get(state="published").actions.count()
    story.send(world, "e-99", "task.assigned", story.invoice("T-199", 4799, teams=["finance"]))
    titles = {each.recipient.ref: each.title for each in Notification.objects.filter(task__task_id="T-199")}
    assert titles == {"alice": "Large: Approve invoice 4799", "bob": "Groß: Approve invoice 4799"}


def test_the_same_page_changes_it_later(world: World, calendar: Any, root: Client) -> None:
    publish(root, form(world, calendar))
    route = Route.objects.get(name="Large invoices")
    address = reverse("admin:notifications_route_rule", args=[route.pk])
    page = root.get(address)
    assert [form["offset"].value() for form in page.context["rule"].steps] == ["2h", "4h"]
    condition, target = route.conditions.get(), route.targets.get()
    policy = Policy.objects.get(route=route)
    steps = list(policy.steps.all())
    ids = {"steps-0-id": steps[0].pk, "steps-1-id": steps[1].pk, "targets-0-id": target.pk}
    changed = form(
        world,
        calendar,
        name="Very large invoices",
        **{"conditions-0-id": condition.pk, "conditions-0-value": "5000", "conditions-INITIAL_FORMS": 1},
        **{"targets-INITIAL_FORMS": 1, "steps-INITIAL_FORMS": 2, "steps-0-offset": "3h", "steps-1-DELETE": "on"},
        **ids,
    )
    publish(root, changed, address)
    policy.refresh_from_db()
    assert (policy.name, policy.minutes) == ("Very large invoices", 180)
    assert [step.offset for step in policy.steps.all()] == [0]
    assert [str(each) for each in policy.conditions.all()] == ["variables.amount is more than 5000"]
    assert Route.objects.get(pk=route.pk).conditions.get().value == "5000"
    large = {**story.invoice("T-199", 4799, assignee="bob"), "variables": {"amount": 9000}}
    story.send(world, "e-99", "task.assigned", large)
    runs = Escalation.objects.get(policy=policy)
    publish(root, {**changed, "late-counted": ""}, address)
    policy.refresh_from_db()
    assert not policy.enabled
    due = runs.due_at
    runs.refresh_from_db()
    assert (runs.ended_at, runs.due_at) == (None, due), "clocks that run go on"


def test_a_rule_without_a_name_is_named_by_what_it_says(world: World, calendar: Any, root: Client) -> None:
    for _ in range(2):
        publish(root, form(world, calendar, name=""))
    names = Route.objects.filter(name__contains="→").order_by("pk").values_list("name", flat=True)
    assert list(names) == ["amount is more than 1,000 → Finance", "amount is more than 1,000 → Finance 2"]


def test_people_are_suggested_and_named(world: World, calendar: Any, root: Client) -> None:
    assert root.get(reverse(NAME), {"people": "bau"}).json() == {"people": ["Bob Bauer (bob)"]}
    target = [{"kind": "person", "person": "Bob Bauer (bob)"}, {"kind": "person", "person": "carol"}]
    publish(root, form(world, calendar, **rows("targets", target)))
    assert {each.person.ref for each in Route.objects.get(name="Large invoices").targets.all()} == {"bob", "carol"}


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            ["a task", "amount is more than 1,000", "Finance", "2 h after the assignment", "4 h after the assignment"],
        ),
        ("de", ["eine Aufgabe", "amount ist mehr als 1.000", "Finance", "2 Std. nach der Zuweisung"]),
    ],
)
def test_a_rule_reads_as_a_sentence(language: str, words: list[str], world: World, calendar: Any, root: Client) -> None:
    publish(root, form(world, calendar))
    route = Route.objects.get(name="Large invoices")
    address = reverse("admin:notifications_route_rule", args=[route.pk])
    page = root.get(address, headers={"accept-language": language}).content.decode()
    shown = re.sub(r"(?s)<template.*?</template>", "", page)
    chips = re.findall(r'data-chip="(?:types|condition|target|when)"[^>]*>([^<]*)<', shown)
    assert chips[: len(words)] == words
    rules = root.get(list_of(Route)).content.decode()
    assert f'href="{address}"' in rules and reverse("admin:notifications_route_add") not in rules


def test_the_sample_is_the_newest_event_with_every_field_that_is_used(
    world: World, calendar: Any, root: Client
) -> None:
    task = story.invoice("T-1", 4711, assignee="bob")
    whole = {**task, "variables": {**task["variables"], "vendor": "Nordwind"}}
    events = [story.send(world, f"e-{at}", "task.assigned", data) for at, data in enumerate((task, whole, task))]
    text = {"language": "en", "title": "{{ task.name }} of {{ variables.vendor }}", "body": "", "short_body": ""}
    own = form(world, calendar, **{"words-own": "on"}, **rows("texts", [text]))
    assert ask(root, form(world, calendar))["event"] == str(events[2].pk)
    said = ask(root, own)
    assert said["event"] == str(events[1].pk)
    assert "of Nordwind" in said["parts"]["words"] and "variables.vendor" in said["insert_menu"]["html"]


def test_without_javascript_rows_are_added_by_the_server(world: World, calendar: Any, root: Client) -> None:
    page = root.post(reverse(NAME), {**form(world, calendar), "_more": "conditions"})
    assert 'name="conditions-1-path"' in page.content.decode()
    page = root.post(reverse(NAME), {**form(world, calendar), "_try": "1"})
    assert "Alice Adams, Bob Bauer" in text_of(page)
    assert not Route.objects.filter(name="Large invoices").exists()
