"""Encryption of stored secrets, and the tokens of callers.

Secrets that must be readable again (signing secrets) are encrypted with `ENCRYPTION_KEYS`. Tokens are only ever
compared, so only their digest is stored. They hold 256 random bits, which no dictionary can guess. So a plain SHA-256,
which every request can afford, is as good here as a slow password hash.
"""

import base64
import hashlib
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.db.models.query_utils import DeferredAttribute
from django.utils.crypto import salted_hmac

SEALED_PREFIX = "enc1:"
API_KEY_PREFIX = "wfp_"
RECIPIENT_TOKEN_PREFIX = "wfr_"
ACTION_TOKEN_PREFIX = "wfa_"
LINK_TOKEN_PREFIX = "wfl_"
SCIM_TOKEN_PREFIX = "wfs_"
OPERATOR_KEY_PREFIX = "wfo_"

_MINIMUM_KEY_LENGTH = 16
_TOKEN_BYTES = 32
_KEY_PURPOSE = b"wfpush: secrets at rest, version 1"
_PREFIX_ALPHABET = string.ascii_letters + string.digits
_REENCRYPT_BATCH = 200


class UndecryptableSecret(Exception):
    """Raised for a stored secret that none of the `ENCRYPTION_KEYS` opens."""


class SecretBox:
    """Encrypts with the first key and decrypts with any of them, so that keys can be rotated.

    A key is any text of at least 16 characters; one that is a Fernet key already is used as it is. Raises ValueError
    without a usable key.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("ENCRYPTION_KEYS is empty. Give at least one key, the newest first.")
        self._fernet = MultiFernet([_fernet(key) for key in keys])

    def encrypt(self, plain: str) -> str:
        return SEALED_PREFIX + self._fernet.encrypt(plain.encode()).decode()

    def decrypt(self, sealed: str) -> str:
        """Return the plain secret. Raises UndecryptableSecret."""
        try:
            return self._fernet.decrypt(_unprefixed(sealed)).decode()
        except InvalidToken:
            raise _undecryptable() from None

    def rotate(self, sealed: str) -> str:
        """Return the same secret, encrypted with the newest key. Raises UndecryptableSecret."""
        try:
            return SEALED_PREFIX + self._fernet.rotate(_unprefixed(sealed)).decode()
        except InvalidToken:
            raise _undecryptable() from None


def _fernet(key: str) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        pass
    if len(key) < _MINIMUM_KEY_LENGTH:
        raise ValueError(f"ENCRYPTION_KEYS: each key needs at least {_MINIMUM_KEY_LENGTH} characters.")
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_KEY_PURPOSE).derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))


def _unprefixed(sealed: str) -> bytes:
    if not sealed.startswith(SEALED_PREFIX):
        raise UndecryptableSecret(f"The stored text is not an encrypted secret: it does not begin with {SEALED_PREFIX}")
    return sealed.removeprefix(SEALED_PREFIX).encode()


def _undecryptable() -> UndecryptableSecret:
    return UndecryptableSecret(
        "None of the ENCRYPTION_KEYS opens this secret. Put back the key it was saved under (older keys go after the "
        "newest one), or set the secret anew."
    )


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]) -> SecretBox:
    return SecretBox(keys)


def secret_box() -> SecretBox:
    """Return the box of `settings.ENCRYPTION_KEYS`."""
    return _box(tuple(settings.ENCRYPTION_KEYS))


def encrypt(plain: str) -> str:
    return secret_box().encrypt(plain)


def decrypt(sealed: str) -> str:
    """Return the plain secret. Raises UndecryptableSecret."""
    return secret_box().decrypt(sealed)


class SealedText(str):
    """Encrypted text as the database has it. The type distinguishes it from a plain secret."""

    __slots__ = ()


class _SecretAttribute(DeferredAttribute):
    """Keeps the loaded ciphertext, and decrypts when the attribute is read.

    So a row whose key is lost can still be listed, saved and given a new secret, and rows that are only listed cost no
    decryption. The plain text is not in the instance's `__dict__`, which a debugger's page would show.
    """

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        return decrypt(value) if isinstance(value, SealedText) else value

    def __set__(self, instance: models.Model, value: str | None) -> None:
        instance.__dict__[self.field.attname] = value


if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField  # Django's class takes no type arguments at run time


class EncryptedTextField(_TextField):
    """Text that is encrypted in the database and plain in Python. Reading it raises UndecryptableSecret.

    The only lookup is `isnull`, because the same text is stored differently each time. Dumps, `values()` and
    `values_list()` have the encrypted text.
    """

    descriptor_class = _SecretAttribute

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return SealedText(value) if value else value

    def to_python(self, value: Any) -> Any:
        """Keep encrypted text from a dump encrypted. No secret of ours or an engine's begins like encrypted text."""
        return SealedText(value) if isinstance(value, str) and value.startswith(SEALED_PREFIX) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        return model_instance.__dict__[self.attname]

    def get_prep_value(self, value: Any) -> Any:
        if not value or isinstance(value, SealedText):
            return None if value is None else str(value)
        return encrypt(str(value))

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.get_prep_value(obj.__dict__[self.attname]) or "")


