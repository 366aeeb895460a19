"""An engine that is away is left alone; and whatever happens on the way, it hears of each task once."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounds
from hypothesis import strategies as st
from pytest_django import Settings

from notifications import callback, engine_truth, pipeline
from notifications.connectors.rest import Standing
from notifications.models import (
    Callback,
    CallbackAttempt,
    CallbackState,
    EngineAccess,
    Event,
    Notification,
    Response,
    Task,
)
from notifications.respond import Answer, respond
from tests.engines.flowable import FlowableServer
from tests.engines.guards import SECRET, SERVICE, Basic
from tests.engines.server import LOST_AFTER, LOST_BEFORE, Fault
from tests.pushlab.background import Background
from tests.support.receiver import Receiver, receiving
from tests.support.story import Story
from wfpush.threads import in_database_thread

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
LOOPBACK = [ip_network("127.0.0.0/8")]


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOWED_CIDRS = LOOPBACK
    with receiving() as receiver:
        yield receiver


def dispatch() -> None:
    """The dispatcher's turn, and its end."""

    async def turn() -> None:
        try:
            await callback.drain()
        finally:
            await callback._door.close()

    async_to_sync(turn)()


def waiting() -> int:
    return Callback.objects.filter(state=CallbackState.WAITING).count()


# --- an outage -----------------------------------------------------------------------------------------------------
def test_while_it_is_away_one_call_goes_out_and_not_one_for_each_answer(receiver: Receiver) -> None:
    story = Story.begin()
    story.engine.callback_url = receiver.url
    story.engine.save()
    receiver.answer(503)
    for number in range(30):
        story.send("task.assigned", {"task": {"id": f"T-{number}", "name": "x", "assignee": "bob"}})
    pipeline.drain()
    for copy in Notification.objects.select_related("recipient"):
        respond(copy, Answer("approve"), now=timezone.now())

    async def several_turns() -> None:
        for _ in range(5):
            await callback.drain()
            await make_due()
        await callback._door.close()

    async_to_sync(several_turns)()
    assert len(receiver.calls) == 30, "those of the first turn were out already; then it was left alone"
    assert waiting() == 30


async def make_due() -> None:
    await Callback.objects.filter(state=CallbackState.WAITING, lease_token=None).aupdate(due_at=timezone.now())


def test_what_somebody_has_told_it_by_hand_is_not_sent_any_more(receiver: Receiver) -> None:
    story = Story.begin()
    story.assign()
    story.answer(story.bob, "approve")
    row = Callback.objects.get()
    assert callback.mark_handled(row, "Told them by telephone.", timezone.now())
    assert not callback.mark_handled(row, "Twice.", timezone.now())
    dispatch()
    assert receiver.calls == []
    outcome = story.copy(story.bob).outcome
    assert (outcome["engine"], outcome["detail"]) == ("handled", "Told them by telephone.")


# --- whatever happens on the way ----------------------------------------------------------------------------------
HAPPENINGS = st.lists(
    st.sampled_from(
        [
            "bob approves",
            "carol rejects",
            "dave completes it there",
            "and we are told",
            "we look",
            "dispatch",
            "dispatch, reply lost",
            "dispatch, never arrives",
            "dispatch, busy",
            "dispatch, its listener tells us first",
            "dispatch, its listener tells us, reply lost",
            "dispatch, dave is faster and we are told",
            "killed before the call",
            "killed after the call",
        ]
    ),
    min_size=1,
    max_size=7,
)


