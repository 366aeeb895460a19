"""Credentials that engines hand to people: recipient tokens for apps and portals, and links that sign in once."""

from datetime import datetime, timedelta

from django.urls import reverse

from notifications.models import Recipient, RecipientToken, SignInLink
from notifications.people.brands import brand_for
from notifications.wording.message import base_of
from wfpush.crypto import digest_of, new_link_token, new_recipient_token

TOKEN_LIFE = timedelta(days=90)
LINK_LIFE = timedelta(hours=24)
SHOWN = 12
"""Characters of a token that lists show."""


def new_token(recipient: Recipient, *, label: str, now: datetime) -> tuple[RecipientToken, str]:
    """Return a token that signs the person in to the API, and its only plain copy."""
    plain = new_recipient_token()
    row = RecipientToken.objects.create(
        recipient=recipient, label=label, prefix=plain[:SHOWN], digest=digest_of(plain), expires_at=now + TOKEN_LIFE
    )
    return row, plain


def new_link(recipient: Recipient, *, next: str, now: datetime) -> tuple[SignInLink, str]:
    """Return a link that signs the person in once, and its address. `next` is a path of this site."""
    plain = new_link_token()
    row = SignInLink.objects.create(recipient=recipient, digest=digest_of(plain), next=next, expires_at=now + LINK_LIFE)
    return row, base_of(brand_for(recipient)) + reverse("inbox:link", args=[plain])


def is_staff(recipient: Recipient) -> bool:
    """Return whether the person is staff. Staff sign in with passwords only: they get into the administration."""
    return recipient.user is not None and (recipient.user.is_staff or recipient.user.is_superuser)
