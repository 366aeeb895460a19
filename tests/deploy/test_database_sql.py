"""`deploy/database.sql` never makes a role that has no password."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.deploy.conftest import SQL
from tests.soak.servers import Servers

pytestmark = pytest.mark.processes

PASSWORDS = {"OWNER_PASSWORD": "o'wner $(1) ü", "PASSWORD": 'p"\\'}
MADE = """SELECT string_agg(name, ' ' ORDER BY name) FROM (
    SELECT rolname FROM pg_roles UNION ALL SELECT datname FROM pg_database) AS made(name) WHERE name LIKE 'wfpush_%'"""


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with Servers() as made:
        yield made


def psql(servers: Servers, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """As an administrator calls it, without the variables that are not in `environment`."""
    kept = {name: value for name, value in os.environ.items() if name not in PASSWORDS}
    command = [str(servers.postgres.programs() / "psql"), "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]
    where = [f"--host={servers.postgres.where.sockets}", "--username=postgres", "--dbname=postgres"]
    return subprocess.run(
        [*command, *where, *words], capture_output=True, text=True, check=False, timeout=60, env=kept | environment
    )


def made(servers: Servers) -> list[str]:
    """The roles and databases, besides the one of the tests."""
    return psql(servers, "--command", MADE).stdout.split()


def test_without_its_passwords_it_makes_nothing_and_with_them_both_roles_have_one(servers: Servers) -> None:
    words = ["--set=database=wfpush_made", f"--file={SQL}"]
    for environment in ({}, {"OWNER_PASSWORD": "o"}, {"PASSWORD": "p"}, dict.fromkeys(PASSWORDS, "")):
        refused = psql(servers, *words, **environment)
        assert refused.returncode == 3
        (sentence,) = refused.stderr.splitlines()
        lacking = [name for name in PASSWORDS if not environment.get(name)]
        assert f"Nothing was made: export {' and '.join(lacking)} and run it again" in sentence
        assert "sudo --preserve-env=OWNER_PASSWORD,PASSWORD -u postgres psql" in sentence
        assert made(servers) == []

    assert psql(servers, *words, **PASSWORDS).returncode == 0
    assert made(servers) == ["wfpush_made", "wfpush_owner"]
    lack = "SELECT count(*) FROM pg_authid WHERE rolname IN ('wfpush', 'wfpush_owner') AND rolpassword IS NULL"
    assert psql(servers, "--command", lack).stdout.strip() == "0"


def test_a_statement_ends_when_its_process_is_gone(servers: Servers) -> None:
    psql(servers, "--set=database=wfpush_checks", f"--file={SQL}", **PASSWORDS)
    setting = "SELECT rolconfig FROM pg_roles WHERE rolname = 'wfpush'"
    assert psql(servers, "--command", setting).stdout.strip() == "{client_connection_check_interval=5s}"


def test_for_another_database_the_passwords_of_the_roles_stay(servers: Servers) -> None:
    assert psql(servers, "--set=database=wfpush_first", f"--file={SQL}", **PASSWORDS).returncode == 0
    passwords = "SELECT rolname, rolpassword FROM pg_authid WHERE rolname IN ('wfpush', 'wfpush_owner') ORDER BY 1"
    before = psql(servers, "--command", passwords).stdout
    assert before.count("SCRAM-SHA-256") == 2

    restored = psql(servers, "--set=database=wfpush_restored", f"--file={SQL}")

    assert (restored.returncode, restored.stderr) == (0, "")
    assert psql(servers, "--command", passwords).stdout == before
