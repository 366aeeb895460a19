"""Flow 2: a task left open reminds Bob, then tells the lead, then his manager, on working time, until somebody acts."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail

from escalations.admin import timeline
from escalations.clocks import due_steps
from escalations.models import (
    BusinessCalendar,
    Escalation,
    EscalationState,
    Policy,
    PolicyStep,
    RunResult,
    StepTarget,
)
from notifications import reasons
from notifications.items.representation import iso_utc
from notifications.models import Callback, Category, Delivery, Notification, Recipient, Task, Template
from notifications.routing import expiry
from tests.support.length import some
from tests.support.world import Json, World

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DUE = datetime.now(UTC).replace(microsecond=0) + 10 * HOUR


def policy(**fields: Any) -> Policy:
    return Policy.objects.create(name="Approvals", time="wall", **fields)


def step(policy: Policy, minutes: int, target: StepTarget, **fields: Any) -> PolicyStep:
    own = target == StepTarget.ASSIGNEE
    return PolicyStep.objects.create(
        policy=policy,
        offset=minutes,
        time="wall",
        target=target,
        template=Template.objects.get(slug="task-reminder" if own else "task-late"),
        category=Category.objects.get(slug="approvals"),
        **fields,
    )


@pytest.fixture
def approvals(world: World) -> Policy:
    """An hour before: Bob. When due: the lead. An hour later: the manager, and once more after another."""
    made = policy()
    step(made, -60, StepTarget.ASSIGNEE)
    step(made, 0, StepTarget.TEAM_LEAD)
    step(made, 60, StepTarget.MANAGER, repeat_every=60, repeats=1)
    return made


def assign(world: World, **task: Any) -> None:
    named = {"id": "T-42", "name": "Approve invoice 4711", "assignee": "bob", "initiator": "alice"}
    said = {**named, "due_at": DUE.isoformat(), **task}
    world.send("task.assigned", {"task": said})


def at(world: World, now: datetime) -> list[Json]:
    """The clock ticks at that instant. Returns whom the steps taken told."""
    before = {run.pk for escalation in Escalation.objects.all() for run in escalation.runs.all()}
    while due_steps.tick(now):
        pass
    for work in (Callback, Delivery):  # the engine and the mail live in our own time
        work.objects.filter(due_at__gt=datetime.now(UTC)).update(due_at=datetime.now(UTC))
    world.run()
    runs = [run for escalation in Escalation.objects.all() for run in escalation.runs.all() if run.pk not in before]
    return [told for run in runs for told in run.told]


def titles(world: World, person: str) -> list[str]:
    return [item["title"] for item in world.inbox(person)]


def lines(world: World, person: str) -> list[str]:
    """Below the title of the person's only item."""
    (item,) = world.inbox(person)
    said: list[str] = item["lines"]
    return said


def chain() -> Escalation:
    return Escalation.objects.get()


def test_bob_is_reminded_then_his_lead_and_manager_hear(world: World, approvals: Policy) -> None:
    Recipient.objects.filter(ref="bob").update(manager=Recipient.objects.get(ref="alice"))
    assign(world)

    assert at(world, DUE - 2 * HOUR) == []
    (told,) = at(world, DUE - HOUR)
    assert (told["ref"], str(reasons.read(told))) == ("bob", "assignee")
    assert titles(world, "bob") == ["Approve invoice 4711"]
    (line,) = lines(world, "bob")
    assert line == "Reminder", "the due time stands beside it"
    assert Notification.objects.get(recipient__ref="bob").notice.startswith("Reminder: due "), "on lock screens"
    (told,) = at(world, DUE)
    assert (told["ref"], str(reasons.read(told))) == ("carol", "lead of team Finance")
    assert titles(world, "carol") == ["Approve invoice 4711"]
    notice, why = lines(world, "carol")
    assert notice == "Bob has not answered yet"
    assert why == "escalated to you as lead of Finance"
    (told,) = at(world, DUE + HOUR)
    assert (told["ref"], str(reasons.read(told))) == ("alice", "manager of Bob")
    (told,) = at(world, DUE + 2 * HOUR)
    assert told["ref"] == "alice"
    assert at(world, DUE + 100 * HOUR) == []
    assert chain().due_at is None


