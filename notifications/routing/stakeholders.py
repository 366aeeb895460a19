"""People who have to do with a case, whoever has its tasks: those with a role in it, and those on its type's list."""

from collections.abc import Iterable, Mapping, Sequence

from notifications.models import Case, CaseList, Recipient
from notifications.people.roster import Roster
from notifications.types import Json
from wfpush.postgres.revision import Compiled

Lists = Mapping[tuple[int | None, str], tuple[Sequence[int], Sequence[int]]]
"""The people and the teams on the lists for cases, by engine and type of case."""


def refs_with_role(roles: Json | None, role: str) -> list[str]:
    """Return the refs of the people with the role."""
    holders = (roles or {}).get(role)
    return holders if isinstance(holders, list) else [holders] if holders else []


def role_in_words(role: str) -> str:
    """Return the role as reasons show it: account_manager is “account manager”."""
    return role.replace("_", " ")


def on_lists(case: Case, roster: Roster) -> Iterable[Recipient]:
    """Return everybody on the lists for the case's type; people may be repeated."""
    lists = _LISTS.get()
    for engine in (case.engine_id, None):
        people, teams = lists.get((engine, case.type), ((), ()))
        yield from roster.people(people)
        for pk in teams:
            team = roster.team(pk)
            yield from roster.members(team) if team is not None else ()


def _read_lists() -> Lists:
    lists = {row.pk: (row.engine_id, row.case_type) for row in CaseList.objects.all()}
    members: dict[tuple[int | None, str], tuple[list[int], list[int]]] = {key: ([], []) for key in lists.values()}
    people = CaseList.people.through.objects.order_by("pk").values_list("caselist_id", "recipient_id")
    teams = CaseList.teams.through.objects.order_by("pk").values_list("caselist_id", "team_id")
    for place, rows in enumerate((people, teams)):
        for row, pk in rows:
            members[lists[row]][place].append(pk)
    return members


_LISTS = Compiled(_read_lists)
