"""`manage.py verify_answer`: verifies a signed answer, and names what has been altered since (docs/administrators/
signed-answers.md)."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications.models import Response
from notifications.signed_answers import bundles, verification
from notifications.signed_answers.bundles import Bundle
from notifications.signed_answers.models import AnswerSignature
from wfpush.identifiers import parse_uuid


class Command(BaseCommand):
    help = "Verify a signed answer of the database, or of an exported file. It fails if anything was altered."
    requires_system_checks = []  # a bundle is verified without a database

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("answer", nargs="?", type=_id, help="the answer's id")
        parser.add_argument("--bundle", type=Path, metavar="FILE", help="verify this file, without the database")
        parser.add_argument("--export", type=Path, metavar="FILE", help="write the signed answer to this file, too")
        parser.add_argument(
            "--fingerprint", default="", metavar="SHA256", help="the fingerprint of the public key, from elsewhere"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if (options["answer"] is None) == (options["bundle"] is None):
            raise CommandError("Give the id of an answer, or a file with --bundle.")
        if options["bundle"] is not None:
            bundle, faults = _read(options["bundle"]), list[str]()
            self._describe(bundle)
        else:
            bundle, faults = self._of_database(options["answer"])
        signature_faults = bundles.faults_of(bundle)
        self.stdout.write("The signature is not valid." if signature_faults else "The signature is valid.")
        faults += [*signature_faults, *_fingerprint_faults(bundle, options["fingerprint"])]
        if not options["fingerprint"]:
            self.stdout.write("Compare the fingerprint with one from elsewhere: whoever writes to the database may")
            self.stdout.write("have replaced the statement, the signature and the key together.")
        if options["export"] is not None:
            options["export"].write_text(bundle.as_json(), "utf-8")
        if faults:
            raise CommandError("\n".join(faults))

    def _of_database(self, pk: UUID) -> tuple[Bundle, list[str]]:
        """Return the signed answer with this id, and what the database says otherwise."""
        rows = Response.objects.select_related("task__engine", "recipient")
        response = rows.filter(pk=pk).first()
        if response is None:
            raise CommandError("There is no answer with this id. Exported answers are verified with --bundle.")
        row = AnswerSignature.objects.filter(pk=pk).first()
        if row is None:
            raise CommandError("No signature is stored for this answer.")
        bundle = Bundle.of(row)
        self._describe(bundle)
        faults = [
            f"Answer {other} has the same statement, which was signed once." for other in verification.copies_of(row)
        ]
        try:
            altered = verification.alterations(response, bundle)
        except ValueError as error:
            return bundle, [*faults, f"The statement cannot be compared: {error}"]
        faults += [
            f"{each.name}: signed {_shown(each.signed)}, the database says {_shown(each.now)}" for each in altered
        ]
        if verification.is_content_gone(response):
            self.stdout.write("The content that was shown is no longer stored, so it was not compared.")
        return bundle, faults

    def _describe(self, bundle: Bundle) -> None:
        self.stdout.write(f"Answer {bundle.answer}")
        self.stdout.write(f"Statement: {bundle.statement}")
        self.stdout.write(f"Fingerprint of the public key: {bundle.fingerprint or 'unreadable'}")


def _id(text: str) -> UUID:
    pk = parse_uuid(text)
    if pk is None:
        raise ValueError
    return pk


def _read(path: Path) -> Bundle:
    try:
        return Bundle.from_json(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error


def _fingerprint_faults(bundle: Bundle, expected: str) -> list[str]:
    plain = expected.replace(":", "").replace(" ", "").lower()
    if not plain or plain == bundle.fingerprint:
        return []
    return ["The public key is another one than that of the fingerprint: the signature proves nothing."]


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