def test_whoever_hears_may_answer_and_then_nobody_hears_any_more(world: World, approvals: Policy) -> None:
    assign(world)
    at(world, DUE)

    world.respond("carol", "approve")

    assert world.receiver.calls[-1].data["responded_by"]["ref"] == "carol"
    assert at(world, DUE + 100 * HOUR) == []
    assert (chain().state, chain().end_reason) == (EscalationState.CLOSED, "answered")


def engine_says(type: str) -> Callable[[World], object]:
    return lambda world: world.send(type, {"task": {"id": "T-42"}})


def time_runs_out(world: World) -> None:
    with time_machine.travel(DUE + HOUR, tick=False):
        expiry.expire_due()


ENDINGS = [
    pytest.param(lambda world: world.respond("bob", "approve"), "answered", id="approved"),
    pytest.param(lambda world: world.respond("bob", "reject", "It was paid."), "answered", id="rejected"),
    pytest.param(engine_says("task.completed"), "closed in engine", id="completed"),
    pytest.param(engine_says("task.cancelled"), "cancelled in engine", id="cancelled"),
    pytest.param(time_runs_out, "expired", id="expired"),
]


@pytest.mark.parametrize(("ends", "why"), some(ENDINGS, 3))
def test_whatever_ends_the_task_ends_its_clock_which_says_so(
    world: World, approvals: Policy, ends: Callable[[World], object], why: str
) -> None:
    assign(world, expires_at=(DUE + HOUR).isoformat())
    at(world, DUE - HOUR)

    ends(world)

    assert at(world, DUE + 100 * HOUR) == []
    assert (chain().state, chain().end_reason, chain().due_at) == (EscalationState.CLOSED, why, None)
    assert titles(world, "carol") == []


def asks(world: World, now: datetime) -> None:
    with time_machine.travel(now, tick=False):
        world.respond("bob", "request_info", "Which cost centre?")


def is_told(world: World, now: datetime) -> None:
    with time_machine.travel(now, tick=False):
        world.send("task.info_supplied", {"task": {"id": "T-42"}, "info": "4711."})


def test_a_question_stops_the_clock_until_it_is_answered(world: World, approvals: Policy) -> None:
    assign(world)
    asks(world, DUE - 5 * HOUR)
    assert chain().state == EscalationState.PAUSED
    assert at(world, DUE + 5 * HOUR) == []

    is_told(world, DUE - 2 * HOUR)

    later = DUE + 3 * HOUR
    assert (chain().state, chain().deadline, chain().due_at) == (EscalationState.RUNNING, later, later - HOUR)
    assert [item["due_at"] for item in world.inbox("bob")] == [iso_utc(later)]
    at(world, later - HOUR)
    assert at(world, later - MINUTE) == []
    assert [told["ref"] for told in at(world, later)] == ["carol"]


# --- an answer that the engine refuses leaves everything as it was ----------------------------------------------------
REFUSED = (422, {}, b'{"detail": "The budget is closed."}')


def test_a_refused_answer_sets_the_clock_going_again(world: World, approvals: Policy) -> None:
    world.receiver.answer(REFUSED, 204)
    assign(world)

    world.respond("bob", "approve")

    assert (chain().state, chain().end_reason, chain().ended_at) == (EscalationState.RUNNING, "", None)
    at(world, DUE - HOUR)
    assert [told["ref"] for told in at(world, DUE)] == ["carol"]


