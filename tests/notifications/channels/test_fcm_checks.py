"""What the doctor says of Firebase: which project sends for which brand, and whether Google lets its account in."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from notifications.channels.fcm import config
from notifications.channels.fcm.checks import diagnose
from notifications.models import AddressKind, Device
from tests.factories import BrandFactory, RecipientFactory
from tests.pushlab.fcm import Google, google_on_loopback

pytestmark = pytest.mark.django_db


@pytest.fixture
def google() -> Iterator[Google]:
    with google_on_loopback() as google:
        yield google


def credentials(settings: Settings, google: Google, **projects: str) -> None:
    said = {brand: google.account(project) for brand, project in projects.items()}
    settings.FIREBASE_CREDENTIALS = config.accounts_in(json.dumps(said))


def looked() -> tuple[list[str], list[str]]:
    said: list[Any] = []
    return list(diagnose(said.append)), said


def test_it_says_which_project_sends_for_which_brand(settings: Settings, google: Google) -> None:
    BrandFactory(slug="acme"), BrandFactory(slug="zenith")
    credentials(settings, google, default="general-1", acme="acme-2")

    faults, said = looked()

    assert faults == []
    assert said == [
        "Brand acme: Firebase project acme-2",
        "Brand zenith: Firebase project general-1, that of all others",
    ]
    assert google.sign_ins == 2


def test_a_misspelt_brand_and_apps_of_a_project_that_is_gone_are_faults(settings: Settings, google: Google) -> None:
    BrandFactory(slug="acme")
    credentials(settings, google, acne="acme-2")
    Device.objects.create(
        recipient=RecipientFactory(), channel="fcm", address="x", address_kind=AddressKind.TOKEN, digest="x",
        sender="gone-9", name="Phone",
    )  # fmt: skip

    faults, said = looked()

    assert said == ["Brand acme: no Firebase project"]
    assert [fault.partition(":")[0] for fault in faults] == [
        "FIREBASE_CREDENTIALS names the brand acne, which there is not",
        "1 apps registered under Firebase projects that FIREBASE_CREDENTIALS no longer has",
    ]


def test_a_key_that_google_no_longer_accepts_is_a_fault_and_an_outage_is_none(
    settings: Settings, google: Google
) -> None:
    credentials(settings, google, default="general-1")
    refused = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
    google.sign_in_answers = [(400, refused)]
    (fault,), _ = looked()
    assert fault.startswith("Google does not let the service account of “general-1” sign in: ")
    settings.FIREBASE_CREDENTIALS["default"].info["token_uri"] = "http://127.0.0.1:9/token"
    faults, said = looked()
    assert faults == []
    assert said[-1].startswith("note: Google's sign-in did not answer: ")
