"""Tells stories: Invoices is the engine, Alice requests, Bob approves, Carol manages. No worker runs: the tests
drain."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from escalations.models import Policy, PolicyStep, StepTarget
from notifications.answers.respond import respond
from notifications.answers.submission import Answer, RecordedAnswer
from notifications.connectors.signatures import new_secret
from notifications.intake import ingest
from notifications.models import (
    Category,
    Engine,
    Event,
    EventType,
    EventVariable,
    Notification,
    Recipient,
    Response,
    SigningSecret,
    Task,
    Team,
    Template,
)
from notifications.routing import pipeline
from notifications.types import InboundEvent, Json
from tests.factories import EngineFactory, RecipientFactory, TeamFactory
from tests.support.messages import show_messages
from tests.support.unrecorded import unrecorded

NINE = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
"""When the stories' events begin, as their engines say."""


@dataclass
class Story:
    """An engine and its people, with the starter configuration of a fresh database."""

    engine: Engine
    alice: Recipient
    bob: Recipient
    carol: Recipient
    finance: Team
    _ids: Any = field(default_factory=lambda: count(1))

    @classmethod
    @unrecorded()
    def begin(cls) -> "Story":
        engine = EngineFactory(slug="invoices", name="Invoices", callback_url="http://127.0.0.1:9/callback")
        SigningSecret.objects.create(engine=engine, secret=new_secret())
        carol = RecipientFactory(ref="carol", name="Carol", email="carol@example.org", email_verified=True)
        bob = RecipientFactory(ref="bob", name="Bob", manager=carol, email="bob@example.org", email_verified=True)
        alice = RecipientFactory(ref="alice", name="Alice", manager=bob)
        return cls(
            engine, alice, bob, carol, TeamFactory(slug="finance", name="Finance", lead=carol, members=[bob, carol])
        )

    # --- the engine speaks -----------------------------------------------------------------------
    def send(
        self, type: str, data: Json, *, minute: float | None = None, id: str = "", source: str = "invoices"
    ) -> Event:
        """An event arrives and is stored. `minute`: its time, minutes after nine; None: it says none."""
        when = NINE + timedelta(minutes=minute) if minute is not None else None
        number = next(self._ids)
        inbound = InboundEvent(
            id=id or f"e-{number}", source=source, type=type, data=data, digest=f"digest-{number}", time=when
        )
        accepted = ingest.accept(self.engine, [inbound], timezone.now())[0]
        return Event.objects.get(event_id=accepted.id, source=source, engine=self.engine)

    def happen(self, type: str, data: Json, **how: Any) -> Event:
        """An event arrives and the worker processes what is due."""
        event = self.send(type, data, **how)
        pipeline.drain()
        show_messages()
        event.refresh_from_db()
        return event

    def assign(self, task_id: str = "T-42", *, minute: float | None = 0, **task: Any) -> Event:
        """“Approve invoice 4711” is Bob's, unless the story says otherwise."""
        said: Json = {"id": task_id, "name": "Approve invoice 4711", "kind": "approval", **task}
        if not {"assignee", "candidates", "teams"} & set(task):
            said["assignee"] = "bob"
        data = {
            "task": said,
            "case": {"id": "4711", "title": "Invoice 4711"},
            "variables": {"amount": 1200.5, "currency": "EUR"},
        }
        return self.happen("task.assigned", data, minute=minute)

    def tell_manager_when_due(self) -> Policy:
        """From now on, by an SLA policy."""
        policy = Policy.objects.create(name="Approvals", time="wall")
        self.add_step(policy, 0, StepTarget.MANAGER)
        return policy

    def add_step(self, policy: Policy, minutes: int, target: StepTarget, **fields: Any) -> PolicyStep:
        """So many minutes after what is due, by the clock."""
        return PolicyStep.objects.create(
            policy=policy,
            offset=minutes,
            time="wall",
            target=target,
            template=Template.objects.get(slug="task-late"),
            category=Category.objects.get(slug="approvals"),
            **fields,
        )

    def let_people_set(self, *names: str, type: str = "task.assigned") -> None:
        """With their answers to tasks that come by events of the type."""
        event_type, _ = EventType.objects.get_or_create(name=type)
        for name in names:
            row = {"event_type": event_type, "path": f"variables.{name}"}
            EventVariable.objects.update_or_create(**row, defaults={"settable": True})

    # --- what people see -------------------------------------------------------------------------
    def task(self, task_id: str = "T-42") -> Task:
        return Task.objects.get(engine=self.engine, task_id=task_id)

    def inbox(self, person: Recipient) -> list[Notification]:
        """Newest first."""
        return list(Notification.objects.filter(recipient=person).select_related("task", "case"))

    def copy(self, person: Recipient, task_id: str = "T-42") -> Notification:
        """The person's newest copy of a task."""
        copy = Notification.objects.filter(recipient=person, task__task_id=task_id).first()
        assert copy is not None, f"{person} has no copy of {task_id}"
        return copy

    def states(self, task_id: str = "T-42") -> dict[str, str]:
        """Person to the state of their newest copy."""
        rows = Notification.objects.filter(task__task_id=task_id).order_by("created_at", "pk")
        return {row.recipient.ref: row.state for row in rows.select_related("recipient")}

    # --- and say ---------------------------------------------------------------------------------
    def answer(
        self, person: Recipient, action: str, comment: str = "", *, task_id: str = "T-42", **more: Any
    ) -> RecordedAnswer:
        return respond(self.copy(person, task_id), Answer(action, comment, **more), now=timezone.now())

    def callbacks(self, task_id: str = "T-42") -> list[tuple[str, str]]:
        """Action and callback state, in the order the answers were given."""
        rows = Response.objects.filter(task__task_id=task_id).select_related("callback").order_by("callback__position")
        return [(row.action, row.callback.state) for row in rows]
