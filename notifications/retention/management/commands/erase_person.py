"""`manage.py erase_person REF`: erases a person; what goes and what stays is in docs/operations/data.md."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from notifications.models import Engine, Recipient
from notifications.retention import erasing
from notifications.retention.models import Erasure, ErasureState
from wfpush.queue import outbox


def add_person(parser: CommandParser) -> None:
    parser.add_argument("ref", help="the person's ref")
    parser.add_argument("--engine", default="", help="the slug of the engine that knows an external person")


def person_of(options: dict[str, Any]) -> Recipient:
    engine = Engine.objects.filter(slug=options["engine"]).first()
    if options["engine"] and engine is None:
        raise CommandError(f"There is no engine {options['engine']}.")
    person = Recipient.objects.filter(ref=options["ref"], engine=engine).first()
    if person is None:
        raise CommandError("There is no such person. External people need --engine.")
    return person


class Command(BaseCommand):
    help = "Erase a person: nothing of who they are is left, and sums and references hold. It cannot be undone."

    def add_arguments(self, parser: CommandParser) -> None:
        add_person(parser)
        parser.add_argument("--yes", action="store_true", help="do not ask for the ref once more")
        parser.add_argument("--wait", action="store_true", help="do it here, and end when it is done")

    def handle(self, *args: Any, **options: Any) -> None:
        person = person_of(options)
        if not options["yes"] and input("Erase this person? Type the ref once more: ").strip() != person.ref:
            raise CommandError("Nothing was erased.")
        erasure = erasing.order(person, None, timezone.now())
        if options["wait"]:
            self._wait(erasure)
        self.stdout.write(_describe(erasure))

    def _wait(self, erasure: Erasure) -> None:
        """Work until it is done, beside workers, which may take turns with this process."""
        while erasure.state == ErasureState.RUNNING:
            if erasing.has_due(timezone.now()):
                erasing.drain()
            else:
                time.sleep(min(outbox.TURN_SECONDS, 1))
            erasure.refresh_from_db()


def _describe(erasure: Erasure) -> str:
    if erasure.state == ErasureState.DONE:
        return f"Erased: {erasure.changed} rows were changed or removed."
    if erasure.state == ErasureState.HELD:
        return f"Erased, but for {erasure.held} rows of cases under a legal hold: they follow when it is lifted."
    return "The account is closed, and the name is gone. Workers do the rest: see the list of erasures at the desk."
