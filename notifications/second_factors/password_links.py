"""Links for a new password, by Django's tokens: signed, valid for half an hour, stored nowhere.

A token ends with everything that it is made of: the password, the last sign-in, the e-mail address of the account, and
the end of all sessions. So it counts once.
"""

from django.contrib.auth.models import User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from notifications.models import Account, Recipient
from notifications.second_factors import rules


class _Tokens(PasswordResetTokenGenerator):
    key_salt = "wfpush.password_links"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        assert isinstance(user, Account)
        return f"{super()._make_hash_value(user, timestamp)} {user.get_session_auth_hash()}"


_tokens = _Tokens()


def may_have_link(user: User) -> bool:
    """Return whether the user signs in by a password here."""
    return is_open(user) and user.has_usable_password() and not rules.is_closed_to(user)


def is_open(user: User) -> bool:
    person = Recipient.objects.select_related("user").filter(user_id=user.pk).first()
    return user.is_active and (person is None or person.present)


def namesakes(user: User) -> bool:
    """Return whether other open accounts have the same e-mail address: its mailbox may be another person's."""
    others = User.objects.filter(email__iexact=user.email, is_active=True).exclude(pk=user.pk)
    return others.exists()


def new_path(user: User) -> str:
    """Return the path of a new link."""
    account = _account(user.pk)
    assert account is not None
    return reverse(
        "password_link", args=[f"{urlsafe_base64_encode(force_bytes(user.pk))}.{_tokens.make_token(account)}"]
    )


def user_of(token: str, *, lock: bool = False) -> Account | None:
    """Return the account for which the token of a link still counts. `lock`: until the transaction ends."""
    encoded, _, own = token.partition(".")
    try:
        pk = int(urlsafe_base64_decode(encoded))
    except ValueError:
        return None
    if lock:
        User.objects.select_for_update().filter(pk=pk).first()
    account = _account(pk)
    if account is None or not _tokens.check_token(account, own):
        return None
    return account if may_have_link(account) and not namesakes(account) else None


def _account(pk: int) -> Account | None:
    return Account.objects.select_related("signed_out").filter(pk=pk).first()
