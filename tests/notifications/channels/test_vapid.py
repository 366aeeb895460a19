"""VAPID: tokens that push services accept, made once an origin, under the key that each browser knows."""

import json
import time
from io import StringIO
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from py_vapid import Vapid02
from pytest_django import Settings

from notifications.channels.webpush import vapid
from notifications.models import AddressKind, Device
from tests.factories import RecipientFactory
from wfpush.config import env
from wfpush.embedded import datafolder
from wfpush.security import vapid_keys

OLD, NEW = vapid_keys.new_private_key(), vapid_keys.new_private_key()
ORIGIN = "https://updates.push.services.mozilla.com"
HOUR = 3600
NOON = float(int(time.time()))


def public(private: str) -> str:
    """The public key as another implementation derives it."""
    return vapid_keys.public_key(Vapid02.from_string(private))


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> None:
    settings.VAPID_PRIVATE_KEY = [NEW, OLD]
    settings.VAPID_SUBJECT = "mailto:ops@example.com"


def claims(header: str) -> dict[str, object]:
    scheme, _, token = header.partition(" ")
    assert scheme == "vapid"
    content = token.removeprefix("t=").split(", k=")[0].split(".")[1]
    found: dict[str, object] = json.loads(vapid_keys.decode(content))
    return found


def verified(header: str) -> bool:
    """By another implementation, which knows the parameters without a blank between them."""
    return bool(Vapid02.verify(header.replace(", k=", ",k=")))


@pytest.mark.parametrize("private", [NEW, OLD], ids=["newest", "older"])
def test_another_implementation_accepts_the_token_of_either_key(private: str) -> None:
    header = vapid.signer().authorization(public(private), ORIGIN, NOON)

    assert verified(header)
    assert header.endswith(f", k={public(private)}")
    assert claims(header) == {"aud": ORIGIN, "exp": int(NOON) + 12 * HOUR, "sub": "mailto:ops@example.com"}


def test_a_token_is_not_accepted_under_another_key() -> None:
    header = vapid.signer().authorization(public(NEW), ORIGIN, NOON)

    assert not verified(header.replace(public(NEW), public(OLD)))


def test_browsers_are_told_the_newest_key_and_a_device_without_one_is_sent_to_under_it() -> None:
    assert vapid.signer().public_keys == [public(NEW), public(OLD)]
    assert vapid.signer().public_key == public(NEW)
    assert vapid.signer().authorization("", ORIGIN, NOON).endswith(f", k={public(NEW)}")


def test_a_token_is_made_once_an_origin_and_again_an_hour_before_its_end() -> None:
    first = vapid.signer().authorization("", ORIGIN, NOON)

    assert vapid.signer().authorization("", ORIGIN, NOON + 11 * HOUR - 1) == first
    assert (
        claims(vapid.signer().authorization("", "https://fcm.googleapis.com", NOON))["aud"]
        == "https://fcm.googleapis.com"
    )
    later = vapid.signer().authorization("", ORIGIN, NOON + 11 * HOUR)
    assert claims(later)["exp"] == NOON + 23 * HOUR


def test_after_the_clock_was_set_back_no_token_ends_more_than_a_day_from_now() -> None:
    vapid.signer().authorization("", ORIGIN, NOON + 48 * HOUR)

    assert claims(vapid.signer().authorization("", ORIGIN, NOON))["exp"] == NOON + 12 * HOUR


def test_many_origins_do_not_fill_the_memory() -> None:
    signer = vapid.Signer((NEW,), "mailto:ops@example.com")
    for number in range(2100):
        signer.authorization("", f"https://{number}.google.com", NOON)

    assert len(signer._tokens) <= 1000


def test_a_key_that_was_taken_away_signs_nothing(settings: Settings) -> None:
    vapid.signer().authorization(public(OLD), ORIGIN, NOON)
    settings.VAPID_PRIVATE_KEY = [NEW]

    with pytest.raises(vapid.UnknownSender, match="neither VAPID_PRIVATE_KEY nor a brand holds"):
        vapid.signer().authorization(public(OLD), ORIGIN, NOON)


