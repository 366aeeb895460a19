"""Records what happens to factors, passwords and emergency accounts, and e-mails the people whom it concerns."""

from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest

from notifications.second_factors import mails, rules
from notifications.second_factors.fingerprints import fingerprint
from notifications.second_factors.models import MailKind
from notifications.sign_on import records
from notifications.sign_on.models import SignInOutcome

KINDS = {
    "totp_activated": MailKind.APP_ADDED,
    "totp_deactivated": MailKind.APP_REMOVED,
    "webauthn_added": MailKind.PASSKEY_ADDED,
    "webauthn_removed": MailKind.PASSKEY_REMOVED,
    "recovery_codes_generated": MailKind.CODES_RENEWED,
    "recovery_code_used": MailKind.CODE_USED,
}
"""By the names of django-allauth's e-mails."""


@transaction.atomic
def changed_by_person(request: HttpRequest, user: AbstractBaseUser, name: str) -> None:
    kind = KINDS[name]
    key = _newest_fingerprint(user) if kind == MailKind.PASSKEY_ADDED else ""
    records.add(request, None, SignInOutcome.FACTORS, user=user, identity=user.get_username(), code=kind, detail=key)
    mails.order(request, user, kind, name=key)


def _newest_fingerprint(user: AbstractBaseUser) -> str:
    passkeys = Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.WEBAUTHN)
    newest = passkeys.order_by("-pk").first()
    return fingerprint(newest) if newest is not None else ""


@transaction.atomic
def remove_by_desk(request: HttpRequest, user: User) -> int:
    """Remove all factors of somebody who has lost them. Return their number."""
    count: int = Authenticator.objects.filter(user=user).delete()[0]
    if count:
        by = request.user.get_username()
        kind = MailKind.REMOVED_BY_DESK
        records.add(request, None, SignInOutcome.FACTORS, user=user, identity=user.get_username(), code=kind, detail=by)
        mails.order(request, user, kind, name=by)
    return count


@transaction.atomic
def new_password(request: HttpRequest, user: AbstractBaseUser) -> None:
    """Record a new password, and tell its owner (`PasswordNotice`)."""
    by = request.user.get_username() if request.user.is_authenticated else ""
    kind = MailKind.PASSWORD_CHANGED if by in ("", user.get_username()) else MailKind.PASSWORD_BY_DESK
    detail = by if kind == MailKind.PASSWORD_BY_DESK else ""
    records.add(
        request, None, SignInOutcome.PASSWORD, user=user, identity=user.get_username(), code=kind, detail=detail
    )
    mails.order(request, user, kind, name=detail)


def session_ended(request: HttpRequest, user: User, code: str) -> None:
    """Record that somebody has ended one or all of their other sessions."""
    records.add(request, None, SignInOutcome.ENDED, user=user, identity=user.get_username(), code=code)


@transaction.atomic
def emergency_used(request: HttpRequest, user: User) -> None:
    """Tell all administrators that an emergency account has signed in."""
    name = user.get_username()
    records.add(request, None, SignInOutcome.EMERGENCY, user=user, identity=name, code=MailKind.EMERGENCY)
    for administrator in rules.administrators():
        mails.order(request, administrator, MailKind.EMERGENCY, name=name)


def refused(request: HttpRequest, user: AbstractBaseUser, code: str) -> None:
    records.add(request, None, SignInOutcome.REFUSED, user=user, identity=user.get_username(), code=code)
