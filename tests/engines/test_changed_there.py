"""The engine has changed what a task asks and told nobody: an answer to what it asked before is not told."""

import asyncio
from typing import Any

import pytest
from django.db import connection

from notifications.connectors.api import Api
from notifications.engines import content_check
from notifications.intake import mapping
from notifications.models import Callback, CallbackState, Engine, Event, EventStatus
from notifications.models import Task as OurTask
from notifications.routing import pipeline
from notifications.types import Json
from tests.engines.server import LOST_AFTER, Fault
from tests.engines.sides import Answered, InBook, RestSide
from tests.engines.world import KINDS
from tests.support.callbacks import claimed

pytestmark = pytest.mark.django_db(transaction=True)

INVOICE = {"amount": 1000, "currency": "EUR"}
APPROVED = [Answered("bob", "approved")]


def of_kinds(*names: str) -> pytest.MarkDecorator:
    chosen = [kind for kind in KINDS if kind.name in names or not names]
    return pytest.mark.parametrize("side", chosen, ids=lambda kind: kind.name, indirect=True)


def assigned(side: RestSide) -> InBook:
    theirs = side.assign("bob", **INVOICE)
    side.engine.log.clear()
    return theirs


def states() -> list[str]:
    return list(Callback.objects.order_by("pk").values_list("state", flat=True))


def is_asked_again(side: RestSide, theirs: InBook) -> bool:
    """The engine was not told the answer, and Bob has the task as it is now."""
    side.again()
    item = side.world.inbox("bob")[0]
    told = (theirs.is_open, side.commands, states()[-1])
    return (told, item["state"], item["outcome"]["engine"]) == (
        (True, 0, CallbackState.RETURNED),
        "open",
        "changed",
    )


@of_kinds()
def test_an_answer_to_what_has_changed_in_the_engine_is_not_told(side: RestSide) -> None:
    theirs = assigned(side)
    for changed in ({"amount": 10000}, {"name": "Pay Evil Ltd"}):
        side.somebody_changes(theirs, **changed)
        side.world.respond("bob", "approve")
        assert is_asked_again(side, theirs)
        side.time_passes()
    assert OurTask.objects.get().data["variables"] == {"amount": 10000, "currency": "EUR"}

    side.engine.log.clear()
    side.world.respond("bob", "approve")
    assert (theirs.answers, states()[-1]) == (APPROVED, CallbackState.DELIVERED)
    assert side.engine.calls("query") <= 2, "the task, and its variables where they are elsewhere"


@of_kinds("flowable")
def test_only_a_final_answer_is_compared_and_only_if_the_engine_has_it_set(side: RestSide) -> None:
    theirs = assigned(side)
    side.somebody_changes(theirs, amount=10000)
    side.world.respond("bob", "acknowledge")
    assert side.engine.calls("query") == 0

    Engine.objects.update(reads_before_answers=False)
    side.world.respond("bob", "approve")
    assert (theirs.answers, side.engine.calls("query")) == (APPROVED, 0)


@of_kinds("flowable")
def test_a_form_counts_and_what_nobody_was_shown_does_not(side: RestSide) -> None:
    theirs = assigned(side)
    task = side.engine.book.tasks[theirs.id]
    for name in ("Note", "Why so much?"):
        task.form = {"fields": [{"id": "note", "type": "text", "name": name}]}
        if name == "Note":
            side.world.send("task.updated", {"task": {"id": task.id, "form": task.form}})
    side.world.respond("bob", "approve")
    assert is_asked_again(side, theirs)

    side.somebody_changes(theirs, nobody_uses_this=1)
    side.world.respond("bob", "approve")
    assert theirs.answers == APPROVED


@of_kinds("camunda8")
def test_a_mapping_may_give_variables_other_names(side: RestSide) -> None:
    theirs = side.assign("bob", **INVOICE)
    mapping.use_preset(
        Engine.objects.get(), {"data.task.id": "userTaskKey", "data.variables.amount": "variables.betrag"}
    )
    side.somebody_changes(theirs, betrag=10000)
    side.world.respond("bob", "approve")
    assert is_asked_again(side, theirs)


