"""The rows of a directory as SCIM resources, with their links, and the rows that a request names."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from unicodedata import normalize
from uuid import UUID

from django.conf import settings
from django.db.models import F, QuerySet
from scim2_models import GroupMembership, InvalidValueException, Meta, NotFoundException

from notifications.provisioning.models import MAX_NAME, ScimDirectory, ScimGroup, ScimResource, ScimUser
from notifications.provisioning.schemas import EnterpriseUser, FullUser, Group, GroupMember, Manager

PATH = "/scim/v2"
USERS, GROUPS = "Users", "Groups"


def key_of(name: str) -> str:
    """Return a name as it is compared (RFC 8265)."""
    return normalize("NFC", normalize("NFC", name).lower())


def lock(directory: ScimDirectory) -> ScimDirectory:
    """Return the directory, locked until the transaction ends: two changes of one directory never meet."""
    return ScimDirectory.objects.select_for_update(no_key=True).get(pk=directory.pk)


def location(kind: str, pk: Any) -> Any:
    """Return the address of a resource."""
    return f"{settings.BASE_URL}{PATH}/{kind}/{pk}"


def as_uuid(text: str) -> Any:
    """Return the UUID that a text spells, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None


def external_id_of(resource: Any) -> str:
    return short_text("externalId", resource.external_id)


def short_text(name: str, text: str | None) -> str:
    """Return a text that fits its column. Raises InvalidValueException."""
    if text and len(text) > MAX_NAME:
        raise InvalidValueException(detail=f"{name} can have {MAX_NAME} characters.")
    return text or ""


def _meta(kind: str, name: str, row: ScimResource) -> Meta:
    where = location(kind, row.pk)
    return Meta(resource_type=name, location=where, created=row.created_at, last_modified=row.updated_at)


# --- users ------------------------------------------------------------------------------------------------------------
def users_of(directory: ScimDirectory) -> QuerySet[Any]:
    """Return the users of a directory, with the name of each manager, and the id of the manager's user."""
    rows = ScimUser.objects.filter(directory=directory, deleted_at=None)
    names: dict[str, F] = {
        "manager_name": F("person__manager__name"),
        "manager_id": F("person__manager__scim_user__pk"),
    }
    return rows.annotate(**names).order_by("created_at", "pk")


def user_row(directory: ScimDirectory, pk: str) -> Any:
    """Return a user of the directory. Raises NotFoundException."""
    row = users_of(directory).filter(pk=as_uuid(pk)).first()
    if row is None:
        raise NotFoundException(detail=f"This directory has no user with the id “{pk}”.")
    return row


def stored_user(row: ScimUser) -> Any:
    """Return the stored attributes of a user: what the directory has sent."""
    return FullUser.model_validate(row.document)


def user_resources(rows: Sequence[ScimUser]) -> list[Any]:
    """Return the rows of one directory as SCIM users, with their groups."""
    groups = _groups_of(rows)
    return [_user(row, groups.get(row.person_id, ())) for row in rows]


def _groups_of(rows: Sequence[ScimUser]) -> Mapping[int, list[GroupMembership]]:
    if not rows:
        return {}
    groups = ScimGroup.objects.filter(deleted_at=None, directory=rows[0].directory_id).order_by("created_at", "pk")
    groups = groups.filter(team__members__in=[row.person_id for row in rows])
    by_person: dict[int, list[GroupMembership]] = {}
    for pk, name, person in groups.values_list("pk", "display_name", F("team__members")):
        entry = GroupMembership(value=str(pk), ref=location(GROUPS, pk), display=name, type="direct")
        by_person.setdefault(person, []).append(entry)
    return by_person


def _user(row: Any, groups: Iterable[GroupMembership]) -> Any:
    user = stored_user(row)
    user.id, user.meta = str(row.pk), _meta(USERS, "User", row)
    user.groups = list(groups) or None
    if row.manager_value and not row.manager_pending and row.manager_id is not None:
        ref, name = location(USERS, row.manager_id), row.manager_name or None
        user[EnterpriseUser].manager = Manager(value=row.manager_value, ref=ref, display_name=name)
    return user


# --- groups -----------------------------------------------------------------------------------------------------------
def groups_of(directory: ScimDirectory) -> QuerySet[ScimGroup]:
    rows = ScimGroup.objects.filter(directory=directory, deleted_at=None)
    return rows.select_related("team").order_by("created_at", "pk")


def group_row(directory: ScimDirectory, pk: str) -> ScimGroup:
    """Return a group of the directory. Raises NotFoundException."""
    row = groups_of(directory).filter(pk=as_uuid(pk)).first()
    if row is None:
        raise NotFoundException(detail=f"This directory has no group with the id “{pk}”.")
    return row


def group_resources(rows: Sequence[ScimGroup], *, members: bool = True) -> list[Any]:
    """Return the rows of one directory as SCIM groups. `members`: whether they are read."""
    by_team = _members_of(rows) if members else {}
    return [_group(row, by_team.get(row.team_id, ())) for row in rows]


def _members_of(rows: Sequence[ScimGroup]) -> Mapping[int, list[GroupMember]]:
    if not rows:
        return {}
    users = ScimUser.objects.filter(deleted_at=None, directory=rows[0].directory_id).order_by("created_at", "pk")
    users = users.filter(person__teams__in=[row.team_id for row in rows])
    by_team: dict[int, list[GroupMember]] = {}
    for pk, team in users.values_list("pk", F("person__teams")):
        by_team.setdefault(team, []).append(GroupMember(value=str(pk), ref=location(USERS, pk), type="User"))
    return by_team


def _group(row: ScimGroup, members: Iterable[GroupMember]) -> Group:
    return Group(
        id=str(row.pk),
        external_id=row.external_id or None,
        display_name=row.display_name,
        members=list(members) or None,
        meta=_meta(GROUPS, "Group", row),
    )