# --- settings ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "VAPID_PRIVATE_KEY is missing"),
        (f"{NEW},{'A' * 42}", "key 2 has 31 bytes instead of 32"),
        ("A" * 43, "key 1 is no key of the curve P-256"),
        ("_" * 42 + "8", "key 1 is no key of the curve P-256"),
        ("!" * 43, "key 1 is not base64url"),
    ],
    ids=["none", "short", "zero", "beyond the curve's order", "not base64url"],
)
def test_a_key_that_is_none_is_refused_at_the_start(value: str, words: str) -> None:
    environment = env.Environment({"VAPID_PRIVATE_KEY": value}, Path("nowhere"))

    with pytest.raises(ImproperlyConfigured, match=words):
        environment.signing_keys("VAPID_PRIVATE_KEY")


def test_keys_are_read_newest_first_with_or_without_padding() -> None:
    environment = env.Environment({"VAPID_PRIVATE_KEY": f"{NEW}=, {OLD}"}, Path("nowhere"))

    assert environment.signing_keys("VAPID_PRIVATE_KEY") == [f"{NEW}=", OLD]


def test_a_data_folder_gets_a_key_that_can_sign(tmp_path: Path) -> None:
    datafolder.prepare(tmp_path / "data", env.GENERATED)
    environment = env.Environment(env.parse(datafolder.read_secrets(tmp_path / "data")), tmp_path)

    assert len(environment.signing_keys("VAPID_PRIVATE_KEY")) == 1


@pytest.mark.parametrize(
    ("value", "base_url", "subject"),
    [
        ("", "https://push.example.com", "https://push.example.com"),
        ("", "http://127.0.0.1:8000", "mailto:admin@localhost"),
        ("mailto:ops@example.com", "https://push.example.com", "mailto:ops@example.com"),
    ],
)
def test_the_subject_is_the_installation_if_nothing_else_is_said(value: str, base_url: str, subject: str) -> None:
    environment = env.Environment({"VAPID_SUBJECT": value}, Path("nowhere"))

    assert environment.contact("VAPID_SUBJECT", base_url=base_url) == subject


def test_a_subject_that_nobody_can_write_to_is_refused() -> None:
    environment = env.Environment({"VAPID_SUBJECT": "ops@example.com"}, Path("nowhere"))

    with pytest.raises(ImproperlyConfigured, match=r"must begin with mailto: or https://"):
        environment.contact("VAPID_SUBJECT", base_url="http://127.0.0.1")


# --- the command ------------------------------------------------------------------------------------------------------
def run(*arguments: str) -> str:
    out = StringIO()
    call_command("vapid", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_command_counts_browsers_by_the_key_they_know() -> None:
    lost = public(vapid_keys.new_private_key())
    for number, sender in enumerate([public(OLD), public(NEW), public(OLD), lost]):
        Device.objects.create(
            recipient=RecipientFactory(),
            channel="webpush",
            address=f"{ORIGIN}/{number}",
            address_kind=AddressKind.ENDPOINT,
            digest=str(number),
            sender=sender,
            name="Firefox on Linux",
        )

    assert run().splitlines() == [
        f"{public(NEW)}  1 browser, newest",
        f"{public(OLD)}  2 browsers",
        f"{lost}  1 browser, key unknown: no push until they subscribe again",
    ]


def test_a_new_key_comes_as_a_line_for_the_environment_with_the_way_to_use_it() -> None:
    shown = run("--new")

    assert "Put it in front of VAPID_PRIVATE_KEY" in shown
    fresh = env.parse(shown)["VAPID_PRIVATE_KEY"]
    assert public(fresh) not in vapid.signer().public_keys
    assert run("--new") != shown
