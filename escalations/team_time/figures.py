"""The figures of a team: by kind of task, kind of case, category or week. Pure: what was read is counted here.

None is shown that tells of fewer than five people, or of one person above all. What may not be shown by itself is put
together under “others”, with further groups if those alone would be too few; so nothing that is left out can be found
by subtraction.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Generic, Literal, Self, TypeVar, get_args

By = Literal["kind", "category", "case", "week"]
WAYS: tuple[By, ...] = get_args(By)

Key = Hashable
FEWEST = 5
"""People of whom a figure may tell."""
LARGEST_SHARE = 2
"""Nobody may have had more than one part in so many of what is counted."""
AGES = (timedelta(days=1), timedelta(days=3), timedelta(days=7))
"""What is open is younger than the first, than the second, …, or no younger than the last."""


# --- which figures may be shown ---------------------------------------------------------------------------------------
class Crowd:
    """Who had a part in something, and in how much of it."""

    def __init__(self) -> None:
        self._parts: Counter[int] = Counter()

    def add(self, people: Iterable[int]) -> None:
        self._parts.update(people)

    def join(self, other: "Crowd") -> None:
        self._parts.update(other._parts)

    @property
    def enough(self) -> bool:
        parts = self._parts
        return len(parts) >= FEWEST and LARGEST_SHARE * max(parts.values()) <= parts.total()


@dataclass
class Group:
    crowd: Crowd = field(default_factory=Crowd)

    @property
    def size(self) -> int:
        raise NotImplementedError

    def join(self, other: Self) -> None:
        self.crowd.join(other.crowd)


GroupT = TypeVar("GroupT", bound=Group)


class Folded(Generic[GroupT]):
    """`shown`: groups that may be shown; `others`: all that may not, together; None: there are none. Where even all of
    them together may not be shown, both are empty, and `total` is None."""

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


# --- what is counted --------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Kind:
    """By which it can be put together; each may be empty, and the category None."""

    task: str
    case: str
    category: int | None


@dataclass(frozen=True, slots=True)
class Completion:
    """How long something took, and who did it: they are counted, and never named."""

    by: int
    took: timedelta


@dataclass(frozen=True, slots=True)
class ReceivedTask:
    """A task that came to some of these people. `seen` and `answered` are None where none of them did it yet, or
    somebody else did."""

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
    """What a device or mailbox got outside of its person's working hours."""

    kind: Kind
    came: datetime


# --- groups -----------------------------------------------------------------------------------------------------------
@dataclass
class Times(Group):
    """How long something took, each time."""

    took: list[timedelta] = field(default_factory=list)

    def add(self, done: Completion | None) -> None:
        if done is not None:
            self.took.append(done.took)
            self.crowd.add([done.by])

    def join(self, other: Self) -> None:
        super().join(other)
        self.took += other.took

    def within(self, percent: int) -> timedelta | None:
        """So many of a hundred took no longer. None: that would tell of too few people."""
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
    """Return what finds the group of a task or message by its kind and when it came."""
    keys: dict[By, KeyOf] = {
        "kind": lambda kind, came: kind.task,
        "category": lambda kind, came: kind.category,
        "case": lambda kind, came: kind.case,
        "week": lambda kind, came: (came := came.astimezone(zone)).date() - timedelta(days=came.weekday()),
    }
    return keys[by]


def of_work(tasks: Iterable[ReceivedTask], messages: Sequence[Message], key_of: KeyOf) -> Folded[Work]:
    """A group is of the people whose tasks it has; messages alone make none that is shown."""
    groups: dict[Key, Work] = defaultdict(Work)
    for task in tasks:
        groups[key_of(task.kind, task.came)].add(task)
    for message in messages:
        groups[key_of(message.kind, message.came)].outside_hours += 1
    return Folded(groups, Work)


def of_waiting(tasks: Iterable[OpenTask], now: datetime, key_of: KeyOf) -> Folded[Waiting]:
    groups: dict[Key, Waiting] = defaultdict(Waiting)
    for task in tasks:
        groups[key_of(task.kind, task.came)].add(task, now)
    return Folded(groups, Waiting)
