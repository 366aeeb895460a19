"""The people and accounts behind a directory's users: found by exact rules or made, written, opened and closed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User as Account
from django.core.exceptions import ValidationError
from django.utils import translation
from scim2_models import InvalidValueException, UniquenessException

from notifications.models import Recipient
from notifications.models.validators import validate_mailbox, validate_ref, validate_timezone
from notifications.provisioning import departures
from notifications.provisioning.models import RefSource, ScimDirectory, ScimUser
from notifications.wording.plaintext import clean_line

MAX_ACCOUNT_NAME, MAX_PHONE = 150, 40


@dataclass(frozen=True)
class Profile:
    """What a person gets from a SCIM user. Empty: the user does not say."""

    name: str = ""
    email: str = ""
    phone: str = ""
    locale: str = ""
    timezone: str = ""


def profile_of(user: Any) -> Profile:
    """Return the profile of a SCIM user. Raises InvalidValueException. Languages and time zones that are unknown here
    are ignored."""
    name = user.name
    parts = [name.given_name, name.family_name] if name is not None else []
    whole = name.formatted if name is not None else ""
    names = [user.display_name, whole, " ".join(part for part in parts if part), user.user_name]
    return Profile(
        name=clean_line(next((text for text in names if text), ""))[:200],
        email=_email_of(user),
        phone=clean_line(_chosen(user.phone_numbers, "mobile").removeprefix("tel:"))[:MAX_PHONE],
        locale=_language_of(user.preferred_language) or _language_of(user.locale),
        timezone=_zone_of(user.timezone),
    )


def _chosen(values: Any, kind: str) -> str:
    """Return the primary value, or else the first of the kind, or else the first."""
    ranked = sorted(
        (entry for entry in values or [] if entry.value),
        key=lambda entry: (not entry.primary, str(entry.type or "") != kind),
    )
    return str(ranked[0].value) if ranked else ""


def _email_of(user: Any) -> str:
    address = _chosen(user.emails, "work")
    try:
        if address:
            validate_mailbox(address)
    except ValidationError as exc:
        raise InvalidValueException(detail=f"“{address}” is not an e-mail address that can be stored.") from exc
    return address


def _language_of(tag: str | None) -> str:
    try:
        code = translation.get_supported_language_variant((tag or "").replace("_", "-"))
    except LookupError:
        return ""
    return code if code in dict(settings.LANGUAGES) else ""


def _zone_of(name: str | None) -> str:
    try:
        validate_timezone(name or "")
    except ValidationError:
        return ""
    return name or ""


# --- who it is --------------------------------------------------------------------------------------------------------
def ref_of(directory: ScimDirectory, user: Any) -> str:
    """Return the name that engines use for the person. Raises InvalidValueException."""
    is_external_id = directory.ref_source == RefSource.EXTERNAL_ID
    ref = (user.external_id if is_external_id else user.user_name) or ""
    try:
        validate_ref(ref)
    except ValidationError as exc:
        raise InvalidValueException(
            detail=f"{directory.ref_source} must have 1 to 200 characters: engines name the person by it."
        ) from exc
    return ref


def find(directory: ScimDirectory, user: Any) -> tuple[ScimUser | None, Recipient]:
    """Return the existing person with exactly the user's ref, if the directory may take them over, or a new one, not
    saved. Return their user, too, if the directory has deleted it. Raises UniquenessException."""
    ref = ref_of(directory, user)
    key = Recipient.objects.filter(engine=None, ref=ref).order_by().values_list("pk", flat=True).first()
    if key is None:
        return None, Recipient(ref=ref)
    person = Recipient.objects.select_related("user").get(pk=key)
    row = ScimUser.objects.select_related("directory").filter(person=person).first()
    if row is None:
        _refuse_to_join(directory, person)
    elif row.directory_id != directory.pk or row.deleted_at is None:
        owner = "this directory" if row.directory_id == directory.pk else f"the directory “{row.directory}”"
        raise UniquenessException(detail=f"The person “{ref}” belongs to another user of {owner}.")
    elif (row.external_id or "") != (user.external_id or ""):
        raise UniquenessException(
            detail=f"“{ref}” belongs to somebody who left, with the externalId “{row.external_id}”. Choose another "
            "name, or rename that person and their account at the desk."
        )
    else:
        _refuse_staff(person)
        if person.user is not None:
            person.user.set_unusable_password()  # a namesake must not have the former person's
        row.directory, row.person = directory, person
    return row, person


def _refuse_staff(person: Recipient) -> None:
    if person.user is not None and (person.user.is_staff or person.user.is_superuser):
        raise UniquenessException(
            detail=f"“{person.ref}” is local staff, whom directories do not take over. Remove that status first."
        )


def _refuse_superuser(person: Recipient) -> None:
    if person.user is not None and person.user.is_superuser:
        raise UniquenessException(detail=f"“{person.ref}” is a superuser. Close or rename the account at the desk.")


def _refuse_to_join(directory: ScimDirectory, person: Recipient) -> None:
    _refuse_staff(person)
    if not directory.joins_existing:
        raise UniquenessException(
            detail=f"The person “{person.ref}” exists already. An administrator can let this directory take over "
            "existing people, at its page of the desk."
        )


def set_names(person: Recipient, directory: ScimDirectory, user: Any) -> None:
    """Give person and account the names that the user has now, and make an account if there is none; `write` saves
    them. Raises InvalidValueException and UniquenessException."""
    ref, name = ref_of(directory, user), user.user_name
    if len(name) > MAX_ACCOUNT_NAME:
        raise InvalidValueException(detail=f"userName can have {MAX_ACCOUNT_NAME} characters.")
    if person.pk is not None and person.ref != ref and Recipient.objects.filter(engine=None, ref=ref).exists():
        raise UniquenessException(detail=f"Another person has the ref “{ref}”. Rename one of them first.")
    account = person.user
    if (account is None or account.username != name) and Account.objects.filter(username=name).exists():
        raise UniquenessException(detail=f"Another account is called “{name}”. Rename it, or choose another userName.")
    if account is not None and account.username != name:
        _refuse_superuser(person)
    if account is None:
        account = Account(is_active=person.active)
        account.set_unusable_password()
    account.username = name
    person.ref, person.user = ref, account


# --- what they get ----------------------------------------------------------------------------------------------------
def write(person: Recipient, directory: ScimDirectory, before: Profile, after: Profile) -> None:
    """Write what the directory says now, or no longer says, and save the person if something is new. Raises
    InvalidValueException and UniquenessException."""
    if after.email != before.email:
        _refuse_domain(directory, after.email)
    because = f"SCIM: {directory}"[:100]
    for field in ("name", "email", "phone", "locale", "timezone"):
        new = getattr(after, field)
        if new or getattr(before, field):
            setattr(person, field, new or _EMPTY.get(field, ""))
    if after.email:
        if person.present:
            take_address(person, after.email, because)
        person.email_verified = True
    elif before.email:
        person.email_verified = False
    save_account(person)
    save(person, because)


def _refuse_domain(directory: ScimDirectory, address: str) -> None:
    if address and directory.domains and address.rpartition("@")[2].lower() not in directory.domains:
        raise InvalidValueException(
            detail=f"“{address}” is in none of this directory's e-mail domains. Change them at its page of the desk."
        )


def save_account(person: Recipient) -> None:
    """Save a person's account with their address and name, unless nothing has changed."""
    account = person.user
    assert account is not None  # set_names makes it
    account.email, account.first_name = person.email, person.name[:150]
    stored = Account.objects.filter(pk=account.pk).first() if account.pk is not None else None
    if stored is None or any(getattr(stored, name) != getattr(account, name) for name in _OF_ACCOUNT):
        account.save(update_fields=_OF_ACCOUNT if stored is not None else None)
        person.user = account


