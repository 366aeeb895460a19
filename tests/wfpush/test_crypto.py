"""Secrets at rest: opened by any current key, by nobody else, and never lying about in plain text."""

import re
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.core.exceptions import FieldError
from django.db import connection
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from notifications.models import Engine, SigningSecret
from wfpush.crypto import (
    SecretBox,
    UndecryptableSecret,
    decrypt,
    digest_of,
    encrypt,
    new_action_token,
    new_api_key,
    new_link_token,
    new_recipient_token,
    reencrypt,
)

OLD = "an old key that an administrator typed"
NEW = Fernet.generate_key().decode()
PLAIN = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@given(plain=st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_encrypted_comes_back(plain: str) -> None:
    box = SecretBox([NEW, OLD])
    sealed = box.encrypt(plain)

    assert sealed.startswith("enc1:")
    assert box.decrypt(sealed) == plain
    assert box.encrypt(plain) != sealed


def test_an_older_key_still_opens_and_the_newest_one_seals() -> None:
    sealed = SecretBox([OLD]).encrypt(PLAIN)

    assert SecretBox([NEW, OLD]).decrypt(sealed) == PLAIN
    assert SecretBox([NEW]).decrypt(SecretBox([NEW, OLD]).encrypt(PLAIN)) == PLAIN


def test_after_rotation_the_old_key_is_not_needed() -> None:
    rotated = SecretBox([NEW, OLD]).rotate(SecretBox([OLD]).encrypt(PLAIN))

    assert SecretBox([NEW]).decrypt(rotated) == PLAIN


def test_a_key_that_is_a_fernet_key_is_used_as_it_is() -> None:
    sealed = SecretBox([NEW]).encrypt(PLAIN)

    assert Fernet(NEW).decrypt(sealed.removeprefix("enc1:")).decode() == PLAIN


@pytest.mark.parametrize(
    ("sealed", "hint"),
    [
        (SecretBox([OLD]).encrypt(PLAIN), "Put back the key"),
        (SecretBox([NEW]).encrypt(PLAIN)[:-2], "Put back the key"),
        ("enc1:", "Put back the key"),
        ("enc1:ä", "Put back the key"),
        (PLAIN, "does not begin with enc1:"),
        ("", "does not begin with enc1:"),
    ],
)
def test_what_no_key_opens_says_what_to_do(sealed: str, hint: str) -> None:
    box = SecretBox([NEW])

    for use in (box.decrypt, box.rotate):
        with pytest.raises(UndecryptableSecret, match=hint) as caught:
            use(sealed)
        assert PLAIN not in str(caught.value)


def test_a_box_without_a_usable_key_is_refused() -> None:
    with pytest.raises(ValueError, match="is empty"):
        SecretBox([])
    with pytest.raises(ValueError, match="at least 16 characters"):
        SecretBox([NEW, "short"])


def test_the_settings_hold_the_keys() -> None:
    with override_settings(ENCRYPTION_KEYS=[OLD]):
        sealed = encrypt(PLAIN)
        assert decrypt(sealed) == PLAIN
    with override_settings(ENCRYPTION_KEYS=[NEW, OLD]):
        assert decrypt(sealed) == PLAIN
    with override_settings(ENCRYPTION_KEYS=[NEW]), pytest.raises(UndecryptableSecret):
        decrypt(sealed)


# --- In the database --------------------------------------------------------------------------------------------------


def stored(secret: SigningSecret) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM notifications_signingsecret WHERE id = %s", [secret.pk])
        return str(cursor.fetchone()[0])


@pytest.fixture
def acme() -> Engine:
    return Engine.objects.create(slug="acme", name="Acme")


@pytest.mark.django_db
def test_a_secret_is_plain_in_python_and_sealed_in_the_database(acme: Engine) -> None:
    secret = SigningSecret.objects.create(engine=acme, secret=PLAIN)

    assert secret.secret == PLAIN
    assert SigningSecret.objects.get().secret == PLAIN
    assert SigningSecret.objects.defer("secret").get().secret == PLAIN
    assert stored(secret).startswith("enc1:")
    assert PLAIN not in stored(secret)


@pytest.mark.django_db
def test_a_loaded_secret_lies_nowhere_in_plain_text_until_it_is_asked_for(acme: Engine) -> None:
    SigningSecret.objects.create(engine=acme, secret=PLAIN)
    loaded = SigningSecret.objects.get()

    assert PLAIN not in repr(vars(loaded))
    assert PLAIN not in repr(list(SigningSecret.objects.values()))
    assert PLAIN not in serializers.serialize("json", [loaded])


@pytest.mark.django_db
def test_saving_something_else_leaves_the_sealed_text_alone(acme: Engine) -> None:
    secret = SigningSecret.objects.create(engine=acme, secret=PLAIN)
    before = stored(secret)
    SigningSecret.objects.get().save()

    assert stored(secret) == before


@pytest.mark.django_db
def test_a_dump_can_be_loaded_again(acme: Engine) -> None:
    secret = SigningSecret.objects.create(engine=acme, secret=PLAIN)
    dump = serializers.serialize("json", [secret])
    SigningSecret.objects.all().delete()
    for item in serializers.deserialize("json", dump):
        item.save()

    assert PLAIN not in dump
    assert SigningSecret.objects.get().secret == PLAIN


@pytest.mark.django_db
def test_a_row_whose_key_is_lost_can_be_listed_saved_and_given_a_new_secret(acme: Engine) -> None:
    with override_settings(ENCRYPTION_KEYS=[OLD]):
        SigningSecret.objects.create(engine=acme, secret=PLAIN)
    with override_settings(ENCRYPTION_KEYS=[NEW]):
        secret = SigningSecret.objects.get()
        assert str(secret)
        secret.save()
        with pytest.raises(UndecryptableSecret, match="set the secret anew"):
            secret.secret  # noqa: B018 - reading is what fails
        secret.secret = PLAIN
        secret.save()
        assert SigningSecret.objects.get().secret == PLAIN


@pytest.mark.django_db
def test_a_sealed_column_cannot_be_searched(acme: Engine) -> None:
    SigningSecret.objects.create(engine=acme, secret=PLAIN)

    with pytest.raises(FieldError, match="Unsupported lookup"):
        SigningSecret.objects.filter(secret=PLAIN)
    assert SigningSecret.objects.filter(secret__isnull=False).count() == 1


@pytest.mark.django_db
def test_reencrypting_frees_the_old_key(acme: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wfpush.crypto._REENCRYPT_BATCH", 2)  # more rows than one batch
    with override_settings(ENCRYPTION_KEYS=[OLD]):
        SigningSecret.objects.bulk_create(
            [SigningSecret(engine=acme, secret=f"{PLAIN}{number}") for number in range(4)]
            + [SigningSecret(engine=acme)]
        )
    with override_settings(ENCRYPTION_KEYS=[NEW, OLD]):
        assert reencrypt(SigningSecret) == 5
    with override_settings(ENCRYPTION_KEYS=[NEW]):
        secrets = [secret.secret for secret in SigningSecret.objects.order_by("pk")]
    assert secrets == [*(f"{PLAIN}{number}" for number in range(4)), ""]


@pytest.mark.django_db
def test_reencrypting_stops_at_what_no_key_opens(acme: Engine) -> None:
    with override_settings(ENCRYPTION_KEYS=[OLD]):
        secret = SigningSecret.objects.create(engine=acme, secret=PLAIN)
    before = stored(secret)
    with override_settings(ENCRYPTION_KEYS=[NEW]), pytest.raises(UndecryptableSecret):
        reencrypt(SigningSecret)

    assert stored(secret) == before


# --- Tokens -----------------------------------------------------------------------------------------------------------


def test_an_api_key_shows_its_prefix_and_is_stored_as_a_digest() -> None:
    one, other = new_api_key(), new_api_key()

    assert re.fullmatch(r"wfp_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{43}", one.key)
    assert one.key.split("_")[1] == one.prefix
    assert one.digest == digest_of(one.key)
    assert one.key != other.key
    assert one.prefix != other.prefix


@pytest.mark.parametrize(
    ("make", "prefix"), [(new_recipient_token, "wfr_"), (new_action_token, "wfa_"), (new_link_token, "wfl_")]
)
def test_a_token_says_what_it_is_for_and_holds_256_random_bits(make: Any, prefix: str) -> None:
    tokens = {make() for _ in range(50)}

    assert len(tokens) == 50
    assert all(re.fullmatch(prefix + r"[A-Za-z0-9_-]{43}", token) for token in tokens)


@given(token=st.text())
def test_any_text_has_a_digest(token: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", digest_of(token))
