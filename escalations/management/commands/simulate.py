"""`manage.py simulate FILE`: prints who would be told when, by which channel and why, if nobody acts."""

import json
from argparse import FileType
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from escalations.forecast import simulate
from notifications.errors import Failure
from notifications.intake import cloudevents
from notifications.types import Json


class Command(BaseCommand):
    help = "Tell who would be told when, by which channel and why, if nobody acts. Nothing is kept or sent."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=FileType("r", encoding="utf-8"), help="an event as JSON, or as POST /api/v1/simulations takes"
        )
        parser.add_argument(
            "--engine", metavar="SLUG", help="whose event or task it is; needed where there are several"
        )
        parser.add_argument("--now", metavar="INSTANT", help="such as 2026-11-25T16:00:00Z; default: the present")
        parser.add_argument("--json", action="store_true", help="the answer as the API gives it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            document = cloudevents.read(options["file"].read().encode())
            is_request = isinstance(document, dict) and document.keys() <= set(simulate.MEMBERS)
            payload = dict(document) if is_request else {"event": document}
            payload |= {name: options[name] for name in ("engine", "now") if options[name]}
            simulation = simulate.as_json(simulate.run(payload, timezone.now()))
        except Failure as refused:
            faults = refused.extra.get("errors") or [{"pointer": "", "detail": refused.detail}]
            raise CommandError("\n".join(f"{each['pointer']} {each['detail']}".strip() for each in faults)) from None
        if options["json"]:
            self.stdout.write(json.dumps(simulation, ensure_ascii=False, indent=2))
        else:
            self.stdout.write("\n".join(_lines(simulation)))


def _lines(simulation: Json) -> Iterator[str]:
    for each in simulation["recipients"]:
        yield f"{simulation['now']}  {each['name']} hears of it ({each['reason']})"
    if simulation["policy"] is None:
        yield "No policy applies."
        yield from (f"  {each['name']}: {each['reason']}" for each in simulation["policies"])
        return
    yield f"{simulation['started_at']}  the clock begins ({simulation['why']}); due {simulation['due_at']}"
    for row in simulation["rows"]:
        yield f"{row['at']}  step {row['step']}: {_what(row)}"
    if simulation["ends_early"]:
        yield "… and so on."


def _what(row: Json) -> str:
    recipients = []
    for person in row["told"]:
        sent = [each["channel"] for each in person["channels"] if each["state"] in ("pending", "delivered")]
        recipients.append(f"{person['name']} ({person['reason']}) by {', '.join(dict.fromkeys(sent))}")
    return "; ".join(filter(None, [", ".join(recipients), row["why"]])) or row["result"]
