"""Whoever edits a policy sees its effect on open tasks first, and decides whether they follow it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from escalations.admin import policy_change
from escalations.clocks import due_steps
from escalations.forecast.policy_change import Change, Effect, Turn
from escalations.models import Escalation, Policy
from notifications.models import Task
from tests.admin import sla
from tests.admin.pages import adding, filled, form_at, page_of, save_form, text_of
from tests.admin.world import World

HOUR = timedelta(hours=1)


@pytest.fixture
def approvals(world: World) -> Policy:
    made = sla.policy()
    sla.assign(world, "T-1", world.now + 5 * HOUR)
    return made


def answer(client: Client, page: Any, address: str, button: str, value: str) -> Any:
    """Press one of the buttons under what the page holds."""
    assert page.templates[0].name == "admin/desk/policy_effect.html"
    fields: dict[str, Any] = {}
    for name, said in page.context["fields"]:
        fields.setdefault(name, []).append(said)
    return client.post(address, {**fields, button: value}, follow=True)


def test_what_would_change_is_said_and_nothing_is_saved(approvals: Policy, root: Client) -> None:
    before = list(approvals.steps.values())
    page = save_form(root, approvals, position="7", **{"steps-0-offset_number": "3"})
    shown = text_of(page)
    assert "1 open task follows it: 1 would escalate earlier." in shown
    assert "Nothing is saved yet." in shown
    assert "was changed successfully" not in shown
    approvals.refresh_from_db()
    assert approvals.position == 100
    assert list(approvals.steps.values()) == before
    assert approvals.history.count() == 1


def test_times_are_in_the_readers_zone(approvals: Policy, root: Client) -> None:
    Policy.objects.filter(pk=approvals.pk).update(calendar=sla.calendar())
    assert re.search(r"\d\d:\d\d UTC", text_of(save_form(root, approvals, **{"steps-0-offset_number": "3"})))


def test_what_changes_nothing_for_open_tasks_is_saved_at_once(approvals: Policy, root: Client) -> None:
    assert "was changed successfully" in text_of(save_form(root, approvals, name="Invoices", position="7"))


def test_open_tasks_may_keep_their_rules(approvals: Policy, root: Client, world: World) -> None:
    due = Escalation.objects.get().due_at
    page = save_form(root, approvals, **{"steps-0-offset_number": "3"})
    shown = text_of(answer(root, page, page_of(approvals), "_open_tasks", "keep"))
    assert "was changed successfully" in shown
    assert approvals.steps.order_by("offset")[0].offset == -180
    due_steps.tick(world.now)
    assert Escalation.objects.get().due_at == due


def test_open_tasks_may_be_given_them(approvals: Policy, root: Client, world: World) -> None:
    due = Escalation.objects.get().due_at
    page = save_form(root, approvals, **{"steps-0-offset_number": "3"})
    shown = text_of(answer(root, page, page_of(approvals), "_open_tasks", "give"))
    assert "1 open task follows it now." in shown
    assert due_steps.tick(world.now + timedelta(minutes=1)) == 1
    assert due is not None
    assert Escalation.objects.get().due_at == due - 2 * HOUR


def test_one_goes_back_to_what_one_had_written(approvals: Policy, root: Client) -> None:
    page = save_form(root, approvals, name="Invoices", **{"steps-0-offset_number": "3"})
    back = answer(root, page, page_of(approvals), "_edit", "on")
    assert "This is not saved yet." in text_of(back)
    fields = filled(back)
    assert (fields["name"], fields["steps-0-offset_number"]) == ("Invoices", "3")
    assert not Policy.objects.filter(name="Invoices").exists()
    again = root.post(page_of(approvals), fields, follow=True)
    assert "1 would escalate earlier" in text_of(again)


def test_a_new_policy_says_who_would_have_followed_it(approvals: Policy, root: Client) -> None:
    fields = filled(form_at(root, adding(Policy)), name="Everything", position="1", time="wall")
    shown = text_of(root.post(adding(Policy), fields, follow=True))
    assert "1 open task that follows another policy or none fits this one. It is left as it is." in shown
    assert Escalation.objects.get().policy == approvals


def test_steps_added_and_taken_out_on_the_form_are_in_what_is_told(approvals: Policy, root: Client) -> None:
    page = save_form(root, approvals, **{f"steps-{at}-DELETE": "on" for at in range(3)})
    assert "1 would never escalate" in text_of(page)
    shown = text_of(answer(root, page, page_of(approvals), "_open_tasks", "keep"))
    assert "This policy has no steps: tasks get their due date, and nobody is notified." in shown
    assert not approvals.steps.exists()


def test_a_faulty_form_is_said_to_be_that_first(approvals: Policy, root: Client) -> None:
    page = save_form(root, approvals, **{"steps-0-offset_number": "soon"})
    assert page.context["adminform"].form.instance == approvals
    assert "Enter a whole number." in text_of(page)


def test_all_kinds_of_change_in_one_sentence_the_worst_first(approvals: Policy) -> None:
    task = Task.objects.get()
    kinds = [Turn.SOONER, Turn.SOONER, Turn.LATER, Turn.NEVER, Turn.FIRST, Turn.OTHERWISE]
    found = Effect(approvals, 9, [Change(task, kind, None, None) for kind in kinds], joining=2)
    assert list(policy_change.sentences(found)) == [
        "9 open tasks follow it: 1 would never escalate, 2 would escalate earlier, 1 would escalate later,"
        " 1 would escalate and has no next step now, 1 would escalate at the same time, but otherwise.",
        "2 open tasks that follow another policy or none fit this one. They are left as they are.",
    ]


def test_more_tasks_than_are_looked_at_are_said_to_be_there(approvals: Policy) -> None:
    found = Effect(approvals, 1_001, [Change(Task.objects.get(), Turn.NEVER, None, None)])
    assert list(policy_change.sentences(found))[1] == "There are more; these are due first."


def test_the_page_in_german(approvals: Policy, root: Client) -> None:
    with translation.override("de"):
        page = root.post(
            page_of(approvals),
            filled(form_at(root, page_of(approvals)), **{"steps-0-offset_number": "3"}),
            headers={"accept-language": "de"},
        )
        shown = text_of(page)
    assert "Von 1 offenen Aufgabe, die danach läuft: 1 würde früher eskalieren." in shown
    assert "Noch ist nichts gespeichert." in shown
