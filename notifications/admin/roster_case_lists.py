"""The columns of lists for cases: who is told of cases of one type."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import tablib
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from import_export.fields import Field

from notifications.admin.roster import Line, Named, Plan, Roster, grouped
from notifications.admin.roster_people import BETWEEN, Rows
from notifications.admin.second_person import newly_listed, not_yourself
from notifications.models import CaseList, Engine, Recipient, Team
from notifications.models.history import as_one, newest_record
from notifications.wording.plaintext import clean_line

BETWEEN_PEOPLE = re.compile(r"[;\n]")
"""Between people in a cell: their refs may have spaces and commas."""

Members = dict[str, Any]
"""People, or teams, by what a cell calls them."""


def no_engine(slug: str) -> str:
    return _("There is no engine “%s”. Leave the cell empty for cases of every engine.") % slug[:60]


def called(person: Recipient) -> str:
    """Internal people by their ref; external ones with the slug of their engine before it."""
    return person.ref if person.engine is None else f"{person.engine.slug}:{person.ref}"


class CaseListRoster(Roster):
    """A list is known again by the type of its cases and the slug of its engine."""

    names = ("engine",)
    lists = ("people__engine", "teams")

    case_type = Field("case_type", "case_type", Line())
    engine = Field("engine", "engine", Named(Engine, no_engine))
    people = Field(column_name="people", readonly=True)
    teams = Field(column_name="teams", readonly=True)

    class Meta(Roster.Meta):
        model = CaseList
        import_id_fields = ("case_type",)
        fields = ("case_type", "engine", "people", "teams")

    def dehydrate_people(self, row: CaseList) -> str:
        return "; ".join(sorted(called(person) for person in row.people.all()))

    def dehydrate_teams(self, row: CaseList) -> str:
        return " ".join(sorted(team.slug for team in row.teams.all()))

    def key_of(self, row: Any) -> tuple[str, str]:
        return str(row.get("engine", "")).strip(), clean_line(str(row["case_type"]))

    def read_known(self, data: tablib.Dataset, *, lock: bool) -> dict[Any, Any]:
        rows = CaseList.objects.select_for_update(of=("self",)) if lock else CaseList.objects.all()
        known = rows.select_related("engine").prefetch_related(*self.lists).order_by("pk")
        self.listed: dict[str, Members] = {
            "people": {called(person): person for person in _people(data)},
            "teams": {team.slug: team for team in Team.objects.all()},
        }
        self.given = [name for name in self.listed if name in data.headers]
        self.wanted: dict[int, dict[str, Members]] = {}
        return {(row.engine.slug if row.engine else "", row.case_type): row for row in known}

    # --- among all rows ---------------------------------------------------------------------------------------------
    def settle(self, rows: Rows) -> None:
        for number, row, instance, _new in rows:
            known = len(self.made.faults)
            wanted = {name: self._settle_names(number, name, str(row[name])) for name in self.given}
            self.wanted[id(instance)] = wanted
            if not any({**_now(instance), **wanted}.values()) and len(self.made.faults) == known:
                self.fault(number, "people", _("Choose people or teams."))

    def _settle_names(self, number: int, column: str, said: str) -> Members:
        known: Members = self.listed[column]
        found: Members = {}
        for name in _names_in(column, said):
            if name in known:
                found[name] = known[name]
            else:
                self.fault(number, column, UNKNOWN[column]() % name[:60])
        return found

    def also_changed(self, instance: Any) -> dict[str, str]:
        now = _now(instance)
        changed = {name: found for name, found in self.wanted[id(instance)].items() if found.keys() != now[name].keys()}
        return {name: JOINED[name].join(sorted(found)) for name, found in changed.items()}

    # --- writing ----------------------------------------------------------------------------------------------------
    def refuse(self, plan: Plan, user: User) -> None:
        super().refuse(plan, user)
        for change in plan.changes:
            wanted = self.wanted[id(change.instance)]
            people, teams = (wanted.get(name, {}).values() for name in ("people", "teams"))
            if newly_listed(user, change.instance, people, teams):
                self.fault(change.row, "people", not_yourself())

    def store(self, plan: Plan, user: User, reason: str) -> None:
        """One by one: their history has who is on them, too."""
        for change in plan.changes:
            row, since = change.instance, newest_record(change.instance)
            row._history_user, row._change_reason = user, reason
            row.save()
            for name, found in self.wanted[id(row)].items():
                getattr(row, name).set(found.values())
            as_one(row, since)


JOINED = {"people": "; ", "teams": " "}
UNKNOWN = {
    "people": lambda: _(
        "Nobody has the ref “%s”. External people have the slug of their engine and a colon before it."
    ),
    "teams": lambda: _("There is no team “%s”. Import teams first, or correct it."),
}


def _names_in(column: str, said: str) -> Iterable[str]:
    between = BETWEEN_PEOPLE if column == "people" else BETWEEN
    return dict.fromkeys(name for each in between.split(said) if (name := each.strip()))


def _now(row: CaseList) -> dict[str, Members]:
    if row.pk is None:
        return {"people": {}, "teams": {}}
    people, teams = row.people.all(), row.teams.all()  # read together with all others
    return {"people": {called(each): each for each in people}, "teams": {each.slug: each for each in teams}}


def _people(data: tablib.Dataset) -> QuerySet[Recipient]:
    """Whom the file names."""
    cells: Sequence[str] = data["people"] if "people" in data.headers else ()
    names = {name for cell in cells for name in _names_in("people", str(cell))}
    named = Q(engine=None, ref__in=names)
    for slug, refs in grouped(_parted(name) for name in names if ":" in name).items():
        named |= Q(engine__slug=slug, ref__in=refs)
    return Recipient.objects.filter(named).select_related("engine").order_by("pk")


def _parted(name: str) -> tuple[str, str]:
    slug, _colon, ref = name.partition(":")
    return slug, ref
