"""`manage.py create_engine SLUG`: an engine with its key and signing secret, printed once as JSON."""

import json
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_slug
from django.db import transaction
from django.utils import timezone
from django.utils.text import capfirst

from notifications.connectors import CONNECTORS, credentials
from notifications.engines import requeue
from notifications.fixed_rows import RowIsFixed
from notifications.models import Engine, Scope
from notifications.models.validators import validate_callback_url
from wfpush.net.addresses import Network


class Command(BaseCommand):
    help = (
        "Create an engine, or give an existing one another key. The last line is JSON: slug, api_key, signing_secret."
    )

    stealth_options = ("allowed",)
    """Private networks in which this engine may be, not OUTBOUND_ALLOWED_CIDRS; for `call_command` only."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="short name, such as invoices")
        parser.add_argument("--name", help="what people read; default: from the slug")
        parser.add_argument("--kind", default=Engine().kind, choices=list(CONNECTORS))
        parser.add_argument("--callback-url", help="where answers are sent")
        parser.add_argument(
            "--scopes", default=",".join(Scope.values), help=f"of {', '.join(Scope.values)}; default: all"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        slug, scopes = options["slug"], [scope for scope in options["scopes"].split(",") if scope]
        self._check(slug, scopes)
        if options["callback_url"]:
            self._check_address(options["callback_url"], options.get("allowed", settings.OUTBOUND_ALLOWED_CIDRS))
        with transaction.atomic():
            engine, _ = Engine.objects.get_or_create(
                slug=slug,
                defaults={"name": options["name"] or capfirst(slug.replace("-", " ")), "kind": options["kind"]},
            )
            if options["callback_url"] and options["callback_url"] != engine.callback_url:
                self._move(engine, options["callback_url"])
            _key, plain_key = credentials.issue_key(engine, name="default", scopes=scopes)
            secret = engine.signing_secrets.first() or credentials.rotate_secret(engine, now=timezone.now())[0]
        self.stdout.write(json.dumps({"slug": slug, "api_key": plain_key, "signing_secret": secret.secret}))

    def _move(self, engine: Engine, address: str) -> None:
        """Change the address, as on the desk. Waiting callbacks, and those that an earlier address refused for good,
        are sent to the new address."""
        engine.callback_url = address
        engine.callback_disabled_at, engine.callback_disabled_reason_fact = None, None
        try:
            engine.save(update_fields=["callback_url", "callback_disabled_at", "callback_disabled_reason_fact"])
        except RowIsFixed as fault:
            raise CommandError(str(fault)) from fault
        requeue.hurry_callbacks(engine, timezone.now())

    def _check_address(self, address: str, allowed: Sequence[Network]) -> None:
        try:
            validate_callback_url(address, allowed)
        except ValidationError as fault:
            raise CommandError(f"--callback-url: {' '.join(fault.messages)}") from fault

    def _check(self, slug: str, scopes: list[str]) -> None:
        try:
            validate_slug(slug)
        except ValidationError as fault:
            raise CommandError(f"{slug!r} is not a slug: use letters, digits, - and _.") from fault
        unknown = [scope for scope in scopes if scope not in Scope.values]
        if unknown or not scopes:
            raise CommandError(
                f"Unknown scopes: {', '.join(unknown) or 'none given'}. Choose of {', '.join(Scope.values)}."
            )
