"""Unsubscribe links, in each message that is not mandatory: they turn off further ones (RFC 8058).

A link names a person, a category, a channel and an address, and is good for nothing else. It needs no row: it is
signed. A reader of a passed-on message can turn off that category only; the person is notified and can undo it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.core import signing
from django.db import transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from notifications.customers.models import Unsubscription
from notifications.models import Category, CategoryChoice, Delivery, Notification, NotificationState, Recipient
from notifications.preferences import change_effects
from notifications.types import Message
from notifications.wording.languages import language_of

PURPOSE = "wfpush.leaving"
LIFE = timedelta(days=90)


@dataclass(frozen=True)
class Leave:
    """The category and channel that a link turns off. `current`: messages still go to the address that got the link."""

    recipient: Recipient
    category: Category
    channel: str
    current: bool = True

    @property
    def mandatory(self) -> bool:
        return self.channel in self.category.mandatory


def token_for(recipient: Recipient, category: Category, channel: str, address: str) -> str:
    return signing.dumps([recipient.pk, category.pk, channel, _digest(address)], salt=PURPOSE)


def read(token: str) -> Leave | None:
    """Return what the link turns off; None if it is unknown or too old, or its person or category is gone."""
    try:
        person, category_pk, channel, digest = signing.loads(token, salt=PURPOSE, max_age=LIFE)
    except (signing.BadSignature, ValueError, UnicodeError):
        return None
    recipient = Recipient.objects.select_related("brand", "user").filter(pk=person, active=True).first()
    category = Category.objects.filter(pk=category_pk).first()
    if recipient is None or category is None:
        return None
    return Leave(recipient, category, channel, constant_time_compare(digest, _digest(recipient.email)))


def _digest(address: str) -> str:
    return salted_hmac(PURPOSE, address.lower(), algorithm="sha256").hexdigest()[:16]


# --- the text of a message about its link -------------------------------------------------------------------------
def add_link(message: Message, delivery: Delivery) -> Message:
    """Return the message with a link to unsubscribe, or with the reason why there is none."""
    if why := kept_because(delivery.notification, delivery.channel):
        return replace(message, kept_because=why)
    category, person = delivery.notification.category, delivery.recipient
    token = token_for(person, category, delivery.channel, person.email)
    return replace(
        message, leave_url=f"{message.brand['base_url']}/u/{token}", leave_name=category.name_in(message.frame_language)
    )


def kept_because(notification: Notification, channel: str) -> str:
    """Return why messages like this one cannot be turned off by a link, in their language; empty: they can."""
    category = notification.category
    with translation.override(language_of(notification.recipient)):
        if channel in category.mandatory:
            if category.mandatory_reason:
                return category.mandatory_reason
            if notification.recipient.external:
                return _("E-mails like this one belong to your case, so they cannot be turned off.")
            return _("E-mails like this one belong to your work, so they cannot be turned off.")
        if notification.state == NotificationState.OPEN and notification.actions:
            return _("This e-mail asks for your answer. You can turn such e-mails off in your settings.")
    return ""


# --- turning off and on -------------------------------------------------------------------------------------------
@transaction.atomic
def turn_off(leave: Leave, now: datetime) -> None:
    """Turn the category off on the channel. May be called again."""
    choice = _locked_choice(leave)
    if choice.channels.get(leave.channel) is False:
        return
    choice.channels = {**choice.channels, leave.channel: False}
    choice.save()
    _open(leave).update(undone_at=now)  # turned on again since, in the settings
    Unsubscription.objects.create(recipient=leave.recipient, category=leave.category, channel=leave.channel, at=now)
    change_effects.apply(leave.recipient, now)


@transaction.atomic
def turn_on(leave: Leave, now: datetime) -> None:
    """Turn the category on again: the person gets messages as before they left. May be called again."""
    choice = _locked_choice(leave)
    if choice.channels.get(leave.channel) is False:
        choice.channels = {name: is_on for name, is_on in choice.channels.items() if name != leave.channel}
        choice.save()
    _open(leave).update(undone_at=now)
    change_effects.apply(leave.recipient, now)


def _open(leave: Leave) -> QuerySet[Unsubscription]:
    mine = Unsubscription.objects.filter(recipient=leave.recipient, category=leave.category, channel=leave.channel)
    return mine.filter(undone_at=None)


def _locked_choice(leave: Leave) -> CategoryChoice:
    choices = CategoryChoice.objects.select_for_update()
    return choices.get_or_create(recipient=leave.recipient, category=leave.category)[0]


def is_off(leave: Leave) -> bool:
    choice = CategoryChoice.objects.filter(recipient=leave.recipient, category=leave.category).first()
    return choice is not None and choice.channels.get(leave.channel) is False


def left_by(recipient: Recipient, pk: int) -> Leave | None:
    row = Unsubscription.objects.select_related("category").filter(pk=pk, recipient=recipient).first()
    return Leave(recipient, row.category, row.channel) if row is not None else None


def left(recipient: Recipient, language: str) -> list[tuple[int, str]]:
    """Return the pks of rows and names of categories that the person turned off by a link, and not on again."""
    rows = list(Unsubscription.objects.filter(recipient=recipient, undone_at=None).select_related("category"))
    if not rows:
        return []
    choices = CategoryChoice.objects.filter(recipient=recipient).values_list("category", "channels")
    off = {(category, channel) for category, channels in choices for channel in channels if channels[channel] is False}
    return [(row.pk, row.category.name_in(language)) for row in rows if (row.category_id, row.channel) in off]