def reencrypt(model: type[models.Model]) -> int:
    """Encrypt every secret of a model's rows with the newest key again; return the number of rows.

    Afterwards the older keys may be taken out of `ENCRYPTION_KEYS`. Raises UndecryptableSecret at the first row that no
    key opens, and changes no further rows. Rows are locked batch by batch, so that a secret set meanwhile is kept.
    """
    names = [field.attname for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]
    done, last = 0, None
    while True:
        with transaction.atomic():
            rows = model._base_manager.select_for_update().order_by("pk").only("pk", *names)
            batch = list((rows if last is None else rows.filter(pk__gt=last))[:_REENCRYPT_BATCH])
            for row in batch:
                sealed = {name: row.__dict__[name] for name in names if row.__dict__[name]}
                model._base_manager.filter(pk=row.pk).update(
                    **{name: SealedText(secret_box().rotate(value)) for name, value in sealed.items()}
                )
        if not batch:
            return done
        done, last = done + len(batch), batch[-1].pk


@dataclass(frozen=True)
class SealedMembers:
    """Members of a JSON column of a package's table that are encrypted with `encrypt`."""

    model: str
    column: str
    members: Sequence[str]

    def of(self, value: Any) -> dict[str, str]:
        """Return the encrypted members that a row has."""
        return {name: value[name] for name in self.members if value.get(name)}

    def reencrypt(self) -> int:
        """Do for these what `reencrypt` does for columns. Raises UndecryptableSecret."""
        rows = apps.get_model(self.model)._base_manager.select_for_update().only("pk", self.column)
        with transaction.atomic():
            for row in (found := list(rows)):
                value = getattr(row, self.column)
                sealed = {name: secret_box().rotate(text) for name, text in self.of(value).items()}
                setattr(row, self.column, {**value, **sealed})
                row.save(update_fields=[self.column])
        return len(found)


class ApiKey(NamedTuple):
    """A new key or token: `key` is shown once, `prefix` (8 characters) identifies it in lists, `digest` is stored."""

    key: str
    prefix: str
    digest: str


def new_api_key() -> ApiKey:
    return _new_key(API_KEY_PREFIX)


def new_scim_token() -> ApiKey:
    return _new_key(SCIM_TOKEN_PREFIX)


def new_operator_key() -> ApiKey:
    return _new_key(OPERATOR_KEY_PREFIX)


def _new_key(kind: str) -> ApiKey:
    prefix = "".join(secrets.choice(_PREFIX_ALPHABET) for _ in range(8))
    key = f"{kind}{prefix}_{secrets.token_urlsafe(_TOKEN_BYTES)}"
    return ApiKey(key, prefix, digest_of(key))


def new_recipient_token() -> str:
    return RECIPIENT_TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)


def new_action_token() -> str:
    return ACTION_TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)


def next_action_token(token: str, revision: str) -> str:
    """Return the token that replaces another one when its content has become that of `revision`."""
    digest = salted_hmac("wfpush.action-token", f"{token} {revision}", algorithm="sha256").digest()
    return ACTION_TOKEN_PREFIX + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def new_link_token() -> str:
    return LINK_TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)


def digest_of(token: str) -> str:
    """Return the SHA-256 in hexadecimal: 64 characters, whatever text a caller sends."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
