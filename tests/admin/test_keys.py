"""API keys and signing secrets are made on the desk, shown once, and never again."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from notifications.connectors import signatures
from notifications.models import ApiKey, SigningSecret
from notifications.roles import ADMINISTRATORS, CONNECTION_OWNERS
from tests.admin.conftest import member_of, signed_in
from tests.admin.pages import adding, choose, page_of, press, text_of
from tests.admin.world import World
from wfpush.crypto import digest_of


def new_key(client: Client, world: World, **fields: object) -> tuple[str, ApiKey]:
    values = {"engine": world.engine.pk, "name": "staging", "scopes": ["events"], **fields}
    answer = client.post(adding(ApiKey), values)
    plain = next(word for word in text_of(answer).split() if word.startswith("wfp_"))
    return plain, ApiKey.objects.get(digest=digest_of(plain))


def test_a_key_is_shown_once_on_the_answer_that_made_it(world: World, root: Client) -> None:
    plain, key = new_key(root, world, scopes=["events", "tokens"])
    assert key.engine == world.engine
    assert key.scopes == ["events", "tokens"]
    assert key.usable
    assert plain not in root.get(page_of(key)).content.decode()
    assert plain not in root.get("/admin/").content.decode()


def test_a_key_is_kept_nowhere_by_the_way(world: World, root: Client) -> None:
    answer = root.post(adding(ApiKey), {"engine": world.engine.pk, "name": "x", "scopes": ["events"]})
    plain = next(word for word in text_of(answer).split() if word.startswith("wfp_"))
    kept = [str(session.get_decoded()) for session in Session.objects.all()]
    logged = [f"{entry.object_repr} {entry.change_message}" for entry in LogEntry.objects.all()]
    cookies = [morsel.value for morsel in root.cookies.values()]
    assert not [each for each in (*kept, *logged, *cookies) if plain in each or digest_of(plain) in each]
    assert "no-store" in answer["Cache-Control"]


def test_the_form_offers_events_and_says_what_reaches_far(world: World, root: Client) -> None:
    page = root.get(adding(ApiKey))
    assert page.context["adminform"].form["scopes"].value() == ["events"]
    assert "signs in its engine's external people" in text_of(page)
    assert "change everybody's manager and teams" in text_of(page)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"scopes": []}, "a key without a scope can do nothing"),
        ({"expires_at_0": "2020-01-01", "expires_at_1": "00:00"}, "This is past."),
        ({"scopes": ["everything"]}, "Select a valid choice"),
    ],
)
def test_a_senseless_key_is_not_made(world: World, root: Client, fields: dict[str, object], sentence: str) -> None:
    answer = root.post(adding(ApiKey), {"engine": world.engine.pk, "name": "x", "scopes": ["events"], **fields})
    assert sentence in text_of(answer)
    assert ApiKey.objects.count() == 1


def test_who_may_not_change_people_makes_no_key_that_may(world: World) -> None:
    owner = signed_in(member_of(CONNECTION_OWNERS))
    key = {"engine": world.engine.pk, "name": "x"}
    refused = text_of(owner.post(adding(ApiKey), {**key, "scopes": ["events", "directory"]}))
    assert "Select a valid choice. directory is not one of the available choices." in refused
    assert "Directory: create" not in text_of(owner.get(adding(ApiKey)))
    assert not ApiKey.objects.filter(name="x").exists()
    owner.post(adding(ApiKey), {**key, "scopes": ["events", "people"]})
    assert ApiKey.objects.get(name="x").scopes == ["events", "people"]

    administrator = signed_in(member_of(ADMINISTRATORS))
    administrator.post(adding(ApiKey), {**key, "name": "y", "scopes": ["directory"]})
    assert ApiKey.objects.get(name="y").scopes == ["directory"]


def test_a_key_is_revoked_after_a_question(world: World, root: Client) -> None:
    key = ApiKey.objects.get()
    assert root.get(page_of(key, "revoke")).status_code == 200
    key.refresh_from_db()
    assert key.usable, "asking alone changes nothing"
    assert "is refused from now on" in text_of(press(root, page_of(key, "revoke")))
    key.refresh_from_db()
    assert not key.usable
    assert "It is already revoked." in text_of(root.get(page_of(key, "revoke"), follow=True))


def test_several_keys_are_revoked_at_once(world: World, root: Client) -> None:
    _plain, other = new_key(root, world)
    first = ApiKey.objects.exclude(pk=other.pk).get()
    press(root, page_of(first, "revoke"))
    assert "Keys revoked: 1 of 2; the others were not possible." in text_of(
        choose(root, [first, other], "revoke_chosen")
    )
    other.refresh_from_db()
    assert other.revoked_at is not None


def test_a_key_cannot_be_changed_once_it_is_made(world: World, root: Client) -> None:
    key = ApiKey.objects.get()
    assert root.post(page_of(key), {"name": "other", "scopes": ["directory"]}).status_code == 403
    key.refresh_from_db()
    assert key.scopes == ["events", "people"]


def test_a_new_secret_signs_beside_the_old_one_for_a_day(world: World, root: Client) -> None:
    old = SigningSecret.objects.get()
    answer = root.post(adding(SigningSecret), {"engine": world.engine.pk, "secret": "", "old_ones_end": "24"})
    plain = next(word for word in text_of(answer).split() if word.startswith("whsec_"))
    signatures.key_of(plain)
    new = SigningSecret.objects.exclude(pk=old.pk).get()
    old.refresh_from_db()
    assert new.secret == plain
    assert new.expires_at is None
    assert old.expires_at is not None
    assert timedelta(hours=23) < old.expires_at - timezone.now() <= timedelta(hours=24)
    assert plain not in root.get(page_of(new)).content.decode()


@pytest.mark.parametrize(("choice", "hours"), [("0", 0), ("168", 168), ("keep", None)])
def test_when_the_old_secret_ends_can_be_chosen(world: World, root: Client, choice: str, hours: int | None) -> None:
    old = SigningSecret.objects.get()
    root.post(adding(SigningSecret), {"engine": world.engine.pk, "secret": "", "old_ones_end": choice})
    old.refresh_from_db()
    assert SigningSecret.objects.exclude(pk=old.pk).get().expires_at is None
    if hours is None or old.expires_at is None:
        assert (hours, old.expires_at) == (None, None)
    else:
        assert abs(old.expires_at - timezone.now() - timedelta(hours=hours)) < timedelta(minutes=5)


def test_an_engines_own_secret_is_taken_and_not_shown_back(world: World, root: Client) -> None:
    theirs = signatures.new_secret()
    fields = {"engine": world.engine.pk, "secret": theirs, "old_ones_end": "24"}
    answer = root.post(adding(SigningSecret), fields, follow=True)
    assert "The secret is stored, encrypted" in text_of(answer)
    assert theirs not in answer.content.decode()
    assert SigningSecret.objects.first().secret == theirs  # type: ignore[union-attr]


def test_a_secret_that_cannot_sign_is_refused_and_not_repeated(world: World, root: Client) -> None:
    answer = root.post(
        adding(SigningSecret), {"engine": world.engine.pk, "secret": "whsec_c2hvcnQ=", "old_ones_end": "24"}
    )
    assert "holds 24 to 64 bytes" in text_of(answer)
    assert "c2hvcnQ" not in answer.content.decode()
    assert SigningSecret.objects.count() == 1


def test_ending_the_last_secret_says_what_that_means(world: World, root: Client) -> None:
    secret = SigningSecret.objects.get()
    question = root.get(page_of(secret, "end_now"))
    assert "It is the last one: answers to Invoices will wait" in text_of(question)
    press(root, page_of(secret, "end_now"))
    secret.refresh_from_db()
    assert secret.expires_at is not None
    assert secret.expires_at <= timezone.now()
    assert "It has ended already." in text_of(root.get(page_of(secret, "end_now"), follow=True))


def test_secrets_lie_encrypted_in_the_database(world: World) -> None:
    with_raw = SigningSecret.objects.extra(select={"raw": "secret"}).get()
    assert with_raw.raw.startswith("enc1:")  # type: ignore[attr-defined]
    assert world.secret not in with_raw.raw  # type: ignore[attr-defined]
