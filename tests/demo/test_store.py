"""Instances on disk: whole, private, and owned by one process."""

import os
import stat
from pathlib import Path

import pytest

from demo.store import Store, StoreError
from tests.demo.story import Story


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "demo", "invoice_approval")


def test_only_the_owner_may_look(story: Story) -> None:
    for folder in (story.store.folder, story.store.folder / "instances"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_write_that_fails_leaves_what_was_there(story: Story, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    before = story.record
    changed = story.record
    changed.title = "Changed"

    def fail(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(*(os, "fsync", fail) if broken == "fsync" else (Path, "replace", fail))
    with pytest.raises(OSError, match="No space"):
        story.store.save(changed)
    monkeypatch.undo()
    assert story.record == before


def test_half_written_files_are_cleared_away_at_the_start(story: Story) -> None:
    half = story.store.folder / "instances" / "invoice-2.json.tmp"
    half.write_bytes(b'{"id": "invo')
    story.store.close()
    again = Store(story.store.folder)
    again.open()
    assert not half.exists()
    assert [record.id for record in again.load_all()] == [story.id]


def test_two_engines_cannot_share_a_folder(story: Story) -> None:
    with pytest.raises(StoreError, match="Another demo engine uses"):
        Store(story.store.folder).open()
    story.store.close()
    Store(story.store.folder).open()


def test_a_file_that_cannot_be_read_is_named(story: Story) -> None:
    path = story.store.folder / "instances" / f"{story.id}.json"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(StoreError, match=r"invoice-1\.json cannot be read .* restore it from a copy, or move it away"):
        list(story.store.load_all())


@pytest.mark.parametrize("name", ["", "..", "../demo", "invoice-9", "/etc/passwd", "a/b"])
def test_there_is_nothing_outside_the_folder(story: Story, name: str) -> None:
    with pytest.raises(KeyError):
        story.store.load(name)
