"""Policies read as sentences, show what each step needs, and are refused where nobody could be told by them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from escalations.admin import simulator
from escalations.kinds import wording
from escalations.kinds.base import whom
from escalations.models import BusinessCalendar, Policy, PolicyCondition, PolicyStep, StepTarget
from notifications.models import Absence, Category, Recipient, Template
from tests.admin import sla
from tests.admin.pages import adding, choose, filled, form_at, list_of, page_of, save_form, text_of
from tests.admin.world import World
from tests.support.length import some


@pytest.fixture
def munich(world: World) -> BusinessCalendar:
    return sla.calendar()


@pytest.fixture
def approvals(munich: BusinessCalendar) -> Policy:
    return sla.policy(calendar=munich)


def refused(client: Client, policy: Policy, **changes: Any) -> dict[str, str]:
    answer = save_form(client, policy, **changes)
    assert answer.status_code == 200
    found = dict(answer.context["adminform"].form.errors)
    for inline in answer.context["inline_admin_formsets"]:
        for form in inline.formset.forms:
            found.update({f"{form.prefix}-{name}": said for name, said in form.errors.items()})
    return {name: " ".join(said) for name, said in found.items()}


def duration(name: str, text: str = "h") -> dict[str, str]:
    """What the pickers of a duration send: `-90m`."""
    side = {f"{name}_side": "-" if text.startswith("-") else ""} if name.endswith("offset") else {}
    return {f"{name}_number": text[:-1].lstrip("-"), f"{name}_unit": text[-1], **side}


def step_fields(place: int, **fields: Any) -> dict[str, Any]:
    """A new step's part of the form."""
    blank = dict.fromkeys(("id", "target", "team", "person", "template", "category", "channels", "priority"), "")
    when = duration("offset", "0h") | duration("repeat_every")
    said = {**blank, **when, "kind": "notify", "time": "wall", "level": "1", "repeats": "0", **fields}
    return {f"steps-{place}-{name}": value for name, value in said.items()}


def reminding() -> dict[str, Any]:
    template, category = Template.objects.get(slug="task-reminder"), Category.objects.get(slug="approvals")
    return {"template": template.pk, "category": category.pk}


# --- the form -----------------------------------------------------------------------------------------------------
def test_a_policy_is_made_with_conditions_and_steps(world: World, munich: BusinessCalendar, root: Client) -> None:
    fields = filled(
        form_at(root, adding(Policy)),
        name="Site visits",
        clock="duration",
        time="business",
        calendar=str(munich.pk),
        on_acknowledge="holds",
        **duration("minutes", "2d"),
        **duration("hold_minutes", "4h"),
        **{
            "conditions-TOTAL_FORMS": "1",
            "conditions-0-path": "task.kind",
            "conditions-0-operator": "eq",
            "conditions-0-value": "field",
            "steps-TOTAL_FORMS": "3",
        },
        **step_fields(0, **duration("offset", "-90m"), time="business", target="assignee", **reminding()),
        **step_fields(1, kind="raise_priority", priority="urgent"),
        **step_fields(
            2,
            **duration("offset", "1d"),
            target="person",
            person=world.carol.pk,
            **duration("repeat_every", "4h"),
            repeats="2",
            critical="on",
            **reminding(),
        ),
    )
    assert "was added successfully" in text_of(root.post(adding(Policy), fields, follow=True))
    made = Policy.objects.get(name="Site visits")
    assert (made.minutes, made.hold_minutes, made.calendar) == (2880, 240, munich)
    assert str(made.conditions.get()) == "task.kind is field"
    assert [step.critical for step in made.steps.all()] == [False, False, True]
    assert [wording.sentence(wording.of_row(step)) for step in made.steps.all()] == [
        "1 h 30 min before due, working time: remind the assignee",
        "when due: raise the priority to urgent",
        "1 d after due: notify Carol Castle, again every 4 h, 2 times",
    ]


def test_its_test_is_the_simulator_of_the_task_that_is_due_first(approvals: Policy, world: World, root: Client) -> None:
    assert root.get(page_of(approvals, "test")).url == reverse(simulator.NAME)  # type: ignore[attr-defined]
    late, early = (sla.assign(world, f"T-{hours}", world.now + timedelta(hours=hours)) for hours in (9, 3))
    assert root.get(page_of(approvals, "test")).url == f"{reverse(simulator.NAME)}?task={early.task_id}"  # type: ignore[attr-defined]
    assert late.policy == approvals


def test_the_form_says_again_what_is_kept(approvals: Policy, root: Client) -> None:
    before = list(approvals.steps.values())
    assert "was changed successfully" in text_of(save_form(root, approvals, position="7"))
    approvals.refresh_from_db()
    assert approvals.position == 7
    assert list(approvals.steps.values()) == before


