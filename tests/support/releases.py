"""The releases: for each one its migrations, and a database that it has used."""

import gzip
import hashlib
import subprocess
from pathlib import Path

from tests.support.documentation import ROOT
from tests.support.processes import House
from wfpush.embedded import shared_servers
from wfpush.postgres.required_release import numbers

FOLDER = ROOT / "tests" / "upgrades"
DATABASES = sorted(FOLDER.glob("*.sql.gz"))
"""Of the development version db41773, too, in whose schema the migrations of 0.2.0 begin."""
LAST = max(
    (dump for dump in DATABASES if dump.name[0].isdigit()), key=lambda dump: numbers(dump.name.removesuffix(".sql.gz"))
)
"""Of the last release."""
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


def restore(house: House, dump: Path) -> None:
    """Fill a house's empty embedded database, and keep its servers running for this process."""
    shared_servers.ensure(house.folder)
    server = shared_servers.Postgres(shared_servers.locate(house.folder))
    words = [str(server.programs() / "psql"), "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", server.url]
    subprocess.run(words, check=True, capture_output=True, input=gzip.decompress(dump.read_bytes()))
