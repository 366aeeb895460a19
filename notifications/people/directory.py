"""Changes that engines may make to people and teams: docs/api/general.md and docs/api/people.md."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from notifications.errors import Invalid, ScopeMissing
from notifications.models import Brand, Engine, Recipient, Scope, Team
from notifications.people import resolver
from notifications.types import Json
from notifications.wording.plaintext import clean_line

PLAIN = ("name", "email", "phone", "locale", "timezone")
BY_DIRECTORY = frozenset({"manager", "teams"})


@dataclass(frozen=True)
class Writer:
    """An engine, and the scopes of its key."""

    engine: Engine
    scopes: frozenset[str]

    @property
    def directs(self) -> bool:
        return Scope.DIRECTORY in self.scopes


@transaction.atomic
def put_person(writer: Writer, ref: str, payload: Json) -> tuple[Recipient, bool]:
    """Create or update a person; omitted members stay as they were. Return the person, and whether they were created.

    `external` true means the engine's own external person, false an internal one. Without it, the ref means the same
    person as in an event, or else a new internal person. Raise ScopeMissing and Invalid.
    """
    person = _find(writer.engine, ref, payload.get("external"))
    _refuse(writer, person, payload)
    created = False
    if person is None:
        owner = writer.engine if payload.get("external") else None
        person, created = Recipient.objects.get_or_create(ref=ref, engine=owner)
    person = Recipient.objects.select_for_update(of=("self",)).select_related("manager", "brand").get(pk=person.pk)
    _write(writer, person, payload)
    return person, created


def _find(engine: Engine, ref: str, external: bool | None) -> Recipient | None:
    if external:
        return Recipient.objects.filter(engine=engine, ref=ref).first()
    person = resolver.find_person(engine, ref)
    return None if person is not None and person.external and external is False else person


def _refuse(writer: Writer, person: Recipient | None, payload: Json) -> None:
    """Raise ScopeMissing for a key without the scope `directory`, except for external people of its engine: colleagues
    know all others by these names."""
    if writer.directs:
        return
    if not (person.external if person is not None else payload.get("external")):
        raise ScopeMissing(
            "Without the scope directory a key may write about external people of its engine. "
            'Send "external": true if this is one.'
        )
    if forbidden := set(payload) & BY_DIRECTORY:
        raise ScopeMissing(f"Only keys with the scope directory may set {', '.join(sorted(forbidden))} here.")


def _write(writer: Writer, person: Recipient, payload: Json) -> None:
    """Write the person. Raise Invalid with all unknown names before anything is written."""
    faults: list[dict[str, str]] = []
    values: Json = {name: payload[name] or "" for name in PLAIN if name in payload}
    if "name" in values:
        values["name"] = clean_line(values["name"])
    if "email" in payload and not person.external:
        values["email_verified"] = bool(payload["email"])  # addresses that come from the directory count as verified
    if "brand" in payload:
        slug = payload["brand"]
        values["brand"] = Brand.objects.filter(slug=slug).first() if slug else None
        if slug and values["brand"] is None:
            faults.append({"pointer": "/brand", "detail": "There is no brand with this slug."})
    if "manager" in payload:
        values["manager"] = _named_person(writer.engine, payload["manager"], "/manager", faults)
        if values["manager"] == person:
            faults.append({"pointer": "/manager", "detail": "Nobody is their own manager."})
    teams = _named_teams(payload.get("teams"), faults)
    _raise_if(faults)
    _save_changed(person, values)
    if teams is not None:
        _join(person, teams)


def _save_changed(row: Recipient | Team, values: Json) -> None:
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    if changed:
        row.save(update_fields=changed)


def _join(person: Recipient, teams: list[Team]) -> None:
    """Make the person a member of exactly these teams. Set from the teams' side, where the history is written."""
    for team in person.teams.exclude(pk__in=[team.pk for team in teams]):
        team.members.remove(person)
    for team in teams:
        team.members.add(person)


@transaction.atomic
def put_team(writer: Writer, slug: str, payload: Json) -> tuple[Team, bool]:
    """Create or update a team; omitted members stay as they were. Return it, and whether it is new. Raise Invalid."""
    faults: list[dict[str, str]] = []
    lead = _named_person(writer.engine, payload.get("lead"), "/lead", faults)
    members = _named_people(writer.engine, payload.get("members"), faults)
    _raise_if(faults)
    name = clean_line(payload.get("name") or "")
    team, created = Team.objects.get_or_create(slug=slug, defaults={"name": name or slug, "lead": lead})
    values: Json = {"name": name} if name else {}
    values |= {"lead": lead} if "lead" in payload else {}
    _save_changed(team, values)
    if members is not None:
        team.members.set(members)
    return team, created


# --- names in the payload -------------------------------------------------------------------------
def _raise_if(faults: list[dict[str, str]]) -> None:
    if faults:
        raise Invalid("Some names are unknown; see errors.", faults)


def _named_person(engine: Engine, ref: str | None, here: str, faults: list[dict[str, str]]) -> Recipient | None:
    person = resolver.find_person(engine, ref) if ref else None
    if ref and (person is None or person.external):
        faults.append({"pointer": here, "detail": "There is no internal person with this ref."})
        return None
    return person


def _named_people(engine: Engine, refs: Any, faults: list[dict[str, str]]) -> list[Recipient] | None:
    if refs is None:
        return None
    by_ref = resolver.find_people(engine, set(refs))
    people = [by_ref.get(ref) for ref in refs]
    faults += _unknown("/members", "internal person with this ref", (one is None or one.external for one in people))
    return [one for one in people if one is not None]


def _named_teams(slugs: Any, faults: list[dict[str, str]]) -> list[Team] | None:
    if slugs is None:
        return None
    by_slug = {team.slug: team for team in Team.objects.filter(slug__in=slugs)}
    faults += _unknown("/teams", "team with this slug", (slug not in by_slug for slug in slugs))
    return [by_slug[slug] for slug in slugs if slug in by_slug]


def _unknown(here: str, what: str, unknown: Iterable[bool]) -> list[dict[str, str]]:
    return [
        {"pointer": f"{here}/{index}", "detail": f"There is no {what}."}
        for index, missing in enumerate(unknown)
        if missing
    ]
