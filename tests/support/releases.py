"""The releases: for each one its migrations, and a database that it has used."""

import hashlib
import subprocess
from pathlib import Path

from tests.support.documentation import ROOT

FOLDER = ROOT / "tests" / "upgrades"
APPS = ("wfpush", "notifications", "escalations")
FIRST_BESIDE_THE_NEXT = "0.4.0"
"""From this release on, each one runs beside the next. Those before it cannot read what newer ones write."""


SETTINGS = {
    "SECRET_KEY": "kept-with-the-databases-of-releases-and-used-nowhere-else",
    "ENCRYPTION_KEYS": "opens-the-secrets-in-the-databases-of-releases-alone",
    "VAPID_PRIVATE_KEY": "4NJFNOVpCsDpUYTcYpLmzKFuKnFNH3bZJnGeRXV9ihE",
}
"""Those of every database that is kept: what is encrypted in it can be read with them."""


def migrations(checkout: Path = ROOT) -> dict[str, str]:
    """The SHA-256 of every migration of ours, by its path in the repository."""
    files = [file for app in APPS for file in sorted((checkout / app).glob("**/migrations/[0-9]*.py"))]
    return {str(file.relative_to(checkout)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def hash_lists() -> list[Path]:
    """One for each release, as sha256sum writes them."""
    return sorted(FOLDER.glob("*.sha256"))


def released(hash_list: Path) -> dict[str, str]:
    lines = hash_list.read_text(encoding="utf-8").splitlines()
    return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}


def unpack(version: str, folder: Path) -> bool:
    """Write the code of a release into a folder: that of the commit that kept its migrations. Return False if git does
    not have it here."""
    kept = f"tests/upgrades/{version}.sha256"
    log = ["git", "log", "--diff-filter=A", "--format=%H", "--", kept]
    commits = subprocess.run(log, cwd=ROOT, check=False, capture_output=True, text=True).stdout.split()
    if not commits:
        return False
    archive = subprocess.run(["git", "archive", commits[-1]], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "--extract", "--directory", str(folder)], input=archive, check=True)
    return True
