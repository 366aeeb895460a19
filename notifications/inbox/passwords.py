"""What a new password ends besides the account's sessions."""

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _

from notifications import standing


class SignsEverythingOut:
    """Of AUTH_PASSWORD_VALIDATORS, whose members Django tells of every new password, however it was set.

    Whoever had to be kept out must not go on reading and answering, be it by an app or on a lock screen.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        """Any password will do."""

    def password_changed(self, password: str, user: User | None = None) -> None:
        if user is not None and user.pk is not None:
            standing.settle_account(user, timezone.now())

    def get_help_text(self) -> str:
        return _("A new password signs out all browsers and apps, and ends their notifications and links.")
