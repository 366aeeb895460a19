"""The day's events and answers: 96 quarters of an hour with three peaks, of which each can begin once the last is sent.

Tasks are assigned, updated, given to somebody else, answered by their people, completed or cancelled by their engines;
cases reach milestones, exceptions are raised and solved, customers hear of their requests. The same seed gives the same
day, but for the due dates, which are near the moment at which an event is made.
"""

import math
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bench.harness import Json

QUARTERS = 96
PEAKS = (9.5, 13.5, 16.5)
"""Hours."""
PEAK_HOURS = 0.7
AT_NIGHT = 0.03
"""The share of a peak that comes at any other time."""

ENGINES = {"invoices": 40, "claims": 25, "orders": 20, "permits": 10, "maintenance": 5}
"""Each with its share of the events."""
TEAM = 10
"""Members of a team; the first of them leads it, and is the manager of the others."""

UPDATED, REASSIGNED = 0.30, 0.12
ANSWERED, COMPLETED, CANCELLED = 0.20, 0.50, 0.05
"""How tasks end; the others stay open."""
COMPLETED_AFTER_ANSWER = 0.4
OF_ONE, OF_CANDIDATES = 0.85, 0.10
"""Tasks of an assignee, and of two or three candidates; the others are a team's."""
SOON = 0.15
"""Tasks that are due within seconds, so that a policy escalates those which nobody answers."""
SOON_SECONDS = (5, 60)
NEWS = 0.25
"""New events that are about no new task: milestones, customers' requests and exceptions."""
MISSING = {"code": "missing_po", "summary": "The purchase order is missing.", "severity": "error"}
SOLVED = {"code": "missing_po", "summary": "The purchase order is there."}


@dataclass
class Task:
    """As the day has it so far; one without an id stands for its case."""

    engine: str
    id: str
    case: str
    people: Json
    """Members of `task`: assignee, candidates or teams; of a case: recipients."""


