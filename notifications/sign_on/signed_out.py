"""Ends what people can do here once they have signed out at their provider."""

from collections.abc import Iterable

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone

from notifications.people import devices, revocation
from notifications.sign_on import records
from notifications.sign_on.models import IdentityProvider, ProviderSession, SignInOutcome


def users_of_subject(provider: IdentityProvider, subject: str) -> list[User]:
    identities = SocialAccount.objects.filter(provider=provider.identity_key, uid=subject)
    return [identity.user for identity in identities.select_related("user")]


def sign_out_users(request: HttpRequest, provider: IdentityProvider, users: Iterable[AbstractBaseUser]) -> None:
    """End their sessions, tokens, devices and links, and record it. They may sign in again."""
    for user in users:
        revocation.sign_out_everywhere(user, timezone.now(), devices.SIGNED_OUT_BY_PROVIDER)
        ProviderSession.objects.filter(provider=provider, user_id=user.pk).delete()
        records.add(request, provider, SignInOutcome.SIGNED_OUT, user=user, identity=getattr(user, "email", ""))
