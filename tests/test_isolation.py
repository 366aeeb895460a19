"""Tests find the database as migrations leave it, and processes of pytest-xdist do not meet."""

import os
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from notifications.models import Category, Route
from tests.factories import RecipientFactory
from tests.support import flushing, isolation, migrated, parallel


@pytest.mark.django_db(transaction=True)
def test_a_flush_takes_away_what_a_test_has_made_and_puts_back_what_migrations_made() -> None:
    there = set(Route.objects.values_list("pk", "name"))
    RecipientFactory(ref="bob")
    Category.objects.filter(slug="approvals").update(name="Changed")
    Route.objects.all().delete()

    flushing.flush()

    assert there and set(Route.objects.values_list("pk", "name")) == there
    assert Category.objects.get(slug="approvals").name != "Changed"
    assert not RecipientFactory._meta.model.objects.exists()


@pytest.mark.skipif(not settings.EMBEDDED_SERVERS, reason="the database is somebody's own")
@pytest.mark.parametrize("name", isolation.FORGETFUL)
def test_nothing_waits_for_a_disk(db: None, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        assert cursor.fetchone() == ("off",)


def test_each_process_has_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WFPUSH_DATA", "tests")
    for worker, folder in (("", "tests"), ("gw1", "tests-gw1")):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        isolation.choose_folder()
        assert os.environ["WFPUSH_DATA"] == folder


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("tests/test_web.py::test_a", "tests/test_web.py::test_b[1]", True),
        ("tests/test_web.py::test_a", "tests/test_up.py::test_a", False),
        ("tests/browsers/test_looks.py::test_a", "tests/browsers/test_live.py::test_b", True),
        ("tests/browsers/test_looks.py::test_a", "tests/soak/test_chaos.py::test_b", False),
        ("tests/deploy/test_backup.py::test_a", "tests/soak/test_chaos.py::test_b", True),
    ],
)
def test_what_shares_an_installation_stays_together(one: str, other: str, together: bool) -> None:
    assert (parallel.group_of(one) == parallel.group_of(other)) is together


def test_a_cluster_that_was_used_becomes_one_that_nobody_has_used(tmp_path: Path) -> None:
    source, used = tmp_path / "source", tmp_path / "used"
    for path, text in {
        "base/1": "one",
        "base/2": "two",
        "base/3": "three",
        "global/control": "well",
        "empty/x": "",
    }.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(text)
    (source / "empty" / "x").unlink()
    shutil.copytree(source, used)
    before = (used / "base" / "3").stat().st_ino
    (used / "base" / "1").unlink()
    (used / "base" / "2").write_text("TWO")
    shutil.rmtree(used / "global")
    (used / "empty").rmdir()
    (used / "base" / "9" / "10").mkdir(parents=True)
    (used / "base" / "9" / "10" / "11").write_text("more")

    migrated._make_equal(source, used)

    assert migrated._contents(used) == migrated._contents(source)
    assert [(used / "base" / name).read_text() for name in "123"] == ["one", "two", "three"]
    assert (used / "base" / "3").stat().st_ino == before, "it was not copied again"
