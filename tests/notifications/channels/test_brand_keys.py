"""Keys of brands: browsers of a brand's people subscribe under its own, and get messages signed with it."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from notifications.channels.webpush import brand_keys, vapid
from notifications.channels.webpush.checks import diagnose
from notifications.models import AddressKind, Brand, Device, PushKey, Recipient
from tests.factories import BrandFactory, EngineFactory, RecipientFactory
from tests.inbox.browser import signed_in
from wfpush.security import vapid_keys

pytestmark = pytest.mark.django_db
ORIGIN = "https://updates.push.services.mozilla.com"
NOON = 1_795_000_000.0
PUBLIC_KEY = "/api/v1/webpush/public-key"


@pytest.fixture(autouse=True)
def house(settings: Settings) -> None:
    """A key of this test alone: what other tests have learned is not known."""
    settings.VAPID_PRIVATE_KEY = [vapid_keys.new_private_key()]
    settings.ALLOWED_HOSTS = ["testserver", "updates.acme.example", "zenith.example"]


@pytest.fixture
def acme() -> Brand:
    made: Brand = BrandFactory(slug="acme", domain="https://updates.acme.example")
    return made


def run(*words: str) -> str:
    said = StringIO()
    call_command("vapid", *words, stdout=said)
    return said.getvalue().strip()


def asked(client: Client, **how: Any) -> str:
    return str(client.get(PUBLIC_KEY, **how).json()["public_key"])


def browser(person: Recipient, sender: str) -> None:
    Device.objects.create(
        recipient=person,
        channel="webpush",
        address=f"{ORIGIN}/{person.pk}",
        address_kind=AddressKind.ENDPOINT,
        digest=f"{person.pk}",
        sender=sender,
        name="Firefox",
    )


def test_a_brand_has_its_own_key_and_others_have_ours(acme: Brand) -> None:
    ours = vapid.signer().public_key
    assert asked(Client(), SERVER_NAME="updates.acme.example") == ours
    key = run("--brand", "acme", "--new")

    assert asked(Client(), SERVER_NAME="updates.acme.example") == key != ours
    assert asked(Client()) == asked(Client(), SERVER_NAME="zenith.example") == ours
    row = PushKey.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("SELECT private_key FROM notifications_pushkey")
        assert cursor.fetchone()[0].startswith("enc1:")
    assert row.private_key not in run() + str(row)


def test_whoever_is_signed_in_gets_the_key_of_their_brand(acme: Brand) -> None:
    key = run("--brand", "acme", "--new")
    zenith = BrandFactory(slug="zenith", domain="https://zenith.example")
    other = run("--brand", "zenith", "--new")

    mine = signed_in(RecipientFactory(ref="erin", brand=acme))
    assert asked(mine) == asked(mine, SERVER_NAME="zenith.example") == key
    assert asked(signed_in(RecipientFactory(ref="erin2", name="Erin", brand=zenith))) == other
    assert asked(signed_in(RecipientFactory(ref="bob"))) == vapid.signer().public_key


def test_messages_are_signed_with_the_key_of_the_device(acme: Brand) -> None:
    old = run("--brand", "acme", "--new")
    new = run("--brand", "acme", "--new")
    assert brand_keys.key_for(acme) == new

    for key in (old, new):
        with pytest.raises(vapid.UnknownSender):
            vapid.signer().authorization(key, ORIGIN, NOON)
        brand_keys.learn(key)
        assert vapid.signer().authorization(key, ORIGIN, NOON).endswith(f", k={key}")
    assert vapid.signer().public_keys == [vapid.signer().public_key], "brands' keys are not the installation's"
    assert vapid.signer().authorization("", ORIGIN, NOON).endswith(f", k={vapid.signer().public_key}")
    with CaptureQueriesContext(connection) as queries:
        for key in (old, new, "", vapid.signer().public_key):
            brand_keys.learn(key)
    assert len(queries) == 0


def test_a_key_that_was_removed_is_asked_for_once(acme: Brand) -> None:
    key = run("--brand", "acme", "--new")
    run("--brand", "acme", "--remove", key)
    for _ in range(2):
        brand_keys.learn(key)
        with pytest.raises(vapid.UnknownSender):
            vapid.signer().authorization(key, ORIGIN, NOON)
    assert not brand_keys.is_ours(key)


def test_the_command_counts_and_the_doctor_tells_of_lost_ones(acme: Brand) -> None:
    erin = RecipientFactory(ref="C-9", name="Erin", engine=EngineFactory(), brand=acme)
    old = run("--brand", "acme", "--new")
    browser(erin, old)
    new = run("--brand", "acme", "--new")

    assert run("--brand", "acme").splitlines() == [f"acme: {new}  0 browsers, newest", f"acme: {old}  1 browser"]
    assert run().splitlines()[0] == f"{vapid.signer().public_key}  0 browsers, newest"
    assert not [fault for fault in diagnose(lambda said: None) if "subscribed under a key" in fault]
    run("--brand", "acme", "--remove", old)
    assert "key unknown" in run()
    assert "1 browsers subscribed under a key" in " ".join(diagnose(lambda said: None))
    for wrong in (["--brand", "nobody", "--new"], ["--brand", "acme", "--remove", old], ["--remove", new]):
        with pytest.raises(CommandError):
            run(*wrong)


def test_the_doctor_finds_a_key_that_is_not_its_own(acme: Brand) -> None:
    made = brand_keys.make(acme, timezone.now())
    assert list(diagnose(str)) == []
    PushKey.objects.filter(pk=made.pk).update(private_key=vapid_keys.new_private_key())
    (fault,) = diagnose(str)
    assert "of the brand acme has the private key of another" in fault


def test_old_keys_go_when_no_browser_is_left_under_them(acme: Brand) -> None:
    first, second, newest = (brand_keys.make(acme, timezone.now()) for _ in range(3))
    browser(RecipientFactory(brand=acme), first.public_key)
    assert [browsers for _key, browsers in brand_keys.browsers_of(acme)] == [0, 0, 1]
    assert brand_keys.remove_unused(acme) == 1
    assert set(PushKey.objects.all()) == {first, newest}
    assert not PushKey.objects.filter(pk=second.pk).exists()