_OF_ACCOUNT = ["username", "email", "first_name", "is_active", "password"]


def save(person: Recipient, because: str) -> None:
    """Save a person with the reason in the history, unless nothing has changed."""
    stored = Recipient.objects.filter(pk=person.pk).first() if person.pk else None
    names = [field.attname for field in Recipient._meta.concrete_fields if field.attname not in _OWN]
    if stored is None or any(getattr(stored, name) != getattr(person, name) for name in names):
        person._change_reason = because  # type: ignore[attr-defined]  # django-simple-history reads it
        person.save()


_EMPTY = {"locale": "en"}
_OWN = {"inbox_seq", "account_seal", "signed_out_at"}


def take_address(person: Recipient, address: str, because: str) -> None:
    """Make the person the only one whom engines may name by the address. Somebody who has left gives it up. Raises
    UniquenessException if somebody else has it."""
    others = Recipient.objects.filter(engine=None, email_verified=True, email__iexact=address)
    for key in [key for key in others.order_by().values_list("pk", flat=True) if key != person.pk]:
        other = Recipient.objects.select_related("user").get(pk=key)
        if other.present:
            raise UniquenessException(
                detail=f"“{other.ref}” has the e-mail address {address}. Change or deactivate that person first."
            )
        other.email_verified = False
        save(other, f"{because}: address of {person.ref}"[:100])


def set_presence(person: Recipient, directory: ScimDirectory, *, was: bool, active: bool, now: datetime) -> None:
    """Open or close the person and their account; `write` saves them. Raises TooManyDepartures. `was`: what the
    directory said before. It does not open what was closed at the desk while it says the same."""
    account = person.user
    assert account is not None  # set_names makes it
    if not active and (person.active or account.is_active):
        _refuse_superuser(person)
        if person.pk is not None:
            departures.record(directory, person, now)
        person.active = account.is_active = False
    elif active and not was:
        person.active = account.is_active = True