def test_a_question_that_was_open_still_stops_it(world: World, approvals: Policy) -> None:
    world.receiver.answer(204, REFUSED, 204)
    assign(world)
    asks(world, DUE - 5 * HOUR)

    with time_machine.travel(DUE - 4 * HOUR, tick=False):
        world.respond("bob", "approve")

    assert chain().state == EscalationState.PAUSED
    assert at(world, DUE + 5 * HOUR) == []
    is_told(world, DUE - 2 * HOUR)
    assert (chain().state, chain().deadline) == (EscalationState.RUNNING, DUE + 3 * HOUR)


def test_an_acknowledgement_that_was_enough_still_is(world: World, approvals: Policy) -> None:
    Policy.objects.update(on_acknowledge="stops")
    world.receiver.answer(204, REFUSED, 204)
    assign(world)
    world.respond("bob", "acknowledge")

    world.respond("bob", "approve")

    assert (chain().state, chain().end_reason) == (EscalationState.STOPPED, "acknowledged")
    assert at(world, DUE + 100 * HOUR) == []


@pytest.mark.parametrize("fields", [{"on_acknowledge": "stops"}, {"on_acknowledge": "holds", "hold_minutes": 6000}])
def test_an_acknowledgement_that_the_engine_refuses_stops_nothing(
    world: World, approvals: Policy, fields: dict[str, Any]
) -> None:
    Policy.objects.update(**fields)
    world.receiver.answer(REFUSED, 204)
    assign(world)

    world.respond("bob", "acknowledge")

    assert (chain().state, chain().held_until) == (EscalationState.RUNNING, None)
    at(world, DUE - HOUR)
    assert [told["ref"] for told in at(world, DUE)] == ["carol"]


def test_who_gets_it_instead_of_bob_has_a_clock_of_their_own(world: World, approvals: Policy) -> None:
    assign(world)
    at(world, DUE)
    later = DUE + 20 * HOUR

    assign(world, assignee="alice", due_at=later.isoformat())

    first, second = Escalation.objects.order_by("id")
    assert (first.state, first.end_reason) == (EscalationState.CLOSED, "reassigned to somebody else")
    assert second.deadline == later
    assert [item["state"] for item in world.inbox("carol")] == ["withdrawn"]
    assert [told["ref"] for told in at(world, later - HOUR)] == ["alice"]


def test_carol_who_heard_and_then_gets_it_has_it_as_her_own(world: World, approvals: Policy) -> None:
    assign(world)
    at(world, DUE)

    assign(world, assignee="carol", due_at=(DUE + 20 * HOUR).isoformat())

    (mine,) = world.inbox("carol")
    assert (mine["title"], mine["state"], mine["escalated"]) == ("Approve invoice 4711", "open", False)
    assert mine["read_at"] is None
    assert [item["state"] for item in world.inbox("bob")] == ["withdrawn"]


def test_a_reminder_is_forgotten_when_the_task_changes(world: World, approvals: Policy) -> None:
    assign(world)
    at(world, DUE - HOUR)
    assert len(lines(world, "bob")) == 1

    world.send("task.updated", {"task": {"id": "T-42", "name": "Approve invoice 4712"}})

    assert titles(world, "bob") == ["Approve invoice 4712"]
    assert lines(world, "bob") == []


def test_a_reminder_is_forgotten_when_the_date_moves(world: World, approvals: Policy) -> None:
    assign(world)
    at(world, DUE - HOUR)
    asks(world, DUE - HOUR)
    is_told(world, DUE + HOUR)

    assert [item["due_at"] for item in world.inbox("bob")] == [iso_utc(DUE + 2 * HOUR)]
    assert lines(world, "bob") == []


