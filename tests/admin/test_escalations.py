"""What a clock did is read aloud: when it began and why, whom each step told and how, what is still to come."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from escalations.models import BusinessCalendar, Escalation, Policy, PolicyStep, StepRun, StepTarget
from notifications.admin.desk.display import short
from notifications.models import Recipient, Task, Team
from tests.admin import sla
from tests.admin import world as story
from tests.admin.pages import list_of, page_of, text_of
from tests.admin.world import World
from tests.support.length import some

HOUR = timedelta(hours=1)


@pytest.fixture
def policy(world: World) -> Policy:
    return sla.policy()


def answers(world: World, action: str, comment: str = "") -> None:
    story.answer(world, "T-201", world.bob, action, comment)


def names(response: Any) -> list[str]:
    return [row.task.task_id for row in response.context["cl"].result_list]


# --- the page -----------------------------------------------------------------------------------------------------
def test_the_page_tells_what_happened_and_what_is_to_come(world: World, policy: Policy, root: Client) -> None:
    clock = sla.escalated(world)
    page = root.get(page_of(clock))
    shown = text_of(page)
    assert "the clock was started by Approvals: task.kind is approval" in shown
    said = [
        "1 h before due: remind the assignee",
        "Bob Bauer (assignee)",
        "e-mail bob@acme.example: waiting to be sent",
        "when due: notify the team lead",
        "Carol Castle (lead of team Finance)",
        "1 h after due: notify the assignee's manager",
        "1 h after due: notify the assignee's manager (again, 1 of 2)",
        "1 h after due: notify the assignee's manager (again, 2 of 2)",
    ]
    places = [shown.index(text) for text in said]
    assert places == sorted(places)
    assert "by rule" not in shown, "no rule named them"
    tones = [line.tone for line in page.context["lines"]]
    assert tones == ["ok", "ok", "ok", "wait", "wait", "wait"]


def test_each_step_leads_to_its_trace_and_the_clock_to_its_task(world: World, policy: Policy, root: Client) -> None:
    clock = sla.escalated(world)
    body = root.get(page_of(clock)).content.decode()
    for run in clock.runs.all():
        assert run.event is not None
        assert page_of(run.event) in body
        assert "by “Approvals”" in text_of(root.get(page_of(run.event)))
    assert page_of(clock.task) in body


def test_what_reached_nobody_says_why(world: World, policy: Policy, root: Client) -> None:
    Team.objects.update(lead=None)
    Recipient.objects.update(manager=None)
    clock = sla.assign(world, "T-201", world.now + 2 * HOUR)
    sla.tick(world.now + 2 * HOUR)
    shown = text_of(root.get(page_of(clock)))
    assert "when due: notify the team lead reached nobody: team Finance has no lead" in shown
    assert "reached nobody" in text_of(root.get(list_of(Escalation)))
    assert names(root.get(list_of(Escalation, "now=nobody"))) == ["T-201"]
    assert "team Finance has no lead" in text_of(root.get(list_of(StepRun, "result__exact=nobody")))


def test_what_an_outage_left_out_is_said(world: World, policy: Policy, root: Client) -> None:
    clock = sla.assign(world, "T-201", world.now + 2 * HOUR)
    sla.tick(world.now + 10 * HOUR)
    assert "1 h before due: remind the assignee overtaken by a later step: Missed, and step" in text_of(
        root.get(page_of(clock))
    )


def test_a_paused_clock_says_so(world: World, policy: Policy, root: Client) -> None:
    clock = sla.assign(world, "T-201", world.now + 2 * HOUR)
    answers(world, "request_info", "Which cost centre?")
    shown = text_of(root.get(page_of(clock)))
    assert "paused by a question: the clock is paused until it is answered" in shown
    assert "paused by a question" in text_of(root.get(list_of(Escalation, "state__exact=paused")))


def test_a_clock_that_was_paused_in_time_is_not_late(world: World, policy: Policy, root: Client) -> None:
    sla.assign(world, "T-201", world.now + HOUR)
    answers(world, "request_info", "Which cost centre?")
    Escalation.objects.update(deadline=world.now - HOUR, paused_at=world.now - 2 * HOUR)
    assert names(root.get(list_of(Escalation, "now=late"))) == []
    assert "late by" not in text_of(root.get(list_of(Escalation)))
    Escalation.objects.update(paused_at=world.now)
    assert names(root.get(list_of(Escalation, "now=late"))) == ["T-201"]


def test_an_acknowledged_clock_says_whether_anybody_is_told(world: World, policy: Policy, root: Client) -> None:
    Policy.objects.update(on_acknowledge="holds", hold_minutes=240)
    clock = sla.assign(world, "T-201", world.now + 2 * HOUR)
    answers(world, "acknowledge")
    assert "acknowledged: no notifications until then" in text_of(root.get(page_of(clock)))
    Policy.objects.update(on_acknowledge="stops")
    other = sla.assign(world, "T-202", world.now + 2 * HOUR)
    story.answer(world, "T-202", world.bob, "acknowledge")
    shown = text_of(root.get(page_of(other)))
    assert "acknowledged: no more notifications" in shown
    assert "remind the assignee" not in shown, "nothing is to come"


def test_a_clock_that_ended_says_how(world: World, policy: Policy, root: Client) -> None:
    clock = sla.assign(world, "T-201", world.now + 2 * HOUR)
    answers(world, "approve")
    shown = text_of(root.get(page_of(clock)))
    assert "over: answered" in shown
    assert "remind the assignee" not in shown
    root.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    assert "zu Ende: beantwortet" in text_of(root.get(page_of(clock)))


def test_a_clock_outlives_its_policy_and_steps(world: World, policy: Policy, root: Client) -> None:
    clock = sla.escalated(world)
    PolicyStep.objects.filter(target="team_lead").delete()
    assert "when due: notify the team lead" in text_of(root.get(page_of(clock))), "as the rules were"
    policy.delete()
    assert "when due: notify the team lead" in text_of(root.get(page_of(clock)))
    for address in (list_of(Escalation), list_of(StepRun), page_of(clock.task)):
        assert root.get(address).status_code == 200
    assert "a policy that is gone" in text_of(root.get(page_of(clock.task)))


def test_of_many_steps_to_come_the_first_are_named(world: World, policy: Policy, root: Client) -> None:
    sla.step(policy, 300, StepTarget.MANAGER, repeat_every=60, repeats=30)
    clock = sla.assign(world, "T-201", world.now + 2 * HOUR)
    page = root.get(page_of(clock))
    assert len(page.context["lines"]) == 1 + 20 + 1
    assert "and 16 more after that" in text_of(page)


# --- lists --------------------------------------------------------------------------------------------------------
def test_the_list_says_whose_clock_runs_and_whom_it_told(world: World, policy: Policy, root: Client) -> None:
    sla.escalated(world)
    next_step = short(Escalation.objects.get().due_at)  # type: ignore[arg-type]
    line = f"Approve invoice 4800 Approvals the clock runs due in 1 h 59 min {next_step} Bob Bauer, Carol Castle"
    assert line in text_of(root.get(list_of(Escalation)))


def test_the_latest_comes_first_among_the_late(world: World, policy: Policy, root: Client) -> None:
    for task_id, hours in (("T-1", -2), ("T-2", -5), ("T-3", 4)):
        sla.assign(world, task_id, world.now + hours * HOUR)
    assert names(root.get(list_of(Escalation, "now=late"))) == ["T-2", "T-1"]
    assert names(root.get(list_of(Escalation, "now=open"))) == ["T-2", "T-1", "T-3"]
    assert names(root.get(list_of(Escalation))) == ["T-3", "T-2", "T-1"]
    story.send(world, "done", "task.completed", {"task": {"id": "T-2"}})
    assert names(root.get(list_of(Escalation, "now=late"))) == ["T-1"]
    assert names(root.get(list_of(Escalation, f"policy__id__exact={policy.pk}&now=open"))) == ["T-1", "T-3"]


def test_a_clock_is_found_by_its_tasks_id_and_name(world: World, policy: Policy, root: Client) -> None:
    sla.assign(world, "T-1", world.now + HOUR)
    sla.assign(world, "T-2", world.now + HOUR)
    assert names(root.get(list_of(Escalation, "q=T-2"))) == ["T-2"]
    assert names(root.get(list_of(Escalation, "q=invoice"))) == ["T-2", "T-1"]
    assert len(root.get(list_of(StepRun, "q=T-2")).context["cl"].result_list) == 0


LISTS = [*some([(Escalation, 16), (StepRun, 16), (Task, 16)], 1), (Policy, 16), (BusinessCalendar, 12)]


@pytest.mark.parametrize(("model", "most"), LISTS)
def test_lists_cost_few_queries_whatever_their_length(
    model: Any, most: int, world: World, root: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        sla.policy(name=f"Policy {number}", calendar=sla.calendar(name=f"Office {number}"))
        sla.assign(world, f"T-{number}", world.now + HOUR)
    sla.tick(world.now + HOUR)
    assert StepRun.objects.count() >= 12
    root.get(list_of(model))
    with django_assert_max_num_queries(most):
        assert root.get(list_of(model)).status_code == 200


# --- from the task ------------------------------------------------------------------------------------------------
def test_a_tasks_page_has_its_clock(world: World, policy: Policy, root: Client) -> None:
    clock = sla.escalated(world)
    page = root.get(page_of(clock.task))
    assert "Escalations: the SLA clock and who was notified" in text_of(page)
    assert "Approvals the clock runs" in text_of(page)
    assert page_of(clock) in page.content.decode()


# --- roles --------------------------------------------------------------------------------------------------------
def test_clocks_are_read_and_never_edited(
    world: World, policy: Policy, root: Client, administrator: Client, operator: Client
) -> None:
    clock = sla.escalated(world)
    for client in (root, administrator, operator):
        assert "the clock was started" in text_of(client.get(page_of(clock)))
        assert client.get(list_of(StepRun)).status_code == 200
        assert client.post(page_of(clock), {"state": "closed"}).status_code == 403
        assert client.get(page_of(clock).replace("/change/", "/delete/")).status_code == 403
