"""Random firms, policies and histories, told to the clock and to the watch alike."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.db import transaction
from hypothesis import reject
from hypothesis import strategies as st

from escalations.clocks import due_steps
from escalations.models import BusinessCalendar, Escalation, Policy, PolicyStep
from notifications.answers.respond import respond
from notifications.answers.submission import Answer
from notifications.errors import Withdrawn
from notifications.models import (
    Absence,
    Callback,
    CallbackState,
    Category,
    Engine,
    Event,
    Notification,
    Recipient,
    Task,
    Team,
    Template,
)
from notifications.routing import pipeline
from tests.escalations.model import Away, Firm, Json, Watch
from tests.vectors import reckoning

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PEOPLE = ["alice", "bob", "carol", "dave"]
STARTS = [datetime(2026, 3, 26, 14, 7, tzinfo=UTC), datetime(2026, 10, 23, 9, 30, tzinfo=UTC)]
CALENDARS = ["munich office", "berlin nights", "tokyo half days"]
"""Before the clock changes in Europe."""

DOES = [
    *(("notify", target) for target in ("assignee", "team_lead", "manager", "person")),
    *(("reassign", target) for target in ("team_lead", "manager", "person")),
]

times = st.sampled_from(["wall", "business"])
steps = st.builds(
    lambda does, offset, time, repeats, level, person: {
        "kind": does[0],
        "target": does[1],
        "offset": offset,
        "time": time,
        "repeat_every": 45 if repeats else None,
        "repeats": repeats,
        "level": level,
        "person": person,
    },
    st.sampled_from(DOES),
    st.integers(-600, 900),
    times,
    st.integers(0, 2),
    st.integers(1, 3),
    st.sampled_from(PEOPLE),
)
policies = st.builds(
    lambda clock, minutes, time, pauses, on_acknowledge, hold, fallback: {
        "clock": clock,
        "minutes": minutes,
        "time": time,
        "pauses": pauses,
        "on_acknowledge": on_acknowledge,
        "hold_minutes": hold,
        "fallback": fallback,
    },
    st.sampled_from(["due", "duration"]),
    st.integers(1, 1500),
    times,
    st.booleans(),
    st.sampled_from(["goes_on", "stops", "holds"]),
    st.integers(1, 900),
    st.sampled_from([*PEOPLE, None]),
)
anybody = st.sampled_from([*PEOPLE, None])


@st.composite
def firms(draw: Any, start: datetime) -> Firm:
    away = []
    for person in draw(st.sets(st.sampled_from(PEOPLE), max_size=3)):
        begins = start + draw(st.integers(-2000, 2000)) * MINUTE
        delegate = draw(st.sampled_from([*(each for each in PEOPLE if each != person), None]))
        away.append(Away(person, begins, begins + draw(st.integers(1, 4000)) * MINUTE, delegate))
    return Firm(draw(st.fixed_dictionaries(dict.fromkeys(PEOPLE, anybody))), draw(anybody), away)


HAPPENINGS = ["acknowledged", "asked", "supplied", "given", "obeyed", "postponed", "nothing", "closed"]


@st.composite
def histories(draw: Any) -> list[tuple[int, str]]:
    """Minutes after the start, and what happens then; each at most once, but questions."""
    names = draw(st.lists(st.sampled_from(HAPPENINGS), max_size=4, unique=True))
    names.sort(key="closed".__eq__)  # the end of everything
    after = sorted(draw(st.sets(st.integers(1, 4000), min_size=len(names), max_size=len(names))))
    return list(zip(after, names, strict=True))


class Case:
    """The same firm, policy and task in the database, and on the watch."""

    def __init__(
        self, firm: Firm, policy: Json, rows: list[Json], calendar: str, start: datetime, due: datetime
    ) -> None:
        self.ids = count(1)
        self.start = start
        self.people = {
            name: Recipient.objects.create(ref=name, name=name.title(), email=f"{name}@example.org") for name in PEOPLE
        }
        for name, manager in firm.managers.items():
            Recipient.objects.filter(ref=name).update(manager=self.people[manager] if manager else None)
        for each in firm.away:
            Absence.objects.create(
                recipient=self.people[each.person],
                begins_at=each.begins,
                ends_at=each.ends,
                delegate=self.people[each.delegate] if each.delegate else None,
            )
        team = Team.objects.create(slug="all", name="All", lead=self.people[firm.lead] if firm.lead else None)
        team.members.set(self.people.values())
        self.policy(policy, rows, calendar)
        self.engine = Engine.objects.create(slug="orders", name="Orders", callback_url="http://127.0.0.1:9/callback")
        asked = Recipient.objects.create(ref="erin", name="Erin")
        self.send("task.assigned", start, name="Approve", assignee="bob", due_at=due.isoformat(), initiator=asked.ref)
        self.watch = Watch(firm, policy, rows, calendar, start, "bob", due)

    def policy(self, policy: Json, rows: list[Json], calendar: str) -> None:
        said = reckoning.CALENDARS[calendar]
        holidays = said.get("holidays") or {}
        kept = BusinessCalendar.objects.create(
            name=calendar,
            timezone=said["timezone"],
            week=said["week"],
            country=holidays.get("country") or "",
            subdivision=holidays.get("subdivision") or "",
        )
        for day, hours in said.get("days", {}).items():
            kept.days.create(date=day, hours=hours)
        made = Policy.objects.create(name="P", calendar=kept, **self._policy_fields(policy))
        for row in rows:
            PolicyStep.objects.create(policy=made, **self._step_fields(row))
        in_order = list(made.steps.all())
        rows.sort(key=lambda row: row["offset"])
        assert [step.offset for step in in_order] == [row["offset"] for row in rows]

    def _policy_fields(self, policy: Json) -> Json:
        return policy | {"fallback": self.people[policy["fallback"]] if policy["fallback"] else None}

    def _step_fields(self, row: Json) -> Json:
        template = Template.objects.get(slug="task-reminder")
        category = Category.objects.get(slug="approvals")
        worded = {"template": template, "category": category} if row["kind"] == "notify" else {}
        return {"template": None, "category": None, **row, "person": self.people[row["person"]], **worded}

    def edit(self, policy: Json, rows: list[Json]) -> Policy:
        """The policy as it is from now on: its steps are changed in their order, added, or taken out."""
        Policy.objects.update(**self._policy_fields(policy))
        made = Policy.objects.get()
        steps = list(made.steps.all())
        for step, row in zip(steps, rows, strict=False):
            PolicyStep.objects.filter(pk=step.pk).update(**self._step_fields(row))
        for row in rows[len(steps) :]:
            PolicyStep.objects.create(policy=made, **self._step_fields(row))
        PolicyStep.objects.filter(pk__in=[step.pk for step in steps[len(rows) :]]).delete()
        return made

    # --- what happens --------------------------------------------------------------------------------
    def send(self, type: str, now: datetime, **task: Any) -> None:
        event = Event.objects.create(
            engine=self.engine,
            source="orders",
            event_id=str(next(self.ids)),
            type=type,
            received_at=now,
            processed_at=now,
            data={"task": {"id": "T-1", **task}, "info": "42"},
            digest="",
        )
        pipeline.process([event], now)

    def answer(self, action: str, now: datetime) -> None:
        copy = Notification.objects.filter(task=self.task, state="open").order_by("pk")[0]
        try:
            respond(copy, Answer(action, comment=f"Which one, at {now}?"), now=now)
        except Withdrawn:  # they stood in, and the absence is over: the watch knows nothing of that
            reject()

    @property
    def task(self) -> Task:
        return Task.objects.get()

    def happens(self, name: str, now: datetime) -> None:
        getattr(self, name)(now)

    def acknowledged(self, now: datetime) -> None:
        self.answer("acknowledge", now)
        self.watch.acknowledged(now)

    def asked(self, now: datetime) -> None:
        self.answer("request_info", now)
        self.watch.asked(now)

    def supplied(self, now: datetime) -> None:
        self.send("task.info_supplied", now)
        self.watch.supplied(now)

    def given(self, now: datetime) -> None:
        self._has_it("alice", now)

    def obeyed(self, now: datetime) -> None:
        """What a step has asked the engine for last, it does."""
        asked = Callback.objects.filter(response=None, state=CallbackState.WAITING).order_by("position").last()
        if asked is not None:
            Callback.objects.filter(pk=asked.pk).update(state=CallbackState.DELIVERED)
            said = json.loads(asked.body)["data"]
            self.watch.had_it.add(said["assignee"]["ref"])
            self._has_it(said["to"]["ref"], now)

    def _has_it(self, person: str, now: datetime) -> None:
        task = self.task
        asks, new = task.state == "info_requested", task.assignee != self.people[person]
        self.send("task.assigned", now, assignee=person)
        if new:
            self.watch.given_to(person, now, still_asks=asks)

    def postponed(self, now: datetime) -> None:
        later = self.start + 3 * DAY
        self.send("task.updated", now, due_at=later.isoformat())
        self.watch.due_on(later)

    def closed(self, now: datetime) -> None:
        self.send("task.completed", now)
        self.watch.closed()

    def nothing(self, now: datetime) -> None:
        """Only time."""

    # --- time passes ---------------------------------------------------------------------------------
    def clock_until(self, now: datetime, end: datetime) -> None:
        while (due := Escalation.objects.filter(due_at__lte=end).first()) is not None:
            assert due.due_at is not None
            assert due_steps.tick(max(due.due_at, now)) == 1

    def watch_until(self, now: datetime, end: datetime) -> None:
        while now <= end:
            self.watch.look(now)
            now += MINUTE


@contextmanager
def undone() -> Iterator[None]:
    """Each example in a database of its own."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
