"""Answers who needs a second factor, who has one, and who may sign in without an identity provider."""

from collections.abc import Collection

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from notifications import roles
from notifications.additions import AnswerProof
from notifications.second_factors.models import SignInRules
from wfpush import features

FIRST_TYPES = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
"""Types that are a second factor by themselves. Recovery codes only stand in for them."""


def has_factor(user_id: int) -> bool:
    return bool(Authenticator.objects.filter(user_id=user_id, type__in=FIRST_TYPES).exists())


def was_confirmed(request: HttpRequest, user: User, methods: Collection[str]) -> bool:
    """Return whether the session has proof of the user by one of these methods from the last five minutes."""
    records = get_authentication_records(request, user)
    proofs = [each["at"] for each in records if each.get("method") in methods]
    age = timezone.now().timestamp() - max(proofs, default=0)
    return bool(0 <= age < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def needs_factor(user: User) -> bool:
    """Return whether the desk's rules require a second factor of this user."""
    required = Q(roles__user=user.pk)
    if user.is_superuser:
        required |= Q(superusers=True)
    return SignInRules.objects.filter(required).exists()


def lacks_factor(request: HttpRequest, user: User) -> bool:
    """Return whether the user must set up a factor before the desk opens. Identity providers have factors of their
    own, so people who signed in there need none here."""
    return needs_factor(user) and not has_factor(user.pk) and not signed_in_by_provider(request, user)


def signed_in_by_provider(request: HttpRequest, user: User) -> bool:
    """Return whether the session began at an identity provider."""
    return any(each.get("method") == "socialaccount" for each in get_authentication_records(request, user))


def is_closed_to(user: User) -> bool:
    """Return whether the user can sign in at an identity provider only."""
    rules = SignInRules.objects.filter(providers_only=True).first()
    return rules is not None and not rules.emergency_accounts.filter(pk=user.pk).exists()


def can_add(user: User) -> bool:
    """Return whether the user signs in here, and may add factors for that."""
    return user.has_usable_password() and not is_closed_to(user)


def can_add_passkey(user: User) -> bool:
    """Return whether the user may have a passkey here: people who sign in at an identity provider only for answers that
    are signed (notifications/additions.py, AnswerProof)."""
    return can_add(user) or (bool(features.added(AnswerProof)) and comes_from_provider(user))


def comes_from_provider(user: AbstractBaseUser | AnonymousUser) -> bool:
    return bool(SocialAccount.objects.filter(user_id=user.pk).exists())


def is_emergency(user: User) -> bool:
    """Return whether a sign-in without a provider is the use of an emergency account."""
    return SignInRules.objects.filter(providers_only=True, emergency_accounts=user.pk).exists()


def administrators() -> QuerySet[User]:
    """Return the accounts that are told about emergencies."""
    group = User.groups.through.objects.filter(user_id=OuterRef("pk"), group__name=roles.ADMINISTRATORS)
    return User.objects.filter(Q(is_superuser=True) | Exists(group), is_active=True)
