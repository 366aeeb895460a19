import http.client
import os
import signal
import threading
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils.module_loading import import_string

from wfpush import features
from wfpush.config import env, places
from wfpush.config.places import MANAGE
from wfpush.embedded import shared_servers
from wfpush.management.commands import migrate
from wfpush.management.starting import HOST, add_options, show
from wfpush.net.addresses import THIS_MACHINE
from wfpush.processes.children import Child, JoinedOutput
from wfpush.processes.demo import Demo, DemoAccounts
from wfpush.processes.supervisor import Supervisor

GRACE_SECONDS = 5.0
"""Seconds between Ctrl-C and the end of each process, before it is killed."""
CHILD_GRACE = "3"
"""Seconds that web and worker give running work; less than GRACE_SECONDS."""
LAST_LINES_SECONDS = 4.0
"""Seconds that the remaining processes of a killed child get to end and to print their last lines."""


class Command(BaseCommand):
    help = "Run everything for development: embedded servers if needed, web, worker and, with --demo, a demo engine."
    requires_system_checks = []  # `migrate` runs them

    def add_arguments(self, parser: CommandParser) -> None:
        add_options(parser)
        parser.add_argument(
            "--stop-with-parent", action="store_true", help="stop when the process that started this ends, as make run"
        )
        parser.add_argument(
            "--under", metavar="MODULE", help="run each process under this module, which gets its name and command"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        port, with_demo, under = options["port"], options["demo"], options["under"]
        if with_demo and find_spec("SpiffWorkflow") is None:
            raise CommandError("The demo engine needs SpiffWorkflow: install it (extra `demo`), or leave out --demo.")
        for number in (signal.SIGINT, signal.SIGTERM):  # until the supervisor takes over these signals
            signal.signal(number, _leave)
        try:
            migrate.apply()
            supervisor = Supervisor(grace=GRACE_SECONDS, restarts=False)
            if options["stop_with_parent"]:
                supervisor.add_thread("parent", partial(_stop_with_parent, supervisor))
            self._run(supervisor, port, with_demo, under)
        finally:
            if settings.EMBEDDED_SERVERS:
                shared_servers.release(settings.DATA_DIR)
        if supervisor.lost_a_child:
            raise CommandError("A process has ended by itself, so the others were stopped. Its last lines are above.")

    def _run(self, supervisor: Supervisor, port: int, with_demo: bool, under: str | None) -> None:
        banner = [f"wfpush is ready: http://{HOST}:{port}"]
        waits_for = [(port, "/healthz")]
        environment = _environment(port)
        output = JoinedOutput(["web", "worker", "demo"] if with_demo else ["web", "worker"])

        def add(name: str, command: list[str], environment: dict[str, str]) -> None:
            words = ["-m", under, name, *command] if under else command
            supervisor.add(Child(name, words, environment, output=output))

        add("web", [*MANAGE, "web", "--host", HOST, "--port", str(port), "--grace", CHILD_GRACE], environment)
        add("worker", [*MANAGE, "worker", "--grace", CHILD_GRACE], environment)
        if with_demo:
            file, callback = settings.DATA_DIR / "demo.json", f"http://{HOST}:{port + 1}/callback"
            if not file.exists():
                show("Making the demo's accounts")
            (added,) = features.added(DemoAccounts)
            demo: Demo = import_string(added.prepare)(file, callback, environment["BASE_URL"])
            own = {**_demo_environment(port), **demo.environment}
            add("demo", ["-m", "wfpush.processes.lifeline", "demo"], environment | own)
            waits_for.append((port + 1, "/"))
            banner += [f"  sign in as {ref:6} {password}" for ref, password in demo.passwords.items()]
            banner.append(f"Administration: http://{HOST}:{port}/admin/   Demo engine: http://{HOST}:{port + 1}")
        if mail := getattr(settings, "EMAIL_FILE_PATH", None):
            banner.append(f"E-mail is kept in {mail}")
        banner.append("Ctrl-C stops everything.")
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's has one
        supervisor.add_thread("banner", lambda: self._announce(waits_for, banner, supervisor.stop))
        supervisor.run()
        output.finish(LAST_LINES_SECONDS)

    def _announce(self, waits_for: list[tuple[int, str]], banner: list[str], stop: threading.Event) -> None:
        show(
            "Starting web and worker, and waiting for " + " and ".join(f"http://{HOST}:{port}" for port, _ in waits_for)
        )
        for port, path in waits_for:
            while not _answers(port, path):
                if stop.wait(0.1):
                    return
        self.stdout.write("\n".join(["", *banner, ""]))
        self.stdout.flush()


def _leave(*_: object) -> NoReturn:
    raise SystemExit(0)


def _stop_with_parent(supervisor: Supervisor) -> None:
    """Stop when `make run` dies: killed alone, it would leave the port in use."""
    parent = os.getppid()
    while not supervisor.stop.wait(0.5):
        if os.getppid() != parent:
            supervisor.stop.set()


def _environment(port: int) -> dict[str, str]:
    variables = env.load(places.HOME).values
    base_url = variables.get("BASE_URL") or f"http://{HOST}:{port}"
    engines = [str(network) for network in (*settings.OUTBOUND_ALLOWED_CIDRS, THIS_MACHINE)]
    return {
        "BASE_URL": base_url,
        "OUTBOUND_ALLOWED_CIDRS": ",".join(engines),
        "LOG_LEVEL": variables.get("LOG_LEVEL") or "WARNING",  # so that address and accounts stay in sight
        "WFPUSH_DATA": str(settings.DATA_DIR),
        "PYTHONPATH": str(places.PACKAGES),
        "PYTHONUNBUFFERED": "1",
    }


def _demo_environment(port: int) -> dict[str, str]:
    return {
        "DEMO_PORT": str(port + 1),
        "DEMO_DATA": str(Path(settings.DATA_DIR) / "demo"),
        "WFPUSH_URL": f"http://{HOST}:{port}",
        "DEMO_MAIL": str(getattr(settings, "EMAIL_FILE_PATH", None) or ""),
    }


def _answers(port: int, path: str) -> bool:
    client = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        client.request("GET", path)
        return client.getresponse().status == 200
    except OSError:
        return False
    finally:
        client.close()
