"""The commands of docs/operations/backup.md that back up and restore, as they stand there."""

import os
import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.deploy.conftest import Deployed
from tests.support.documentation import ROOT, blocks

pytestmark = pytest.mark.processes

TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"


def whole(url: str) -> dict[str, object]:
    """Every table of a database, and what sums up its rows."""
    with psycopg.connect(url) as ours:
        names = [str(name) for (name,) in ours.execute(TABLES)]
        sums = {}
        for name in names:
            query = f"SELECT count(*), md5(string_agg(row::text, ' ' ORDER BY row::text)) FROM \"{name}\" AS row"
            sums[name] = ours.execute(query.encode()).fetchone()
    return sums


class Administrator:
    """Who types what stands in the guide, in a checkout, with PostgreSQL's programs of the test."""

    def __init__(self, deployed: Deployed, backups: Path) -> None:
        self._backups = backups
        programs = f"{deployed.servers.postgres.programs()}{os.pathsep}{os.environ['PATH']}"
        self._environment = deployed.house.environment | {
            "PATH": programs,
            "SUPERUSER_URL": deployed.url("postgres", "postgres"),
            "OWNER_URL": deployed.url("wfpush_owner"),
            "RESTORED_URL": deployed.url("wfpush_owner", "wfpush_restored"),
        }

    def types(self, mark: str) -> None:
        (block,) = blocks("docs/operations", "sh", mark)
        assert "/var/backups/wfpush/" in block
        script = "set -euo pipefail\n" + block.replace("/var/backups/wfpush/", f"{self._backups}/")
        words = ["bash", "-c", script]
        done = subprocess.run(
            words, cwd=ROOT, env=self._environment, capture_output=True, text=True, check=False, timeout=180
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
def test_a_backup_is_restored_whole_and_serves(deployed: Deployed, tmp_path: Path) -> None:
    deployed.stop()
    administrator = Administrator(deployed, tmp_path)

    administrator.types("backup")
    administrator.types("restore")

    before = whole(deployed.url("postgres"))
    assert len(before) > 40
    assert before["notifications_engine"] != (0, None)
    assert whole(deployed.url("postgres", "wfpush_restored")) == before
    restored = deployed.url("wfpush", "wfpush_restored")
    again = deployed.house.run("create_person", "carol", "--name", "Carol", DATABASE_URL=restored)
    assert again.process.returncode == 0, again.said