class Fate:
    """One task in Flowable, and what becomes of it."""

    def __init__(self, story: Story, engine: FlowableServer) -> None:
        self.story, self.engine = story, engine
        self.theirs = engine.book.open()
        story.assign(self.theirs.id, candidates=["bob", "carol"])
        Task.objects.update(created_at=timezone.now() - HOUR)

    def happens(self, name: str) -> None:
        {
            "bob approves": lambda: self.answers(self.story.bob, "approve"),
            "carol rejects": lambda: self.answers(self.story.carol, "reject"),
            "dave completes it there": self.dave_completes,
            "and we are told": self.engine_tells,
            "we look": self.look,
            "dispatch": lambda: self.dispatch(),
            "dispatch, reply lost": lambda: self.dispatch(LOST_AFTER),
            "dispatch, never arrives": lambda: self.dispatch(LOST_BEFORE),
            "dispatch, busy": lambda: self.dispatch(Fault(status=503)),
            "dispatch, its listener tells us first": self.dispatch_to_listener,
            "dispatch, its listener tells us, reply lost": lambda: self.dispatch_to_listener(LOST_AFTER),
            "dispatch, dave is faster and we are told": self.dispatch_behind_dave,
            "killed before the call": lambda: self.killed(acts=False),
            "killed after the call": lambda: self.killed(acts=True),
        }[name]()

    def answers(self, person: Any, action: str) -> None:
        try:
            self.story.answer(person, action, "Because.", task_id=self.theirs.id)
        except Exception as refused:
            assert type(refused).__name__ in ("AlreadyAnswered", "AlreadyHandled")

    def dave_completes(self) -> None:
        if self.theirs.is_open:
            self.engine.book.somebody_completes(self.theirs, "dave")

    def engine_tells(self) -> None:
        if not self.theirs.is_open:
            self.story.happen("task.completed", {"task": {"id": self.theirs.id}, "result": {"by": "dave"}})

    def look(self) -> None:
        task = Task.objects.get()
        if task.answerable:
            standing = Standing(self.theirs.is_open)
            engine_truth.catch_up(task, standing, timezone.now())

    def dispatch(self, *faults: Fault) -> None:
        self.engine.faults[:] = faults
        self.make_due()
        dispatch()
        self.engine.faults.clear()

    def make_due(self) -> None:
        Callback.objects.filter(state=CallbackState.WAITING).update(
            due_at=timezone.now(), lease_until=None, lease_token=None
        )

    def dispatch_to_listener(self, *faults: Fault) -> None:
        """What we tell it comes back as an event of its own before it replies."""
        self.engine.listener = lambda task: self.in_a_worker(self.engine_tells)
        self.dispatch(*faults)
        self.engine.listener = None

    def dispatch_behind_dave(self) -> None:
        """The call is on its way already."""

        async def turn() -> None:
            claimed = await in_database_thread(callback._claim)
            await asyncio.to_thread(self.in_a_worker, self.dave_completes, self.engine_tells)
            line = callback._door.open()
            for row, call in claimed:
                await callback._send(line, row, call)
            await callback._door.close()

        self.make_due()
        async_to_sync(turn)()

    def in_a_worker(self, *steps: Callable[[], None]) -> None:
        """In a thread, and on a connection, of its own."""
        try:
            for step in steps:
                step()
        finally:
            connection.close()

    def killed(self, *, acts: bool) -> None:
        """The dispatcher has claimed it and is gone; the engine may have got the call."""
        before = dict(Callback.objects.values_list("pk", "state"))
        tried = set(CallbackAttempt.objects.values_list("pk", flat=True))
        self.dispatch(LOST_AFTER if acts else LOST_BEFORE)
        for pk, state in before.items():
            if state == CallbackState.WAITING:
                Callback.objects.filter(pk=pk, state=CallbackState.WAITING).update(detail="")
        CallbackAttempt.objects.exclude(pk__in=tried).update(ended_at=None, unsure=False)

    # --- in the end -------------------------------------------------------------------------------
    def settles(self) -> None:
        for _ in range(4):
            self.dispatch()
        assert waiting() == 0
        ours = [done for done in self.theirs.completions if done.by == SERVICE]
        assert len(self.theirs.completions) <= 1
        final = Response.objects.filter(effect="final", counts=True).first()
        if final is None:
            assert ours == []
            return
        state = final.callback.state
        if ours:
            assert ours[0].variables["wfpush_answer"] == str(final.pk), "nobody else's answer was told"
            assert state == CallbackState.DELIVERED, "it was their answer, whoever told of it first"
        else:
            assert state == CallbackState.HANDLED, "dave was faster, and that is what people read"
        assert {copy.outcome["engine"] for copy in Notification.objects.exclude(outcome=None)} == {state}


@pytest.fixture(scope="module")
def background() -> Iterator[Background]:
    running = Background()
    yield running
    running.stop()


@pytest.fixture
def flowable(background: Background, settings: Settings) -> Iterator[FlowableServer]:
    settings.OUTBOUND_ALLOWED_CIDRS = LOOPBACK
    engine = FlowableServer(Basic())
    background.run(engine.start())
    yield engine
    background.run(engine.stop())


@pytest.fixture
def connected(flowable: FlowableServer) -> list[Story]:
    story = Story.begin()
    story.engine.kind, story.engine.callback_url = "flowable", flowable.base
    story.engine.save()
    EngineAccess.objects.create(engine=story.engine, auth="basic", name=SERVICE, secret=SECRET)
    return [story]


@pytest.mark.row_27
@bounds(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.generate,))
@given(happenings=HAPPENINGS)
def test_at_most_one_completion_and_a_true_statement(
    flowable: FlowableServer, connected: list[Story], happenings: list[str]
) -> None:
    for model in (Callback, Response, Notification, Task, Event):
        model.objects.all().delete()
    fate = Fate(connected[0], flowable)
    for name in happenings:
        fate.happens(name)
    fate.settles()
