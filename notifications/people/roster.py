"""People and teams for a batch of events: each is read once, however many events name it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from notifications.models import Recipient, Team
from notifications.people.stand_ins import StandIns

T = TypeVar("T")


class Roster:
    """Reads people and teams that are not cached yet; `stand_ins` are those at `now`."""

    def __init__(self, now: datetime) -> None:
        self.stand_ins = StandIns(now)
        self._now = now
        self._shared: dict[type[Any], Any] = {}
        self._teams: dict[int, Team | None] = {}
        self._by_slugs: dict[frozenset[str], dict[str, Team]] = {}
        self._members: dict[int, Sequence[Recipient]] = {}
        self._people: dict[int, Recipient | None] = {}

    def shared(self, kind: type[T]) -> T:
        """Return `kind(now)`, which is made once."""
        if kind not in self._shared:
            self._shared[kind] = kind(self._now)  # type: ignore[call-arg]
        made: T = self._shared[kind]
        return made

    def teams(self, slugs: Iterable[str]) -> dict[str, Team]:
        """Return the teams of these slugs that exist, with their leads, in the order of the teams."""
        slug_set = frozenset(slugs)
        if slug_set and slug_set not in self._by_slugs:
            rows = Team.objects.filter(slug__in=slug_set).select_related("lead")
            self._by_slugs[slug_set] = {team.slug: team for team in rows}
        return self._by_slugs.get(slug_set, {})

    def team(self, pk: int | None) -> Team | None:
        if pk is None:
            return None
        if pk not in self._teams:
            self._teams[pk] = Team.objects.filter(pk=pk).select_related("lead").first()
        return self._teams[pk]

    def members(self, team: Team) -> Sequence[Recipient]:
        if team.pk not in self._members:
            self._members[team.pk] = list(team.members.select_related("brand"))
        return self._members[team.pk]

    def people(self, pks: Sequence[int]) -> list[Recipient]:
        """Return the people of these keys who exist."""
        new = [pk for pk in pks if pk not in self._people]
        if new:
            by_pk = Recipient.objects.select_related("brand").in_bulk(new)
            self._people |= {pk: by_pk.get(pk) for pk in new}
        return [person for pk in pks if (person := self._people[pk]) is not None]

    def person(self, pk: int | None) -> Recipient | None:
        if pk is None:
            return None
        if pk not in self._people:
            self._people[pk] = Recipient.objects.filter(pk=pk).select_related("brand").first()
        return self._people[pk]
