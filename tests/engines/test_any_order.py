"""Whatever happens in whatever order, an engine hears of each task once, and people read what is true.

Told of Flowable, for all that have a REST interface (test_interleavings.py), and of the demo's BPMN process.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from notifications.connectors.base import Standing
from notifications.engines import callback, task_sync
from notifications.models import (
    Callback,
    CallbackAttempt,
    CallbackState,
    Engine,
    Event,
    Notification,
    Recipient,
    Response,
    Task,
    Team,
)
from tests.engines.demo import Side
from tests.engines.server import LOST_AFTER, LOST_BEFORE, Fault
from tests.engines.world import KINDS
from tests.soak.installation import LONG
from tests.support.callbacks import claimed, dispatch, make_due
from tests.support.story import Story
from wfpush.concurrency.threads import in_database_thread

pytestmark = pytest.mark.django_db(transaction=True)

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
    """One task, and what becomes of it."""

    def __init__(self, side: Side, story: Story) -> None:
        self.side, self.story = side, story
        self.theirs = side.assign("bob", "carol")

    def happens(self, name: str) -> None:
        {
            "bob approves": lambda: self.answers(self.story.bob, "approve"),
            "carol rejects": lambda: self.answers(self.story.carol, "reject"),
            "dave completes it there": self.dave_completes,
            "and we are told": self.engine_tells,
            "we look": self.look,
            "dispatch": self.dispatch,
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

    # --- the engine ---------------------------------------------------------------------------------
    def dave_completes(self) -> None:
        if self.theirs.is_open:
            self.side.somebody_completes(self.theirs, "dave")

    def engine_tells(self) -> None:
        if not self.theirs.is_open:
            self.story.happen("task.completed", {"task": {"id": self.theirs.id}, "result": {"by": "dave"}})

    def look(self) -> None:
        task = Task.objects.get(task_id=self.theirs.id)
        if task.answerable:
            task_sync.apply_difference(task, Standing(self.theirs.is_open), timezone.now())

    # --- the dispatcher -----------------------------------------------------------------------------
    def dispatch(self, *faults: Fault) -> None:
        self.side.mend()
        self.side.break_next(*faults)
        make_due()
        dispatch()
        self.side.mend()

    def dispatch_to_listener(self, *faults: Fault) -> None:
        """What we tell it comes back as an event of its own before it replies."""
        self.side.listen(lambda task: self.in_a_worker(self.engine_tells))
        self.dispatch(*faults)
        self.side.listen(None)

    def dispatch_behind_dave(self) -> None:
        """The call is on its way already."""

        async def turn() -> None:
            ready = await in_database_thread(claimed)
            await asyncio.to_thread(self.in_a_worker, self.dave_completes, self.engine_tells)
            for each in ready:
                await callback._send(each)
            await callback._door.close()

        make_due()
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
                Callback.objects.filter(pk=pk, state=CallbackState.WAITING).update(detail_fact=None)
        CallbackAttempt.objects.exclude(pk__in=tried).update(ended_at=None, unsure=False)

    # --- in the end -------------------------------------------------------------------------------
    def settles(self) -> None:
        for _ in range(4):
            self.dispatch()
        assert not Callback.objects.filter(state=CallbackState.WAITING).exists()
        answers = self.theirs.answers
        assert len(answers) <= 1
        ours = [answered for answered in answers if answered.by != "dave"]
        final = Response.objects.filter(effect="final", counts=True).select_related("recipient").first()
        if final is None:
            assert ours == []
            return
        state = final.callback.state
        if ours:
            assert ours[0].by == final.recipient.ref, "nobody else's answer was told"
            assert self.theirs.ids == {str(final.pk)}
            assert state == CallbackState.DELIVERED, "it was their answer, whoever told of it first"
        else:
            assert state == CallbackState.HANDLED, "dave was faster, and that is what people read"
        assert {copy.outcome["engine"] for copy in Notification.objects.exclude(outcome=None)} == {state}


def story_of() -> Story:
    """Told of the engine and the people there are."""
    people = {ref: Recipient.objects.get(ref=ref) for ref in ("alice", "bob", "carol")}
    return Story(Engine.objects.get(), **people, finance=Team.objects.get(slug="finance"))


FLOWABLE_AND_DEMO = [kind for kind in KINDS if kind.name == "flowable"] + [None]


@pytest.mark.row_27
@pytest.mark.parametrize("side", FLOWABLE_AND_DEMO, indirect=True, ids=["flowable", "demo"])
@bounds(
    max_examples=200 if LONG else 4,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)
@given(happenings=HAPPENINGS)
@example(happenings=["bob approves", "dispatch, its listener tells us first"])
@example(happenings=["bob approves", "killed after the call", "and we are told"])
@example(happenings=["bob approves", "dispatch, dave is faster and we are told", "carol rejects"])
def test_at_most_one_completion_and_a_true_statement(side: Side, happenings: list[str]) -> None:
    for model in (Callback, Response, Notification, Task, Event):
        model.objects.all().delete()
    fate = Fate(side, story_of())
    for name in happenings:
        fate.happens(name)
    fate.settles()
