"""`manage.py create_person REF`: a person with an account. An existing person is updated."""

import secrets
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from notifications.models import Recipient


class Command(BaseCommand):
    help = (
        "Create or update a person with an account. Without --password a new account gets a random one, printed once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ref", help="the name engines use for this person; also the account's name")
        parser.add_argument("--name")
        parser.add_argument("--email", help="counts as verified")
        parser.add_argument("--manager", metavar="REF")
        parser.add_argument("--locale")
        parser.add_argument("--timezone")
        parser.add_argument("--password")
        parser.add_argument("--staff", action="store_true", help="may sign in to the administration, with all rights")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                password = self._save(options)
        except ValidationError as fault:
            raise CommandError(
                "; ".join(f"{name}: {' '.join(messages)}" for name, messages in fault.message_dict.items())
            ) from fault
        if password:
            self.stdout.write(f"Password of {options['ref']}: {password}")
        self.stdout.write(f"{options['ref']} is ready.")

    def _save(self, options: dict[str, Any]) -> str:
        """Return the random password that was set, if any."""
        ref = options["ref"]
        person = Recipient.objects.filter(engine=None, ref=ref).first() or Recipient(ref=ref)
        for field in ("name", "email", "locale", "timezone"):
            if options[field] is not None:
                setattr(person, field, options[field])
        person.email_verified = person.email_verified or options["email"] is not None
        person.name = person.name or ref.capitalize()
        if options["manager"] is not None:
            person.manager = self._manager(options["manager"])
        user, created = User.objects.get_or_create(username=ref) if person.user is None else (person.user, False)
        person.user = user
        person.full_clean()
        person.save()
        user.email, user.first_name = person.email, person.name[:150]
        if options["staff"]:
            user.is_staff = user.is_superuser = True
        generated = "" if options["password"] or not created else secrets.token_urlsafe(12)
        if options["password"]:
            self._check(options["password"], user)
        if options["password"] or generated:
            user.set_password(options["password"] or generated)
        user.full_clean()
        user.save()
        return generated

    def _check(self, password: str, user: User) -> None:
        try:
            validate_password(password, user)
        except ValidationError as fault:
            raise CommandError(f"--password: {' '.join(fault.messages)}") from fault

    def _manager(self, ref: str) -> Recipient:
        manager = Recipient.objects.filter(engine=None, ref=ref).first()
        if manager is None:
            raise CommandError(f"Nobody is called {ref!r}. Create the manager first.")
        return manager
