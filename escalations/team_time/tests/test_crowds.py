"""Figures tell of five people or more, and of nobody above all; nothing that is left out is found by subtraction."""

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import example, given
from hypothesis import strategies as st

from escalations.team_time.figures import Group, ShownGroups

Tasks = list[list[int]]
"""Of each task, who had it."""

PEOPLE = st.lists(st.integers(1, 9), min_size=1, max_size=6, unique=True)
GROUPS = st.dictionaries(st.sampled_from("abcdef"), st.lists(PEOPLE, min_size=1, max_size=8), max_size=6)
ALL_FIVE = [[1], [2], [3], [4], [5]]


@dataclass
class Tasked(Group):
    tasks: Tasks = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.tasks)

    def join(self, other: "Tasked") -> None:
        super().join(other)
        self.tasks = self.tasks + other.tasks


def folded(groups: dict[str, Tasks]) -> ShownGroups[Tasked]:
    made = {name: Tasked(tasks=tasks) for name, tasks in groups.items()}
    for group in made.values():
        for people in group.tasks:
            group.crowd.add(people)
    return ShownGroups(made, Tasked)


def tells_of_few(tasks: Tasks) -> bool:
    parts = Counter(person for people in tasks for person in people)
    return len(parts) < 5 or max(parts.values()) > sum(parts.values()) / 2


@given(GROUPS)
@example({"a": ALL_FIVE, "b": [[1]]})
@example({"a": ALL_FIVE, "b": ALL_FIVE * 2, "c": [[1]]})
def test_no_figure_tells_of_few_people_nor_can_it_be_found_by_subtraction(groups: dict[str, Tasks]) -> None:
    found = folded(groups)

    figures = [*found.shown.values(), *filter(None, [found.others, found.total])]
    assert not any(tells_of_few(group.tasks) for group in figures)
    parts = [*found.shown.values(), *([found.others] if found.others else [])]
    if found.total is None:
        assert not parts and tells_of_few([task for tasks in groups.values() for task in tasks])
    else:
        assert sum(group.size for group in parts) == found.total.size == sum(map(len, groups.values()))


def test_the_smallest_group_is_put_with_what_is_too_few() -> None:
    found = folded({"a": ALL_FIVE, "b": ALL_FIVE * 2, "c": [[1]]})
    assert [*found.shown] == ["b"] and found.others is not None and found.others.size == 6


def test_whoever_has_had_more_than_half_is_not_shown_by_name_of_the_group() -> None:
    found = folded({"a": [*ALL_FIVE, *[[1]] * 5], "b": ALL_FIVE * 2})
    assert [*found.shown] == [] and found.total is not None and found.total.size == 20
