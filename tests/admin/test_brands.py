"""Addresses and senders of brands: what is refused, and what the DNS has to say."""

import contextlib
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from notifications.channels.fcm.config import ServiceAccount
from notifications.models import Brand
from tests.admin.pages import page_of, save_form, text_of
from tests.admin.world import World


@pytest.fixture
def brand(world: World, settings: Any) -> Brand:
    settings.ALLOWED_HOSTS = ["testserver", "updates.acme.example", ".customers.example"]
    settings.HTTPS = True
    settings.DEFAULT_FROM_EMAIL = "wfpush <no-reply@push.example>"
    return Brand.objects.get()


WRONG = "Enter https:// and a host name"
ELSEWHERE = "This installation does not answer there"


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://updates.acme.example", WRONG),
        ("https://updates.acme.example/portal", WRONG),
        ("https://erin@updates.acme.example", WRONG),
        ("https://UPDATES.acme.example", WRONG),
        ("https://updates.acme.example:x", WRONG),
        ("https://[::1", WRONG),
        ("updates.acme.example", WRONG),
        ("https://acme.example", ELSEWHERE),
        ("https://updates.acme.example.evil.example", ELSEWHERE),
    ],
)
def test_an_address_that_does_not_lead_here_is_refused(address: str, sentence: str, brand: Brand, root: Client) -> None:
    assert sentence in text_of(save_form(root, brand, domain=address))
    assert Brand.objects.get().domain == ""


@pytest.mark.parametrize(
    "address", ["https://updates.acme.example", "https://acme.customers.example", "https://updates.acme.example:8443"]
)
def test_an_address_of_this_installation_is_taken(address: str, brand: Brand, root: Client) -> None:
    save_form(root, brand, domain=f"{address}/")
    assert Brand.objects.get().domain == address


def test_a_sender_is_checked_and_its_dns_is_told_of(brand: Brand, root: Client) -> None:
    assert "Enter an address, or a name and an address" in text_of(save_form(root, brand, from_email="Acme"))
    page = text_of(save_form(root, brand, from_email="Acme <care@acme.example>", reply_to="care@acme.example"))
    assert "Its SPF record must allow that server" in page
    assert "DKIM for acme.example" in page
    assert "SPF" not in text_of(save_form(root, brand, from_email="Acme <acme@push.example>"))


def test_the_doctor_names_an_address_that_was_taken_away(brand: Brand, settings: Any) -> None:
    Brand.objects.update(domain="https://updates.acme.example", from_email="no-reply@acme.example", slug="acme")
    said = StringIO()
    with contextlib.suppress(CommandError):
        call_command("doctor", stdout=said, stderr=said)
    assert "sends the e-mails of acme.example." in said.getvalue()
    assert "is wrong" not in said.getvalue()
    settings.ALLOWED_HOSTS = ["testserver"]
    Brand.objects.update(from_email="Acme")
    with pytest.raises(CommandError) as faults:
        call_command("doctor", stdout=StringIO(), stderr=StringIO())
    assert "The address of the pages of the brand acme, https://updates.acme.example, is wrong." in str(faults.value)
    assert "add it to ALLOWED_HOSTS" in str(faults.value)
    assert "The sender of the brand acme is wrong." in str(faults.value)


def test_a_brand_says_as_whom_it_sends_and_gets_a_key_of_its_own(brand: Brand, root: Client, settings: Any) -> None:
    settings.FIREBASE_CREDENTIALS = {}
    shown = text_of(root.get(page_of(brand)))
    assert "The key of the installation." in shown and "none: apps of this brand cannot register" in shown
    assert "Remove unused push keys" not in shown

    new = reverse("admin:notifications_brand_new_push_key", args=[brand.pk])
    assert root.get(new).status_code == 200 and not brand.push_keys.exists()
    for _ in range(2):
        assert "The brand has a new push key." in text_of(root.post(new, follow=True))
    newest, old = brand.push_keys.all()
    settings.FIREBASE_CREDENTIALS = {"default": ServiceAccount("general-1", {"client_email": "push@general-1.example"})}
    shown = text_of(root.get(page_of(brand)))
    assert f"{newest.public_key[:16]}… new browsers use it" in shown
    assert f"{old.public_key[:16]}… still signs" in shown
    assert "general-1, that of all other brands" in shown

    remove = reverse("admin:notifications_brand_remove_push_keys", args=[brand.pk])
    assert "1 key was removed." in text_of(root.post(remove, follow=True))
    assert list(brand.push_keys.all()) == [newest]
    brand.push_keys.update(private_key="")
    assert "cannot be read: none of ENCRYPTION_KEYS opens it" in text_of(root.get(page_of(brand)))
