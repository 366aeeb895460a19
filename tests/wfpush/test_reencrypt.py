"""Rotating the keys of secrets at rest, by the command."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from notifications.connectors.signatures import new_secret
from notifications.models import ConnectedAccount, EngineAccess, PersonalSignIn, SigningSecret
from tests.factories import EngineFactory, RecipientFactory

pytestmark = pytest.mark.django_db
OLD, NEW = "the old key, long enough to be one", "the new key, long enough to be one"


def test_afterwards_the_new_key_alone_opens_every_secret(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    secret = new_secret()
    row = SigningSecret.objects.create(engine=EngineFactory(), secret=secret)
    EngineAccess.objects.create(engine=row.engine, auth="basic", name="rest", secret="a password")
    PersonalSignIn.objects.create(engine=row.engine, client_secret="a client's")
    now = timezone.now()
    ConnectedAccount.objects.create(
        engine=row.engine,
        recipient=RecipientFactory(),
        access_token="a person's",
        refresh_token="to renew it",
        expires_at=now,
        connected_at=now,
    )
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    out = StringIO()
    call_command("reencrypt", stdout=out)
    held = ("sign-ins at engines", "signing secrets", "people's sign-ins at engines", "connected accounts")
    assert sorted(out.getvalue().splitlines()) == sorted(
        [
            *(f"1 {name}" for name in held),
            *("0 authenticators", "0 calendars of absences", "0 erasures", "0 identity providers", "0 keys for push"),
            "0 secrets of subscriptions",
        ]
    )
    settings.ENCRYPTION_KEYS = [NEW]
    assert SigningSecret.objects.get(pk=row.pk).secret == secret
    assert (EngineAccess.objects.get().secret, EngineAccess.objects.get().key) == ("a password", "")
    assert PersonalSignIn.objects.get().client_secret == "a client's"
    account = ConnectedAccount.objects.get()
    assert (account.access_token, account.refresh_token) == ("a person's", "to renew it")


def test_a_secret_that_no_key_opens_is_said(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    SigningSecret.objects.create(engine=EngineFactory(), secret=new_secret())
    settings.ENCRYPTION_KEYS = [NEW]
    with pytest.raises(CommandError, match="ENCRYPTION_KEYS"):
        call_command("reencrypt", stdout=StringIO())
