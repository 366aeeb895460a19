"""What engines may write about people and teams, and the ways in they may hand out."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from notifications.models import Engine, Recipient, RecipientToken, Scope, SignInLink, Team
from tests.factories import BrandFactory, EngineFactory, RecipientFactory, TeamFactory
from tests.support.api import Caller, browser_of, engine_caller, is_problem, person_caller, pointers
from tests.support.length import some
from tests.support.story import Story
from wfpush.crypto import digest_of

PEOPLE = "/api/v1/recipients"


@pytest.fixture
def modest(invoices: Engine) -> Caller:
    """Invoices, with a key that may not write to the directory."""
    return engine_caller(invoices, [Scope.PEOPLE, Scope.TOKENS])


@pytest.fixture
def bob(db: None) -> Recipient:
    return RecipientFactory(ref="bob", name="Bob", email="bob@example.org", email_verified=True)


# --- external people ------------------------------------------------------------------------------
def test_an_engine_keeps_its_own_customers(modest: Caller, invoices: Engine) -> None:
    brand = BrandFactory(slug="acme")
    said = {
        "name": "Zoë", "email": "zoe@example.com", "phone": "+49 30 1234", "locale": "pt-BR",
        "timezone": "America/Sao_Paulo", "external": True, "brand": "acme",
    }  # fmt: skip
    created = modest.put(f"{PEOPLE}/C-9", said)

    assert created.status_code == 201
    assert created.json() == {"ref": "C-9", "manager": None, "teams": [], **said}
    person = Recipient.objects.get(ref="C-9")
    assert (person.engine, person.brand, person.user, person.email_verified) == (invoices, brand, None, False)

    changed = modest.put(f"{PEOPLE}/C-9", {"external": True, "name": "Zoë B.", "brand": None})
    assert changed.status_code == 200
    assert changed.json() == created.json() | {"name": "Zoë B.", "brand": None}


def test_a_ref_that_is_known_to_be_external_need_not_say_so(modest: Caller) -> None:
    modest.put(f"{PEOPLE}/C-9", {"external": True})

    assert modest.put(f"{PEOPLE}/C-9", {"phone": "1"}).status_code == 200
    assert Recipient.objects.get().phone == "1"


def test_external_refs_are_an_engines_own(modest: Caller, bob: Recipient) -> None:
    other = engine_caller(EngineFactory(slug="claims"), [Scope.PEOPLE])

    assert modest.put(f"{PEOPLE}/C-9", {"external": True, "name": "Ours"}).status_code == 201
    assert other.put(f"{PEOPLE}/C-9", {"external": True, "name": "Theirs"}).status_code == 201
    assert modest.put(f"{PEOPLE}/bob", {"external": True, "name": "Not Bob"}).status_code == 201
    bob.refresh_from_db()
    assert bob.name == "Bob"
    assert Recipient.objects.filter(ref="C-9").count() == 2


def test_teams_and_managers_of_external_people_are_the_directorys_too(modest: Caller) -> None:
    for member in ({"teams": []}, {"manager": None}):
        assert is_problem(modest.put(f"{PEOPLE}/C-9", {"external": True, **member}), 403, "scope_missing")
    assert not Recipient.objects.exists()


# --- internal people, without the directory -------------------------------------------------------
@pytest.mark.parametrize(
    "members", [{}, {"name": "Robert"}, {"locale": "de"}, {"timezone": "Europe/Berlin"}, {"email": "x@example.org"}]
)
def test_nothing_is_written_of_people_who_sign_in(modest: Caller, bob: Recipient, members: dict[str, Any]) -> None:
    answer = modest.put(f"{PEOPLE}/bob", members)

    assert is_problem(answer, 403, "scope_missing")
    bob.refresh_from_db()
    assert (bob.name, bob.locale, bob.timezone) == ("Bob", "en", "")


def test_nor_by_an_event_that_names_them(db: None) -> None:
    story = Story.begin()
    named = {"ref": "bob", "name": "Mallory", "locale": "de"}
    story.assign(assignee=named, candidates=[named], initiator=named)
    story.happen("case.status_changed", {"case": {"id": "4711", "roles": {"owner": [named]}}, "recipients": [named]})

    assert Recipient.objects.get(ref="bob", engine=None).name == "Bob"
    assert not Recipient.objects.filter(name="Mallory").exists()


def test_people_without_an_account_and_new_ones_are_the_directorys(modest: Caller) -> None:
    RecipientFactory(ref="dave", user=None)

    assert is_problem(modest.put(f"{PEOPLE}/dave", {"name": "D"}), 403, "scope_missing")
    assert is_problem(modest.put(f"{PEOPLE}/erin", {"name": "E"}), 403, "scope_missing")
    assert is_problem(modest.put(f"{PEOPLE}/erin", {"name": "E", "external": False}), 403, "scope_missing")


# --- with the directory ---------------------------------------------------------------------------
def test_the_directory_may_write_everybody(engine: Caller, bob: Recipient) -> None:
    finance, legal = TeamFactory(slug="finance"), TeamFactory(slug="legal", members=[bob])
    said = {"name": "Erin", "email": "erin@example.org", "manager": "bob", "teams": ["finance"]}

    assert engine.put(f"{PEOPLE}/erin", said).status_code == 201
    assert engine.put(f"{PEOPLE}/bob", {"teams": ["finance"]}).json()["teams"] == ["finance"]

    erin = Recipient.objects.get(ref="erin")
    assert (erin.engine, erin.manager, erin.email_verified) == (None, bob, True)
    assert set(finance.members.all()) == {bob, erin}
    assert not legal.members.exists()
    assert Team.history.filter(slug="finance").count() >= 2


def test_people_are_found_by_a_verified_address_too(engine: Caller, bob: Recipient) -> None:
    assert engine.put(f"{PEOPLE}/Bob@Example.org", {"name": "Robert"}).status_code == 200
    assert Recipient.objects.get().name == "Robert"

    Recipient.objects.update(email_verified=False)
    assert engine.put(f"{PEOPLE}/bob@example.org", {"name": "Another"}).status_code == 201


def test_what_is_left_out_stays_and_null_clears(engine: Caller, bob: Recipient) -> None:
    engine.put(f"{PEOPLE}/bob", {"phone": "1", "manager": None, "email": None})
    bob.refresh_from_db()
    assert (bob.name, bob.phone, bob.email, bob.email_verified) == ("Bob", "1", "", False)

    engine.put(f"{PEOPLE}/bob", {})
    bob.refresh_from_db()
    assert bob.phone == "1"


def test_a_put_that_changes_nothing_leaves_no_history(engine: Caller, bob: Recipient) -> None:
    before = Recipient.history.count()
    engine.put(f"{PEOPLE}/bob", {"name": "Bob", "email": "bob@example.org"})

    assert Recipient.history.count() == before


@pytest.mark.parametrize(
    ("said", "pointer"),
    some(
        [
            ({"name": 5}, "/name"),
            ({"name": "x" * 201}, "/name"),
            ({"name": None}, "/name"),
            ({"name": "\x00"}, "/name"),
            ({"email": "no address"}, "/email"),
            ({"email": 5}, "/email"),
            ({"locale": "de_"}, "/locale"),
            ({"locale": 5}, "/locale"),
            ({"timezone": "Mars/Olympus"}, "/timezone"),
            ({"timezone": "../etc/passwd"}, "/timezone"),
            ({"external": "yes"}, "/external"),
            ({"external": 1}, "/external"),
            ({"manager": "nobody"}, "/manager"),
            ({"manager": "bob"}, "/manager"),
            ({"manager": "C-9"}, "/manager"),
            ({"manager": ""}, "/manager"),
            ({"teams": "finance"}, "/teams"),
            ({"teams": ["finance", "nowhere"]}, "/teams/1"),
            ({"teams": [5]}, "/teams/0"),
            ({"brand": "nobody"}, "/brand"),
            ([], ""),
            ("text", ""),
        ],
        8,
    ),
)
def test_a_value_that_is_not_possible_is_pointed_at(engine: Caller, bob: Recipient, said: Any, pointer: str) -> None:
    TeamFactory(slug="finance")
    engine.put(f"{PEOPLE}/C-9", {"external": True})
    answer = engine.put(f"{PEOPLE}/bob", said)

    assert pointers(answer) == [pointer]


def test_members_of_our_own_are_ignored(engine: Caller, bob: Recipient) -> None:
    rights = {"is_staff": True, "is_superuser": True, "user": 1, "engine": 1, "active": False, "id": 7, "ref": "carol"}

    assert engine.put(f"{PEOPLE}/bob", rights).status_code == 200
    bob.refresh_from_db()
    assert bob.user is not None
    assert (bob.ref, bob.engine, bob.active, bob.user.is_staff) == ("bob", None, True, False)


@pytest.mark.parametrize("ref", ["a/b", "a/tokens", "tokens", "a/links", "ü 😀", "50%", "a%2Fb", "x" * 200, "a?b#c"])
def test_refs_are_any_text(engine: Caller, ref: str) -> None:
    answer = engine.put(f"{PEOPLE}/{quote(ref, safe='')}", {"name": "N"})

    assert (answer.status_code, answer.json()["ref"]) == (201, ref)
    assert engine.post(f"{PEOPLE}/{quote(ref, safe='')}/tokens", {}).status_code == 201


def test_a_ref_that_is_none_is_said_so(engine: Caller) -> None:
    assert is_problem(engine.put(f"{PEOPLE}/{'x' * 201}", {}), 422, "invalid")
    assert is_problem(engine.put(f"{PEOPLE}/a%07", {}), 422, "invalid")


# --- teams ----------------------------------------------------------------------------------------
def test_a_team_is_made_and_changed(engine: Caller, bob: Recipient) -> None:
    erin = RecipientFactory(ref="erin")
    said = {"name": "Finance", "lead": "bob", "members": ["erin", "bob"]}

    assert engine.put("/api/v1/teams/finance", said).status_code == 201
    changed = engine.put("/api/v1/teams/finance", {"members": ["erin"], "lead": None})

    assert changed.status_code == 200
    assert changed.json() == {"slug": "finance", "name": "Finance", "lead": None, "members": ["erin"]}
    assert list(Team.objects.get().members.all()) == [erin]
    assert engine.put("/api/v1/teams/finance", {}).json()["members"] == ["erin"]


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": 5}, "/name"),
        ({"lead": "nobody"}, "/lead"),
        ({"lead": "C-9"}, "/lead"),
        ({"members": ["bob", "nobody"]}, "/members/1"),
        ({"members": ["C-9"]}, "/members/0"),
        ({"members": "bob"}, "/members"),
    ],
)
def test_a_team_of_people_nobody_knows_is_refused(engine: Caller, bob: Recipient, said: Any, pointer: str) -> None:
    engine.put(f"{PEOPLE}/C-9", {"external": True})
    answer = engine.put("/api/v1/teams/finance", said)

    assert pointers(answer) == [pointer]
    assert not Team.objects.exists()


def test_a_slug_that_is_none_is_said_so(engine: Caller) -> None:
    for slug in ("a b", "ü", "x" * 101, "a.b"):
        assert is_problem(engine.put(f"/api/v1/teams/{slug}", {}), 422, "invalid")


# --- tokens and links -----------------------------------------------------------------------------
def test_a_customer_gets_a_token_for_the_portal(modest: Caller) -> None:
    modest.put(f"{PEOPLE}/C-9", {"external": True})
    given = modest.post(f"{PEOPLE}/C-9/tokens", {"label": "phone"})

    assert given.status_code == 201
    assert set(given.json()) == {"token", "expires_at"}
    row = RecipientToken.objects.get()
    assert row.digest == digest_of(given.json()["token"])
    assert row.expires_at > timezone.now() + timedelta(days=30)
    assert Caller(given.json()["token"]).get("/api/v1/notifications").json() == {"items": [], "next": None}


def test_a_link_signs_in_once_within_a_day(modest: Caller) -> None:
    modest.put(f"{PEOPLE}/C-9", {"external": True})
    given = modest.post(f"{PEOPLE}/C-9/links", {"next": "/?from=mail"})

    assert given.status_code == 201
    assert set(given.json()) == {"url", "expires_at"}
    assert SignInLink.objects.get().expires_at < timezone.now() + timedelta(hours=24, seconds=1)
    address = given.json()["url"].removeprefix(settings.BASE_URL)
    browser = Client()
    assert browser.get(address).status_code == 200
    assert browser.get("/api/v1/notifications").status_code == 401
    assert browser.post(address).headers["Location"] == "/?from=mail"
    assert browser.get("/api/v1/notifications").status_code == 200
    assert Client().post(address).status_code == 410


@pytest.mark.parametrize("way", ["tokens", "links"])
def test_who_may_be_given_a_way_in(engine: Caller, modest: Caller, bob: Recipient, way: str) -> None:
    admin = RecipientFactory(ref="admin")
    type(admin.user).objects.filter(pk=admin.user.pk).update(is_staff=True)
    engine_caller(EngineFactory(slug="claims")).put(f"{PEOPLE}/theirs", {"external": True})
    RecipientFactory(ref="gone", active=False)

    assert is_problem(modest.post(f"{PEOPLE}/bob/{way}", {}), 403, "scope_missing")
    assert engine.post(f"{PEOPLE}/bob/{way}", {}).status_code == 201
    assert is_problem(engine.post(f"{PEOPLE}/admin/{way}", {}), 403, "not_allowed")
    assert is_problem(engine.post(f"{PEOPLE}/gone/{way}", {}), 403, "not_allowed")
    assert is_problem(engine.post(f"{PEOPLE}/theirs/{way}", {}), 404, "not_found")
    assert is_problem(engine.post(f"{PEOPLE}/nobody/{way}", {}), 404, "not_found")


@pytest.mark.parametrize("next", ["https://evil.example", "//evil.example", "/\\evil.example", "inbox", "", 5, "/\n"])
def test_a_link_leads_nowhere_else(engine: Caller, bob: Recipient, next: object) -> None:
    answer = engine.post(f"{PEOPLE}/bob/links", {"next": next})

    assert pointers(answer) == ["/next"]


def test_bodies_may_be_left_out(engine: Caller, bob: Recipient) -> None:
    assert engine.post(f"{PEOPLE}/bob/tokens").status_code == 201
    assert engine.post(f"{PEOPLE}/bob/links").status_code == 201


# --- one's own ------------------------------------------------------------------------------------
def test_a_person_makes_a_token_of_their_own_and_signs_it_out(bob: Recipient) -> None:
    made = browser_of(bob).post("/api/v1/tokens", {"label": "phone"})
    assert made.status_code == 201
    phone = Caller(made.json()["token"])
    assert phone.get("/api/v1/notifications").status_code == 200

    assert phone.delete("/api/v1/tokens/current").status_code == 204

    assert is_problem(phone.get("/api/v1/notifications"), 401, "unauthenticated")
    assert is_problem(phone.delete("/api/v1/tokens/current"), 401, "unauthenticated")


def test_a_token_gives_no_further_tokens_and_a_session_has_none_to_sign_out(bob: Recipient) -> None:
    assert is_problem(person_caller(bob).post("/api/v1/tokens", {}), 403, "not_allowed")
    assert is_problem(browser_of(bob).delete("/api/v1/tokens/current"), 404, "not_found")
