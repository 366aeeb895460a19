"""The tables of people, teams and lists for cases: their columns, and the checks across all of their rows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

import tablib
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.fields import Field
from import_export.widgets import ForeignKeyWidget, Widget
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from notifications.admin.rules.second_person import newly_listed, not_yourself
from notifications.models import Brand, CaseList, Engine, Recipient, Team
from notifications.models.history import as_one, newest_record
from notifications.people import revocation
from notifications.transfer.roster import BATCH, Change, Line, ManyRowsField, Plan, Roster, Slug, YesNo, grouped
from notifications.wording.plaintext import clean_line


class Language(Widget):
    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        code = str(value).strip() or "en"
        if code not in dict(settings.LANGUAGES):
            raise ValueError(_("Enter one of: %s.") % ", ".join(dict(settings.LANGUAGES)))
        return code


UNKNOWN_MANAGER = gettext_lazy("Nobody internal has the ref “%s”. Correct it, or add a row for this person.")


def name_of(person: Recipient) -> str:
    """Return a person's name in a cell: the ref, with an external person's engine before it (`slug:ref`)."""
    return person.ref if person.engine is None else f"{person.engine.slug}:{person.ref}"


def teams_field() -> ManyRowsField:
    unknown = gettext_lazy("There is no team “%s”. Import teams first, or correct it.")
    return ManyRowsField("teams", r"[\s,;]+", " ", attrgetter("slug"), unknown)


class PeopleRoster(Roster):
    """Internal people, and external people by the slug of their engine."""

    related = ("engine", "manager", "brand", "teams")

    ref = Field("ref", "ref", Line())
    engine = Field(
        "engine",
        "engine",
        Slug(Engine, gettext_lazy("There is no engine “%s”. Leave the cell empty for internal people.")),
    )
    name = Field("name", "name", Line())
    email = Field("email", "email", Line())
    email_verified = Field("email_verified", "email_verified", YesNo())
    phone = Field("phone", "phone", Line())
    locale = Field("locale", "language", Language())
    timezone = Field("timezone", "time_zone", Line())
    manager = Field("manager", "manager", ForeignKeyWidget(Recipient, "ref"), readonly=True)
    brand = Field(
        "brand",
        "brand",
        Slug(Brand, gettext_lazy("There is no brand “%s”. Add it first, or leave the cell empty.")),
    )
    active = Field("active", "active", YesNo())
    teams = teams_field()

    class Meta(Roster.Meta):
        model = Recipient
        import_id_fields = ("ref",)
        fields = (
            *("ref", "engine", "name", "email", "email_verified", "phone", "locale", "timezone"),
            *("manager", "brand", "active", "teams"),
        )

    def key_of(self, row: Any) -> tuple[str, str]:
        return str(row.get("engine", "")).strip(), clean_line(str(row["ref"]))

    def read_existing(self, data: tablib.Dataset, *, lock: bool) -> dict[Any, Any]:
        """Return all internal people, who include managers, and the external people of the file."""
        people = list(self.rows_of_model(lock=lock).filter(engine=None))
        slugs = {slug.strip() for slug in data["engine"]} - {""} if "engine" in data.headers else set()
        if slugs:
            refs = {clean_line(ref) for ref in data["ref"]}
            people += self.rows_of_model(lock=lock).filter(engine__slug__in=slugs, ref__in=refs)
        by_pk = {person.pk: person for person in people}
        for person in people:
            if person.manager_id in by_pk:
                person.manager = by_pk[person.manager_id]
        self.fields["teams"].by_name = {team.slug: team for team in Team.objects.all()}
        return {(person.engine.slug if person.engine else "", person.ref): person for person in people}

    # --- checks across rows -----------------------------------------------------------------------------------------
    def settle(self, rows: Sequence[Change]) -> None:
        everybody = [*self.existing.values(), *(change.instance for change in rows)]
        internal = {person.ref: person for person in everybody if not person.external}
        for change in rows:
            self._settle_address(change)
            if "manager" in self.sheet_columns:
                self._settle_manager(change, str(change.cells["manager"]).strip(), internal)
        if not self.current_plan.faults:
            self._refuse_circles(rows)
        self._refuse_shared_addresses(internal.values(), rows)

    def _settle_address(self, change: Change) -> None:
        """Mark a new address as verified only if the file says so."""
        person = change.instance
        if "email_verified" not in self.sheet_columns:
            if person.email != change.before.get("email"):
                person.email_verified = False
        elif person.email_verified and not person.email:
            self.fault(change.row, "email_verified", _("There is no address to verify. Enter “no”."))

    def _settle_manager(self, change: Change, ref: str, internal: Mapping[str, Recipient]) -> None:
        person = change.instance
        if not ref:
            person.manager = None
        elif ref in internal:
            if internal[ref] is person:
                self.fault(change.row, "manager", _("Nobody is their own manager."))
            person.manager = internal[ref]
        elif ("", ref) not in self.seen:  # a row of the file with a fault of its own
            self.fault(change.row, "manager", UNKNOWN_MANAGER % ref[:60])

    def _refuse_circles(self, rows: Sequence[Change]) -> None:
        """Refuse circles of managers: escalations go from manager to manager. `visited`: people already followed."""
        numbers = {id(change.instance): change.row for change in rows}
        visited: set[int] = set()
        for change in rows:
            way: dict[int, Recipient] = {}
            person: Recipient | None = change.instance
            while person is not None and id(person) not in visited and id(person) not in way:
                way[id(person)] = person
                person = person.manager
            if person is not None and id(person) in way:
                self._add_circle([*way.values()][[*way].index(id(person)) :], numbers)
            visited |= way.keys()

    def _add_circle(self, circle: Sequence[Recipient], numbers: Mapping[int, int]) -> None:
        """Add a fault for each person of a circle: each reports to the next, and the last to the first."""
        for before, person in zip([circle[-1], *circle], circle, strict=False):
            if id(person) in numbers:
                text = _("This goes in a circle: %s reports to this person.")
                self.fault(numbers[id(person)], "manager", text % before.ref)

    def _refuse_shared_addresses(self, people: Iterable[Recipient], rows: Sequence[Change]) -> None:
        owners = grouped((person.email.lower(), person) for person in people if person.email_verified and person.email)
        for change in rows:
            person = change.instance
            other = next((owner for owner in owners.get(person.email.lower(), []) if owner is not person), None)
            if other is None or not person.email_verified or person.external:
                continue
            if self.is_touched(change):
                text = _("%(person)s already has this verified address: engines could not distinguish them.")
                self.fault(change.row, "email", text % {"person": other.ref})

    # --- writing ----------------------------------------------------------------------------------------------------
    def store(self, plan: Plan, user: User, reason: str) -> None:
        options = {"default_user": user, "default_change_reason": reason, "batch_size": BATCH}
        for wave in _managers_first([change.instance for change in plan.new]):
            bulk_create_with_history(wave, Recipient, **options)
        attributes = {str(each.column_name): each.attribute for each in self.fields.values()}
        changed = {change.instance: change.columns.keys() - {"teams"} for change in plan.changed}
        if columns := {column for names in changed.values() for column in names}:
            people = [person for person, names in changed.items() if names]
            bulk_update_with_history(people, Recipient, sorted(attributes[column] for column in columns), **options)
        self._store_teams(plan)
        for person, names in changed.items():
            if "active" in names:
                revocation.settle(person.pk, timezone.now())

    def _store_teams(self, plan: Plan) -> None:
        """Change members on the teams' side, where the history is written."""
        field = self.fields["teams"]
        left, joined = defaultdict(list), defaultdict(list)
        for change in plan.changes:
            person = change.instance
            old = set() if change.is_new else set(field.stored_rows(person))
            new = set(field.get_value(person)) if "teams" in change.columns else old
            for team in old - new:
                left[team].append(person)
            for team in new - old:
                joined[team].append(person)
        for team in sorted(left.keys() | joined.keys(), key=attrgetter("slug")):
            team.members.remove(*left[team])
            team.members.add(*joined[team])

    def refuse(self, plan: Plan, user: User) -> None:
        super().refuse(plan, user)
        if any("teams" in change.columns for change in plan.changes) and not user.has_perm("notifications.change_team"):
            self.fault(1, "teams", _("You may not change who is in which team. Remove this column."))


