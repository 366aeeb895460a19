"""Makes a row in each table of sign-on, for the test of erasure (notifications/retention/tests/planting.py)."""

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.utils import timezone

from notifications.models import Recipient
from notifications.sign_on.models import IdentityProvider, SignInOutcome, SignInRecord
from tests.support.world import World


def plant(world: World, person: Recipient) -> None:
    provider = IdentityProvider.objects.create(
        slug="acme", name="Acme", issuer="https://login.acme.example", client_id="wfpush", domains=["acme.example"]
    )
    SignInRecord.objects.create(provider=provider, user=person.user, at=timezone.now(), outcome=SignInOutcome.SIGNED_IN)
    EmailAddress.objects.create(user=person.user, email=person.email or "bob@acme.example")
    SocialAccount.objects.create(user=person.user, provider=provider.slug, uid="bob-17")
