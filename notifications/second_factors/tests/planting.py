"""Puts a person into the tables of second factors, for the test of erasure (notifications/retention/tests)."""

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.utils import timezone

from notifications import roles
from notifications.models import Recipient
from notifications.second_factors.models import BrowserSession, MailKind, PasswordRequest, SecurityMail, SignInRules
from tests.support.world import World


def plant(world: World, person: Recipient) -> None:
    """They have a passkey with their name, an e-mail about it, a place in the rules, a request for a new password, and
    a browser."""
    rules = SignInRules.objects.create()
    rules.roles.add(Group.objects.get(name=roles.OPERATORS))
    rules.emergency_accounts.add(person.user)
    Authenticator.objects.create(user=person.user, type="webauthn", data={"name": f"Phone of {person.name}"})
    SecurityMail.objects.create(
        user=person.user,
        kind=MailKind.PASSKEY_ADDED,
        name=person.name,
        address="127.0.0.1",
        browser=f"Browser of {person.name}",
        detail=f"550 {person.email} is not here",
        created_at=timezone.now(),
    )
    now = timezone.now()
    browser = f"Browser of {person.name}"
    PasswordRequest.objects.create(name=person.email, address="127.0.0.1", browser=browser, created_at=now)
    BrowserSession.objects.create(digest="0" * 64, user=person.user, browser=browser, began_at=now, used_at=now)
