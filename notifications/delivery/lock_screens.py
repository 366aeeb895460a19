"""Limits messages to the words that devices may show, as their people have chosen. Hidden words are not sent."""

from dataclasses import replace

from django.utils import translation
from django.utils.translation import gettext as _

from notifications.models import Device, LockScreen
from notifications.types import Action, PushMessage
from notifications.wording.sentences import say

OPEN = "open"
"""The name of the one button of a message without words. It has no token, so it opens the item."""


def for_device(message: PushMessage, device: Device, *, customer: bool) -> PushMessage:
    """Return the message with only the words that the device may show, and without a sound on a silent device."""
    message = replace(message, silent=device.silent)
    if device.lock_screen == LockScreen.NOTHING:
        return _wordless(message, customer=customer)
    if device.lock_screen == LockScreen.TITLE:
        return replace(message, message=replace(message.message, body="", short_body="", glance=""))
    return message


def _wordless(message: PushMessage, *, customer: bool) -> PushMessage:
    """Return a message that says only that something came, or is over. Names of cases and answers are left out."""
    original = message.message
    with translation.override(original.frame_language):
        title = str(original.brand.get("name") or "wfpush")
        over = message.state not in ("open", "info")
        words = _("This has ended.") if over else say("something_waits", customer=customer)
        button = Action(OPEN, _("Open"), "acknowledge", "none")
    shown = replace(
        original,
        language=original.frame_language,
        title=title,
        body=words,
        short_body=words,
        glance="",
        thread="",
        actions=(button,) if original.actions else (),
    )
    return replace(message, message=shown, token="")