def test_durations_are_picked_in_their_largest_unit(approvals: Policy, root: Client) -> None:
    Policy.objects.update(clock="duration", minutes=1590)
    fields = filled(form_at(root, page_of(approvals)))
    picked = {name: fields[name] for name in duration("minutes", "1590m") if name in fields}
    assert picked == {"minutes_number": 1590, "minutes_unit": "m"}
    names = ("steps-0-offset", "steps-1-offset", "steps-2-offset", "steps-2-repeat_every")
    sent = [[fields.get(f"{name}_{part}", "") for part in ("side", "number", "unit")] for name in names]
    assert sent == [["-", 1, "h"], ["", 0, "h"], ["", 1, "h"], ["", 1, "h"]]


def test_each_step_is_headed_by_its_sentence(approvals: Policy, root: Client) -> None:
    shown = text_of(root.get(page_of(approvals)))
    assert "1 h before due: remind the assignee" in shown
    assert "When due: notify the team lead" in shown
    assert "1 h after due: notify the assignee's manager, again every 1 h, 2 times" in shown


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    some(
        [
            ({"clock": "duration"}, "minutes", "Enter how long the task may take."),
            ({"clock": "duration", **duration("minutes", "soonh")}, "minutes", "Enter a whole number."),
            ({"clock": "duration", "minutes_number": "-1"}, "minutes", "Enter a whole number."),
            ({"clock": "duration", **duration("minutes", "9999d")}, "minutes", "less than or equal to"),
            ({"steps-1-target": ""}, "steps-1-target", "Choose who is notified."),
            (
                {"steps-1-channels": "live, pigeon"},
                "steps-1-channels",
                "“pigeon” is not one of: live, webpush, fcm, email, appworks.",
            ),
            (duration("steps-1-offset", "noonh"), "steps-1-offset", "Enter a whole number."),
            (duration("steps-1-offset"), "steps-1-offset", "This field is required."),
        ],
        5,
    ),
)
def test_a_fault_is_said_at_its_field(
    fields: dict[str, str], field: str, sentence: str, approvals: Policy, root: Client
) -> None:
    """Every sentence about policies and their steps: tests/escalations/kinds/test_checks.py."""
    said = refused(root, approvals, **fields)
    assert set(said) == {field}
    assert sentence in said[field]


def test_faults_are_listed_at_the_top_and_lead_to_their_fields(approvals: Policy, root: Client) -> None:
    page = save_form(root, approvals, name="", **{"steps-1-target": "", **duration("steps-2-offset")}).content.decode()
    listed = re.findall(r'<li><a\s+href="#([\w-]+)">([^<]+)</a\s*>: ([^<]+)</li>', page)
    assert listed == [
        ("id_name", "Name", "This field is required."),
        ("id_steps-1-target", "Step 2, Recipient", "Choose who is notified."),
        ("id_steps-2-offset_0", "Step 3, When", "This field is required."),
    ]
    assert all(f'id="{field}"' in page for field, _name, _fault in listed)


def test_what_a_step_does_not_use_is_dropped(world: World, approvals: Policy, root: Client) -> None:
    place = approvals.steps.get(target="assignee")
    fields = {"kind": "tell_engine", "team": world.team.pk, "channels": "pigeon", "level": "", "critical": "on"}
    save_form(root, approvals, **{f"steps-0-{name}": value for name, value in fields.items()})
    place.refresh_from_db()
    assert (place.kind, place.target, place.channels, place.level, place.critical) == ("tell_engine", "", [], 1, False)
    assert (place.team, place.template, place.category) == (None, None, None)


def test_a_step_that_gives_the_task_away_keeps_whom_and_no_message(approvals: Policy, root: Client) -> None:
    place = approvals.steps.get(target="manager")
    save_form(root, approvals, **{"steps-2-kind": "reassign", "steps-2-level": "2"})
    place.refresh_from_db()
    assert (place.kind, place.target, place.level) == ("reassign", "manager", 2)
    assert (place.template, place.category) == (None, None)


def test_a_step_is_taken_out_without_being_looked_at(approvals: Policy, root: Client) -> None:
    save_form(root, approvals, **{"steps-0-DELETE": "on", "steps-0-target": ""})
    assert approvals.steps.count() == 2


def test_a_policy_without_steps_is_saved_with_a_warning(approvals: Policy, root: Client) -> None:
    approvals.steps.all().delete()
    shown = text_of(save_form(root, approvals))
    assert "This policy has no steps: tasks get their due date, and nobody is notified." in shown
    assert "nobody is notified" in text_of(root.get(list_of(Policy)))
    assert list(root.get(list_of(Policy, "gaps=steps")).context["cl"].result_list) == [approvals]


def test_a_policy_that_reaches_nobody_is_saved_with_a_warning(approvals: Policy, root: Client, world: World) -> None:
    sla.assign(world, "T-201", world.now)
    Recipient.objects.filter(pk=world.bob.pk).update(manager=None)
    assert "This reaches nobody now: Bob Bauer has no manager" in text_of(save_form(root, approvals))

    Recipient.objects.filter(pk=world.bob.pk).update(manager=world.carol)
    Absence.objects.create(
        recipient=world.carol, begins_at=world.now + timedelta(days=2), ends_at=world.now + timedelta(days=9)
    )
    shown = text_of(save_form(root, approvals))
    assert re.search(r"From [\w., ]+ on this reaches nobody: Carol \w+ is away, and nobody stands in", shown)


