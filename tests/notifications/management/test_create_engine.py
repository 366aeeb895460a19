"""`manage.py create_engine`: an engine from the command line, by the rules of the desk."""

import json
from io import StringIO
from ipaddress import ip_network
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from notifications.models import ApiKey, Engine, Scope, SigningSecret
from notifications.models.validators import MAX_ADDRESS
from notifications.reasons import said
from wfpush.crypto import digest_of

pytestmark = pytest.mark.django_db
ADDRESS = "https://engine.example/answers"


def create(slug: str = "invoices", **options: Any) -> dict[str, str]:
    """What the command prints in its last line."""
    said = StringIO()
    call_command("create_engine", slug, stdout=said, **options)
    made: dict[str, str] = json.loads(said.getvalue().splitlines()[-1])
    return made


def test_its_last_line_has_all_that_the_engines_developer_needs() -> None:
    made = create("order-desk", callback_url=ADDRESS)

    engine = Engine.objects.get(slug="order-desk")
    assert (engine.name, engine.callback_url, engine.takes_answers) == ("Order desk", ADDRESS, True)
    assert ApiKey.objects.get(digest=digest_of(made["api_key"])).scopes == Scope.values
    assert made["signing_secret"] == SigningSecret.objects.get(engine=engine).secret


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://127.0.0.1:9000/callback", "127.0.0.1 is a loopback address"),
        ("http://10.1.2.3/callback", "OUTBOUND_ALLOWED_CIDRS"),
        ("http://169.254.169.254/latest", "169.254.169.254"),
        ("ftp://engine.example/in", "The address must begin with https:// or http://."),
        ("https://alice:secret@engine.example/", "user name or password"),
        ("https://engine/answers", "valid URL"),
        (f"https://engine.example/{'a' * MAX_ADDRESS}", "500"),
    ],
)
def test_an_address_that_the_desk_refuses_is_refused_here_too(address: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        create(callback_url=address)

    assert not Engine.objects.exists()


def test_an_address_in_a_network_that_the_settings_admit_is_taken(settings: Settings) -> None:
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("10.1.0.0/16")]

    create(callback_url="http://10.1.2.3/callback")

    assert Engine.objects.get().callback_url == "http://10.1.2.3/callback"


def test_a_second_run_gives_another_key_and_keeps_the_rest() -> None:
    first, second = create(callback_url=ADDRESS), create(scopes="events")

    assert first["api_key"] != second["api_key"]
    assert first["signing_secret"] == second["signing_secret"]
    assert Engine.objects.get().callback_url == ADDRESS
    assert [key.scopes for key in ApiKey.objects.order_by("pk")] == [Scope.values, ["events"]]


def test_a_new_address_ends_what_a_410_of_the_old_one_stopped() -> None:
    create(callback_url=ADDRESS)
    Engine.objects.update(
        callback_disabled_at=timezone.now(), callback_disabled_reason_fact=said("Gone (410).").as_json()
    )

    create(callback_url=ADDRESS)
    assert not Engine.objects.get().takes_answers, "it is the address that is gone"
    create(callback_url="https://engine.example/new")
    assert Engine.objects.get().takes_answers


@pytest.mark.parametrize(
    ("slug", "options", "sentence"),
    [
        ("in voices", {}, "is not a slug"),
        ("invoices", {"scopes": "events,everything"}, "Unknown scopes: everything"),
        ("invoices", {"scopes": ""}, "none given"),
    ],
)
def test_what_makes_no_sense_is_refused(slug: str, options: dict[str, str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        create(slug, **options)