def _managers_first(new: Iterable[Recipient]) -> Iterator[list[Recipient]]:
    """Yield new people in groups, so that managers are written before those who report to them."""
    waiting = {id(person): person for person in new}
    while waiting:
        wave = [person for person in waiting.values() if id(person.manager) not in waiting]
        for person in wave:
            person.account_seal = person.seal()
            del waiting[id(person)]
        yield wave


def save_one(row: Any, user: User, reason: str) -> None:
    row._history_user, row._change_reason = user, reason
    row.save()


class TeamRoster(Roster):
    """Teams and their leads. Members are in the table of people."""

    related = ("lead",)

    slug = Field("slug", "slug", Line())
    name = Field("name", "name", Line())
    lead = Field("lead", "lead", ForeignKeyWidget(Recipient, "ref"), readonly=True)

    class Meta(Roster.Meta):
        model = Team
        import_id_fields = ("slug",)
        fields = ("slug", "name", "lead")

    def key_of(self, row: Any) -> str:
        return clean_line(str(row["slug"]))

    def read_existing(self, data: tablib.Dataset, *, lock: bool) -> dict[Any, Any]:
        return {team.slug: team for team in self.rows_of_model(lock=lock)}

    def settle(self, rows: Sequence[Change]) -> None:
        if "lead" not in self.sheet_columns:
            return
        people = {person.ref: person for person in Recipient.objects.filter(engine=None)}
        for change in rows:
            ref = str(change.cells["lead"]).strip()
            if ref and ref not in people:
                self.fault(change.row, "lead", UNKNOWN_MANAGER % ref[:60])
            change.instance.lead = people.get(ref)

    def store(self, plan: Plan, user: User, reason: str) -> None:
        """Write teams one by one: their history includes their members."""
        for change in plan.changes:
            save_one(change.instance, user, reason)


