"""Checks what a browser sends of a passkey, with the library that django-allauth uses (WebAuthn Level 3, "Verifying an
Authentication Assertion")."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q
from fido2.utils import websafe_encode
from fido2.webauthn import AuthenticationResponse, UserVerificationRequirement

from notifications.second_factors.fingerprints import fingerprint_of, public_key_bytes
from notifications.second_factors.forms import MALFORMED
from notifications.signed_answers.models import PasskeyCounter
from notifications.types import Json

log = structlog.get_logger(__name__)


class WrongAssertion(Exception):
    """Raised for an assertion that does not prove what it should; the message says why, for logs."""


@dataclass(frozen=True)
class Assertion:
    """A verified assertion of a passkey, as bytes."""

    credential_id: bytes
    public_key: bytes
    authenticator_data: bytes
    client_data: bytes
    signature: bytes

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.public_key)


def has_passkey(user_id: int | None) -> bool:
    return user_id is not None and Authenticator.objects.filter(user_id=user_id, type="webauthn").exists()


def options(user: AbstractBaseUser, challenge: bytes) -> Json:
    """Return the options by which a browser asks for a signature of one of the user's passkeys, with their lock."""
    server = auth.get_server()
    required = UserVerificationRequirement.REQUIRED
    request, _state = server.authenticate_begin(auth.get_credentials(user), required, challenge=challenge)
    return dict(request)


def verify(user: AbstractBaseUser, challenge: bytes, credential: Any, group: UUID) -> Assertion:
    """Return the assertion if a passkey of the user has signed the challenge on a page of this installation, with the
    lock of the device, and is no copy. Raises WrongAssertion."""
    state = {"challenge": websafe_encode(challenge), "user_verification": UserVerificationRequirement.REQUIRED}
    try:
        given = AuthenticationResponse.from_dict(credential)
        origin = given.response.client_data.origin
        if origin != settings.BASE_URL or given.response.client_data.cross_origin:
            raise WrongAssertion(f"It was signed on a page of {origin[:200]}.")
        known = auth.get_server().authenticate_complete(state, auth.get_credentials(user), given)
        row = auth.get_authenticator_by_credential_id(user, known.credential_id)
    except MALFORMED as error:
        raise WrongAssertion(str(error)[:200]) from error
    if row is None:
        raise WrongAssertion("The passkey has been removed.")
    data = given.response.authenticator_data
    _count(row, data.counter, group)
    return Assertion(
        credential_id=bytes(known.credential_id),
        public_key=public_key_bytes(known.public_key),
        authenticator_data=bytes(data),
        client_data=bytes(given.response.client_data),
        signature=bytes(given.response.signature),
    )


def _count(passkey: Authenticator, count: int, group: UUID) -> None:
    """Note the counter of a signature. Raises WrongAssertion if it has not risen: the passkey has been copied. Passkeys
    that several devices share have no counter, and always send 0."""
    at_first = passkey.wrap().authenticator_data.counter
    PasskeyCounter.objects.get_or_create(authenticator=passkey, defaults={"count": at_first, "group": UUID(int=0)})
    counter = PasskeyCounter.objects.filter(authenticator=passkey)
    may_go_on = Q(count__lt=count) | Q(count=count, group=group)
    if count == 0:
        may_go_on |= Q(count=0)
    if not counter.filter(may_go_on).update(count=count, group=group):
        log.error("passkey_counter_fell_back", passkey=passkey.pk, count=count)
        raise WrongAssertion("The passkey's counter has not risen: it may have been copied.")
