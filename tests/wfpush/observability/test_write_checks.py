"""Servers that answer and take no writes: `/readyz`, `/metrics` and `manage.py doctor` say why, and what to do."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from tests.support.crowded import crowded_database
from tests.support.full_disk import full_disk
from tests.support.read_only import read_only_database
from tests.support.refusing_redis import full_redis, replica, unsaved_redis
from wfpush.models import WriteCheck
from wfpush.observability import write_checks

pytestmark = pytest.mark.django_db(transaction=True)

Refusing = Callable[[], AbstractContextManager[Any]]


def no_space() -> AbstractContextManager[None]:
    return full_disk("wfpush_writecheck")


REFUSING: list[tuple[str, Refusing, str]] = [
    ("database", read_only_database, "is read-only; set default_transaction_read_only to off"),
    ("database", crowded_database, "takes no more connections; raise max_connections"),
    ("database", no_space, "has no disk space left; free some"),
    ("redis", full_redis, "is full; raise its maxmemory"),
    ("redis", replica, "is a read-only replica; let REDIS_URL name the primary"),
    ("redis", unsaved_redis, "cannot save to its disk; free some space there"),
]


@pytest.mark.parametrize(("part", "refusing", "reason"), REFUSING, ids=[each.__name__ for _, each, _ in REFUSING])
def test_a_server_that_takes_no_writes_is_not_ready_and_says_why(part: str, refusing: Refusing, reason: str) -> None:
    assert states()[part] == "ok"
    with refusing():
        status, state, up = Client().get("/readyz").status_code, states()[part], Client().get("/metrics").content
        with pytest.raises(CommandError) as told:
            call_command("doctor", stdout=StringIO())
    assert status == 503
    assert state.startswith(reason)
    assert f'wfpush_up{{part="{part}"}} 0.0'.encode() in up
    assert f"{part} {reason}" in str(told.value)
    assert states()[part] == "ok"


def states() -> dict[str, str]:
    return Client().get("/readyz").json()["checks"]  # type: ignore[no-any-return]


def test_without_redis_it_says_what_goes_on() -> None:
    with replica():
        assert states()["redis"].endswith("workers look for due work once a second, and live updates are late")


@pytest.mark.ci
def test_a_disk_that_is_full_is_noticed_by_its_want_of_space() -> None:
    """The row has its place, and could still be written."""
    with small_disk() as full:
        assert states()["database"] == "ok"
        full.write_bytes(b"0" * 2**20)
        assert states()["database"].startswith("has no disk space left")
        full.unlink()
        assert states()["database"] == "ok"


@contextmanager
def small_disk() -> Iterator[Path]:
    """One of a megabyte, on which PostgreSQL keeps what it needs for a moment. Gives a file that may fill it."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        server = Path(cursor.fetchone()[0]).stat().st_uid
    folder, options = Path(tempfile.mkdtemp()), f"size=1m,mode=0755,uid={server}"
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False).returncode:
        folder.rmdir()
        pytest.skip("only root may mount a file system")
    try:
        sql(f"CREATE TABLESPACE small LOCATION '{folder}'")
        sql(f'ALTER DATABASE "{connection.settings_dict["NAME"]}" SET temp_tablespaces = small')
        yield folder / "filler"
    finally:
        sql(f'ALTER DATABASE "{connection.settings_dict["NAME"]}" RESET temp_tablespaces', "DROP TABLESPACE small")
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def sql(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_many_probes_write_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_checks, "REMEMBERED_SECONDS", 60.0)
    now = time.monotonic()
    monkeypatch.setattr(write_checks, "database_state", write_checks.CachedCheck(write_checks._write_to_database))

    assert [write_checks.database_state() for _ in range(3)] == ["ok"] * 3
    first = WriteCheck.objects.get().written_at
    with full_redis():
        assert write_checks.database_state() == "ok"
    assert WriteCheck.objects.get().written_at == first
    monkeypatch.setattr(time, "monotonic", lambda: now + 120)
    write_checks.database_state()
    assert WriteCheck.objects.get().written_at > first
