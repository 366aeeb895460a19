import http.client
import os
import signal
import threading
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from wfpush.config import env
from wfpush.embedded import shared_servers
from wfpush.management import demo_accounts
from wfpush.management.stack import Stack, Watcher
from wfpush.net.ports import PortTaken, check_port
from wfpush.processes.lifeline import Lifeline

HOST = "127.0.0.1"
CHILD_GRACE = "3"  # seconds; honcho kills what has not stopped after 5


class Command(BaseCommand):
    help = "Run everything for development: embedded servers if needed, web, worker and, with --demo, a demo engine."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="the demo engine takes the next one")
        parser.add_argument("--demo", action="store_true", help="with a demo engine, and people who can sign in")
        parser.add_argument(
            "--stop-with-parent", action="store_true", help="stop when the process that started this ends, as make run"
        )
        parser.add_argument(
            "--under", metavar="MODULE", help="run each process under this module, which gets its name and command"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        port, with_demo, under = options["port"], options["demo"], options["under"]
        try:
            for taken in (port, port + 1) if with_demo else (port,):
                check_port(HOST, taken, "PORT=9000 make run, or --port 9000")
        except PortTaken as fault:
            raise CommandError(str(fault)) from fault
        for number in (signal.SIGINT, signal.SIGTERM):  # until honcho takes them over
            signal.signal(number, _leave)
        lifeline = Lifeline()
        try:
            call_command("migrate", interactive=False, verbosity=0, skip_checks=False)
            watchers: list[Watcher] = [_stop_with_parent] if options["stop_with_parent"] else []
            stack = Stack(lifeline, watchers, under)
            code = self._run(stack, port, with_demo)
        finally:
            lifeline.close()
            if settings.EMBEDDED_SERVERS:
                shared_servers.release(settings.DATA_DIR)
        if code:
            raise CommandError("A process has ended by itself, so the others were stopped. Its last lines are above.")

    def _run(self, stack: Stack, port: int, with_demo: bool) -> int:
        banner = [f"wfpush is ready: http://{HOST}:{port}"]
        waits_for = [(port, "/healthz")]
        stack.watch(lambda over: self._announce(waits_for, banner, over))
        environment = _environment(port)
        manage = str(settings.BASE_DIR / "manage.py")
        stack.add("web", [manage, "web", "--host", HOST, "--port", str(port), "--grace", CHILD_GRACE], environment)
        stack.add("worker", [manage, "worker", "--grace", CHILD_GRACE], environment)
        if with_demo:
            accounts = demo_accounts.ensure(settings.DATA_DIR / "demo.json", f"http://{HOST}:{port + 1}/callback")
            stack.add(
                "demo", ["-m", "wfpush.processes.lifeline", "demo"], environment | _demo_environment(port, accounts)
            )
            waits_for.append((port + 1, "/"))
            passwords = demo_accounts.shown_passwords(accounts).items()
            banner += [f"  sign in as {ref:6} {password}" for ref, password in passwords]
            banner.append(f"Administration: http://{HOST}:{port}/admin/   Demo engine: http://{HOST}:{port + 1}")
        if mail := getattr(settings, "EMAIL_FILE_PATH", None):
            banner.append(f"E-mail is kept in {mail}")
        banner.append("Ctrl-C stops everything.")
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's has one
        return stack.run()

    def _announce(self, waits_for: list[tuple[int, str]], banner: list[str], over: threading.Event) -> None:
        for port, path in waits_for:
            while not _answers(port, path):
                if over.wait(0.1):
                    return
        self.stdout.write("\n".join(["", *banner, ""]))
        self.stdout.flush()


def _leave(*_: object) -> NoReturn:
    raise SystemExit(0)


def _stop_with_parent(over: threading.Event) -> None:
    """make is killed by itself easily; what it ran must not go on holding the port."""
    parent = os.getppid()
    while not over.wait(0.5):
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
            return


def _environment(port: int) -> dict[str, str]:
    given = env.load(settings.BASE_DIR).values
    base_url = given.get("BASE_URL") or f"http://{HOST}:{port}"
    engines = [str(network) for network in (*settings.OUTBOUND_ALLOWED_CIDRS, demo_accounts.THIS_MACHINE)]
    return {
        "BASE_URL": base_url,
        "OUTBOUND_ALLOWED_CIDRS": ",".join(engines),
        "LOG_LEVEL": given.get("LOG_LEVEL") or "WARNING",  # so that address and accounts stay in sight
        "WFPUSH_DATA": str(settings.DATA_DIR),
        "PYTHONPATH": str(settings.BASE_DIR),
        "PYTHONUNBUFFERED": "1",
    }


def _demo_environment(port: int, accounts: demo_accounts.DemoAccounts) -> dict[str, str]:
    return {
        "DEMO_PORT": str(port + 1),
        "DEMO_DATA": str(Path(settings.DATA_DIR) / "demo"),
        "WFPUSH_URL": f"http://{HOST}:{port}",
        "WFPUSH_API_KEY": accounts.api_key,
        "WFPUSH_SIGNING_SECRET": accounts.signing_secret,
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
