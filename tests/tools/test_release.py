"""`make release`: it refuses what is not ready, and tags what is."""

import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from tests.support.documentation import ROOT, read

CHANGELOG = """# Changelog

## [Unreleased]

### Added
- **A bell.**

## [0.3.0] - 2026-10-01
- **A door.**
"""
KEEPING = ".venv/bin/python -m tests.support.release"


class Repository:
    """A repository whose next version can be released. It keeps an empty file in place of a used database, and lints
    nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("Makefile", replaced(read("Makefile"), {"release: setup-dev": "release:", "lint\n": "--version\n"}))
        project = re.sub(r'(?m)^current_version = "[0-9.]+"', 'current_version = "0.3.0"', read("pyproject.toml"))
        self.write("pyproject.toml", replaced(project, {KEEPING: "touch tests/upgrades/kept"}))
        self.write("wfpush/__init__.py", read("wfpush/__init__.py"))
        self.write("CHANGELOG.md", CHANGELOG)
        self.write("tests/upgrades/0.3.0.sha256", "")
        (root / ".venv").symlink_to(ROOT / ".venv")
        self.write(".gitignore", ".venv\n")
        self.git("init", "--quiet", "--initial-branch", "main")
        for name, value in (("user.name", "Dora"), ("user.email", "dora@example.com"), ("tag.gpgSign", "false")):
            self.git("config", name, value)
        self.commit()

    def git(self, *words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout.rstrip()

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change")

    def release(self, part: str = "minor") -> tuple[int, str]:
        """The exit code of make, and what it prints."""
        words = ["make", "release", f"PART={part}"]
        done = subprocess.run(words, cwd=self.root, check=False, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def is_refused(self, reason: str, part: str = "minor") -> None:
        before = self.git("rev-parse", "HEAD"), self.git("status", "--porcelain")
        code, output = self.release(part)
        assert code != 0
        assert reason in output
        assert (self.git("rev-parse", "HEAD"), self.git("status", "--porcelain")) == before
        assert self.git("tag") == ""


def replaced(text: str, replacements: dict[str, str]) -> str:
    for old, new in replacements.items():
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in [name for name in os.environ if name.startswith(("GIT_", "MAKE"))]:
        monkeypatch.delenv(name)  # git's hooks, which may run these tests, name their own repository
    return Repository(tmp_path)


def test_a_release_has_its_version_everywhere_and_its_part_of_the_changelog(repository: Repository) -> None:
    code, output = repository.release()

    assert code == 0, output
    assert output.endswith("v0.4.0 is made, here alone. Publish it: git push origin main v0.4.0\n")
    assert f"## [Unreleased]\n\n## [0.4.0] - {date.today().isoformat()}\n\n### Added\n- **A bell.**\n" in (
        repository.git("show", "v0.4.0:CHANGELOG.md")
    )
    assert 'VERSION = "0.4.0"' in repository.git("show", "v0.4.0:wfpush/__init__.py")
    assert '\nversion = "0.4.0"\n' in repository.git("show", "v0.4.0:pyproject.toml")
    assert repository.git("show", "v0.4.0:tests/upgrades/kept") == ""
    tag = repository.git("for-each-ref", "--format=%(objecttype) %(contents)", "refs/tags/v0.4.0")
    assert tag.strip() == "tag wfpush 0.4.0\n\n### Added\n- **A bell.**"
    assert repository.git("log", "-1", "--format=%s") == "Release 0.4.0"
    assert repository.git("status", "--porcelain") == ""


def test_nothing_is_released_without_an_entry_in_the_changelog(repository: Repository) -> None:
    repository.write("CHANGELOG.md", CHANGELOG.replace("### Added\n- **A bell.**\n\n", ""))
    repository.commit()

    repository.is_refused("Did not find")


def test_not_with_changes_that_are_not_committed(repository: Repository) -> None:
    repository.write("wfpush/__init__.py", 'VERSION = "0.4.0"\n# new\n')

    repository.is_refused("M wfpush/__init__.py")


def test_not_on_another_branch_or_on_none(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--create", "idea")
    repository.is_refused("Releases are made of main: git switch main")

    repository.git("switch", "--quiet", "--detach")
    repository.is_refused("Releases are made of main: git switch main")


@pytest.mark.parametrize("part", ["", "bell", "0.4"])
def test_not_without_the_part_of_the_version_that_rises(repository: Repository, part: str) -> None:
    repository.is_refused("", part)


def test_no_tag_without_what_later_releases_are_tested_with(repository: Repository) -> None:
    path = "pyproject.toml"
    repository.write(path, (repository.root / path).read_text().replace('"touch tests/upgrades/kept"', '"false"'))
    repository.commit()

    code, output = repository.release()

    assert code != 0, output
    assert repository.git("tag") == ""


@pytest.mark.parametrize("module", ["tests.support.release", "tools.demo_event"])
def test_tools_start_without_the_settings_of_an_installation(module: str) -> None:
    """As people call them; pytest has the Django settings in its environment."""
    bare = {name: value for name, value in os.environ.items() if name not in ("DJANGO_SETTINGS_MODULE", "WFPUSH_DATA")}
    words = [sys.executable, "-c", f"import {module}"]
    done = subprocess.run(words, cwd=ROOT, env=bare, check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
