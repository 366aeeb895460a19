"""Reads the sign-in at an engine from a file and the environment: others can list command lines."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from notifications.connectors import signatures
from notifications.connectors.access import Access
from wfpush.config.env import parse

PREFIX = "ENGINE_"
SIGN_INS = ("none", "basic", "bearer", "api_key", "oauth2")
REQUIRED = {"basic": ("name", "secret"), "bearer": ("secret",), "api_key": ("secret",)}
REQUIRED["oauth2"] = ("name", "secret", "token_url")
MIN_KEY = 16


class BadCredentials(Exception):
    """Raised for a missing or wrong value; the text names its variable."""


def read(file: Path | None, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the values of the file and of the environment, which goes first. Raises BadCredentials."""
    try:
        text = file.read_text("utf-8") if file is not None else ""
    except (OSError, UnicodeDecodeError) as error:
        raise BadCredentials(f"{file} cannot be read: {error}") from error
    return {name: value for name, value in {**parse(text), **environment}.items() if name.startswith(PREFIX) and value}


def access(values: Mapping[str, str], base: str) -> Access:
    """Return the sign-in. Raises BadCredentials."""
    fields = {field.name for field in dataclasses.fields(Access)} - {"base", "tokens"}
    members: dict[str, Any] = {
        field: values[PREFIX + field.upper()] for field in fields if PREFIX + field.upper() in values
    }
    auth = members.setdefault("auth", "basic" if "name" in members else "none")
    if auth not in SIGN_INS:
        raise BadCredentials(f"ENGINE_AUTH is one of {', '.join(SIGN_INS)}.")
    for member in REQUIRED.get(auth, ()):
        if member not in members:
            raise BadCredentials(f"{PREFIX}{member.upper()} is not set. The sign-in {auth} needs it.")
    return Access(base, **members)


def limited(values: Mapping[str, str], full: Access) -> Access | None:
    """Return the sign-in of an account that may not complete tasks, if there is one."""
    replaced = {field: values.get(f"{PREFIX}LIMITED_{field.upper()}", "") for field in ("name", "secret", "scope")}
    given: dict[str, Any] = {field: value for field, value in replaced.items() if value}
    return dataclasses.replace(full, **given) if given else None


def webhook(values: Mapping[str, str]) -> tuple[str, str]:
    """Return the key and the signing secret of an engine with webhooks. Raises BadCredentials."""
    key, secret = values.get("ENGINE_API_KEY", ""), values.get("ENGINE_SIGNING_SECRET", "")
    if len(key) < MIN_KEY:
        raise BadCredentials(f"ENGINE_API_KEY is not set, or has less than {MIN_KEY} characters.")
    try:
        signatures.key_of(secret)
    except ValueError as error:
        raise BadCredentials(f"ENGINE_SIGNING_SECRET cannot be used: {error}") from error
    return key, secret
