"""The clock once more, as simply as can be: a watch that looks every minute, and counts. For
tests/escalations/forecast/test_simulate.py.

It shares no code with escalations/: working time is that of tests/vectors/reckoning.py, people are a table.
"""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from tests.vectors import reckoning

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
BEFORE, AFTER = 20 * DAY, 120 * DAY
OWN = ("assignee",)

Json = dict[str, Any]


class Away(NamedTuple):
    person: str
    begins: datetime
    ends: datetime
    delegate: str | None


@dataclass
class Firm:
    """Who is whose manager, who leads the team that everybody is in, and who is away."""

    managers: dict[str, str | None]
    lead: str | None
    away: list[Away]

    def absence(self, person: str, now: datetime) -> Away | None:
        return next((each for each in self.away if each.person == person and each.begins <= now < each.ends), None)

    def stand_in(self, person: str, now: datetime) -> str:
        passed, at = [person], person
        while absence := self.absence(at, now):
            if absence.delegate is None or absence.delegate in passed:
                return person
            at = absence.delegate
            passed.append(at)
        return at

    def is_out(self, person: str, now: datetime) -> bool:
        return self.absence(person, now) is not None and self.stand_in(person, now) == person


class Seen(NamedTuple):
    """One step taken or left out. `told`: who heard, or for whom the engine was asked."""

    at: datetime
    position: int
    number: int
    result: str
    told: tuple[str, ...]


@cache
def minutes_of(calendar: str, start: datetime) -> list[datetime]:
    return reckoning.working_minutes(reckoning.CALENDARS[calendar], start - BEFORE, start + AFTER)


@dataclass
class Watch:
    """One task's. `steps` come in their order."""

    firm: Firm
    policy: Json
    steps: list[Json]
    calendar: str
    start: datetime
    assignee: str
    due: datetime | None
    seen: list[Seen] = field(default_factory=list)
    had_it: set[str] = field(default_factory=set)
    """From whom the engine has taken it as it was asked to."""

    def __post_init__(self) -> None:
        self.begin(self.start)

    # --- what happens to the task --------------------------------------------------------------------
    def begin(self, now: datetime) -> None:
        self.began, self.running, self.paused, self.held = now, True, None, None
        self.done: set[tuple[int, int]] = set()
        if self.policy["clock"] == "due":
            assert self.due is not None
            self.deadline = self.due
        else:
            self.deadline = self.add(now, self.policy["minutes"], self.policy["time"])
        self.reckon()

    def acknowledged(self, now: datetime) -> None:
        if self.policy["on_acknowledge"] == "stops":
            self.running = False
        elif self.policy["on_acknowledge"] == "holds" and self.running and self.held is None:
            self.held = self.add(now, self.policy["hold_minutes"], self.policy["time"])

    def asked(self, now: datetime) -> None:
        if self.policy["pauses"] and self.paused is None:
            self.paused = now

    def supplied(self, now: datetime) -> None:
        if self.paused is None:
            return
        pause, self.paused = self.passed(self.paused, now), None
        if pause:
            self.deadline = self.add(self.deadline, pause, self.policy["time"])
            if self.held is not None:
                self.held = self.add(self.held, pause, self.policy["time"])
            self.reckon()

    def given_to(self, person: str, now: datetime, *, still_asks: bool) -> None:
        self.assignee = person
        self.begin(now)
        self.paused = now if still_asks and self.policy["pauses"] else None

    def due_on(self, due: datetime) -> None:
        self.due = due
        if self.policy["clock"] == "due" and self.running:
            self.deadline = due
            self.reckon()

    def closed(self) -> None:
        self.running = False

    # --- time ----------------------------------------------------------------------------------------
    @property
    def minutes(self) -> list[datetime]:
        return minutes_of(self.calendar, self.start)

    def add(self, instant: datetime, minutes: int, time: str) -> datetime:
        if time == "wall":
            return instant + minutes * MINUTE
        found = reckoning.due(self.minutes, instant, minutes * 60)
        assert found is not None, "the watch does not reach so far"
        return found

    def passed(self, start: datetime, end: datetime) -> int:
        if self.policy["time"] == "wall":
            return (end - start) // MINUTE
        return bisect_left(self.minutes, end) - bisect_left(self.minutes, start)

    def reckon(self) -> None:
        """When each step is due, in order."""
        self.plan = sorted(
            (
                self.add(self.deadline, step["offset"] + number * (step["repeat_every"] or 0), step["time"]),
                place,
                number,
            )
            for place, step in enumerate(self.steps, 1)
            for number in range(step["repeats"] + 1)
        )

    # --- looking -------------------------------------------------------------------------------------
    def look(self, now: datetime) -> None:
        if not self.running or self.paused is not None or (self.held is not None and now < self.held):
            return
        due = [each for each in self.plan if each[0] <= now and each[1:] not in self.done]
        if not due:
            return
        late = [each for each in due if self.came_too_late(*each[:2])]
        messages = [each for each in due if each not in late and self.step(each[1])["kind"] == "notify"]
        spoken = [each for each in messages if now - each[0] <= MINUTE]
        if messages and not spoken:
            others = [each for each in messages if self.step(each[1])["target"] not in OWN]
            last = max(others or messages)
            spoken = [each for each in messages if each[0] == last[0]]
        for each in due:
            self.done.add(each[1:])
            if each in late:
                self.seen.append(Seen(*each, "too_early", ()))
            elif each in messages and each not in spoken:
                self.seen.append(Seen(*each, "overtaken", ()))
            else:
                self.seen.append(Seen(*each, *self.take(self.step(each[1]), now)))

    def step(self, place: int) -> Json:
        return self.steps[place - 1]

    def came_too_late(self, at: datetime, place: int) -> bool:
        return at < self.began and (at < self.deadline or self.step(place)["kind"] == "reassign")

    def take(self, step: Json, now: datetime) -> tuple[str, tuple[str, ...]]:
        people = tuple(self.whom(step, now))
        if step["kind"] == "notify":
            return "done" if people else "nobody", people
        if people == (self.assignee,):
            return "done", ()
        return ("done", people) if people and people[0] not in self.had_it else ("nobody", ())

    def whom(self, step: Json, now: datetime) -> list[str]:
        person = getattr(self, f"_{step['target']}")(step, now) or self.policy["fallback"]
        return [self.firm.stand_in(person, now)] if person else []

    def _assignee(self, step: Json, now: datetime) -> str:
        return self.assignee

    def _person(self, step: Json, now: datetime) -> str:
        return str(step["person"])

    def _team_lead(self, step: Json, now: datetime) -> str | None:
        lead = self.firm.lead
        return None if lead is None or self.firm.is_out(lead, now) else lead

    def _manager(self, step: Json, now: datetime) -> str | None:
        person, seen, level = self.assignee, {self.assignee}, 0
        while (above := self.firm.managers[person]) is not None and above not in seen:
            person, level = above, level + 1
            seen.add(person)
            if level >= step["level"] and not self.firm.is_out(person, now):
                return person
        return None
