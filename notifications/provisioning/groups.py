"""The groups of a directory: created, replaced, patched and deleted, each with a team.

The members of a group are the directory's users in the team. Other members of the team are not touched.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.text import slugify
from scim2_models import Context, InvalidValueException, UniquenessException

from notifications.models import Team
from notifications.provisioning import patches
from notifications.provisioning.models import ScimDirectory, ScimGroup, ScimUser
from notifications.provisioning.resources import (
    as_uuid,
    external_id_of,
    group_resources,
    group_row,
    key_of,
    lock,
    short_text,
)
from notifications.provisioning.schemas import Group
from notifications.provisioning.versions import Precondition
from notifications.wording.plaintext import clean_line

MAX_TEAM_NAME, MAX_SLUG = 120, 100


@transaction.atomic
def create(directory: ScimDirectory, payload: Any, now: datetime) -> ScimGroup:
    """Create a group, or bring back one that the directory has deleted. Raises SCIMException and ValidationError."""
    group = Group.model_validate(payload, scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    directory = lock(directory)
    row = _deleted(directory, group) or ScimGroup(directory=directory, created_at=now)
    row.deleted_at = None
    _name(row, group)
    if row.team_id is None:
        row.team = _find_or_make_team(row)
    _store(row, group, now)
    return row


def _deleted(directory: ScimDirectory, group: Group) -> ScimGroup | None:
    rows = ScimGroup.objects.filter(directory=directory, deleted_at__isnull=False).select_related("team")
    return rows.filter(display_key=key_of(group.display_name or "")).order_by("-deleted_at").first()


@transaction.atomic
def replace(directory: ScimDirectory, pk: str, payload: Any, condition: Precondition, now: datetime) -> ScimGroup:
    """Replace a group's attributes and members. Raises SCIMException and ValidationError."""
    group = Group.model_validate(payload, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
    return _change(_locked(directory, pk, condition), group, now)


@transaction.atomic
def patch(directory: ScimDirectory, pk: str, payload: Any, condition: Precondition, now: datetime) -> ScimGroup:
    """Apply a PATCH. Raises SCIMException and ValidationError."""
    row = _locked(directory, pk, condition)
    (group,) = group_resources([row])
    return _change(row, group, now) if patches.apply(group, payload) else row


@transaction.atomic
def delete(directory: ScimDirectory, pk: str, condition: Precondition, now: datetime) -> None:
    """Take the directory's users out of the team and hide the group. The team stays: rules and tasks may name it."""
    row = _locked(directory, pk, condition)
    _set_members(row, [])
    row.deleted_at = row.updated_at = now
    row.save()


def _locked(directory: ScimDirectory, pk: str, condition: Precondition) -> ScimGroup:
    directory = lock(directory)
    row = group_row(directory, pk)
    condition.check(row)
    row.directory = directory
    return row


def _change(row: ScimGroup, group: Any, now: datetime) -> ScimGroup:
    _name(row, group)
    _store(row, group, now)
    return row


def _name(row: ScimGroup, group: Any) -> None:
    """Give the row its names. Raises InvalidValueException and UniquenessException."""
    row.display_name, row.external_id = short_text("displayName", group.display_name), external_id_of(group)
    row.display_key = key_of(row.display_name)
    if not clean_line(row.display_name):
        raise InvalidValueException(detail="displayName has no visible character.")
    others = ScimGroup.objects.filter(directory=row.directory, deleted_at=None).exclude(pk=row.pk)
    if others.filter(display_key=row.display_key).exists():
        raise UniquenessException(detail=f"Another group of this directory has the displayName “{row.display_name}”.")
    if row.external_id and others.filter(external_id=row.external_id).exists():
        raise UniquenessException(detail=f"Another group of this directory has the externalId “{row.external_id}”.")


def _find_or_make_team(row: ScimGroup) -> Team:
    """Return the team with the group's slug, if the directory may take it over, or a new one. Raises
    UniquenessException."""
    slug = slugify(row.display_name)[:MAX_SLUG].strip("-") or f"group-{row.pk.hex[-12:]}"
    team = Team.objects.filter(slug=slug).first()
    if team is None:
        return Team(slug=slug)
    other = ScimGroup.objects.select_related("directory").filter(team=team).first()
    if other is not None:
        owner = "this directory" if other.directory_id == row.directory_id else f"the directory “{other.directory}”"
        raise UniquenessException(detail=f"The team “{slug}” belongs to the group “{other}” of {owner}.")
    if not row.directory.joins_existing:
        raise UniquenessException(
            detail=f"The team “{slug}” exists already. An administrator can let this directory take over existing "
            "teams, at its page of the desk."
        )
    return team


def _store(row: ScimGroup, group: Any, now: datetime) -> None:
    """Write a group: the row, the team and its members. The directory is locked."""
    team, name = row.team, clean_line(row.display_name)[:MAX_TEAM_NAME]
    team._change_reason = f"SCIM: {row.directory}"[:100]  # type: ignore[attr-defined]  # django-simple-history reads it
    if team.pk is None or team.name != name:
        team.name = name
        team.save()
    row.team, row.updated_at = team, now
    row.save()
    _set_members(row, group.members or [])


def _set_members(row: ScimGroup, members: Sequence[Any]) -> None:
    """Make exactly these users members, of those of the directory. Raises InvalidValueException for an unknown one."""
    keys = {member.value: as_uuid(member.value or "") for member in members}
    users = ScimUser.objects.filter(directory=row.directory, deleted_at=None)
    people = dict(users.filter(pk__in=[key for key in keys.values() if key]).values_list("pk", "person_id"))
    if unknown := [value for value, key in keys.items() if key not in people]:
        raise InvalidValueException(
            detail=f"members: this directory has no user with the id “{unknown[0]}”. Send users before their group."
        )
    before = set(users.filter(person__teams=row.team).values_list("person_id", flat=True))
    after = set(people.values())
    if before - after:
        row.team.members.remove(*(before - after))
    if after - before:
        row.team.members.add(*(after - before))
