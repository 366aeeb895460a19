"""The columns of people and of teams, and what has to fit among all of their rows."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tablib
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _
from import_export.fields import Field
from import_export.widgets import Widget

from notifications.admin.roster import Line, Named, Plan, Roster, YesNo, grouped
from notifications.models import Brand, Engine, Recipient, Team
from notifications.people import revocation
from notifications.wording.plaintext import clean_line

BETWEEN = re.compile(r"[\s,;]+")
"""Between the slugs of teams in a cell."""

Rows = Sequence[tuple[int, Any, Any, bool]]


class Language(Widget):
    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        code = str(value).strip() or "en"
        if code not in dict(settings.LANGUAGES):
            raise ValueError(_("Write one of: %s.") % ", ".join(dict(settings.LANGUAGES)))
        return code


class Ref(Widget):
    """A person, by their ref."""

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "" if value is None else str(value.ref)


def no_brand(slug: str) -> str:
    return _("There is no brand “%s”. Add it first, or leave the cell empty.") % slug[:60]


def no_engine(slug: str) -> str:
    return _("There is no engine “%s”. Leave the cell empty for internal people.") % slug[:60]


def nobody(ref: str) -> str:
    return _("Nobody internal has the ref “%s”. Correct it, or add a row for this person.") % ref[:60]


def by_ref(known: Iterable[Recipient], rows: Rows) -> dict[str, Recipient]:
    """Internal people, those included that the file makes."""
    everybody = [*known, *(instance for _number, _row, instance, _new in rows)]
    return {person.ref: person for person in everybody if isinstance(person, Recipient) and not person.external}


class PeopleRoster(Roster):
    """Internal people, and external ones by the slug of their engine."""

    names = ("engine", "manager", "brand")
    lists = ("teams",)

    ref = Field("ref", "ref", Line())
    engine = Field("engine", "engine", Named(Engine, no_engine))
    name = Field("name", "name", Line())
    email = Field("email", "email", Line())
    email_verified = Field("email_verified", "email_verified", YesNo())
    phone = Field("phone", "phone", Line())
    locale = Field("locale", "language", Language())
    timezone = Field("timezone", "time_zone", Line())
    manager = Field("manager", "manager", Ref(), readonly=True)
    brand = Field("brand", "brand", Named(Brand, no_brand))
    active = Field("active", "active", YesNo())
    teams = Field(column_name="teams", readonly=True)

    class Meta(Roster.Meta):
        model = Recipient
        import_id_fields = ("ref",)
        fields = (
            *("ref", "engine", "name", "email", "email_verified", "phone", "locale", "timezone"),
            *("manager", "brand", "active", "teams"),
        )

    def dehydrate_teams(self, person: Recipient) -> str:
        return " ".join(sorted(team.slug for team in person.teams.all()))

    def key_of(self, row: Any) -> tuple[str, str]:
        return str(row.get("engine", "")).strip(), clean_line(str(row["ref"]))

    def read_known(self, data: tablib.Dataset, *, lock: bool) -> dict[Any, Any]:
        people = Recipient.objects.select_for_update(of=("self",)) if lock else Recipient.objects.all()
        found = {("", person.ref): person for person in people.filter(engine=None).order_by("pk")}
        slugs = {slug.strip() for slug in data["engine"]} - {""} if "engine" in data.headers else set()
        if slugs:
            refs = {clean_line(ref) for ref in data["ref"]}
            external = people.filter(engine__slug__in=slugs, ref__in=refs).select_related("engine").order_by("pk")
            found |= {(person.engine.slug, person.ref): person for person in external if person.engine is not None}
        self.teams_by_slug = {team.slug: team for team in Team.objects.all()}
        member_of = Team.members.through.objects.values_list("recipient_id", "team__slug")
        self.memberships = grouped(member_of)
        self.wanted: dict[int, set[str]] = {}
        self.given = set(data.headers)
        return found

    # --- among all rows ---------------------------------------------------------------------------------------------
    def settle(self, rows: Rows) -> None:
        people = by_ref(self.known.values(), rows)
        for number, row, person, is_new in rows:
            self._settle_address(number, person, is_new)
            if "manager" in self.given:
                self._settle_manager(number, person, str(row["manager"]).strip(), people)
            if "teams" in self.given:
                self._settle_teams(number, person, str(row["teams"]))
        if not self.made.faults:
            self._refuse_circles(rows)
        self._refuse_shared_addresses(people.values(), rows)

    def _settle_address(self, number: int, person: Recipient, is_new: bool) -> None:
        """A new address counts as verified only if the file says so."""
        if "email_verified" not in self.given:
            if is_new or person.email != self.before[id(person)]["email"]:
                person.email_verified = False
        elif person.email_verified and not person.email:
            self.fault(number, "email_verified", _("There is no address to have been verified. Write “no”."))

    def _settle_manager(self, number: int, person: Recipient, ref: str, people: dict[str, Recipient]) -> None:
        if not ref:
            person.manager = None
        elif ref in people:
            if people[ref] is person:
                self.fault(number, "manager", _("Nobody is their own manager."))
            person.manager = people[ref]
        elif ("", ref) not in self.seen:  # else their own row has a fault
            self.fault(number, "manager", nobody(ref))

    def _settle_teams(self, number: int, person: Recipient, said: str) -> None:
        slugs = {slug for slug in BETWEEN.split(said) if slug}
        for slug in sorted(slugs - self.teams_by_slug.keys()):
            self.fault(number, "teams", _("There is no team “%s”. Import teams first, or correct it.") % slug[:60])
        self.wanted[id(person)] = slugs

    def _refuse_circles(self, rows: Rows) -> None:
        """Escalations go from manager to manager. `known`: those whose way was gone already."""
        by_pk = {person.pk: person for person in self.known.values()}
        numbers = {id(person): number for number, _row, person, _new in rows}
        known: set[int] = set()
        for _number, _row, person, _new in rows:
            way: dict[int, Recipient] = {}
            each: Recipient | None = person
            while each is not None and id(each) not in known and id(each) not in way:
                way[id(each)] = each
                each = self._manager_of(each, by_pk)
            if each is not None and id(each) in way:
                self._say_circle([*way.values()][[*way].index(id(each)) :], numbers)
            known |= way.keys()

    def _say_circle(self, circle: Sequence[Recipient], numbers: Mapping[int, int]) -> None:
        """Each of them reports to the next, and the last to the first."""
        for before, person in zip([circle[-1], *circle], circle, strict=False):
            if id(person) in numbers:
                text = _("This goes in a circle: %s reports to this person.")
                self.fault(numbers[id(person)], "manager", text % before.ref)

    def _manager_of(self, person: Recipient, by_pk: dict[int, Recipient]) -> Recipient | None:
        field = Recipient._meta.get_field("manager")
        if field.is_cached(person):
            return person.manager
        return by_pk.get(person.manager_id) if person.manager_id else None

    def _refuse_shared_addresses(self, people: Iterable[Recipient], rows: Rows) -> None:
        owners = grouped((person.email.lower(), person) for person in people if person.email_verified and person.email)
        for number, _row, person, is_new in rows:
            other = next((each for each in owners.get(person.email.lower(), []) if each is not person), None)
            is_touched = is_new or self._values_of(person) != self.before[id(person)]
            if other is not None and is_touched and person.email_verified and not person.external:
                text = _("%(person)s has this verified address already: engines could not tell them apart.")
                self.fault(number, "email", text % {"person": other.ref})

    def also_changed(self, instance: Any) -> dict[str, str]:
        wanted = self.wanted.get(id(instance))
        if wanted is None or wanted == set(self.memberships.get(instance.pk, ())):
            return {}
        return {"teams": " ".join(sorted(wanted))}

    # --- writing ----------------------------------------------------------------------------------------------------
    def in_order(self, new: list[Any]) -> Iterable[list[Any]]:
        """Managers before those who report to them."""
        waiting = {id(person): person for person in new}
        while waiting:
            wave = [person for person in waiting.values() if id(person.manager) not in waiting]
            for person in wave:
                person.account_seal = person.seal()
                del waiting[id(person)]
            yield wave

    def write_more(self, plan: Plan) -> None:
        moved = [change.instance for change in plan.changes if "teams" in change.columns]
        joins = grouped((slug, person) for person in moved for slug in self._joined(person))
        leaves = grouped((slug, person) for person in moved for slug in self._left(person))
        for slug in sorted(joins.keys() | leaves.keys()):  # from the teams' side, where the history is written
            team = self.teams_by_slug[slug]
            if slug in leaves:
                team.members.remove(*leaves[slug])
            if slug in joins:
                team.members.add(*joins[slug])
        for change in plan.changed:
            if "active" in change.attributes:
                revocation.settle(change.instance.pk, timezone.now())

    def _joined(self, person: Recipient) -> set[str]:
        return self.wanted[id(person)] - set(self.memberships.get(person.pk, ()))

    def _left(self, person: Recipient) -> set[str]:
        return set(self.memberships.get(person.pk, ())) - self.wanted[id(person)]

    # --- who may ----------------------------------------------------------------------------------------------------
    def refuse(self, plan: Plan, user: User) -> None:
        """What the desk's own forms would not let the user do."""
        super().refuse(plan, user)
        if any("teams" in change.columns for change in plan.changes) and not user.has_perm("notifications.change_team"):
            self.fault(1, "teams", _("You may not change who is in which team. Remove this column."))


