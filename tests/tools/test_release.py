"""`make release`: it refuses what is not ready, with what to do about it, and tags what is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documentation import ROOT
from tests.support.releases import migrations
from tools.release import Checkout, Unready, check, tag

CHANGELOG = """# Changelog

## [Unreleased]

## [1.2.0] - 2026-11-27

### Added
- **A bell.**

## [1.1.0] - 2026-10-01
- **A door.**
"""
MIGRATION = "wfpush/migrations/0001_initial.py"
HASHES = "tests/upgrades/1.2.0.sha256"


class Ready(Checkout):
    """A repository whose version 1.2.0 can be released, after 1.1.0."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.git("init", "--quiet", "--initial-branch", "main")
        for name, value in (("user.name", "Dora"), ("user.email", "dora@example.com"), ("tag.gpgSign", "false")):
            self.git("config", name, value)
        self.git("commit", "--quiet", "--allow-empty", "--message", "Begin")
        self.git("tag", "v1.1.0")
        self.write("wfpush/__init__.py", 'VERSION = "1.2.0"\n')
        self.write("pyproject.toml", '[project]\nversion = "1.2.0"\n')
        self.write("CHANGELOG.md", CHANGELOG)
        self.write(MIGRATION, "# tables\n")
        self.write(HASHES, "".join(f"{digest}  {path}\n" for path, digest in migrations(root).items()))
        self.write("tests/upgrades/1.2.0.sql.gz", "a database")
        self.commit()

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def change(self, path: str, old: str, new: str) -> None:
        text = self.read(path)
        assert old in text
        self.write(path, text.replace(old, new, 1))
        self.commit()

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change")

    def refusal(self) -> str:
        with pytest.raises(Unready) as refused:
            check(self)
        return str(refused.value)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ready:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)  # git's hooks, which may run these tests, name their own repository
    return Ready(tmp_path)


def test_what_is_ready_is_tagged_with_its_part_of_the_changelog(checkout: Ready) -> None:
    version = check(checkout)
    name = tag(checkout, version)

    assert name == "v1.2.0"
    words = ["git", "for-each-ref", "--format=%(objecttype) %(contents)", "refs/tags/v1.2.0"]
    said = subprocess.run(words, cwd=checkout.root, check=True, capture_output=True, text=True).stdout
    assert said.strip() == "tag wfpush 1.2.0\n\n### Added\n- **A bell.**"


def test_nothing_is_tagged_twice(checkout: Ready) -> None:
    tag(checkout, check(checkout))

    assert "1.2.0 is released, and 1.2.0 does not come after it. Raise the version" in checkout.refusal()


def test_not_with_changes_that_are_not_committed(checkout: Ready) -> None:
    checkout.write("README.md", "new")

    assert "Not everything is committed" in checkout.refusal()
    assert "README.md" in checkout.refusal()


def test_not_on_another_branch_or_on_none(checkout: Ready) -> None:
    checkout.git("switch", "--quiet", "--create", "idea")
    assert "The branch here is idea." in checkout.refusal()

    checkout.git("switch", "--quiet", "--detach")
    assert "The branch here is none. Releases are made of main: git switch main." in checkout.refusal()


@pytest.mark.parametrize("version", ["1.2", "1.2.0-rc1", "01.2.0", "v1.2.0", "2026-11"])
def test_not_with_another_kind_of_version(checkout: Ready, version: str) -> None:
    checkout.change("wfpush/__init__.py", "1.2.0", version)

    assert "Write three numbers as SemVer has them" in checkout.refusal()


def test_not_with_two_versions(checkout: Ready) -> None:
    checkout.change("pyproject.toml", "1.2.0", "1.3.0")

    assert checkout.refusal() == "wfpush/__init__.py says 1.2.0, pyproject.toml 1.3.0. Write the same in both."


def test_not_below_what_was_released(checkout: Ready) -> None:
    checkout.git("tag", "v1.10.0")

    assert "1.10.0 is released, and 1.2.0 does not come after it." in checkout.refusal()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("## [1.2.0] - 2026-11-27\n\n### Added\n- **A bell.**\n", "", "CHANGELOG.md says nothing of 1.2.0."),
        (" - 2026-11-27", "", "The heading of 1.2.0 in CHANGELOG.md has no date."),
        ("## [Unreleased]\n", "## [Unreleased]\n\n### Fixed\n- **A step.**\n", "has entries under “## [Unreleased]”"),
    ],
    ids=["no section", "no date", "more under Unreleased"],
)
def test_not_before_the_changelog_is_cut(checkout: Ready, old: str, new: str, said: str) -> None:
    checkout.change("CHANGELOG.md", old, new)

    assert said in checkout.refusal()


def test_not_without_what_later_releases_are_tested_with(checkout: Ready) -> None:
    checkout.git("rm", "--quiet", HASHES)
    checkout.commit()

    assert "Run .venv/bin/python -m tests.support.release" in checkout.refusal()


def test_not_with_other_migrations_than_those_kept(checkout: Ready) -> None:
    checkout.change(MIGRATION, "# tables", "# other tables")

    assert "The migrations have changed since tests/upgrades/1.2.0.sha256 was made." in checkout.refusal()


@pytest.mark.parametrize("module", ["tests.support.release", "tools.release", "tools.demo_event"])
def test_tools_start_without_the_settings_of_an_installation(module: str) -> None:
    """As people call them; pytest has the Django settings in its environment."""
    bare = {name: value for name, value in os.environ.items() if name not in ("DJANGO_SETTINGS_MODULE", "WFPUSH_DATA")}
    words = [sys.executable, "-c", f"import {module}"]
    done = subprocess.run(words, cwd=ROOT, env=bare, check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
