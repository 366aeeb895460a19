"""In whose name answers are given, on the desk: how people sign in at an engine, and who has."""

import re
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from notifications.admin.engines.engine_accounts import USED
from notifications.models import ConnectedAccount, Engine, PersonalSignIn
from notifications.reasons import said
from tests.admin.pages import add_row, adding, errors_of, list_of, page_of, press, save_form, text_of
from tests.admin.world import World

BASE = "https://workflow.acme.example/v1"
SIGN_IN = {
    "mode": "person",
    "authorize_url": "https://id.acme.example/authorize",
    "token_url": "https://id.acme.example/token",
    "client_id": "wfpush",
    "new_client_secret": "geheim-und-lang",
    "scope": "openid offline_access",
}


@pytest.fixture
def engine(world: World) -> Engine:
    Engine.objects.filter(pk=world.engine.pk).update(kind="opentext", callback_url=BASE)
    return Engine.objects.get(pk=world.engine.pk)


def save(client: Client, engine: Engine, **fields: str) -> Any:
    named = {name if name in ("kind", "callback_url") else f"personal-0-{name}": said for name, said in fields.items()}
    return save_form(client, engine, **named)


def saved(client: Client, engine: Engine, **fields: str) -> PersonalSignIn:
    assert "was changed successfully" in text_of(save(client, engine, **fields))
    return PersonalSignIn.objects.get()


def refused(client: Client, engine: Engine, field: str, **fields: str) -> str:
    errors = errors_of(save(client, engine, **fields), "personal")
    assert list(errors) == [field]
    return str(errors[field][0])


@pytest.fixture
def account(engine: Engine, world: World) -> ConnectedAccount:
    now = timezone.now()
    return ConnectedAccount.objects.create(
        engine=engine,
        recipient=world.bob,
        name="bob@acme.example",
        access_token="person-token-of-bob",
        refresh_token="refresh-of-bob",
        expires_at=now,
        connected_at=now - timedelta(days=3),
    )


# --- how people sign in -----------------------------------------------------------------------------------------------
def test_nothing_is_kept_until_somebody_wants_it(engine: Engine, root: Client) -> None:
    assert "was changed successfully" in text_of(save(root, engine, callback_url=f"{BASE}/"))
    assert not PersonalSignIn.objects.exists()


def test_people_sign_in_themselves(engine: Engine, administrator: Client) -> None:
    made = saved(administrator, engine, **SIGN_IN)
    assert (made.mode, made.authorize_url, made.client_id) == ("person", SIGN_IN["authorize_url"], "wfpush")
    assert made.client_secret == "geheim-und-lang"
    page = administrator.get(page_of(engine))
    assert "Register this redirect address there: " in text_of(page)
    assert f"/accounts/{engine.slug}/return" in text_of(page)
    assert "geheim-und-lang" not in page.content.decode()
    [change] = Engine.history.filter(history_change_reason__startswith="People's sign-in")
    assert "client_secret" in change.history_change_reason
    assert "geheim" not in change.history_change_reason


def test_a_secret_stays_until_another_is_written_and_goes_when_nobody_needs_it(engine: Engine, root: Client) -> None:
    saved(root, engine, **SIGN_IN)
    assert saved(root, engine, scope="openid", mode="either").client_secret == "geheim-und-lang"
    made = saved(root, engine, mode="service")
    assert [made.client_secret, *(getattr(made, name) for name in USED if name != "new_client_secret")] == [""] * 5


def test_a_public_client_has_no_secret(engine: Engine, root: Client) -> None:
    assert saved(root, engine, **{**SIGN_IN, "new_client_secret": ""}).client_secret == ""


@pytest.mark.parametrize("field", ["authorize_url", "token_url", "client_id"])
def test_what_people_need_to_sign_in_is_asked_for(field: str, engine: Engine, root: Client) -> None:
    assert refused(root, engine, field, **{**SIGN_IN, field: ""}) == "People cannot sign in without it."


