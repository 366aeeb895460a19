"""Rotating the keys of secrets at rest, by the command."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from notifications.models import EngineAccess, SigningSecret
from notifications.signing import new_secret
from tests.factories import EngineFactory

pytestmark = pytest.mark.django_db
OLD, NEW = "the old key, long enough to be one", "the new key, long enough to be one"


def test_afterwards_the_new_key_alone_opens_every_secret(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    secret = new_secret()
    row = SigningSecret.objects.create(engine=EngineFactory(), secret=secret)
    EngineAccess.objects.create(engine=row.engine, auth="basic", name="rest", secret="a password")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    out = StringIO()
    call_command("reencrypt", stdout=out)
    assert out.getvalue() == "1 sign-ins at engines\n1 signing secrets\n"
    settings.ENCRYPTION_KEYS = [NEW]
    assert SigningSecret.objects.get(pk=row.pk).secret == secret
    assert (EngineAccess.objects.get().secret, EngineAccess.objects.get().key) == ("a password", "")


def test_a_secret_that_no_key_opens_is_said(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    SigningSecret.objects.create(engine=EngineFactory(), secret=new_secret())
    settings.ENCRYPTION_KEYS = [NEW]
    with pytest.raises(CommandError, match="ENCRYPTION_KEYS"):
        call_command("reencrypt", stdout=StringIO())
