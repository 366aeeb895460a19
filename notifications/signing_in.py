"""Django's authentication backend: users whose sessions and credentials end together.

Sessions in the database contain this module's name, so it stays here: with another name everybody would be signed out.
"""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest

from notifications.models import Account
from notifications.people import revocation


class AccountBackend(ModelBackend):
    """Finds users as `Account`, whose sessions can all be ended at once."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **more: Any
    ) -> Account | None:
        before = User.objects.filter(username=username).values_list("password", flat=True).first()
        with transaction.atomic():  # one transaction for a renewed hash and its seal
            account = super().authenticate(request, username=username, password=password, **more)
            if account is None:
                return None
            if before is not None and account.password != before:
                revocation.hash_renewed(account, before)
        return self.get_user(account.pk)

    def get_user(self, user_id: Any) -> Account | None:
        user = Account.objects.select_related("signed_out").filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None
