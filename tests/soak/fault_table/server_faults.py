"""What happens to PostgreSQL and Redis."""

import os
import signal
from functools import partial

import psycopg
import redis

from tests.soak.fault_table.faults import WITHOUT_OVERVIEW, Fault
from tests.soak.fault_table.stage import Stage
from tests.support.crowded import Connections, take_connections
from tests.support.waiting import eventually
from wfpush.embedded.servers import Server

NO_ROOM = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER no_room BEFORE INSERT ON notifications_event FOR EACH ROW EXECUTE FUNCTION no_room();
"""
ROOM = "DROP TRIGGER no_room ON notifications_event; DROP FUNCTION no_room()"
LAST_MIGRATION = "SELECT max(id) FROM django_migrations WHERE app = 'notifications'"
LOCK_SECONDS = 20.0


def kill(server: Server) -> None:
    pid = server.recorded_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not server.lives(), f"nothing of {server.name} is left", within=30)


class Sessions:
    """Those that somebody else has at the database."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: Connections = []

    def take_all(self) -> None:
        self._open += take_connections(self._url)

    def lock_events(self) -> None:
        self._open.append(psycopg.connect(self._url, connect_timeout=5))
        self._open[-1].execute("LOCK TABLE notifications_event IN ACCESS EXCLUSIVE MODE")

    def end(self) -> None:
        while self._open:
            self._open.pop().close()


class Migrations:
    """Rows of `django_migrations` taken away and put back."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._taken: list[tuple[object, ...]] = []

    def take_last(self) -> None:
        with psycopg.connect(self._url) as own:
            query = f"DELETE FROM django_migrations WHERE id = ({LAST_MIGRATION}) RETURNING id, app, name, applied"
            self._taken = own.execute(query.encode()).fetchall()

    def put_back(self) -> None:
        with psycopg.connect(self._url) as own:
            own.execute(
                "INSERT INTO django_migrations (id, app, name, applied) VALUES (%s, %s, %s, %s)", self._taken[0]
            )

    def add(self) -> None:
        with psycopg.connect(self._url) as own:
            own.execute(
                "INSERT INTO django_migrations (app, name, applied) VALUES ('notifications', '9999_newer', now())"
            )

    def remove(self) -> None:
        with psycopg.connect(self._url) as own:
            own.execute("DELETE FROM django_migrations WHERE name = '9999_newer'")

    def require_newer(self) -> None:
        with psycopg.connect(self._url) as own:
            own.execute("INSERT INTO wfpush_requiredrelease (version) VALUES ('999.0.0')")

    def require_no_newer(self) -> None:
        with psycopg.connect(self._url) as own:
            own.execute("DELETE FROM wfpush_requiredrelease WHERE version = '999.0.0'")


def of_postgres(stage: Stage) -> list[Fault]:
    servers, server = stage.servers, stage.servers.postgres
    gone, hanging, read_only = servers.gone(server), servers.hanging(server), servers.read_only()
    sessions, migrations = Sessions(server.url), Migrations(server.url)
    database = r"\bdatabase\b|50[03]:"
    change = stage.house.change
    return [
        Fault("PostgreSQL stopped", gone.begin, database, gone.end),
        Fault("PostgreSQL hangs", hanging.begin, database, hanging.end),
        Fault("PostgreSQL killed and started again", partial(kill, server), database, server.ensure_running),
        Fault("PostgreSQL read-only", read_only.begin, "read-only|up database 0", read_only.end, WITHOUT_OVERVIEW),
        Fault(
            "no free connections",
            sessions.take_all,
            "no more connections|up database",
            sessions.end,
            ("readyz", "doctor"),
        ),
        Fault(
            f"table of events locked for {LOCK_SECONDS:.0f} s",
            sessions.lock_events,
            r"events|database",
            sessions.end,
            shortest=LOCK_SECONDS,
            longest=LOCK_SECONDS,
        ),
        Fault("disk full", partial(change, NO_ROOM), "disk|api/v1/events", partial(change, ROOM), ("metrics",)),
        Fault("half-migrated", migrations.take_last, "not applied", migrations.put_back, ("readyz", "doctor")),
        Fault("a newer release has migrated", migrations.add, "newer", migrations.remove, ("readyz", "doctor")),
        Fault(
            "a newer release has taken over",
            migrations.require_newer,
            "release 999",
            migrations.require_no_newer,
            ("readyz", "doctor"),
        ),
    ]


def of_redis(stage: Stage) -> list[Fault]:
    servers, server = stage.servers, stage.servers.valkey
    gone, hanging = servers.gone(server), servers.hanging(server)
    client = redis.Redis.from_url(server.url)

    def empty_and_kill() -> None:
        client.flushall()
        kill(server)

    def full(size: int) -> None:
        client.config_set("maxmemory", size)

    def follow(*primary: object) -> None:
        client.execute_command("REPLICAOF", *primary)

    return [
        Fault("Redis stopped", gone.begin, r"\bredis\b", gone.end, WITHOUT_OVERVIEW),
        Fault("Redis hangs", hanging.begin, r"\bredis\b", hanging.end, WITHOUT_OVERVIEW),
        Fault("Redis full", partial(full, 1), r"\bredis\b", partial(full, 0), WITHOUT_OVERVIEW),
        Fault(
            "Redis read-only",
            partial(follow, "127.0.0.1", 1),
            r"\bredis\b",
            partial(follow, "NO", "ONE"),
            WITHOUT_OVERVIEW,
        ),
        Fault("Redis emptied and killed", empty_and_kill, r"\bredis\b", server.ensure_running, WITHOUT_OVERVIEW),
    ]
