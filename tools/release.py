"""`python -m tools.release`: check whether this checkout can be released; with `--tag` make the tag of its version.

`make release` runs the fast checks, then `make lint`, then this again with `--tag`.
"""

import re
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

from tests.support.releases import migrations, released

ROOT = Path(__file__).resolve().parent.parent
BRANCH = "main"
NUMBER = r"(?:0|[1-9]\d*)"
SEMVER = re.compile(rf"({NUMBER})\.({NUMBER})\.({NUMBER})")
"""https://semver.org, without pre-releases and builds, of which there are none here."""


class Unready(Exception):
    """It cannot be released; the message says what to do about it."""


class Checkout:
    """A git work tree."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root

    def git(self, *words: str) -> str:
        """Raises Unready with git's own words."""
        done = subprocess.run(["git", *words], cwd=self.root, check=False, capture_output=True, text=True)
        if done.returncode:
            raise Unready(f"git {words[0]}: {done.stderr.strip()}")
        return done.stdout.rstrip()

    def read(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def version_of_package(self) -> str:
        return str(tomllib.loads(self.read("pyproject.toml"))["project"]["version"])

    def version_of_code(self) -> str:
        found = re.search(r'^VERSION = "(.*)"$', self.read("wfpush/__init__.py"), re.M)
        return found[1] if found else ""

    def section(self, heading: str) -> str | None:
        """What the changelog says under `## [heading]`, without the heading; None where there is none."""
        found = re.search(
            rf"^## \[{re.escape(heading)}\].*?$\n(.*?)(?=^## |\Z)", self.read("CHANGELOG.md"), re.M | re.S
        )
        return found[1].strip() if found else None


def check(checkout: Checkout) -> str:
    """The version that can be released. Raises Unready with the first thing that is in the way."""
    version = checkout.version_of_code()
    _check_tree(checkout)
    _check_version(checkout, version)
    _check_changelog(checkout, version)
    _check_kept(checkout, version)
    return version


def tag(checkout: Checkout, version: str) -> str:
    """Make the tag, with what the changelog says of the version as its message. Its name."""
    name = f"v{version}"
    checkout.git(
        "tag",
        "--annotate",
        "--cleanup=verbatim",
        name,
        "--message",
        f"wfpush {version}\n\n{checkout.section(version)}\n",
    )
    return name


# --- what is in the way -----------------------------------------------------------------------------------------------
def _check_tree(checkout: Checkout) -> None:
    branch = checkout.git("branch", "--show-current") or "none"
    if branch != BRANCH:
        raise Unready(f"The branch here is {branch}. Releases are made of {BRANCH}: git switch {BRANCH}.")
    if changed := checkout.git("status", "--porcelain"):
        raise Unready(f"Not everything is committed. Commit these, or put them away with git stash:\n{changed}")


def _check_version(checkout: Checkout, version: str) -> None:
    if not SEMVER.fullmatch(version):
        raise Unready(f"VERSION in wfpush/__init__.py is {version!r}. Write three numbers as SemVer has them: 1.4.0.")
    if (other := checkout.version_of_package()) != version:
        raise Unready(f"wfpush/__init__.py says {version}, pyproject.toml {other}. Write the same in both.")
    tags = [each.removeprefix("v") for each in checkout.git("tag", "--list", "v*").splitlines()]
    done = sorted(_numbers(each) for each in tags if SEMVER.fullmatch(each))
    if done and _numbers(version) <= done[-1]:
        last = ".".join(map(str, done[-1]))
        raise Unready(
            f"{last} is released, and {version} does not come after it. Raise the version in wfpush/__init__.py and"
            " pyproject.toml: the first number for what breaks clients or settings, the second for what is new, the"
            " third for what is mended."
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _check_changelog(checkout: Checkout, version: str) -> None:
    heading = f"## [{version}] - {date.today().isoformat()}"
    if not checkout.section(version):
        raise Unready(
            f"CHANGELOG.md says nothing of {version}. Write the heading “{heading}” below “## [Unreleased]”, so that"
            " what stood under that one stands under it."
        )
    if not re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", checkout.read("CHANGELOG.md"), re.M):
        raise Unready(f"The heading of {version} in CHANGELOG.md has no date. Write “{heading}”.")
    if checkout.section("Unreleased"):
        raise Unready(
            f"CHANGELOG.md has entries under “## [Unreleased]”. They are in this release: move them to “{heading}”."
        )


def _check_kept(checkout: Checkout, version: str) -> None:
    folder = checkout.root / "tests" / "upgrades"
    hashes, database = folder / f"{version}.sha256", folder / f"{version}.sql.gz"
    make = "Run .venv/bin/python -m tests.support.release (about a minute), and commit what it makes."
    if not hashes.is_file() or not database.is_file():
        raise Unready(f"Neither migrations nor a database of {version} are kept in tests/upgrades. {make}")
    if released(hashes) != migrations(checkout.root):
        raise Unready(f"The migrations have changed since tests/upgrades/{hashes.name} was made. {make}")


def main(arguments: list[str]) -> int:
    checkout = Checkout()
    try:
        version = check(checkout)
        if "--tag" not in arguments:
            print(f"{version} can be released, if make lint finds nothing.")
            return 0
        name = tag(checkout, version)
    except Unready as fault:
        print(f"Not released. {fault}", file=sys.stderr)
        return 1
    print(f"{name} is made, here alone. Publish it: git push origin {BRANCH} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