@of_kinds("flowable")
def test_a_dispatcher_that_ends_while_it_reads_has_told_nothing(
    side: RestSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = assigned(side)
    with monkeypatch.context() as asleep:
        asleep.setattr(side.world, "run", lambda: None)
        side.world.respond("bob", "approve")
    assert len(claimed()) == 1
    assert not Callback.objects.get().in_doubt
    side.somebody_changes(theirs, amount=10000)
    assert is_asked_again(side, theirs)


@of_kinds("flowable")
def test_an_update_that_comes_while_the_task_is_read_counts(side: RestSide, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine has shown the task as it was, and tells of the change before it is told the answer."""
    theirs, read = assigned(side), content_check._read

    def tell() -> None:
        data = {"task": {"id": theirs.id, "name": "Pay Evil Ltd"}}
        event = {"specversion": "1.0", "id": "e-evil", "source": "invoices", "type": "task.updated", "data": data}
        side.world.post("/api/v1/events", event)
        pipeline.drain()
        connection.close()

    async def reads_and_tells(api: Api, check: content_check.Check) -> Json | None:
        row = await read(api, check)
        await asyncio.to_thread(tell)
        return row

    with monkeypatch.context() as slow:
        slow.setattr(content_check, "_read", reads_and_tells)
        side.world.respond("bob", "approve")
    assert is_asked_again(side, theirs)


@of_kinds("camunda7")
def test_an_answer_that_may_have_arrived_is_not_compared_again(side: RestSide) -> None:
    theirs = assigned(side)
    side.break_next(LOST_AFTER)
    side.world.respond("bob", "approve")
    side.somebody_changes(theirs, amount=10000)
    side.again()
    assert (theirs.answers, states()) == (APPROVED, [CallbackState.DELIVERED])


@of_kinds("opentext")
def test_an_engine_that_cannot_be_read_is_tried_again_before_it_is_told(side: RestSide) -> None:
    theirs = assigned(side)
    side.break_next(Fault(status=500, roles=("query",)), Fault(status=503, roles=("query",)))
    for tried in (1, 2):
        side.world.respond("bob", "approve") if tried == 1 else side.again()
        row = Callback.objects.get()
        assert (theirs.is_open, side.commands, row.state, row.attempts) == (True, 0, "waiting", tried)
        assert not row.in_doubt
    side.somebody_changes(theirs, amount=10000)
    assert is_asked_again(side, theirs)


@of_kinds("flowable", "opentext")
@pytest.mark.parametrize("status", [403, 404, 501])
def test_an_engine_that_lets_nobody_read_is_told_and_its_page_says_so(side: RestSide, status: int) -> None:
    theirs = assigned(side)
    page = b'{"status": 403, "error": "Forbidden"}'
    side.break_next(Fault(status=status, body=page, content_type="application/json", roles=("query",)))
    side.world.respond("bob", "approve")
    assert (theirs.answers, states()) == (APPROVED, [CallbackState.DELIVERED])
    assert str(status) in Engine.objects.get().not_compared_reason

    other = assigned(side)
    side.world.respond("bob", "approve")
    assert (other.answers, Engine.objects.get().not_compared_reason) == (APPROVED, "")


@of_kinds("camunda8")
def test_queries_that_lag_give_nothing_back(side: RestSide) -> None:
    """The engine tells of a change before its queries show it."""
    theirs = assigned(side)
    task = side.engine.book.tasks[theirs.id]
    side.engine.lag(3)
    side.somebody_changes(theirs, amount=10000)
    data: dict[str, Any] = {"task": {"id": task.id}, "variables": task.variables}
    side.world.send("task.updated", data)
    side.world.respond("bob", "approve")
    assert (theirs.is_open, states()) == (True, [CallbackState.WAITING])
    side.engine.behind = 0
    side.again()
    assert (theirs.answers, states()) == (APPROVED, [CallbackState.DELIVERED])
    assert not Event.objects.filter(status=EventStatus.KEPT).exists()