def test_a_policy_is_saved_as_another(approvals: Policy, root: Client) -> None:
    fields = filled(form_at(root, page_of(approvals)), name="Approvals at night", _saveasnew="1")
    root.post(page_of(approvals), fields, follow=True)
    other = Policy.objects.get(name="Approvals at night")
    assert (other.steps.count(), other.conditions.count()) == (3, 1)
    assert approvals.steps.count() == 3


# --- the list -----------------------------------------------------------------------------------------------------
def test_the_list_reads_as_sentences(world: World, approvals: Policy, root: Client) -> None:
    sla.assign(world, "T-301", world.now)
    everything = sla.policy(
        name="Everything", position=900, clock="duration", minutes=2880, time="business", engine=world.engine
    )
    everything.conditions.all().delete()
    everything.steps.exclude(target="team_lead").delete()
    sla.step(everything, 120, StepTarget.TEAM, team=world.team)
    shown = text_of(root.get(list_of(Policy)))
    assert (
        "task.kind is approval the engine's due date 1 h before due: remind the assignee when due: notify the" in shown
    )
    assert "from Invoices 2 d, working time when due, by the clock: notify the team lead" in shown
    assert "2 h after due, by the clock: notify the members of Finance" in shown
    rows = {policy.name: policy.clocks for policy in root.get(list_of(Policy)).context["cl"].result_list}
    assert rows == {"Approvals": 1, "Everything": 0}


def test_policies_are_switched_with_their_history(approvals: Policy, root: Client) -> None:
    assert "1 disabled." in text_of(choose(root, [approvals], "disable"))
    approvals.refresh_from_db()
    assert not approvals.enabled
    assert approvals.history.first().history_user.username == "root"
    assert "1 enabled." in text_of(choose(root, [approvals], "enable"))


def test_steps_and_conditions_are_found_across_policies(approvals: Policy, root: Client) -> None:
    shown = text_of(root.get(list_of(PolicyStep, "q=Reminder")))
    assert "1 h before due: remind the assignee" in shown
    assert "task.kind is approval Approvals" in text_of(root.get(list_of(PolicyCondition, "q=task.kind")))


# --- in words -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"offset": -2880, "target": "candidates"}, "2 d before due: remind the candidates"),
        ({"target": "team"}, "when due: notify the members of a team"),
        ({"target": "manager", "level": 2}, "when due: notify the assignee's manager, level 2"),
        ({"target": ""}, "when due: notify nobody"),
        ({"kind": "raise_priority"}, "when due: raise the priority to –"),
        ({"kind": "tell_engine", "offset": 1501}, "1 d 1 h 1 min after due: notify the engine"),
        ({"kind": "reassign", "target": "manager"}, "when due: reassign the task to the assignee's manager"),
        ({"kind": "reassign", "target": ""}, "when due: reassign the task to nobody"),
        (
            {"target": "assignee", "repeat_every": 30, "repeats": 1, "time": "business"},
            "when due, working time: remind the assignee, once more after 30 min",
        ),
    ],
)
def test_a_step_in_words(fields: dict[str, Any], sentence: str) -> None:
    assert wording.sentence(wording.of_row(PolicyStep(**{"time": "wall", **fields}))) == sentence


def test_named_teams_and_people_are_said_by_name(world: World) -> None:
    for target, said in (
        ("team", "the members of Finance"),
        ("team_lead", "the lead of Finance"),
        ("person", "Bob Bauer"),
    ):
        step = PolicyStep(target=target, team=world.team, person=world.bob)
        assert whom(wording.of_row(step)) == said


def test_steps_in_german() -> None:
    reminder = PolicyStep(offset=-90, time="business", target="assignee", repeat_every=60, repeats=3)
    gives_away = PolicyStep(kind="reassign", time="wall", target="manager")
    with translation.override("de"):
        said = [wording.sentence(wording.of_row(step)) for step in (reminder, gives_away)]
    assert said == [
        "1 Std. 30 Min. vor Fälligkeit, Arbeitszeit: Erinnerung → der Zugewiesene, wieder alle 1 Std., 3-mal",
        "bei Fälligkeit: Aufgabe übergeben → der Vorgesetzte des Zugewiesenen",
    ]


# --- roles --------------------------------------------------------------------------------------------------------
def test_an_operator_reads_and_does_not_edit(approvals: Policy, operator: Client) -> None:
    page = operator.get(page_of(approvals))
    assert "1 h before due: remind the assignee" in text_of(page)
    assert 'name="steps-0-offset"' not in page.content.decode()
    assert "Select action" not in text_of(operator.get(list_of(Policy)))


def test_an_administrator_keeps_and_removes_policies(approvals: Policy, administrator: Client) -> None:
    assert "was changed successfully" in text_of(save_form(administrator, approvals, name="Finance approvals"))
    administrator.post(page_of(approvals).replace("/change/", "/delete/"), {"post": "yes"})
    assert not Policy.objects.exists()