class CaseListRoster(Roster):
    """Lists for cases, recognized by the type of their cases and the slug of their engine."""

    related = ("engine", "people__engine", "teams")

    case_type = Field("case_type", "case_type", Line())
    engine = Field(
        "engine",
        "engine",
        Slug(Engine, gettext_lazy("There is no engine “%s”. Leave the cell empty for cases of every engine.")),
    )
    people = ManyRowsField(
        "people",
        r"[;\n]",  # refs of people may have spaces and commas
        "; ",
        name_of,
        gettext_lazy("Nobody has the ref “%s”. External people have the slug of their engine and a colon before it."),
    )
    teams = teams_field()

    class Meta(Roster.Meta):
        model = CaseList
        import_id_fields = ("case_type",)
        fields = ("case_type", "engine", "people", "teams")

    def key_of(self, row: Any) -> tuple[str, str]:
        return str(row.get("engine", "")).strip(), clean_line(str(row["case_type"]))

    def read_existing(self, data: tablib.Dataset, *, lock: bool) -> dict[Any, Any]:
        people = self.fields["people"]
        names = {name for cell in data["people"] for name in people.names(cell)} if "people" in data.headers else set()
        people.by_name = {name_of(person): person for person in _people_named(names)}
        self.fields["teams"].by_name = {team.slug: team for team in Team.objects.all()}
        return {(row.engine.slug if row.engine else "", row.case_type): row for row in self.rows_of_model(lock=lock)}

    def settle(self, rows: Sequence[Change]) -> None:
        invalid = {fault.row for fault in self.current_plan.faults if fault.column in ("people", "teams")}
        for change in rows:
            if change.row not in invalid and not any(self._people_and_teams(change)):
                self.fault(change.row, "people", _("Choose people or teams."))

    def _people_and_teams(self, change: Change) -> tuple[list[Recipient], list[Team]]:
        return self.fields["people"].get_value(change.instance), self.fields["teams"].get_value(change.instance)

    def refuse(self, plan: Plan, user: User) -> None:
        super().refuse(plan, user)
        for change in plan.changes:
            if newly_listed(user, change.instance, *self._people_and_teams(change)):
                self.fault(change.row, "people", not_yourself())

    def store(self, plan: Plan, user: User, reason: str) -> None:
        """Write lists one by one: their history includes people and teams."""
        for change in plan.changes:
            row, since = change.instance, newest_record(change.instance)
            save_one(row, user, reason)
            for name in change.columns.keys() & {"people", "teams"}:
                getattr(row, name).set(self.fields[name].get_value(row))
            as_one(row, since)


def _people_named(names: Iterable[str]) -> Iterable[Recipient]:
    """Return the people with these names, as `name_of` writes them."""
    condition = Q(engine=None, ref__in=names)
    external = (name.split(":", 1) for name in names if ":" in name)
    for slug, refs in grouped((slug, ref) for slug, ref in external).items():
        condition |= Q(engine__slug=slug, ref__in=refs)
    return Recipient.objects.filter(condition).select_related("engine").order_by("pk")
