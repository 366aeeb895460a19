"""FIREBASE_CREDENTIALS: one project or several by brand, refused with a sentence that helps; signing in at Google."""

import asyncio
import json
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from firebase_admin import messaging
from google.auth.exceptions import GoogleAuthError, RefreshError

from notifications.channels.fcm import config
from notifications.channels.fcm import projects as firebase
from notifications.channels.fcm.accounts import UnknownProject, project_of
from tests.pushlab.fcm import Google, google_on_loopback
from wfpush.config.env import Environment

ACME, ZENITH = "acme-prod", "zenith-prod"


@pytest.fixture
def google(settings: LazySettings) -> Iterator[Google]:
    settings.PUSH_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    with google_on_loopback() as google:
        yield google


def read(value: str) -> dict[str, str]:
    """Brand to project id, as settings.py reads the variable."""
    environment = Environment({"FIREBASE_CREDENTIALS": value}, Path("/nowhere"))
    accounts = config.read(environment, "")["FIREBASE_CREDENTIALS"]
    return {brand: account.project_id for brand, account in accounts.items()}


def refusal(value: str) -> str:
    with pytest.raises(ImproperlyConfigured) as refused:
        read(value)
    return str(refused.value)


# --- the setting ------------------------------------------------------------------------------------------------------
def test_without_the_setting_there_is_no_app(settings: LazySettings) -> None:
    settings.FIREBASE_CREDENTIALS = config.accounts_in("")

    assert project_of("acme") is None


def test_one_account_is_for_every_brand_as_path_or_as_it_is(google: Google, tmp_path: Path) -> None:
    account = json.dumps(google.account(ACME))
    (tmp_path / "account.json").write_text(account)

    assert read(account) == read(str(tmp_path / "account.json")) == {"default": ACME}


def test_several_projects_go_by_brand(google: Google, tmp_path: Path, settings: LazySettings) -> None:
    (tmp_path / "zenith.json").write_text(json.dumps(google.account(ZENITH)))
    value = json.dumps({"default": google.account(ACME), "zenith": str(tmp_path / "zenith.json")})
    settings.FIREBASE_CREDENTIALS = config.accounts_in(value)

    assert read(value) == {"default": ACME, "zenith": ZENITH}
    assert project_of("zenith") == ZENITH
    assert project_of("some other brand") == project_of(None) == project_of("") == ACME


def test_a_brand_without_account_has_no_app_where_there_is_no_default(google: Google, settings: LazySettings) -> None:
    settings.FIREBASE_CREDENTIALS = config.accounts_in(json.dumps({"zenith": google.account(ZENITH)}))

    assert project_of("zenith") == ZENITH
    assert project_of("acme") is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("/no/such/file.json", "It names a file that cannot be read (No such file or directory)"),
        ('{"type": "service_account"', "It is not JSON"),
        ('{"type": ' + "[" * 5000, "It is not JSON"),
        ("{}", "It is neither a path nor a JSON object"),
        ('{"type": "authorized_user"}', "It is not a service account"),
        ('{"type": "service_account", "project_id": ""}', "without project_id, client_email, private_key, token_uri"),
        ('{"acme": 7}', "“acme” is neither a path nor a JSON object"),
        ('{"acme": "/no/such/file.json"}', "“acme” names a file that cannot be read"),
        ('{"acme": {"type": "service_account"}}', "“acme” is a service account without"),
    ],
)
def test_a_wrong_value_refuses_to_start_and_says_what_to_write(value: str, said: str) -> None:
    sentence = refusal(value)

    assert sentence.startswith("FIREBASE_CREDENTIALS: ")
    assert said in sentence
    assert "Generate new private key" in sentence


def test_a_key_of_another_kind_is_refused_and_never_repeated(google: Google) -> None:
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    for private_key, said in (("MIIEvQ-secret", "is no key"), (curve.decode(), "is not RSA")):
        sentence = refusal(json.dumps(google.account(ACME) | {"private_key": private_key}))
        assert said in sentence
        assert private_key[:12] not in sentence


