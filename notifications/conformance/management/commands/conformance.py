"""`manage.py conformance URL`: checks an engine against the contract of wfpush (docs/engines/conformance.md)."""

import os
import secrets
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from notifications.conformance import credentials, kit
from notifications.conformance.contract import Options
from notifications.conformance.credentials import BadCredentials
from notifications.conformance.receiver import Receiver
from notifications.conformance.report import Report
from notifications.connectors import CONNECTORS, reader_for
from wfpush.net.http import OutboundError, check_url, outbound_from_settings

DEADLINE, MAX_BODY = 20.0, 32 * 1024 * 1024


class Command(BaseCommand):
    help = "Check an engine against the contract of wfpush, in a process of the kit's own. Ends with 1 if it differs."
    requires_system_checks = []  # it uses no database

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", help="the engine's address; of an engine with webhooks, its callback address")
        parser.add_argument("--kind", required=True, choices=list(CONNECTORS))
        parser.add_argument("--credentials", type=Path, metavar="FILE", help="a file with lines like ENGINE_SECRET=…")
        parser.add_argument("--report", type=Path, metavar="FILE", help="write the findings to this file as JSON")
        parser.add_argument("--wait", type=float, default=30, metavar="SECONDS", help="for late tasks (default 30)")
        parser.add_argument(
            "--assignees", nargs=2, default=["wfpush-kit-1", "wfpush-kit-2"], metavar="USER", help="two users to assign"
        )
        parser.add_argument("--path", action="append", type=_path, default=[], metavar="NAME=PATH", help="as read_task")
        parser.add_argument(
            "--listen", type=_address, default="127.0.0.1:8099", metavar="HOST:PORT", help="where webhooks arrive"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        key = f"wfpush-conformance-{secrets.token_hex(4)}"
        report = Report(options["kind"], options["url"], key, timezone.now())
        self.stdout.write(f"{CONNECTORS[report.kind].label} at {report.shown_address}, process {key}")
        self.stdout.write("")
        try:
            stopped = kit.finish(self._work(report, options))
        except (BadCredentials, OSError, OutboundError) as error:
            raise CommandError(str(error)) from error
        if stopped:
            report.aborted = "The kit was stopped."
        self._conclude(report, options["report"])

    def _work(self, report: Report, options: dict[str, Any]) -> Any:
        """Return the run. Raises BadCredentials, and OutboundError for an address that may not be called."""
        door = outbound_from_settings(deadline=DEADLINE, max_body=MAX_BODY)
        check_url(report.address, settings.OUTBOUND_ALLOWED_CIDRS)
        values = credentials.read(options["credentials"], os.environ)
        names, paths = tuple(options["assignees"]), dict(options["path"])
        if reader_for(report.kind) is None:
            receiver = Receiver(*credentials.webhook(values), mark=report.key)
            chosen = Options(options["wait"], names)
            return kit.check_webhook(receiver, options["listen"], chosen, report, door, self.stdout.write)
        access = credentials.access(values, report.address)
        chosen = Options(options["wait"], names, paths=paths, limited=credentials.limited(values, access))
        return kit.check_rest(access, chosen, report, door, self.stdout.write)

    def _conclude(self, report: Report, file: Path | None) -> None:
        """Print the end of the report, and write the file. Raises CommandError if the engine differs."""
        self.stdout.write("")
        for sentence in report.left:
            self.stdout.write(f"Left: {sentence}")
        if file is not None:
            try:
                file.write_text(report.as_json(timezone.now()), "utf-8")
            except OSError as error:
                raise CommandError(f"The report cannot be written: {error}") from error
        if not report.is_good:
            raise CommandError(f"{report.aborted} {report.summary()}".strip())
        self.stdout.write(report.summary())


def _path(text: str) -> tuple[str, str]:
    name, _, path = text.partition("=")
    if not path.startswith("/"):
        raise ArgumentTypeError("write it like read_task=/tasks/{task}")
    return name, path


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise ArgumentTypeError("write it like 127.0.0.1:8099")
    return host, int(port)
