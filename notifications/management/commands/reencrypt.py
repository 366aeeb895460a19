"""`manage.py reencrypt`: encrypt every stored secret with the newest of ENCRYPTION_KEYS."""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from wfpush import features
from wfpush.crypto import EncryptedTextField, SealedMembers, UndecryptableSecret, reencrypt


class Command(BaseCommand):
    help = "Encrypt all secrets with the first of ENCRYPTION_KEYS; afterwards the older keys may be taken out."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            for model in apps.get_models():
                if any(isinstance(field, EncryptedTextField) for field in model._meta.concrete_fields):
                    self.stdout.write(f"{reencrypt(model)} {model._meta.verbose_name_plural}")
            for sealed in features.added(SealedMembers):
                self.stdout.write(f"{sealed.reencrypt()} {apps.get_model(sealed.model)._meta.verbose_name_plural}")
        except UndecryptableSecret as fault:
            raise CommandError(str(fault)) from fault
