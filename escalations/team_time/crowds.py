"""Which figures may be shown: none that tell of fewer than five people, or of one person above all.

Pure: no Django. What may not be shown by itself is put together under “others”, with further groups if those alone
would be too few; so nothing that is left out can be found by subtraction.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Generic, Protocol, Self, TypeVar

FEWEST = 5
"""People of whom a figure may tell."""
LARGEST_SHARE = 2
"""Nobody may have had more than one part in so many of what is counted."""


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


class Group(Protocol):
    crowd: Crowd

    @property
    def size(self) -> int: ...

    def join(self, other: Self) -> None: ...


Key = TypeVar("Key")
GroupT = TypeVar("GroupT", bound=Group)


class Folded(Generic[Key, GroupT]):
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
