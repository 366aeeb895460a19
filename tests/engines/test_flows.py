"""One story for every engine, through the public API: Bob and Carol answer, the engine itself is told, and once.

Everything that can go wrong on the line is told to the connectors alone, without a database (test_lost_replies.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from escalations import escalate
from escalations.models import Escalation, Policy, PolicyStep, StepRun
from notifications import engine_trial
from notifications.models import Callback, CallbackAttempt, CallbackState, Category, Engine, EngineAccess, Template
from notifications.models import Task as OurTask
from tests.engines.book import Task
from tests.engines.guards import SECRET, SERVICE, Basic, Tokens
from tests.engines.server import LOST_AFTER, EngineServer, Fault
from tests.engines.world import KINDS, Clock, Kind
from tests.pushlab.background import Background
from tests.support.receiver import Receiver
from tests.support.world import World

pytestmark = pytest.mark.django_db(transaction=True)

DUE = timedelta(hours=1)


@dataclass
class Side:
    """An engine of one kind, running, and wfpush connected with it."""

    kind: Kind
    engine: EngineServer
    world: World

    def assign(self, **task: Any) -> Task:
        """A task is created in the engine, which tells of it."""
        theirs = self.engine.book.open()
        said = {"id": theirs.id, "name": "Approve invoice 4711", "candidates": ["bob", "carol"], **task}
        self.world.send("task.assigned", {"task": said, "case": {"id": theirs.process}})
        OurTask.objects.update(created_at=timezone.now() - timedelta(minutes=5))
        return theirs

    def again(self) -> None:
        """The next try is due, and made."""
        now = timezone.now()
        Callback.objects.filter(state=CallbackState.WAITING).update(due_at=now, lease_until=None, lease_token=None)
        self.world.run()

    def callback(self) -> Callback:
        return Callback.objects.get()

    def engine_says(self, person: str) -> str:
        """What the person's own copy says of the engine."""
        said: str = self.world.inbox(person)[0]["outcome"]["engine"]
        return said


@pytest.fixture(scope="module")
def background() -> Iterator[Background]:
    running = Background()
    yield running
    running.stop()


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def side(request: Any, background: Background, settings: Settings) -> Iterator[Side]:
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    kind: Kind = request.param
    tokens = Tokens(Clock(), *kind.token) if kind.token is not None else None
    if tokens is not None:
        background.run(tokens.start())
    engine = kind.server(tokens or Basic())
    background.run(engine.start())
    world = World.begin(Receiver(url="http://127.0.0.1:9/none"))
    row = Engine.objects.get()
    row.kind, row.callback_url = kind.name, engine.base
    row.save()
    signing: dict[str, str] = {"auth": "basic"}
    if tokens is not None and kind.token is not None:
        body, _, wants = kind.token
        signing = {"auth": "oauth2", "token_url": tokens.url, "token_body": body, "audience": wants.get("audience", "")}
    EngineAccess.objects.create(engine=row, name=SERVICE, secret=SECRET, **signing)
    yield Side(kind, engine, world)
    background.run(engine.stop())
    if tokens is not None:
        background.run(tokens.stop())


# --- answers ------------------------------------------------------------------------------------------------------
def test_an_approval_completes_the_task_with_who_and_what(side: Side) -> None:
    theirs = side.assign()
    side.world.respond("bob", "approve", "Fine.")
    (done,) = theirs.completions
    assert done.by == SERVICE
    assert done.variables["wfpush_outcome"] == "approved"
    assert (done.variables["wfpush_by"], done.variables["wfpush_comment"]) == ("bob", "Fine.")
    assert side.engine_says("bob") == side.engine_says("carol") == "delivered"
    assert side.engine.refused == []


def test_the_first_of_two_wins_and_the_engine_hears_of_one(side: Side) -> None:
    theirs = side.assign()
    side.world.respond("carol", "reject", "Twelve, not eleven.")
    side.world.respond("bob", "approve", expect=409)
    (done,) = theirs.completions
    assert done.variables["wfpush_outcome"] == "rejected"


def test_questions_and_acknowledgements_leave_the_task_open(side: Side) -> None:
    theirs = side.assign()
    side.world.respond("bob", "acknowledge")
    side.world.respond("bob", "request_info", "Which supplier?")
    assert theirs.is_open
    assert set(Callback.objects.values_list("state", flat=True)) == {CallbackState.DELIVERED}
    assert any("Which supplier?" in comment for comment in theirs.comments) == side.kind.comments


def test_who_is_later_than_somebody_in_the_engine_is_told_so(side: Side) -> None:
    theirs = side.assign()
    side.engine.book.somebody_completes(theirs, "dave")
    side.world.respond("bob", "approve")
    assert side.engine_says("bob") == "handled"
    assert len(theirs.completions) == 1
    assert ("dave" in side.callback().detail) == side.kind.told_by


# --- when it goes wrong -------------------------------------------------------------------------------------------
def test_a_lost_reply_is_made_good_without_a_second_completion(side: Side) -> None:
    theirs = side.assign()
    side.engine.break_next(LOST_AFTER)
    side.world.respond("bob", "approve")
    assert side.engine_says("bob") == "waiting"
    assert CallbackAttempt.objects.get().unsure
    side.again()
    assert len(theirs.completions) == 1
    assert side.engine_says("bob") == ("delivered" if side.kind.told_by else "handled")


# --- the engine knows better --------------------------------------------------------------------------------------
@pytest.fixture
def policy(side: Side) -> Policy:
    made = Policy.objects.create(name="Approvals", time="wall")
    late, category = Template.objects.get(slug="task-late"), Category.objects.get(slug="approvals")
    PolicyStep.objects.create(policy=made, time="wall", target="manager", template=late, category=category)
    return made


def due() -> str:
    return (datetime.now(UTC) + DUE).isoformat()


def late() -> datetime:
    return timezone.now() + DUE + timedelta(seconds=30)


def test_nobody_is_told_of_what_was_completed_there_without_our_hearing_of_it(side: Side, policy: Policy) -> None:
    theirs = side.assign(assignee="bob", candidates=[], due_at=due())
    side.engine.book.somebody_completes(theirs, "bob")
    while escalate.tick(late()):
        pass
    assert not StepRun.objects.exists()
    assert Escalation.objects.get().end_reason == "closed in engine"
    assert OurTask.objects.get().state == "completed"
    assert not side.world.inbox("carol")


def test_whoever_has_it_now_has_the_whole_time(side: Side, policy: Policy) -> None:
    theirs = side.assign(assignee="bob", candidates=[], due_at=due())
    theirs.assignee = "alice"
    escalate.tick(late())
    assert OurTask.objects.get().assignee.ref == "alice"  # type: ignore[union-attr]
    first, second = Escalation.objects.order_by("pk")
    assert (first.end_reason, second.state) == ("given to somebody else", "running")


def test_an_engine_that_is_away_keeps_nobody_from_being_told(side: Side, policy: Policy) -> None:
    theirs = side.assign(assignee="bob", candidates=[], due_at=due())
    theirs.assignee = "bob"
    side.engine.break_next(*[Fault(status=503, roles=("query",))] * 5)
    assert escalate.tick(late()) == 1
    assert [told["ref"] for told in StepRun.objects.get().told] == ["carol"]


# --- and checks ---------------------------------------------------------------------------------------------------
def test_it_is_checked_by_one_question(side: Side) -> None:
    assert engine_trial.check(Engine.objects.get()).outcome == "done"
    EngineAccess.objects.update(name="nobody")
    assert engine_trial.check(Engine.objects.get()).outcome == "misconfigured"
