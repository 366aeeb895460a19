"""`manage.py config`: configuration as files."""

import getpass
import json
import os
import socket
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications.config_files import applying, documents, other_installation
from notifications.config_files.applying import Operator, Plan, Refused
from notifications.config_files.changes import compare
from notifications.config_files.documents import Documents, FolderError
from notifications.config_files.nodes import Mistakes
from notifications.config_files.other_installation import NotRead
from wfpush.postgres import schema

CHANGES = 2
"""The exit code of a plan or comparison with changes."""


class Command(BaseCommand):
    help = "Configuration as files: export, check, plan, apply, undo, compare and release it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        for name, text in (
            ("export", "write the configuration into a folder"),
            ("check", "look for mistakes in files, without a database"),
            ("plan", "say what applying would change; ends with 0 for nothing, 2 for changes, 1 for mistakes"),
            ("apply", "apply files: all of them, or nothing"),
            ("compare", "compare this installation with another one: its export, or its address"),
        ):
            action: ArgumentParser = actions.add_parser(name, help=text)
            action.add_argument("where", metavar="DIR|URL" if name == "compare" else "DIR")
            self._add_options(name, action)
        undo = actions.add_parser("undo", help="undo the last application")
        undo.add_argument("--json", action="store_true", help="write JSON")
        release = actions.add_parser("release", help="let the desk change a thing that files own")
        release.add_argument("kind")
        release.add_argument("name")

    def _add_options(self, name: str, action: ArgumentParser) -> None:
        if name == "export":
            action.add_argument("--replace", action="store_true", help="remove other files of configuration there")
            return
        action.add_argument("--json", action="store_true", help="write JSON")
        if name == "check":
            action.add_argument("--partial", action="store_true", help="the desk has other things of the same kinds")
        if name == "apply":
            action.add_argument("--plan", default="", metavar="DIGEST", help="refuse anything but this plan")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            if action != "check":
                schema.require_current_schema()
            getattr(self, f"_{action}")(options)
        except Mistakes as fault:
            self._fail(options, fault)
        except (Refused, FolderError, NotRead, schema.WrongSchema) as fault:
            raise CommandError(_shown(str(fault))) from fault

    # --- actions ------------------------------------------------------------------------------------------------------
    def _export(self, options: Any) -> None:
        files = documents.files_of(applying.current())
        documents.write(Path(options["where"]), files, replace=options["replace"])
        self.stdout.write(f"{len(files)} files written to {options['where']}.")

    def _check(self, options: Any) -> None:
        read = documents.read(Path(options["where"]))
        mistakes = read.mistakes + documents.unknown_names(read.things, is_partial=options["partial"])
        if mistakes:
            raise Mistakes(mistakes)
        self._say(options, {"mistakes": []}, f"No mistakes in {len(read.things)} things.")

    def _plan(self, options: Any) -> None:
        plan = applying.plan(self._read(options), _operator())
        self._say(options, plan.as_json(), _text_of(plan))
        if plan.changes:
            sys.exit(CHANGES)

    def _apply(self, options: Any) -> None:
        plan, record = applying.apply(self._read(options), _operator(), str(Path(options["where"])), options["plan"])
        text = "Nothing to change." if record is None else f"Applied as no. {record.pk}: {plan.summary} {plan.note}"
        self._say(options, {**plan.as_json(), "applied": record and record.pk}, text.strip())

    def _compare(self, options: Any) -> None:
        """Say what would have to change here to be as there."""
        where = options["where"]
        if where.startswith(("https://", "http://")):
            there = other_installation.read(where, os.environ.get(other_installation.KEY, ""))
        else:
            there = self._read(options)
        if there.mistakes:
            raise Mistakes(there.mistakes)
        here = applying.current()
        plan = Plan(compare(here, there.things, here), {})
        lines = ["Here → there:", *plan.sentences, plan.summary] if plan.changes else ["No differences."]
        self._say(options, {"changes": [each.as_json() for each in plan.changes]}, "\n".join(lines))
        if plan.changes:
            sys.exit(CHANGES)

    def _undo(self, options: Any) -> None:
        record = applying.undo(_operator())
        text = f"No. {record.undoes_id} is undone, as no. {record.pk}."
        self._say(options, {"applied": record.pk, "undoes": record.undoes_id}, text)

    def _release(self, options: Any) -> None:
        applying.release(options["kind"], options["name"])
        self.stdout.write("Released: the desk can change it. Applying its file takes it over again.")

    # --- helpers ------------------------------------------------------------------------------------------------------
    def _read(self, options: Any) -> Documents:
        return documents.read(Path(options["where"]))

    def _say(self, options: Any, document: Any, text: str) -> None:
        self.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) if options.get("json") else _shown(text))

    def _fail(self, options: Any, fault: Mistakes) -> None:
        if options.get("json"):
            lines = [each.as_json() for each in fault.mistakes]
            self.stdout.write(json.dumps({"mistakes": lines}, ensure_ascii=False, indent=2))
            sys.exit(1)
        raise CommandError(_shown("\n".join([*map(str, fault.mistakes), fault.summary])))


def _operator() -> Operator:
    """Return the account of the machine."""
    try:
        return Operator(f"{getpass.getuser()}@{socket.gethostname()}")
    except (KeyError, OSError):  # an account without a name, as in containers
        return Operator(socket.gethostname())


def _shown(text: str) -> str:
    """Return the text without characters that control a terminal: it may be another installation's."""
    return "".join(each if each.isprintable() or each == "\n" else "\ufffd" for each in text)


def _text_of(plan: Plan) -> str:
    if not plan.changes:
        return "\n".join(filter(None, ["Nothing to change.", plan.note]))
    lines = [*plan.sentences, "", *plan.effects, *([""] if plan.effects else [])]
    return "\n".join([*lines, *filter(None, [plan.summary, plan.note]), f"Plan {plan.digest}"])
