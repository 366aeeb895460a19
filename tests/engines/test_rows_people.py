"""Answers that are second, late or in doubt, for every kind of engine.

| Row | What happens | What must come of it |
|---|---|---|
| 25 | two approvers in the same millisecond, 200 rounds | one winner and one call each; the loser is told who |
| 26 | an answer after escalation, after completion in the engine, after expiry | taken; `already_handled`; 410 |
| 27 | the engine times out after it has acted | it is read back, or told again under one id; nothing is done twice |

`pytest -k row_25` and so on; tests elsewhere that belong to a row bear its mark.
"""

from collections.abc import Iterable
from copy import copy
from functools import partial
from typing import Any, TypeVar

import pytest
from django.db import models, transaction

from escalations.clocks import due_steps
from escalations.models import Escalation, Policy
from notifications.engines import callback
from notifications.items import inbox_items
from notifications.models import Callback, CallbackAttempt, Notification
from notifications.models import Task as OurTask
from tests.engines.demo import Side
from tests.engines.server import LOST_AFTER, Fault
from tests.engines.sides import Answered, late
from tests.soak.installation import LONG
from tests.support.rounds import two_people
from wfpush.identifiers import uuid7
from wfpush.net.http import outbound_from_settings

pytestmark = pytest.mark.django_db(transaction=True)

RowT = TypeVar("RowT", bound=models.Model)

ROUNDS = 200 if LONG else 12
"""`make soak` has all of them; `make test` has 200 without an engine (tests/notifications/answers/test_respond.py)."""
WORD = {"bob": "approved", "carol": "rejected"}


# --- row 25 -------------------------------------------------------------------------------------------------------
@transaction.atomic
def asked_alike(ids: Iterable[str], like: str) -> dict[str, dict[str, Notification]]:
    """Bob's and Carol's copies of more tasks like another, by task and person."""
    known = OurTask.objects.get(task_id=like)
    asked = list(Notification.objects.filter(task=known).select_related("recipient"))
    tasks = [altered(known, task_id=id) for id in ids]
    OurTask.objects.bulk_create(tasks)
    made = {task.task_id: {each.recipient.ref: altered(each, task=task) for each in asked} for task in tasks}
    inbox_items.create([each for both in made.values() for each in both.values()])
    return made


def altered(row: RowT, **fields: Any) -> RowT:
    """Another row, with these fields."""
    other = copy(row)
    for name, value in {"pk": uuid7(), **fields}.items():
        setattr(other, name, value)
    return other


def test_row_25_two_in_the_same_millisecond(side: Side) -> None:
    first = side.assign("bob", "carol")
    tasks = side.prepare(ROUNDS)
    won = {}
    with two_people() as people:
        for id, asked in asked_alike(tasks, first.id).items():
            winner, told = people.press(asked)
            assert told == winner
            won[id] = Answered(winner, WORD[winner], "because")
    side.world.run()
    assert {id: task.answers for id, task in tasks.items()} == {id: [answered] for id, answered in won.items()}
    assert side.commands == ROUNDS
    assert first.is_open


# --- row 26 -------------------------------------------------------------------------------------------------------
def test_row_26_after_escalation(side: Side, policy: Policy) -> None:
    theirs = side.assign("bob")
    due_steps.tick(late())
    assert side.world.inbox("carol")[0]["escalated"]
    side.world.respond("bob", "approve")
    assert theirs.answers == [Answered("bob", "approved")]
    assert side.engine_says("bob") == side.engine_says("carol") == "delivered"
    assert Escalation.objects.get().end_reason == "answered"


def test_row_26_by_whom_it_was_escalated_to(side: Side, policy: Policy) -> None:
    theirs = side.assign("bob")
    due_steps.tick(late())
    side.world.respond("carol", "approve")
    refused = side.world.respond("bob", "reject", "No.", expect=409)
    assert refused["answered_by"]["ref"] == "carol"
    assert theirs.answers == [Answered("carol", "approved")]


def test_row_26_after_completion_in_the_engine(side: Side, policy: Policy) -> None:
    theirs = side.assign("bob")
    side.somebody_completes(theirs, "dave")
    side.word_comes()
    asked = side.commands
    assert side.world.respond("bob", "approve", expect=409)["code"] == "already_handled"
    assert (side.commands, [answered.by for answered in theirs.answers]) == (asked, ["dave"])


def test_row_26_after_expiry(side: Side) -> None:
    theirs = side.assign("bob", "carol")
    side.world.send("task.updated", {"task": {"id": theirs.id, "expires_at": "2020-01-01T00:00:00Z"}})
    assert side.world.respond("bob", "approve", expect=410)["code"] == "expired"
    assert (side.commands, theirs.is_open) == (0, True)


# --- row 27 -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "fault",
    [
        LOST_AFTER,
        Fault(200, slow=True, acts=True),
        Fault(504, acts=True),
        Fault(500, b"{}", "application/json", acts=True),
    ],
    ids=["cut off", "silent", "gateway", "broken"],
)
def test_row_27_it_acts_and_times_out(side: Side, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callback, "outbound_from_settings", partial(outbound_from_settings, deadline=1.5))
    theirs = side.assign("bob", "carol")
    side.break_next(fault)
    side.world.respond("bob", "approve")
    assert side.engine_says("bob") == "waiting"
    assert CallbackAttempt.objects.get().unsure
    side.again()
    assert theirs.answers == [Answered("bob", "approved")]
    assert theirs.ids == {str(Callback.objects.get().pk)}
    assert side.commands == (1 if side.readable and side.told_by else 2), (
        "who remembers is asked, and told nothing again"
    )
    assert side.engine_says("bob") == ("delivered" if side.told_by else "handled")
