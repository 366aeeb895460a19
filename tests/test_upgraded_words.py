"""A database of release 0.2.0 reads as before once it is migrated: its traces, clocks and inboxes, in both languages.

tests/upgrades/words/0.2.0.sql.gz is the database that the release has left (with the demo's data), after its own code
had worked on it for three hours more: tasks late, reassigned, cancelled and answered, steps of policies that reached
people, deputies, fallback owners or nobody. 0.2.0.json.gz is what the release itself showed of it then, as
tests/support/shown_words.py writes it.
"""

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import shown_words
from tests.support.processes import House
from tests.support.releases import FOLDER, SETTINGS, restore
from wfpush.embedded import shared_servers

pytestmark = [pytest.mark.processes, pytest.mark.long]

Words = dict[str, dict[str, list[str]]]

BEFORE: Words = json.loads(gzip.decompress((FOLDER / "words" / "0.2.0.json.gz").read_bytes()))
AT = "2026-11-27T18:30:00+00:00"


class Migrated:
    def __init__(self, house: House) -> None:
        restore(house, FOLDER / "words" / "0.2.0.sql.gz")
        house.environment["DATABASE_URL"] = shared_servers.ensure(house.folder).database_url
        migrated = house.run("migrate")
        assert migrated.process.returncode == 0, migrated.said
        command = [sys.executable, str(shown_words.__file__), AT, "--english-reasons"]
        done = subprocess.run(command, check=True, capture_output=True, cwd=house.checkout, env=house.environment)
        said: Any = json.loads(done.stdout)
        self.now, self.in_english = _without_empty_rows(said["now"]), _without_empty_rows(said["in_english"])


def _without_empty_rows(said: Words) -> Words:
    return {language: {row: lines for row, lines in rows.items() if lines} for language, rows in said.items()}


@pytest.fixture(scope="module")
def migrated() -> Iterator[Migrated]:
    house = House()
    house.environment |= SETTINGS
    try:
        yield Migrated(house)
    finally:
        shared_servers.release(house.folder)
        house.clear()


def test_all_is_said_as_before_in_english(migrated: Migrated) -> None:
    assert migrated.now["en"] == BEFORE["en"]


def test_clocks_and_inboxes_are_said_as_before_in_german(migrated: Migrated) -> None:
    """0.2.0 left the reasons of traces in English, also below clocks, and names of priorities; and it wrote seconds
    with a point. They are German now."""
    before, now, in_english = BEFORE["de"], migrated.now["de"], migrated.in_english["de"]
    assert now.keys() == before.keys()

    differ = [
        (row, *lines)
        for row in before
        for lines in zip(before[row], now[row], in_english[row], strict=True)
        if lines[0] not in (lines[1], lines[2]) and _in_german(lines[0]) != lines[1]
    ]
    assert differ == []


def _in_german(line: str) -> str:
    return re.sub(r"(\d)\.(\d\d) s$", r"\1,\2 s", line.replace("urgent", "dringend"))


def test_of_reasons_nothing_is_english_in_german_any_more(migrated: Migrated) -> None:
    said = "\n".join(line for lines in migrated.now["de"].values() for line in lines)

    for words in (
        "assignee",
        "manager of",
        "fallback owner",
        "delegate of",
        "became urgent",
        "No browser is registered",
    ):
        assert words not in said.replace("task.assignee", "")
        assert words in json.dumps(BEFORE["de"])