def test_two_accounts_of_one_project_are_refused(google: Google) -> None:
    accounts = {"acme": google.account(ACME), "zenith": google.account(ACME) | {"private_key_id": "2"}}

    assert f"“zenith” gives another account for {ACME}" in refusal(json.dumps(accounts))
    assert read(json.dumps({"acme": google.account(ACME), "zenith": google.account(ACME)}))


def test_the_key_is_not_shown_where_settings_are(google: Google) -> None:
    accounts = config.accounts_in(json.dumps(google.account(ACME)))

    assert "PRIVATE" not in repr(accounts)


# --- signing in -------------------------------------------------------------------------------------------------------
def message(address: str = "alices-phone") -> messaging.Message:
    made = messaging.Message(
        data={"v": "1"},
        android=messaging.AndroidConfig(priority="high", ttl=60),
        apns=messaging.APNSConfig({"apns-collapse-id": "t"}, messaging.APNSPayload(messaging.Aps(badge=1))),
        webpush=messaging.WebpushConfig({"Topic": "t"}),
    )
    made.token = address
    return made


@pytest.fixture
async def project(google: Google, settings: LazySettings) -> firebase.Project:
    settings.FIREBASE_CREDENTIALS = config.accounts_in(json.dumps(google.account(ACME)))
    return await firebase.Projects().of(ACME)


async def test_a_hundred_messages_at_once_sign_in_once(google: Google, project: firebase.Project) -> None:
    await asyncio.gather(*(project.send(message()) for _ in range(100)))

    assert google.sign_ins == 1
    assert [name for name, _ in google.messages] == [ACME] * 100


async def test_a_slow_sign_in_holds_nobody_else_up(google: Google, project: firebase.Project) -> None:
    google.sign_in_takes = 0.5
    sending = asyncio.create_task(project.send(message()))

    longest, last = 0.0, time.monotonic()
    while not sending.done():
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()

    assert await sending is None
    assert longest < 0.25


async def test_an_access_token_that_ended_early_is_renewed_at_once(google: Google, project: firebase.Project) -> None:
    await project.send(message())
    google.end_access()
    await asyncio.gather(*(project.send(message()) for _ in range(10)))

    assert len(google.messages) == 11
    assert google.sign_ins == 2


async def test_a_refused_sign_in_is_told_to_all_who_wait_and_tried_again_later(
    google: Google, project: firebase.Project
) -> None:
    google.sign_in_answers = [(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})]
    google.sign_in_takes = 0.1
    faults = await asyncio.gather(*(project.send(message()) for _ in range(5)), return_exceptions=True)

    assert [type(fault) for fault in faults] == [RefreshError] * 5
    assert google.sign_ins == 1
    await project.send(message())
    assert len(google.messages) == 1


async def test_a_key_that_google_does_not_know_is_refused(google: Google, settings: LazySettings) -> None:
    stranger = google.account(ACME) | {"client_email": "mallory@example.org"}
    settings.FIREBASE_CREDENTIALS = config.accounts_in(json.dumps(stranger))
    project = await firebase.Projects().of(ACME)

    with pytest.raises(GoogleAuthError, match="invalid_grant"):
        await project.send(message())


async def test_each_project_signs_in_for_itself_and_closing_gives_everything_back(
    google: Google, settings: LazySettings
) -> None:
    accounts = {"default": google.account(ACME), "zenith": google.account(ZENITH)}
    settings.FIREBASE_CREDENTIALS = config.accounts_in(json.dumps(accounts))
    projects = firebase.Projects()
    for _ in range(2):  # after closing it can be opened again
        for name in (ACME, ZENITH):
            await (await projects.of(name)).send(message())
        await projects.close()

    assert [name for name, _ in google.messages] == [ACME, ZENITH] * 2
    assert google.sign_ins == 4
    with pytest.raises(UnknownProject):
        await projects.of("long-gone")


def test_firebase_admin_still_has_what_is_changed_in_it(google: Google) -> None:
    """Its address of Google, here, and its client, in notifications/channels/fcm/projects.py."""
    assert messaging._MessagingService.FCM_URL.startswith(google.url)
    with google_on_loopback() as another:
        assert messaging._MessagingService.FCM_URL.startswith(another.url)
    assert "_async_client.request" in Path(messaging.__file__).read_text(encoding="utf-8")
