"""Before Django's settings exist: a data folder of the tests' own, whose servers end with the session."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django.conf import settings
from django.db import connection
from django.utils import translation

from wfpush import env, identifiers

os.environ.setdefault("WFPUSH_DATA", ".wfpush-test")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wfpush.settings")
env.prepare(Path(__file__).resolve().parent.parent)
django.setup()  # test modules import models at their top
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # in tests only: slow hashes are slow


KEPT = ("django_content_type", "auth_permission")
"""Tables whose rows are those of the code: nobody need make them anew after each test."""


@pytest.fixture(autouse=True, scope="session")
def fast_flush() -> Iterator[None]:
    """Empty some seventy small tables by DELETE, in milliseconds; TRUNCATE, with its files, takes a second a test."""

    def sql_flush(style: Any, tables: Iterable[str], **options: Any) -> list[str]:
        names = [connection.ops.quote_name(table) for table in tables if table not in KEPT]
        deletes = "".join(f"DELETE FROM {name};" for name in names)
        return [f"SET session_replication_role = replica;{deletes}SET session_replication_role = origin;"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(connection.ops), "sql_flush", staticmethod(sql_flush))
        patch.setattr("django.core.management.commands.flush.emit_post_migrate_signal", lambda *given, **more: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def long_turns() -> Iterator[None]:
    """What is due is done in one go, however slow the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wfpush.outbox.TURN_SECONDS", 60.0)
        yield


@pytest.fixture(autouse=True)
def in_english() -> None:
    """A request leaves its language behind in the thread, where the next test would find it."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def identifiers_of_now() -> None:
    """Identifiers never go back: a test that travels to the future would take all later ones along."""
    identifiers._generator = identifiers.Uuid7Generator()
