"""Files are planned, applied and undone: all or nothing, through the desk's checks, with a history."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from escalations.models import BusinessCalendar, Policy, PolicyStep
from notifications.config_files import applying, documents
from notifications.config_files.applying import Refused
from notifications.config_files.changes import Owner
from notifications.config_files.models import ConfigApply, OwnedThing
from notifications.config_files.nodes import Mistakes
from notifications.config_files.tests.folders import OPS, apply, export, plan, put, structure
from notifications.models import (
    Category,
    CategoryChoice,
    Engine,
    EngineAccess,
    Recipient,
    Route,
    Team,
    Template,
    TemplateVersion,
    VersionState,
)
from tests.support.story import Story

pytestmark = pytest.mark.django_db

RULE = {"event_types": ["task.assigned"], "category": "approvals", "template": "task", "priority": 5}
TARGETS = [{"kind": "person", "person": "alice"}]


@pytest.fixture(autouse=True)
def company(story: Story) -> Story:
    return story


def test_an_export_changes_nothing_when_it_is_planned(tmp_path: Path) -> None:
    documents.write(tmp_path, documents.files_of(applying.current()))
    read = documents.read(tmp_path)

    assert read.mistakes == documents.unknown_names(read.things) == []
    planned = applying.plan(read, OPS)
    assert planned.changes == []
    assert planned.note == f"{len(read.things)} things become read-only at the desk."


def test_a_new_rule_is_created_with_its_parts_and_a_history() -> None:
    planned, record = apply(rules={"Invoices": {**RULE, "targets": TARGETS}})
    route = Route.objects.get(name="Invoices")

    assert planned.summary == "1 new, 0 changed, 0 removed."
    assert [str(target.person) for target in route.targets.all()] == ["Alice"]
    assert record is not None
    newest = route.history.get()
    assert newest.history_change_reason == f"Files, no. {record.pk}, by ops@example"
    assert [row["kind"] for row in newest.parts["targets"]] == ["person"]
    assert export()["rules"]["Invoices"] == {**RULE, "targets": TARGETS}


def test_a_plan_says_field_by_field_what_changes() -> None:
    apply(rules={"Invoices": {**RULE, "targets": TARGETS}})
    conditions = [{"path": "variables.amount", "operator": "gt", "value": "5000"}]
    planned = plan(
        rules={"Invoices": {**RULE, "priority": 7, "targets": [{"kind": "assignee"}], "conditions": conditions}}
    )

    assert planned.sentences == [
        "Rule “Invoices” changes:",
        "  Position: 5 → 7",
        "  Condition added:",
        "    Path: variables.amount",
        "    Operator: is more than",
        "    Value: 5000",
        "  Target “a named person” changed:",
        "    Kind: a named person → the task's assignee",
        "    Person: alice → –",
    ]
    assert Route.objects.get(name="Invoices").priority == 5


def test_a_plan_says_which_open_tasks_would_go_to_others(story: Story) -> None:
    story.assign()
    planned = plan(rules={"Invoices": {**RULE, "stop": True, "targets": TARGETS}})

    assert planned.effects[-3:] == [
        "1 open task would go to others if it came in now. Open items stay with their people.",
        "Newly reached: Alice (1).",
        "No longer reached: Bob (1).",
    ]


def test_a_plan_names_the_dead_end_that_it_opens(story: Story) -> None:
    Team.objects.create(slug="empty", name="Empty")
    planned = plan(rules={"Invoices": {**RULE, "targets": [{"kind": "team", "team": "empty"}]}})

    assert any("Opens a dead end in the rule “Invoices”" in sentence for sentence in planned.effects)


def test_what_is_not_in_files_stays_unless_files_own_it() -> None:
    apply(rules={"Invoices": RULE, "Others": RULE})
    before = export()
    planned, _record = apply(rules={"Others": RULE})

    assert [change.title for change in planned.changes] == ["Rule “Invoices”"]
    assert not Route.objects.filter(name="Invoices").exists()
    del before["rules"]["Invoices"]
    assert export() == before


def test_a_thing_that_is_used_is_not_removed() -> None:
    apply(categories={"mine": {"name": "Mine", "channels": ["live"]}}, rules={"Invoices": {**RULE, "category": "mine"}})
    OwnedThing.objects.filter(kind="rules").delete()
    with pytest.raises(Mistakes, match="It cannot be removed, because it is used by: Rule “Invoices”"):
        plan(rules={"Tasks": export()["rules"]["Tasks"]})


def test_removing_a_thing_must_not_change_others_unseen() -> None:
    apply(teams={"mine": {"name": "Mine"}})
    apply(teams={"mine": {"name": "Mine"}}, rules={"Invoices": {**RULE, "targets": [{"kind": "team", "team": "mine"}]}})
    OwnedThing.objects.filter(kind="rules").delete()
    with pytest.raises(Mistakes, match=r"It cannot be removed, because it is used by: Rule “Invoices”"):
        plan(brands={"acme": {"name": "Acme"}})


def test_an_engine_with_events_is_not_removed(story: Story) -> None:
    story.assign()
    apply(engines=export()["engines"])
    with pytest.raises(Mistakes, match=r"It cannot be removed, because it is used by: .*events"):
        plan(brands={"acme": {"name": "Acme"}})

    assert Engine.objects.filter(pk=story.engine.pk).exists()


def test_a_category_that_people_have_chosen_about_is_not_removed(story: Story) -> None:
    apply(categories={"mine": {"name": "Mine", "channels": ["live"]}})
    CategoryChoice.objects.create(recipient=story.alice, category=Category.objects.get(slug="mine"), channels=[])
    with pytest.raises(Mistakes, match="It cannot be removed, because it is used by"):
        plan(brands={"acme": {"name": "Acme"}})


def test_a_new_thing_takes_the_unique_value_of_a_removed_one(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["acme.example"]
    apply(brands={"old": {"name": "Old", "domain": "https://acme.example"}})
    apply(brands={"new": {"name": "New", "domain": "https://acme.example"}})

    assert [*export()["brands"]] == ["new"]


def test_a_mistake_in_the_middle_leaves_nothing() -> None:
    before, rules = export(), {"A": RULE, "B": {**RULE, "targets": [{"kind": "person", "person": "nobody"}]}, "C": RULE}
    with pytest.raises(Mistakes) as caught:
        apply(rules=rules, categories={"mine": {"name": "Mine"}})

    assert [str(each) for each in caught.value.mistakes] == [
        "/rules/B/targets/0/person: Rule “B”: person: There is no person “nobody”."
    ]
    assert export() == before
    assert not ConfigApply.objects.exists() and not OwnedThing.objects.exists()


@pytest.mark.parametrize(
    ("kinds", "reasons"),
    [
        ({"rules": {"A": {**RULE, "targets": [{"kind": "person"}]}}}, ["/rules/A/targets/0", "Choose the person."]),
        (
            {"rules": {"A": {**RULE, "conditions": [{"path": "task.kind", "operator": "exists", "value": "x"}]}}},
            ["/rules/A/conditions/0/value", "takes no value."],
        ),
        (
            {"rules": {"A": {**RULE, "conditions": [{"path": "variables.amount", "operator": "gt", "value": "many"}]}}},
            ["/rules/A/conditions/0/value"],
        ),
        ({"categories": {"a": {"name": "A", "channels": ["pigeon"]}}}, ["/categories/a/channels", "pigeon"]),
        (
            {"categories": {"a": {"name": "A", "channels": ["live"], "mandatory": ["email"]}}},
            ["/categories/a/mandatory", "The category does not use e-mail."],
        ),
        ({"event_types": {"task.mine": {"sample": {"task": {"id": 7}}}}}, ["/event_types/task.mine/sample", "/task"]),
        ({"policies": {"P": {}}}, ["/policies/P", "calendar"]),
        (
            {"policies": {"P": {"time": "wall", "steps": [{"offset": 5, "kind": "notify"}]}}},
            ["/policies/P/steps/0", "target"],
        ),
        ({"calendars": {"C": {"week": {"mon": [["25:00", "09:00"]]}}}}, ["/calendars/C"]),
        ({"templates": {"t": {"name": "T", "texts": [{"title": "{{ oops"}]}}}, ["/templates/t/texts"]),
        ({"engines": {"e": {"name": "E", "callback_url": "http://10.0.0.1/x"}}}, ["/engines/e/callback_url"]),
        ({"engines": {"e": {"name": "E", "kind": "abacus"}}}, ["/engines/e/kind"]),
        ({"engines": {"e": {"name": "E", "event_mappings": [{"member": "id", "expression": "[["}]}}}, ["/engines/e"]),
        ({"brands": {"b": {"name": "B", "category_defaults": [{"category": "none"}]}}}, ["category_defaults"]),
    ],
)  # fmt: skip
def test_files_cannot_store_what_the_desk_would_refuse(kinds: dict[str, object], reasons: list[str]) -> None:
    with pytest.raises(Mistakes) as caught:
        apply(**kinds)

    assert all(reason in str(caught.value) for reason in reasons), str(caught.value)


def test_the_parts_of_a_template_pass_the_desks_forms() -> None:
    body = export()["templates"]["task"]
    body["facts"] = [{"position": 1, "path": "variables.amount", "kind": "money", "labels": {"en": "Amount"}}] * 2
    with pytest.raises(Mistakes, match="Template “task”"):
        apply(templates={"task": body})


def test_texts_are_published_as_a_new_version_and_only_if_they_change() -> None:
    body = export()["templates"]["task"]
    template = Template.objects.get(slug="task")
    apply(templates={"task": {**body, "name": "Another name"}})
    assert template.versions.count() == 1

    body["texts"][0]["title"] = "Neu: {{ task.name }}"
    apply(templates={"task": body})
    newest = TemplateVersion.objects.get(template=template, state=VersionState.PUBLISHED)
    assert newest.number == 2
    assert newest.note.startswith("Files, no. ")
    assert newest.texts.count() == len(body["texts"])
    assert export()["templates"]["task"] == body


def test_steps_keep_their_rows_so_that_clocks_know_them() -> None:
    words = {"kind": "notify", "time": "wall", "template": "task-reminder", "category": "approvals"}
    first, second = {"offset": -60, "target": "assignee", **words}, {"offset": 0, "target": "manager", **words}
    apply(policies={"P": {"time": "wall", "steps": [first, second]}})
    before = list(PolicyStep.objects.order_by("offset").values_list("pk", flat=True))
    apply(policies={"P": {"time": "wall", "steps": [first, {**second, "critical": True}, {**second, "offset": 9}]}})

    assert list(PolicyStep.objects.order_by("offset").values_list("pk", flat=True))[:2] == before


def test_a_team_moves_from_one_calendar_to_another() -> None:
    week = {"week": {"mon": [["09:00", "17:00"]]}}
    apply(calendars={"A": {**week, "teams": ["finance"]}, "B": week})
    apply(calendars={"A": week, "B": {**week, "teams": ["finance"]}})

    assert [team.team.slug for team in BusinessCalendar.objects.get(name="B").teams.all()] == ["finance"]


def test_members_that_are_left_out_stay() -> None:
    apply(teams={"finance": {"name": "Money"}})

    team = Team.objects.get(slug="finance")
    assert (team.name, team.lead) == ("Money", None)
    assert sorted(team.members.values_list("ref", flat=True)) == ["bob", "carol"]


ADDRESS = {"kind": "camunda7", "callback_url": "https://engine.example/engine-rest"}
ENGINE = {"name": "E", **ADDRESS, "access": {"auth": "bearer", "secret": {"secret": "E_SECRET"}}}


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Mistakes, match="The environment has no CONFIG_SECRET_E_SECRET"):
        apply(engines={"e": ENGINE})

    monkeypatch.setenv("CONFIG_SECRET_E_SECRET", "hunter2")
    apply(engines={"e": ENGINE})
    assert EngineAccess.objects.get(engine__slug="e").secret == "hunter2"
    assert export()["engines"]["e"] == ENGINE
    assert plan(engines={"e": ENGINE}).changes == []

    monkeypatch.setenv("CONFIG_SECRET_E_SECRET", "other")
    planned = plan(engines={"e": ENGINE})
    assert planned.sentences == ["Engine “e” changes:", "  access.secret: ••• → another secret"]
    assert "other" not in str(planned.as_json()).replace("another", "")
    apply(engines={"e": ENGINE})
    assert EngineAccess.objects.get(engine__slug="e").secret == "other"


def test_a_stored_secret_stays_where_the_environment_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIG_SECRET_E_SECRET", "hunter2")
    apply(engines={"e": ENGINE})
    monkeypatch.delenv("CONFIG_SECRET_E_SECRET")
    apply(engines={"e": {**ENGINE, "name": "Engine"}})

    assert EngineAccess.objects.get(engine__slug="e").secret == "hunter2"


@pytest.mark.parametrize(
    "change",
    [
        {"callback_url": "https://other.example/engine-rest"},
        {"access": {**ENGINE["access"], "auth": "api_key", "header": "X-Key"}},
        {"access": {"auth": "oauth2", "name": "us", "token_url": "https://other.example/token"}},
    ],
)
def test_a_stored_secret_is_not_sent_to_another_host(change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIG_SECRET_E_SECRET", "hunter2")
    apply(engines={"e": ENGINE})
    monkeypatch.delenv("CONFIG_SECRET_E_SECRET")
    with pytest.raises(Mistakes, match="The stored secret would go to another host"):
        apply(engines={"e": {**ENGINE, **change}})


def test_undoing_does_not_send_a_newer_secret_to_the_former_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIG_SECRET_E_SECRET", "hunter2")
    apply(engines={"e": ENGINE})
    monkeypatch.setenv("CONFIG_SECRET_E_SECRET", "newer")
    apply(engines={"e": {**ENGINE, "callback_url": "https://other.example/engine-rest"}})

    with pytest.raises(Mistakes, match="The stored secret would go to another host"):
        applying.undo(OPS)
    assert Engine.objects.get(slug="e").callback_url == "https://other.example/engine-rest"


def test_answers_that_wait_are_sent_to_a_new_address_at_once(story: Story) -> None:
    engine = story.engine
    Engine.objects.filter(pk=engine.pk).update(callback_disabled_at=timezone.now(), callback_url="https://old.example/")
    body = export()["engines"][engine.slug]
    apply(engines={engine.slug: {**body, "callback_url": "https://new.example/"}})

    engine.refresh_from_db()
    assert (engine.callback_url, engine.callback_disabled_at) == ("https://new.example/", None)


def test_a_secret_of_the_environment_with_another_name_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
    with pytest.raises(Mistakes, match="no CONFIG_SECRET_DATABASE_PASSWORD"):
        apply(engines={"e": {**ENGINE, "access": {"auth": "bearer", "secret": {"secret": "DATABASE_PASSWORD"}}}})


# --- between plan and apply -------------------------------------------------------------------------------------------
def test_a_plan_that_has_become_another_one_is_refused() -> None:
    apply(rules={"Invoices": RULE})
    changed = structure(rules={"Invoices": {**RULE, "priority": 7}})
    digest = applying.plan(changed, OPS).digest
    Route.objects.filter(name="Invoices").update(priority=6)

    with pytest.raises(Refused, match="Something has changed since the plan"):
        applying.apply(changed, OPS, "tests", digest)
    assert Route.objects.get(name="Invoices").priority == 6


def test_a_plan_that_is_still_the_same_is_applied() -> None:
    changed = structure(rules={"Invoices": RULE})
    digest = applying.plan(changed, OPS).digest
    Engine.objects.update(name="Other")
    applying.apply(changed, OPS, "tests", digest)

    assert Route.objects.filter(name="Invoices").exists()


# --- undo ------------------------------------------------------------------------------------------------------------
def test_undo_restores_what_was_changed_created_and_removed() -> None:
    apply(rules={"A": {**RULE, "targets": TARGETS}, "B": RULE})
    before, owned = export(), applying.owned()
    apply(rules={"A": {**RULE, "priority": 9}, "C": RULE}, templates={"mine": {"name": "Mine"}})
    record = applying.undo(OPS)

    assert export() == before
    assert applying.owned() == owned
    assert record.undoes is not None
    with pytest.raises(Refused, match="There is nothing to undo"):
        applying.undo(OPS)


def test_undo_leaves_what_files_leave_out() -> None:
    apply(teams={"finance": {"name": "Money"}})
    Team.objects.get(slug="finance").members.set(Recipient.objects.filter(ref="alice"))
    applying.undo(OPS)

    team = Team.objects.get(slug="finance")
    assert (team.name, [each.ref for each in team.members.all()]) == ("Finance", ["alice"])


def test_undo_is_refused_if_something_has_changed_since() -> None:
    apply(rules={"A": RULE})
    Route.objects.filter(name="A").update(priority=9)
    with pytest.raises(Refused, match="This has changed since then: rules “A”"):
        applying.undo(OPS)

    assert Route.objects.get(name="A").priority == 9


def test_undoing_takes_over_gives_things_back() -> None:
    apply(rules={"Tasks": export()["rules"]["Tasks"]})
    assert applying.owned() == {("rules", "Tasks"): Owner("/rules/Tasks")}
    applying.undo(OPS)

    assert applying.owned() == {}


# --- owners -----------------------------------------------------------------------------------------------------------
def test_a_file_owns_what_it_has(tmp_path: Path) -> None:
    read = put(tmp_path, mine="rules:\n  A: {category: approvals, template: task}\n")
    applying.apply(read, OPS, "tests")

    assert applying.owned() == {("rules", "A"): Owner("mine.yaml")}
    applying.release("rules", "A")
    assert applying.owned() == {}
    with pytest.raises(Refused, match="No file owns rules “A”"):
        applying.release("rules", "A")


def test_what_was_released_is_not_removed_with_its_file() -> None:
    apply(rules={"A": RULE, "B": RULE})
    applying.release("rules", "A")
    apply(rules={"B": RULE})

    assert Route.objects.filter(name="A").exists()


def test_a_policy_belongs_to_its_rule() -> None:
    apply(rules={"A": RULE}, policies={"A": {"route": "A", "time": "wall"}})

    assert Policy.objects.get(name="A").route == Route.objects.get(name="A")
