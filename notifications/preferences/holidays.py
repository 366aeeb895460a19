"""Days that are holidays for people. Calendars belong to another app, which says here how it finds them."""

from collections.abc import Callable, Mapping, Sequence

from notifications.preferences.quiet import OnHolidays

Source = Callable[[Sequence[int]], Mapping[int, OnHolidays]]
"""From people's pks to what says of a date whether it is a holiday of theirs; without those who have no calendar."""

_sources: list[Source] = []


def register(source: Source) -> None:
    _sources.append(source)


def of_people(people: Sequence[int]) -> dict[int, OnHolidays]:
    by_person: dict[int, OnHolidays] = {}
    for source in _sources if people else ():
        by_person |= source(people)
    return by_person
