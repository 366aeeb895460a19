"""Text messages to people's phones. Answers are given at the item that the link opens; no replies are read."""

import re
import threading
from collections.abc import Callable, Sequence
from uuid import UUID

from django.conf import settings

from notifications.channels.sms import facts, http
from notifications.channels.sms.alphabet import parts_of, plain
from notifications.channels.sms.config import Http, Smpp, Sms
from notifications.channels.sms.facts import LONG_LINK
from notifications.channels.sms.smpp import Smsc
from notifications.errors import TransportError
from notifications.models import Recipient
from notifications.reasons import NOTHING, Reason
from notifications.types import Message, Receipt
from notifications.wording.plaintext import clean, clean_line, cut

_MARKS = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]+")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def e164(phone: str, country_code: str = "") -> str | None:
    """Return the number as `+` and digits. `country_code` is for numbers written without one, which begin with a 0.

    None for other texts: a short code, an extension, a national number of an unknown country.
    """
    digits = _MARKS.sub("", phone.replace("(0)", ""))
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    elif digits.startswith("0") and country_code:
        digits = f"+{country_code}{digits[1:]}"
    return digits if _E164.fullmatch(digits) else None


def text_of(message: Message, link: str, most: int) -> str:
    """Return a text of at most `most` parts, but never the long body: lock screens show it to everybody.

    Raise TransportError where the link alone takes more.
    """
    title, short = clean_line(message.title), clean(message.short_body)
    lines = [message.glance, short] if short.startswith(title) else [title, message.glance, short]
    full_text = "\n".join(filter(None, lines))
    longest = _longest(full_text, link, most)
    if longest is None:
        raise TransportError(LONG_LINK(most=most), permanent=True)
    return longest


def _longest(full_text: str, link: str, most: int) -> str | None:
    """Find the longest beginning that fits, by bisection: a longer text takes at least as many parts."""
    least, top = 0, len(full_text)
    longest = _with_link("", link, most)
    while least <= top:
        middle = (least + top) // 2
        shorter = cut(full_text, middle) if middle else ""
        text = _with_link("" if shorter == "…" else shorter, link, most)
        if text is None:
            top = middle - 1
        else:
            longest, least = text, middle + 1
    return longest


def _with_link(body: str, link: str, most: int) -> str | None:
    """Return the text, or None if it takes too many parts."""
    text = plain(f"{body}\n{link}" if body else link)
    return text if len(parts_of(text)) <= most else None


class TextMessages:
    channel = facts.FACTS.name

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._smsc: Smsc | None = None

    @property
    def without_address(self) -> Reason:
        """The reason why a person has no number. NOTHING without SMS: such an installation has no such channel."""
        return facts.NO_NUMBER() if settings.SMS is not None else NOTHING

    def address_of(self, recipient: Recipient) -> str | None:
        sms: Sms | None = settings.SMS
        return e164(recipient.phone, sms.country_code) if sms is not None and recipient.phone else None

    def send(self, address: str, message: Message, *, delivery_id: UUID, link: str) -> Sequence[str]:
        """Send the message. Raise TransportError, RecipientGone or ServiceRefuses."""
        sms: Sms | None = settings.SMS
        if sms is None:
            raise TransportError(facts.NO_GATEWAY_NOW(), permanent=True)
        text = text_of(message, link, sms.most_parts)
        if isinstance(sms.gateway, Http):
            return http.send(sms.gateway, address, text, sms.sender, delivery_id)
        return self._session(sms.gateway).send(address, text, sms.sender, delivery_id.int)

    def listen(self, keep: Callable[[Sequence[Receipt]], None]) -> None:
        """Connect, so that receipts come in even while nothing is sent."""
        gateway = settings.SMS.gateway if settings.SMS is not None else None
        if isinstance(gateway, Smpp):
            smsc = self._session(gateway)
            smsc.keep = keep
            smsc.start()

    def hang_up(self) -> None:
        with self._lock:
            smsc, self._smsc = self._smsc, None
        if smsc is not None:
            smsc.close()

    def _session(self, gateway: Smpp) -> Smsc:
        """Return the session, the same for all threads."""
        with self._lock:
            if self._smsc is None or self._smsc.gateway is not gateway:
                self._smsc = Smsc(gateway)
            return self._smsc