def test_what_is_decided_stays_in_sight_when_it_runs_late(world: World, approvals: Policy) -> None:
    """List, item, mail: the same words for Bob, who is reminded, and for Carol, who hears of it, as before it was late;
    and when it is answered, nothing asks for it any more."""
    assign(world, description="Acme, 12 chairs for the office in Bonn")
    (before,) = world.inbox("bob")
    mail.outbox.clear()
    at(world, DUE - HOUR)
    at(world, DUE)

    (bobs,), (carols,) = world.inbox("bob"), world.inbox("carol")
    told = ("title", "body", "facts", "priority", "due_at", "case")
    assert [bobs[name] for name in told] == [carols[name] for name in told] == [before[name] for name in told]
    assert "12 chairs" in bobs["body"]
    assert [action["action"] for action in carols["actions"]] == [action["action"] for action in before["actions"]]
    reminder, escalation = mail.outbox[0], mail.outbox[-1]
    assert (reminder.to, escalation.to) == (["bob@example.org"], ["carol@example.org"])
    for letter, notice in ((reminder, bobs["lines"][0]), (escalation, carols["lines"][0])):
        assert letter.subject == before["title"]
        assert str(letter.body).index(notice) < str(letter.body).index("12 chairs")

    world.respond("carol", "approve")

    (bobs,), (carols,) = world.inbox("bob"), world.inbox("carol")
    assert bobs["lines"] == carols["lines"] == []


def test_another_due_date_moves_the_steps(world: World, approvals: Policy) -> None:
    assign(world)
    later = DUE + 24 * HOUR

    world.send("task.updated", {"task": {"id": "T-42", "due_at": later.isoformat()}})

    assert at(world, DUE + HOUR) == []
    assert [told["ref"] for told in at(world, later)] == ["carol"]


def test_acknowledged_and_forgotten_goes_on_after_a_while(world: World, approvals: Policy) -> None:
    Policy.objects.update(on_acknowledge="holds", hold_minutes=60 * 12)
    assign(world)
    world.respond("bob", "acknowledge")
    held = chain().held_until
    assert held is not None and held > DUE

    assert at(world, DUE + HOUR) == []
    told = at(world, held)
    assert [each["ref"] for each in told] == ["carol"], "once, and the one who hears only when it is late"


def test_acknowledged_may_be_enough(world: World, approvals: Policy) -> None:
    Policy.objects.update(on_acknowledge="stops")
    assign(world)

    world.respond("bob", "acknowledge")

    assert at(world, DUE + HOUR) == []
    assert chain().state == EscalationState.STOPPED


def test_after_an_outage_one_message_speaks_for_all_that_were_missed(world: World, approvals: Policy) -> None:
    assign(world)

    told = at(world, DUE + 12 * HOUR)

    assert [each["ref"] for each in told] == ["carol"]
    results = list(chain().runs.values_list("result", flat=True))
    assert results.count(RunResult.OVERTAKEN) == 3
    assert results.count(RunResult.DONE) == 1


def test_without_a_manager_the_fallback_owner_hears(world: World, approvals: Policy) -> None:
    Policy.objects.update(fallback=Recipient.objects.get(ref="alice"))
    Recipient.objects.filter(ref="bob").update(manager=None)
    assign(world)
    at(world, DUE)

    (told,) = at(world, DUE + HOUR)

    assert (told["ref"], str(reasons.read(told))) == ("alice", "fallback owner: Bob has no manager")


def test_with_nobody_left_it_says_so(world: World, approvals: Policy) -> None:
    Recipient.objects.filter(ref="bob").update(manager=None)
    assign(world)
    at(world, DUE)

    assert at(world, DUE + HOUR) == []
    assert [(run.result, run.why) for run in chain().runs.order_by("due_at")][-1] == (
        RunResult.NOBODY,
        "Bob has no manager",
    )


def test_the_engine_hears_and_the_priority_rises(world: World) -> None:
    made = policy()
    PolicyStep.objects.create(policy=made, kind="tell_engine", time="wall")
    PolicyStep.objects.create(policy=made, kind="raise_priority", time="wall", priority="urgent")
    assign(world)

    at(world, DUE)

    (call,) = world.receiver.calls
    assert json.loads(call.body)["type"] == "task.escalation_raised"
    assert call.data["task_id"] == "T-42"
    assert call.data["due_at"] == iso_utc(DUE)
    assert Task.objects.get().priority == "urgent"
    assert [item["priority"] for item in world.inbox("bob")] == ["urgent"]
    world.send("task.updated", {"task": {"id": "T-42", "name": "Approve invoice 4711 now"}})
    assert [item["priority"] for item in world.inbox("bob")] == ["urgent"], "the engine has not said otherwise"