def test_a_secret_does_not_follow_an_address_to_another_host(engine: Engine, root: Client) -> None:
    saved(root, engine, **SIGN_IN)
    moved = "https://elsewhere.example/token"
    assert "now be sent to another host" in refused(root, engine, "new_client_secret", token_url=moved)
    assert saved(root, engine, token_url=moved, new_client_secret="neu-und-lang").client_secret == "neu-und-lang"


def test_addresses_that_are_none_are_refused(engine: Engine, root: Client, settings: Settings) -> None:
    settings.BASE_URL = "https://wfpush.acme.example"
    plain = {**SIGN_IN, "authorize_url": "http://id.acme.example/authorize"}
    assert refused(root, engine, "authorize_url", **plain) == "Enter an address that begins with https://."
    assert "127.0.0.1" in refused(root, engine, "token_url", **{**SIGN_IN, "token_url": "https://127.0.0.1/token"})
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    assert saved(root, engine, **{**SIGN_IN, "token_url": "https://127.0.0.1/token"}).mode == "person"


def test_another_kind_keeps_none_of_it(engine: Engine, root: Client, account: ConnectedAccount) -> None:
    saved(root, engine, **SIGN_IN)
    save(root, engine, kind="webhook")
    assert (PersonalSignIn.objects.count(), ConnectedAccount.objects.count()) == (0, 0)


def test_a_new_engine_can_be_set_up_in_one_go(db: None, root: Client) -> None:
    fields = {f"personal-0-{name}": said for name, said in SIGN_IN.items()}
    assert "Save to see the redirect address" in text_of(root.get(adding(Engine)))
    page = add_row(root, Engine, name="Claims", slug="claims", kind="camunda8", callback_url=BASE, **fields)
    assert "was added successfully" in text_of(page)
    assert PersonalSignIn.objects.get().engine.slug == "claims"


def test_an_operator_sees_it_and_changes_nothing(engine: Engine, operator: Client) -> None:
    PersonalSignIn.objects.create(engine=engine, mode="person", client_id="wfpush", client_secret="geheim-und-lang")
    shown = operator.get(page_of(engine))
    assert "stored, encrypted" in text_of(shown)
    assert "geheim-und-lang" not in shown.content.decode()


@pytest.mark.parametrize(
    ("mode", "said"), [("person", "own name, with their connected account"), ("either", "otherwise with our own")]
)
def test_the_preview_says_in_whose_name(mode: str, said: str, engine: Engine, root: Client) -> None:
    PersonalSignIn.objects.create(engine=engine, mode=mode)
    preview = text_of(root.get(page_of(engine, "what_would_be_sent")))
    assert said in preview
    assert "Authorization Bearer …" in preview


# --- who has connected ------------------------------------------------------------------------------------------------
def test_the_list_says_who_is_connected_and_what_ended(engine: Engine, account: ConnectedAccount, root: Client) -> None:
    PersonalSignIn.objects.create(engine=engine, mode="person")
    shown = text_of(root.get(list_of(ConnectedAccount)))
    assert re.search(r"Bob\b.*bob@acme.example \w{3} \d+ \w{3} \d\d:\d\d valid", shown), shown
    assert "1 person has connected their account." in text_of(root.get(page_of(engine)))
    ConnectedAccount.objects.update(ended_at=timezone.now(), end_reason_fact=said("Token is not active").as_json())
    assert "has ended Token is not active" in text_of(root.get(list_of(ConnectedAccount, "works=no")))
    for address in (list_of(ConnectedAccount), page_of(account)):
        assert "of-bob" not in root.get(address).content.decode()


def test_an_account_is_taken_out_after_asking_and_that_is_on_record(account: ConnectedAccount, root: Client) -> None:
    address = page_of(account, "take_out")
    assert "will have to sign in at" in text_of(root.get(address))
    assert ConnectedAccount.objects.exists()
    assert "is no longer connected with" in text_of(press(root, address))
    assert not ConnectedAccount.objects.exists()
    assert "is no longer connected with" in LogEntry.objects.get().change_message
