"""Finds the account of an identity that a provider has sent, or makes one.

A person is found by the provider's subject. At their first sign-in they are found by their e-mail address, if it is
verified on both sides: the provider says so, and the person's row here does. Nobody is joined by any other address.
"""

from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from notifications.models import Recipient
from notifications.people import revocation
from notifications.sign_on.models import IdentityProvider
from notifications.sign_on.refusals import Refused
from notifications.wording.plaintext import clean_line

NAME_LENGTH = ADDRESS_LENGTH = 200
MOST_NAMESAKES = 20
"""Rows that are read for one address."""


def account_of(provider: IdentityProvider, claims: dict[str, Any]) -> User:
    """Return the user of a new identity; make one for a person who has none. Raises Refused."""
    address = verified_address(provider, claims)
    found = _internal().filter(email__iexact=address, email_verified=True)
    people = [person for person in found[:MOST_NAMESAKES] if person.email.lower() == address.lower()]
    if len(people) > 1:
        raise Refused("ambiguous", identity=address)
    if not people and not provider.creates_people:
        raise Refused("unknown", identity=address)
    try:
        with transaction.atomic():
            person = people[0] if people else _new_person(address, claims)
            user = _user_of(person, address)
    except IntegrityError as error:
        raise Refused("ambiguous", "The ref or user name is taken.", identity=address) from error
    if user.is_superuser:
        raise Refused("superuser", identity=address)
    if user.is_staff and user.email.lower() != address.lower():
        raise Refused("staff_address", identity=address)
    if SocialAccount.objects.filter(user=user, provider=provider.identity_key).exists():
        raise Refused("other_identity", identity=address)
    return user


def verified_address(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    """Return the e-mail address that identifies somebody at their first sign-in. Raises Refused."""
    address = str(claims.get("email") or "").strip()
    try:
        validate_email(address)
    except ValidationError as error:
        raise Refused("no_address", identity=str(claims["sub"])) from error
    if not address.isascii() or len(address) > ADDRESS_LENGTH:  # other letters can look, and compare, like ASCII
        raise Refused("no_address", identity=str(claims["sub"]))
    if address.rpartition("@")[2].lower() not in provider.domains:
        raise Refused("domain", identity=address)
    if claims.get("email_verified") is not True and not (provider.trusts_addresses and "email_verified" not in claims):
        raise Refused("unverified", identity=address)
    return address


def _internal() -> Any:
    return Recipient.objects.select_related("user").filter(engine=None)


def _new_person(address: str, claims: dict[str, Any]) -> Recipient:
    """Make the person. Their ref is the address; somebody who has that ref with another address is somebody else."""
    name = clean_line(str(claims.get("name") or address))[:NAME_LENGTH]
    return Recipient.objects.create(ref=address, name=name, email=address, email_verified=True)


def _user_of(person: Recipient, address: str) -> User:
    """Return the person's user, made without a password if they had none. Raises Refused and IntegrityError."""
    if not person.present:
        raise Refused("closed", identity=address)
    if person.user is None:
        revocation.settle(person.pk, timezone.now())  # what a former account of theirs had has ended
        user = User(username=person.ref[:150], email=address)
        user.set_unusable_password()
        user.save()
        person.user = user
        person.save(update_fields=["user"])
        revocation.settle(person.pk, timezone.now())
    return person.user


def provider_of_address(name: str) -> IdentityProvider | None:
    """Return the provider at which people with this e-mail address sign in."""
    host = name.rpartition("@")[2].strip().lower()
    if "@" not in name or not host:
        return None
    return IdentityProvider.objects.filter(active=True, domains__contains=[host]).order_by("pk").first()
