"""The figures of a team: by kind of task, kind of case, category or week. Pure: what was read is counted here."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal, get_args

from escalations.team_time.crowds import Crowd, Folded

By = Literal["kind", "category", "case", "week"]
WAYS: tuple[By, ...] = get_args(By)

AGES = (timedelta(days=1), timedelta(days=3), timedelta(days=7))
"""What is open is younger than the first, than the second, …, or no younger than the last."""


# --- what is counted --------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Kind:
    """By which it can be put together; each may be empty, and the category None."""

    task: str
    case: str
    category: int | None


@dataclass(frozen=True, slots=True)
class Done:
    """How long something took, and who did it: they are counted, and never named."""

    by: int
    took: timedelta


@dataclass(frozen=True, slots=True)
class Had:
    """A task that came to some of these people. `seen` and `answered` are None where none of them did it yet, or
    somebody else did."""

    kind: Kind
    people: Sequence[int]
    came: datetime
    seen: Done | None
    answered: Done | None
    late: bool
    has_question: bool


@dataclass(frozen=True, slots=True)
class Open:
    kind: Kind
    people: Sequence[int]
    came: datetime
    late: bool


@dataclass(frozen=True, slots=True)
class Message:
    """What a device or mailbox got outside of its person's working hours."""

    kind: Kind
    came: datetime


# --- groups -----------------------------------------------------------------------------------------------------------
@dataclass
class Times:
    """How long something took, each time."""

    took: list[timedelta] = field(default_factory=list)
    crowd: Crowd = field(default_factory=Crowd)

    def add(self, done: Done | None) -> None:
        if done is not None:
            self.took.append(done.took)
            self.crowd.add([done.by])

    def join(self, other: "Times") -> None:
        self.took += other.took
        self.crowd.join(other.crowd)

    def within(self, percent: int) -> timedelta | None:
        """So many of a hundred took no longer. None: that would tell of too few people."""
        if not self.crowd.enough:
            return None
        ordered = sorted(self.took)
        return ordered[-(-len(ordered) * percent // 100) - 1]


@dataclass
class Work:
    """A group of tasks that came in the period."""

    came: int = 0
    late: int = 0
    with_question: int = 0
    outside_hours: int = 0
    seen: Times = field(default_factory=Times)
    answered: Times = field(default_factory=Times)
    crowd: Crowd = field(default_factory=Crowd)

    @property
    def size(self) -> int:
        return self.came

    def add(self, task: Had) -> None:
        self.came += 1
        self.late += task.late
        self.with_question += task.has_question
        self.seen.add(task.seen)
        self.answered.add(task.answered)
        self.crowd.add(task.people)

    def join(self, other: "Work") -> None:
        self.came += other.came
        self.late += other.late
        self.with_question += other.with_question
        self.outside_hours += other.outside_hours
        self.seen.join(other.seen)
        self.answered.join(other.answered)
        self.crowd.join(other.crowd)


@dataclass
class Waiting:
    """A group of tasks that are open now; `ages` by AGES."""

    late: int = 0
    ages: list[int] = field(default_factory=lambda: [0] * (len(AGES) + 1))
    crowd: Crowd = field(default_factory=Crowd)

    @property
    def size(self) -> int:
        return sum(self.ages)

    def add(self, task: Open, now: datetime) -> None:
        self.late += task.late
        self.ages[sum(now - task.came >= age for age in AGES)] += 1
        self.crowd.add(task.people)

    def join(self, other: "Waiting") -> None:
        self.late += other.late
        self.ages = [mine + more for mine, more in zip(self.ages, other.ages, strict=True)]
        self.crowd.join(other.crowd)


Key = Hashable


def grouping(by: By, zone: tzinfo) -> Callable[[Kind, datetime], Key]:
    keys: dict[By, Callable[[Kind, datetime], Key]] = {
        "kind": lambda kind, came: kind.task,
        "category": lambda kind, came: kind.category,
        "case": lambda kind, came: kind.case,
        "week": lambda kind, came: monday(came, zone),
    }
    return keys[by]


def monday(moment: datetime, zone: tzinfo) -> date:
    day = moment.astimezone(zone).date()
    return day - timedelta(days=day.weekday())


def of_work(
    tasks: Iterable[Had], messages: Sequence[Message], key_of: Callable[[Kind, datetime], Key]
) -> Folded[Key, Work]:
    """A group is of the people whose tasks it has; messages alone make none that is shown."""
    groups: dict[Key, Work] = defaultdict(Work)
    for task in tasks:
        groups[key_of(task.kind, task.came)].add(task)
    for message in messages:
        groups[key_of(message.kind, message.came)].outside_hours += 1
    return Folded(groups, Work)


def of_waiting(tasks: Iterable[Open], now: datetime, key_of: Callable[[Kind, datetime], Key]) -> Folded[Key, Waiting]:
    groups: dict[Key, Waiting] = defaultdict(Waiting)
    for task in tasks:
        groups[key_of(task.kind, task.came)].add(task, now)
    return Folded(groups, Waiting)
