"""The figures of a team: by kind of task, kind of case, category or week. Pure: counts rows that were read before.

No figure is shown that is of fewer than five people, or mostly of one person. Groups that may not be shown are summed
under “others”, with further groups if that sum is of too few people. So no hidden figure can be found by subtraction.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Generic, Literal, Self, TypeVar, get_args

By = Literal["kind", "category", "case", "week"]
WAYS: tuple[By, ...] = get_args(By)

Key = Hashable
MIN_PEOPLE = 5
"""The fewest people whom a figure may be of."""
LARGEST_SHARE = 2
"""The divisor of the largest share. One person may have at most half of the parts that a figure counts."""
AGES = (timedelta(days=1), timedelta(days=3), timedelta(days=7))
"""Bounds of the ages of open tasks: younger than the first, than the second, …, or no younger than the last."""


# --- privacy ----------------------------------------------------------------------------------------------------------
class Crowd:
    """The people who had a part in the tasks of a group, with the number of their parts."""

    def __init__(self) -> None:
        self._parts: Counter[int] = Counter()

    def add(self, people: Iterable[int]) -> None:
        self._parts.update(people)

    def join(self, other: "Crowd") -> None:
        self._parts.update(other._parts)

    @property
    def enough(self) -> bool:
        parts = self._parts
        return len(parts) >= MIN_PEOPLE and LARGEST_SHARE * max(parts.values()) <= parts.total()


@dataclass
class Group:
    crowd: Crowd = field(default_factory=Crowd)

    @property
    def size(self) -> int:
        raise NotImplementedError

    def join(self, other: Self) -> None:
        self.crowd.join(other.crowd)


GroupT = TypeVar("GroupT", bound=Group)


class ShownGroups(Generic[GroupT]):
    """Groups, as far as they may be shown. `others`: the sum of all that may not be, or None. If even the sum of all
    groups may not be shown, `shown` is empty, and `others` and `total` are None."""

    def __init__(self, groups: dict[Key, GroupT], empty: type[GroupT]) -> None:
        shown = {key: group for key, group in groups.items() if group.crowd.enough}
        others, total = empty(), empty()
        for key, group in groups.items():
            total.join(group)
            if key not in shown:
                others.join(group)
        folds = len(shown) < len(groups)
        while folds and shown and not others.crowd.enough:
            smallest = min(shown, key=lambda key: shown[key].size)
            others.join(shown.pop(smallest))
        enough = total.crowd.enough
        self.shown: dict[Key, GroupT] = shown if enough else {}
        self.others: GroupT | None = others if folds and enough else None
        self.total: GroupT | None = total if enough else None


# --- input ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Kind:
    """The values by which tasks can be grouped. Each may be empty, and the category None."""

    task: str
    case: str
    category: int | None


@dataclass(frozen=True, slots=True)
class Completion:
    """The time that something took, and the pk of the person who did it. People are counted, and never named."""

    by: int
    took: timedelta


@dataclass(frozen=True, slots=True)
class ReceivedTask:
    """A task that came to some of these people. `seen` and `answered` are None if none of them did it yet, or somebody
    else did."""

    kind: Kind
    people: Sequence[int]
    came: datetime
    seen: Completion | None
    answered: Completion | None
    late: bool
    has_question: bool


@dataclass(frozen=True, slots=True)
class OpenTask:
    kind: Kind
    people: Sequence[int]
    came: datetime
    late: bool


@dataclass(frozen=True, slots=True)
class Message:
    """A message that a device or mailbox got outside of its person's working hours."""

    kind: Kind
    came: datetime


# --- groups -----------------------------------------------------------------------------------------------------------
@dataclass
class Times(Group):
    """The times that something took."""

    took: list[timedelta] = field(default_factory=list)

    def add(self, done: Completion | None) -> None:
        if done is not None:
            self.took.append(done.took)
            self.crowd.add([done.by])

    def join(self, other: Self) -> None:
        super().join(other)
        self.took += other.took

    def within(self, percent: int) -> timedelta | None:
        """Return the time within which this percentage was done. None: that would be a figure of too few people."""
        if not self.crowd.enough:
            return None
        ordered = sorted(self.took)
        return ordered[-(-len(ordered) * percent // 100) - 1]


@dataclass
class Work(Group):
    """A group of tasks that came in the period."""

    came: int = 0
    late: int = 0
    with_question: int = 0
    outside_hours: int = 0
    seen: Times = field(default_factory=Times)
    answered: Times = field(default_factory=Times)

    @property
    def size(self) -> int:
        return self.came

    def add(self, task: ReceivedTask) -> None:
        self.came += 1
        self.late += task.late
        self.with_question += task.has_question
        self.seen.add(task.seen)
        self.answered.add(task.answered)
        self.crowd.add(task.people)

    def join(self, other: Self) -> None:
        super().join(other)
        self.came += other.came
        self.late += other.late
        self.with_question += other.with_question
        self.outside_hours += other.outside_hours
        self.seen.join(other.seen)
        self.answered.join(other.answered)


@dataclass
class Waiting(Group):
    """A group of tasks that are open now; `ages` by AGES."""

    late: int = 0
    ages: list[int] = field(default_factory=lambda: [0] * (len(AGES) + 1))

    @property
    def size(self) -> int:
        return sum(self.ages)

    def add(self, task: OpenTask, now: datetime) -> None:
        self.late += task.late
        self.ages[sum(now - task.came >= age for age in AGES)] += 1
        self.crowd.add(task.people)

    def join(self, other: Self) -> None:
        super().join(other)
        self.late += other.late
        self.ages = [mine + more for mine, more in zip(self.ages, other.ages, strict=True)]


KeyOf = Callable[[Kind, datetime], Key]


def grouping(by: By, zone: tzinfo) -> KeyOf:
    """Return a function that returns the group's key for a task or message, by its kind and its time."""
    keys: dict[By, KeyOf] = {
        "kind": lambda kind, came: kind.task,
        "category": lambda kind, came: kind.category,
        "case": lambda kind, came: kind.case,
        "week": lambda kind, came: (came := came.astimezone(zone)).date() - timedelta(days=came.weekday()),
    }
    return keys[by]


def of_work(tasks: Iterable[ReceivedTask], messages: Sequence[Message], key_of: KeyOf) -> ShownGroups[Work]:
    """Return the groups of tasks with their messages. Groups of messages alone have no people, so none is shown."""
    groups: dict[Key, Work] = defaultdict(Work)
    for task in tasks:
        groups[key_of(task.kind, task.came)].add(task)
    for message in messages:
        groups[key_of(message.kind, message.came)].outside_hours += 1
    return ShownGroups(groups, Work)


def of_waiting(tasks: Iterable[OpenTask], now: datetime, key_of: KeyOf) -> ShownGroups[Waiting]:
    groups: dict[Key, Waiting] = defaultdict(Waiting)
    for task in tasks:
        groups[key_of(task.kind, task.came)].add(task, now)
    return ShownGroups(groups, Waiting)
