"""The users of a directory: created, replaced, patched and deleted, each with a person and an account."""

import json
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from scim2_models import Context, InvalidValueException, UniquenessException

from notifications.admin.people.people import circle
from notifications.models import Recipient
from notifications.people import revocation
from notifications.provisioning import patches, people
from notifications.provisioning.models import ScimDirectory, ScimUser
from notifications.provisioning.people import Profile
from notifications.provisioning.resources import (
    as_uuid,
    external_id_of,
    key_of,
    lock,
    short_text,
    stored_user,
    user_row,
)
from notifications.provisioning.schemas import EnterpriseUser, FullUser
from notifications.provisioning.versions import Precondition

MAX_DOCUMENT = 32 * 1024


@transaction.atomic
def create(directory: ScimDirectory, payload: Any, now: datetime) -> ScimUser:
    """Create a user, or bring back one that the directory has deleted. Raises SCIMException and ValidationError."""
    user = FullUser.model_validate(payload, scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    directory = lock(directory)
    if user.active is None:
        user.active = True
    row, person = people.find(directory, user)
    if row is None:
        row = ScimUser(directory=directory, active=False, created_at=now, person=person)
    else:
        row.deleted_at, row.document = None, {}
        person.teams.remove(*person.teams.filter(scim_group__directory=directory))
    _store(row, user, now)
    return row


@transaction.atomic
def replace(directory: ScimDirectory, pk: str, payload: Any, condition: Precondition, now: datetime) -> ScimUser:
    """Replace a user's attributes. Raises SCIMException and ValidationError."""
    user = FullUser.model_validate(payload, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
    row = _locked(directory, pk, condition)
    if user.active is None:
        user.active = row.active
    _store(row, user, now)
    return row


@transaction.atomic
def patch(directory: ScimDirectory, pk: str, payload: Any, condition: Precondition, now: datetime) -> ScimUser:
    """Apply a PATCH. Raises SCIMException and ValidationError."""
    row = _locked(directory, pk, condition)
    user = stored_user(row)
    if patches.apply(user, payload):
        _store(row, user, now)
    elif user.active is False:
        _close(row, now)
    return row


@transaction.atomic
def delete(directory: ScimDirectory, pk: str, condition: Precondition, now: datetime) -> None:
    """Close the person's account and hide the user. The person stays with all that they decided. Raises
    SCIMException."""
    row = _locked(directory, pk, condition)
    row.deleted_at = now
    _close(row, now)


def _locked(directory: ScimDirectory, pk: str, condition: Precondition) -> ScimUser:
    directory = lock(directory)
    row: ScimUser = user_row(directory, pk)
    condition.check(row)
    row.directory = directory
    row.person = Recipient.objects.select_related("user").get(pk=row.person_id)
    return row


def _close(row: ScimUser, now: datetime) -> None:
    """Close the account, whatever the directory said before. An account that somebody has opened at the desk, too."""
    user = stored_user(row)
    user.active = False
    _store(row, user, now)


def _store(row: ScimUser, user: Any, now: datetime) -> None:
    """Write a user: the row, the person and the account. The directory is locked."""
    directory, person = row.directory, row.person
    active = row.active if user.active is None else bool(user.active)
    before = people.profile_of(stored_user(row)) if row.document else Profile()
    after = people.profile_of(user)
    _name(row, user)
    people.set_names(person, directory, user)
    people.set_presence(person, directory, was=row.active, active=active, now=now)
    _manage(row, user)
    people.write(person, directory, before, after)
    row.active, row.document, row.updated_at, row.person = active, _document(user), now, person
    row.save()
    if person.account_seal != person.seal():
        revocation.settle(person.pk, now)
    _resolve_reports(row)


def _name(row: ScimUser, user: Any) -> None:
    """Give the row its names. Raises InvalidValueException and UniquenessException."""
    row.user_name, row.external_id = short_text("userName", user.user_name), external_id_of(user)
    row.user_key = key_of(row.user_name)
    if row.deleted_at is not None:
        return
    others = ScimUser.objects.filter(directory=row.directory, deleted_at=None).exclude(pk=row.pk)
    same_id = Q(external_id=row.external_id) if row.external_id else Q()
    keys = list(others.filter(Q(user_key=row.user_key) | same_id).order_by().values_list("user_key", flat=True))
    if row.user_key in keys:
        raise UniquenessException(detail=f"Another user of this directory has the userName “{row.user_name}”.")
    if keys:
        raise UniquenessException(detail=f"Another user of this directory has the externalId “{row.external_id}”.")


def _document(user: Any) -> Any:
    """Return the attributes to store. Raises InvalidValueException for more than 32 kB."""
    kept = user.model_copy(update={"id": None, "meta": None, "groups": None})
    document = kept.model_dump(scim_ctx=Context.DEFAULT)
    if len(json.dumps(document)) > MAX_DOCUMENT:
        raise InvalidValueException(detail=f"A user can have {MAX_DOCUMENT:,} bytes.")
    return document


# --- managers ---------------------------------------------------------------------------------------------------------
def _manage(row: ScimUser, user: Any) -> None:
    """Set the manager; one who is not there yet is awaited. Raises InvalidValueException for a circle."""
    enterprise = user[EnterpriseUser]
    manager = enterprise.manager if enterprise is not None else None
    value = short_text("manager", manager.value if manager is not None else "")
    if not value and not row.manager_value:
        return
    person, key = row.person, _find_manager(row.directory, value) if value else None
    row.manager_value, row.manager_pending = value, bool(value) and key is None
    if key is None or person.pk is None or key == person.manager_id:
        person.manager_id = key
        return
    boss = Recipient.objects.get(pk=key)
    if person.present and (fault := circle(person.pk, boss)):
        raise InvalidValueException(detail=f"manager: {fault}")
    person.manager = boss


def _find_manager(directory: ScimDirectory, value: str) -> int | None:
    """Return the key of the person of the directory with this id, or else externalId, or else userName."""
    users = ScimUser.objects.filter(directory=directory, deleted_at=None).order_by()
    ways: list[dict[str, Any]] = [{"pk": as_uuid(value)}, {"external_id": value}, {"user_key": key_of(value)}]
    keys = (users.filter(**way).values_list("person", flat=True).first() for way in ways)
    return next((key for key in keys if key is not None), None)


def _resolve_reports(row: ScimUser) -> None:
    """Give a manager who has come the people who wait for them. A circle stays open."""
    names = {str(row.pk), row.external_id, row.user_name, row.user_key} - {""}
    waiting = ScimUser.objects.filter(directory=row.directory, manager_pending=True, manager_value__in=names)
    for key in list(waiting.order_by("pk").values_list("pk", flat=True)):
        report = ScimUser.objects.select_related("person").get(pk=key)
        if report.person_id == row.person_id or circle(report.person_id, row.person):
            continue
        report.person.manager, report.manager_pending = row.person, False
        people.save(report.person, f"SCIM: {row.directory}"[:100])
        report.save(update_fields=["manager_pending"])