class TeamRoster(Roster):
    """Teams and who leads them. Members stand in the table of people."""

    names = ("lead",)

    slug = Field("slug", "slug", Line())
    name = Field("name", "name", Line())
    lead = Field("lead", "lead", Ref(), readonly=True)

    class Meta(Roster.Meta):
        model = Team
        import_id_fields = ("slug",)
        fields = ("slug", "name", "lead")

    def key_of(self, row: Any) -> str:
        return clean_line(str(row["slug"]))

    def read_known(self, data: tablib.Dataset, *, lock: bool) -> dict[Any, Any]:
        teams = Team.objects.select_for_update(of=("self",)) if lock else Team.objects.all()
        self.given = set(data.headers)
        return {team.slug: team for team in teams.order_by("pk")}

    def settle(self, rows: Rows) -> None:
        if "lead" not in self.given:
            return
        people = by_ref(Recipient.objects.filter(engine=None), ())
        for number, row, team, _new in rows:
            ref = str(row["lead"]).strip()
            if ref and ref not in people:
                self.fault(number, "lead", nobody(ref))
            team.lead = people.get(ref)

    def store(self, plan: Plan, user: User, reason: str) -> None:
        """One by one: their history has their members, too."""
        for change in plan.changes:
            team = change.instance
            team._history_user, team._change_reason = user, reason
            team.save()