def test_the_engine_gives_to_carol_what_bob_has_left_alone(world: World) -> None:
    made = policy()
    PolicyStep.objects.create(policy=made, kind="reassign", time="wall", target=StepTarget.MANAGER)
    step(made, 0, StepTarget.ASSIGNEE)
    assign(world)

    assert [told["ref"] for told in at(world, DUE)] == ["bob"], "it is his until the engine has given it away"
    (call,) = world.receiver.calls
    assert json.loads(call.body)["type"] == "task.reassignment_requested"
    assert call.signed_with(world.secret)
    assert (call.data["assignee"]["ref"], call.data["to"]["ref"]) == ("bob", "carol")
    assert Callback.objects.get().state == "delivered"
    assert titles(world, "carol") == []

    assign(world, assignee=call.data["to"]["ref"])

    assert [(item["state"], item["escalated"]) for item in world.inbox("carol")] == [("open", False)]
    assert [item["state"] for item in world.inbox("bob")] == ["withdrawn"]
    assert [each.end_reason for each in Escalation.objects.order_by("id")] == [
        "reassigned to somebody else",
        "",
    ]
    world.respond("carol", "approve")
    assert world.receiver.calls[-1].data["responded_by"]["ref"] == "carol"


def test_an_engine_that_will_not_give_it_away_says_why_and_bob_keeps_it(world: World) -> None:
    PolicyStep.objects.create(policy=policy(), kind="reassign", time="wall", target=StepTarget.MANAGER)
    world.receiver.answer((422, {}, b'{"detail": "Tasks are given to others in the engine only."}'))
    assign(world)

    at(world, DUE)

    (line,) = timeline.lines(chain())[1].below
    assert (line.text, line.detail) == ("refused by the engine", "Tasks are given to others in the engine only.")
    assert [item["state"] for item in world.inbox("bob")] == ["open"]
    assert at(world, DUE + 100 * HOUR) == []
    assert len(world.receiver.calls) == 1


def test_bob_who_answers_before_the_engine_has_given_it_away_has_answered_it(world: World) -> None:
    PolicyStep.objects.create(policy=policy(), kind="reassign", time="wall", target=StepTarget.MANAGER)
    world.receiver.answer(503, 204)
    assign(world)
    at(world, DUE)
    assert Callback.objects.get().state == "waiting"

    world.respond("bob", "approve")

    assert list(Callback.objects.order_by("position").values_list("state", flat=True)) == ["superseded", "delivered"]
    assert [json.loads(call.body)["type"] for call in world.receiver.calls] == [
        "task.reassignment_requested",
        "task.responded",
    ]


def test_a_calendar_that_cannot_be_read_costs_nobody_a_task(world: World) -> None:
    policy(calendar=BusinessCalendar.objects.create(name="Broken", week={"mon": "nine to five"}))

    assign(world)

    assert titles(world, "bob") == ["Approve invoice 4711"]
    assert not Escalation.objects.exists()


def test_the_trace_tells_of_each_step(world: World, approvals: Policy) -> None:
    assign(world)
    at(world, DUE)

    run = chain().runs.get(result=RunResult.DONE)
    assert run.event is not None
    trace = world.get(f"/api/v1/events/{run.event_id}")
    assert trace["event"]["type"] == "task.escalation_raised"
    assert [(each["ref"], each["reason"]) for each in trace["recipients"]] == [("carol", "lead of team Finance")]
    assert run.event.told == run.event.deliveries.count() > 0


def test_a_policy_edited_on_the_way_changes_later_clocks_only(world: World, approvals: Policy) -> None:
    assign(world)
    PolicyStep.objects.all().delete()
    Policy.objects.update(name="Nothing happens")

    assert [told["ref"] for told in at(world, DUE)] == ["carol"]
