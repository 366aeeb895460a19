"""Installs packages of npm for programs of tests: a folder has the program, and `package.json` with the versions."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

INSTALLING_SECONDS = 120


def needed() -> None:
    """Skip the test with the reason where node or npm is missing; in CI that is a failure."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            reason = f"{program} is missing. Install it (Debian: apt-get install nodejs npm)."
            pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


def installed(source: Path) -> Path:
    """Return a copy of the folder with its packages. They are installed once in a data folder of tests."""
    folder = Path(settings.DATA_DIR) / "npm" / source.name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for file in source.iterdir():
            if file.suffix in (".mjs", ".bpmn"):
                shutil.copy(file, folder)
        listed, complete = (source / "package.json").read_text(), folder / "installed.json"
        if not complete.exists() or complete.read_text() != listed:
            (folder / "package.json").write_text(listed)
            install = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(
                install, cwd=folder, check=True, timeout=INSTALLING_SECONDS, env={**os.environ, "CI": "true"}
            )
            complete.write_text(listed)
    return folder
