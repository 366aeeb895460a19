"""The rules of a clock: a policy with its calendar as they were when it began, and the instants of its steps."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from escalations.calendars.working_time import Calendar, NoWorkingTime
from escalations.models import (
    BusinessCalendar,
    Clock,
    Escalation,
    OnAcknowledge,
    Policy,
    PolicyStep,
    Rules,
    StepRun,
    TimeKind,
)
from notifications.models import TemplateVersion, VersionState
from notifications.types import Json

NOTHING = timedelta()
PARSED = 1024
"""The number of rule sets that stay parsed, with the years of their calendars."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a policy. `id` is the row's; `position` its place among the policy's steps, from 1."""

    id: int
    position: int
    kind: str
    offset: timedelta = NOTHING
    time: TimeKind = TimeKind.WALL
    repeat_every: timedelta = NOTHING
    repeats: int = 0
    target: str | None = None
    level: int = 1
    team: int | None = None
    person: int | None = None
    version: int | None = None
    category: int | None = None
    channels: tuple[str, ...] = ()
    priority: str = ""
    critical: bool = False
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that a step is taken: the first (number 0), or a repetition."""

    at: datetime
    step: Step
    number: int

    @property
    def key(self) -> tuple[int, int]:
        return self.step.id, self.number

    @property
    def order(self) -> tuple[datetime, int, int]:
        return self.at, self.step.position, self.number


@dataclass(frozen=True)
class RuleSet:
    """`Rules.data`, parsed. `calendar` is None if only the wall clock counts."""

    name: str
    clock: Clock
    duration: timedelta
    time: TimeKind
    calendar: Calendar | None
    calendar_name: str
    pauses: bool
    on_acknowledge: OnAcknowledge
    hold: timedelta
    fallback: int | None
    steps: tuple[Step, ...]

    # --- time ----------------------------------------------------------------------------------------
    def add(self, instant: datetime, duration: timedelta, time: TimeKind) -> datetime:
        """Return the instant after `duration`. Raises NoWorkingTime."""
        if time == TimeKind.BUSINESS and self.calendar is not None:
            return self.calendar.add(instant, duration)
        return instant + duration

    def passed(self, start: datetime, end: datetime) -> timedelta:
        """Return the length of a pause, as the policy counts time."""
        if self.time == TimeKind.BUSINESS and self.calendar is not None:
            return self.calendar.between(start, end)
        return max(end - start, NOTHING)

    def deadline(self, start: datetime, due_at: datetime | None) -> datetime | None:
        """Return the due date of a task assigned at `start`; None if there is none. Raises NoWorkingTime."""
        return due_at if self.clock == Clock.DUE else self.add(start, self.duration, self.time)

    def later(self, deadline: datetime, pause: timedelta) -> datetime:
        """Return the due date after a pause, as the policy counts time."""
        try:
            return self.add(deadline, pause, self.time) if pause > NOTHING else deadline
        except NoWorkingTime:
            return deadline + pause

    def held_until(self, now: datetime) -> datetime:
        return self.add(now, self.hold, self.time)

    def occurrences(self, deadline: datetime) -> list[Occurrence]:
        """Return all occurrences of all steps, in order."""
        numbered = ((step, enumerate(self._times(step, deadline))) for step in self.steps)
        every = (Occurrence(at, step, number) for step, times in numbered for number, at in times)
        return sorted(every, key=lambda each: each.order)

    def _times(self, step: Step, deadline: datetime) -> Iterator[datetime]:
        """Yield the instants of a step. Beyond the calendar the wall clock counts: too early is better than never."""
        at, ends = deadline, False
        for number in range(step.repeats + 1):
            if not ends:
                try:
                    at = self.add(deadline, step.offset + number * step.repeat_every, step.time)
                except NoWorkingTime:
                    ends = True
            if ends:
                at += step.repeat_every if number else step.offset
            yield at

    @cached_property
    def by_id(self) -> dict[int, Step]:
        return {step.id: step for step in self.steps}


# --- stored rules -----------------------------------------------------------------------------------------------------
def rules_row(policy: Policy, calendar: BusinessCalendar | None) -> Rules:
    """Return the row for a policy as it is now. All clocks share the row until the policy is edited."""
    data = written(policy, calendar)
    digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
    row = Rules.objects.filter(digest=digest).first()
    if row is None:
        Rules.objects.bulk_create([Rules(digest=digest, policy=policy, data=data)], ignore_conflicts=True)
        row = Rules.objects.get(digest=digest)
    return row


def written(policy: Policy, calendar: BusinessCalendar | None) -> Json:
    steps = list(policy.steps.all())
    templates = [step.template_id for step in steps if step.template_id]
    published = TemplateVersion.objects.filter(template__in=templates, state=VersionState.PUBLISHED)
    versions = dict(published.values_list("template_id", "pk"))
    return {
        "policy": policy.pk,
        "name": policy.name,
        "clock": policy.clock,
        "minutes": policy.minutes,
        "time": policy.time,
        "calendar": calendar.as_dict() if calendar else None,
        "calendar_name": calendar.name if calendar else "",
        "pauses": policy.pauses,
        "on_acknowledge": policy.on_acknowledge,
        "hold_minutes": policy.hold_minutes,
        "fallback": policy.fallback_id,
        "steps": [_step(step, versions.get(step.template_id or 0)) for step in steps],
    }


def _step(step: PolicyStep, version: int | None) -> Json:
    fields = {name: getattr(step, name) for name in STEP_FIELDS}
    if step.ref:  # unset ones keep the digest from before there were targets of features
        fields["ref"] = step.ref
    return {**fields, "id": step.pk, "channels": list(step.channels), "version": version}


STEP_FIELDS = (
    "kind",
    "offset",
    "time",
    "repeat_every",
    "repeats",
    "target",
    "level",
    "team_id",
    "person_id",
    "category_id",
    "critical",
    "priority",
)


_read: dict[int, RuleSet] = {}


def is_read(pk: int) -> bool:
    return pk in _read


def rules_of(row: Escalation | StepRun) -> RuleSet:
    return _read[row.rules_id] if row.rules_id in _read else parsed(row.rules)


def parsed(rules: Rules) -> RuleSet:
    """Return the parsed rules. Each process parses a row once, because rows never change."""
    if rules.pk not in _read:
        if len(_read) >= PARSED:
            _read.clear()
        _read[rules.pk] = read(rules.data)
    return _read[rules.pk]


def read(data: Json) -> RuleSet:
    return RuleSet(
        name=data["name"],
        clock=Clock(data["clock"]),
        duration=timedelta(minutes=data["minutes"] or 0),
        time=TimeKind(data["time"]),
        calendar=Calendar.from_dict(data["calendar"]) if data["calendar"] else None,
        calendar_name=data["calendar_name"],
        pauses=data["pauses"],
        on_acknowledge=OnAcknowledge(data["on_acknowledge"]),
        hold=timedelta(minutes=data["hold_minutes"] or 0),
        fallback=data["fallback"],
        steps=tuple(_read_step(step, position) for position, step in enumerate(data["steps"], 1)),
    )


def _read_step(fields: Json, position: int) -> Step:
    return Step(
        id=fields["id"],
        position=position,
        kind=fields["kind"],
        offset=timedelta(minutes=fields["offset"]),
        time=TimeKind(fields["time"]),
        repeat_every=timedelta(minutes=fields["repeat_every"] or 0),
        repeats=fields["repeats"] if fields["repeat_every"] else 0,
        target=fields["target"] or None,
        level=fields["level"],
        team=fields["team_id"],
        person=fields["person_id"],
        version=fields["version"],
        category=fields["category_id"],
        channels=tuple(fields["channels"]),
        priority=fields["priority"],
        critical=fields["critical"],
        ref=fields.get("ref", ""),
    )
