"""WFPUSH_DATA: closed to others, never somebody else's, its secrets made once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wfpush.config import env
from wfpush.embedded import datafolder
from wfpush.embedded.datafolder import DataFolderError


def secrets_of(folder: Path) -> dict[str, str]:
    return env.parse(datafolder.read_secrets(folder))


def test_a_new_folder_is_closed_and_has_the_secrets_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    datafolder.prepare(folder, ["SECRET_KEY", "ENCRYPTION_KEYS"])
    assert datafolder.was_made(folder)
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / datafolder.SECRETS_FILE).stat().st_mode & 0o077 == 0
    found = secrets_of(folder)
    assert set(found) == {"SECRET_KEY", "ENCRYPTION_KEYS"}
    assert all(len(value) >= 50 for value in found.values())


def test_secrets_are_kept_and_only_missing_ones_are_added(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    datafolder.prepare(folder, ["SECRET_KEY"])
    before = secrets_of(folder)
    datafolder.prepare(folder, ["SECRET_KEY", "ENCRYPTION_KEYS"])
    after = secrets_of(folder)
    assert after["SECRET_KEY"] == before["SECRET_KEY"]
    assert "ENCRYPTION_KEYS" in after


def test_starters_at_the_same_moment_agree_on_the_secrets(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    def start(_: int) -> dict[str, str]:
        datafolder.prepare(folder, ["SECRET_KEY", "ENCRYPTION_KEYS"])
        return secrets_of(folder)

    with ThreadPoolExecutor(8) as starters:
        found = list(starters.map(start, range(16)))
    assert all(secrets == found[0] for secrets in found)
    assert (folder / datafolder.MARKER).read_text().count("\n") == 1


def test_a_folder_made_anew_is_told_from_the_old_one(tmp_path: Path) -> None:
    datafolder.prepare(tmp_path / "a", [])
    datafolder.prepare(tmp_path / "b", [])
    assert (tmp_path / "a" / datafolder.MARKER).read_text() != (tmp_path / "b" / datafolder.MARKER).read_text()


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DataFolderError, match=r"holds other files\. Set WFPUSH_DATA"):
        datafolder.prepare(tmp_path, ["SECRET_KEY"])
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_in_which_web_and_worker_have_written_before_is_taken(tmp_path: Path) -> None:
    (tmp_path / "data" / "static").mkdir(parents=True)
    (tmp_path / "data" / "mail").mkdir()
    datafolder.prepare(tmp_path / "data", ["SECRET_KEY"])
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0
    assert "SECRET_KEY" in secrets_of(tmp_path / "data")


def test_a_path_that_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataFolderError, match="WFPUSH_DATA cannot be used"):
        datafolder.prepare(tmp_path / "file", ["SECRET_KEY"])


def test_without_a_folder_there_are_no_secrets(tmp_path: Path) -> None:
    assert datafolder.read_secrets(tmp_path / "nothing") == ""