@dataclass
class Quarter:
    """What happens within a quarter of an hour: events by engine, and who answers which task how."""

    events: dict[str, list[Json]] = field(default_factory=lambda: defaultdict(list))
    answers: list[tuple[str, Task, str]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(len(each) for each in self.events.values())


def weights() -> list[float]:
    """The share of each quarter."""
    hours = [(quarter + 0.5) / 4 for quarter in range(QUARTERS)]
    peaks = [sum(math.exp(-(((hour - peak) / PEAK_HOURS) ** 2)) for peak in PEAKS) + AT_NIGHT for hour in hours]
    return [each / sum(peaks) for each in peaks]


def teams_of(people: list[str]) -> dict[str, list[str]]:
    """Teams by their slugs."""
    return {f"team-{at // TEAM}": people[at : at + TEAM] for at in range(0, len(people), TEAM)}


class Day:
    def __init__(self, people: list[str], events: int, seed: int = 1) -> None:
        self._people = people
        self._teams = list(teams_of(people))
        self._events = events
        self._chance = random.Random(seed)
        self._later: defaultdict[int, list[tuple[str, Task]]] = defaultdict(list)
        self._made = self._named = 0

    def quarters(self) -> Iterator[Quarter]:
        """Together they have exactly as many events as were asked for."""
        reached = 0.0
        for number, share in enumerate(weights()):
            reached += share
            yield self._quarter(number, round(self._events * reached))

    def _quarter(self, number: int, until: int) -> Quarter:
        quarter = Quarter()
        for what, task in self._later.pop(number, []):
            if what == "answer":
                assignee = task.people.get("assignee")
                if assignee is not None:
                    quarter.answers.append((assignee, task, self._chance.choice(["approve", "approve", "reject"])))
            elif self._made < until:
                self._add(quarter, task.engine, self._about(what, task))
        while self._made < until:
            if self._chance.random() < NEWS:
                self._news(quarter, number)
            else:
                self._task(quarter, number)
        return quarter

    def _add(self, quarter: Quarter, engine: str, event: Json) -> None:
        self._made += 1
        said = {"specversion": "1.0", "id": f"day-{self._made}", "source": f"/day/{engine}", **event}
        quarter.events[engine].append(said)

    def _plan(self, what: str, task: Task, number: int, least: int, most: int) -> int:
        at = number + self._chance.randint(least, most)
        self._later[at].append((what, task))
        return at

    # --- tasks --------------------------------------------------------------------------------------------------------
    def _task(self, quarter: Quarter, number: int) -> None:
        """A new task, and all that will become of it."""
        (engine,) = self._chance.choices(list(ENGINES), list(ENGINES.values()))
        self._named += 1
        task = Task(engine, f"T-{self._named}", f"C-{self._named // 2}", self._addressed())
        self._add(quarter, engine, self._about("task.assigned", task))
        if self._chance.random() < UPDATED:
            self._plan("task.updated", task, number, 1, 6)
        if self._chance.random() < REASSIGNED:
            self._plan("reassigned", task, number, 1, 8)
        end = self._chance.random()
        if end < ANSWERED:
            answered = self._plan("answer", task, number, 1, 10)
            if self._chance.random() < COMPLETED_AFTER_ANSWER:
                self._plan("task.completed", task, answered, 1, 3)
        elif end < ANSWERED + COMPLETED:
            self._plan("task.completed", task, number, 2, 12)
        elif end < ANSWERED + COMPLETED + CANCELLED:
            self._plan("task.cancelled", task, number, 1, 12)

    def _addressed(self) -> Json:
        kind = self._chance.random()
        if kind < OF_ONE:
            return {"assignee": self._chance.choice(self._people)}
        if kind < OF_ONE + OF_CANDIDATES:
            return {"candidates": self._chance.sample(self._people, self._chance.randint(2, 3))}
        return {"teams": [self._chance.choice(self._teams)]}

    def _about(self, what: str, task: Task) -> Json:
        if what == "exception.resolved":
            return {"type": what, "data": {"case": {"id": task.case}, "exception": SOLVED, **task.people}}
        if what in ("task.completed", "task.cancelled"):
            return {"type": what, "data": {"task": {"id": task.id}}}
        if what == "reassigned":
            task.people = {"assignee": self._chance.choice(self._people)}
        said = {"id": task.id, "name": f"Approve {task.case} of {task.engine}", **self._terms()}
        if what == "task.updated":
            return {"type": what, "data": {"task": said}}
        said |= {
            "kind": "approval",
            "description": "12 chairs for the meeting room, delivered on Monday.",
            "actions": ["acknowledge", "approve", "reject", "request_info"],
            **task.people,
        }
        case = {"id": task.case, "title": f"Case {task.case}", "type": "invoice"}
        amount = {"amount": round(self._chance.uniform(10, 9_000), 2), "currency": "EUR"}
        return {"type": "task.assigned", "data": {"task": said, "case": case, "variables": amount}}

    def _terms(self) -> Json:
        soon = self._chance.random() < SOON
        ahead = self._chance.uniform(*SOON_SECONDS) if soon else 8 * 3600
        (priority,) = self._chance.choices(["normal", "low", "high", "urgent"], [70, 10, 15, 5])
        return {"due_at": (datetime.now(UTC) + timedelta(seconds=ahead)).isoformat(), "priority": priority}

    # --- all else -----------------------------------------------------------------------------------------------------
    def _news(self, quarter: Quarter, number: int) -> None:
        (engine,) = self._chance.choices(list(ENGINES), list(ENGINES.values()))
        self._named += 1
        case = {"id": f"N-{self._named}", "title": f"Case N-{self._named}", "status": "under_review"}
        kind = self._chance.choice(["case.status_changed", "request.status_changed", "exception.raised"])
        data: Json = {"case": case, "recipients": [self._chance.choice(self._people)]}
        if kind == "request.status_changed":
            customer = self._chance.randint(1, 500)
            data["customer"] = {"ref": f"customer-{customer}", "name": f"Customer {customer}"}
        if kind == "exception.raised":
            data["exception"] = MISSING
            solved = Task(engine, "", case["id"], {"recipients": data["recipients"]})
            self._plan("exception.resolved", solved, number, 1, 8)
        self._add(quarter, engine, {"type": kind, "data": data})
