"""Folders of servers go when their data folder has gone, and only then."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.waiting import eventually
from wfpush.embedded import datafolder, shared_servers

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "servers"
    made.mkdir()
    return made


@pytest.fixture
def data(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir()
    return made


def servers_of(data: Path, root: Path) -> Path:
    base = root / uuid4().hex[:16]
    (base / "postgres").mkdir(parents=True)
    shared_servers.note_owner(base, data)
    return base


def test_the_servers_of_a_data_folder_that_is_gone_are_removed(root: Path, data: Path) -> None:
    servers_of(data, root)
    data.rmdir()
    shared_servers.remove_left_behind(root)
    assert list(root.iterdir()) == []


def test_those_of_one_that_exists_stay(root: Path, data: Path) -> None:
    base = servers_of(data, root)
    shared_servers.remove_left_behind(root)
    assert (base / "postgres").is_dir()


@pytest.mark.parametrize("lock", shared_servers.LOCKS)
def test_those_that_somebody_uses_stay_until_nobody_does(root: Path, data: Path, lock: str) -> None:
    base = servers_of(data, root)
    data.rmdir()
    with (base / lock).open("w") as used:
        fcntl.flock(used, fcntl.LOCK_SH)
        shared_servers.remove_left_behind(root)
        assert (base / "postgres").is_dir()
    shared_servers.remove_left_behind(root)
    assert not base.exists()


def test_those_whose_data_folder_may_only_not_be_mounted_stay(root: Path, data: Path) -> None:
    elsewhere, nowhere = servers_of(data, root), servers_of(data, root)
    (elsewhere / shared_servers.OWNER).write_text(json.dumps({"path": str(data), "device": -1}), encoding="utf-8")
    path = str(data / "deeper" / "down")
    (nowhere / shared_servers.OWNER).write_text(json.dumps({"path": path, "device": os.stat(data).st_dev}))  # noqa: PTH116
    data.rmdir()
    shared_servers.remove_left_behind(root)
    assert elsewhere.is_dir()
    assert nowhere.is_dir()


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"path": 7, "device": 1}', None])
def test_those_that_do_not_say_whose_they_are_stay(root: Path, data: Path, said: str | None) -> None:
    base = servers_of(data, root)
    (base / shared_servers.OWNER).unlink()
    if said is not None:
        (base / shared_servers.OWNER).write_text(said, encoding="utf-8")
    data.rmdir()
    shared_servers.remove_left_behind(root)
    assert base.is_dir()


def test_a_removal_that_was_cut_short_goes_on(root: Path) -> None:
    (root / f"{shared_servers.REMOVED}0123456789abcdef" / "postgres").mkdir(parents=True)
    shared_servers.remove_left_behind(root)
    assert list(root.iterdir()) == []


def test_a_data_folder_that_does_not_exist_owns_nothing(root: Path, data: Path) -> None:
    base = servers_of(data / "nothing", root)
    shared_servers.remove_left_behind(root)
    assert not (base / shared_servers.OWNER).exists()


@pytest.mark.processes
@pytest.mark.skipif(os.geteuid() != 0, reason="servers lie beside their data folder only where root starts them")
def test_a_guard_looks_when_it_begins(tmp_path: Path) -> None:
    gone, used = tmp_path / "gone", tmp_path / "used"
    bases = []
    for folder in (gone, used):
        datafolder.prepare(folder, [])
        bases.append(shared_servers.locate(folder).base)
        shared_servers.note_owner(bases[-1], folder)
    shutil.rmtree(gone)
    try:
        with (bases[1] / "guard").open("w") as lock, (bases[1] / "users").open("w") as users:
            fcntl.flock(users, fcntl.LOCK_SH)
            words = [sys.executable, "-m", "wfpush.embedded.shared_servers", str(used), str(lock.fileno())]
            guard = subprocess.Popen(words, cwd=ROOT, pass_fds=[lock.fileno()])
            eventually(lambda: not bases[0].exists(), "what was left behind is removed")
            fcntl.flock(users, fcntl.LOCK_UN)
            assert guard.wait(60) == 0
        assert bases[1].is_dir()
    finally:
        for base in bases:
            shutil.rmtree(base, ignore_errors=True)
