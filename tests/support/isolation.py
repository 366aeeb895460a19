"""Servers of the tests' own: a data folder for each process of pytest-xdist, and no rows that must outlive a test."""

import os

import psycopg

from wfpush.config.env import Environment
from wfpush.embedded import shared_servers

FORGETFUL = ("fsync", "synchronous_commit", "full_page_writes")
"""Settings of PostgreSQL that keep rows through a power failure. Tests that kill servers have clusters of their own."""


def choose_folder() -> None:
    """A process of pytest-xdist has its own PostgreSQL and Valkey, and files, beside those of the others."""
    folder = os.environ.get("WFPUSH_DATA", ".wfpush-test")
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        folder = f"{folder}-{worker}"
    os.environ["WFPUSH_DATA"] = folder


def has_own_servers(environment: Environment) -> bool:
    return not environment.text("DATABASE_URL", default="")


def forget(environment: Environment) -> None:
    """Write nothing to the disk that can wait. A database that is not ours stays as it is."""
    if not has_own_servers(environment):
        return
    shared_servers.ensure(environment.data_dir)
    server = shared_servers.Postgres(shared_servers.locate(environment.data_dir))
    with psycopg.connect(server.url, autocommit=True) as connection:
        for name in FORGETFUL:
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")
