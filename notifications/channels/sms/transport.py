"""Text messages to people's phones. Answers are given at the item that the link opens; no replies are read."""

import threading
from collections.abc import Callable, Sequence
from uuid import UUID

from django.conf import settings

from notifications.channels.sms import facts, http
from notifications.channels.sms.gateway import Http, Smpp, Sms
from notifications.channels.sms.numbers import e164
from notifications.channels.sms.smpp import Smsc
from notifications.channels.sms.wording import text_of
from notifications.errors import TransportError
from notifications.models import Recipient
from notifications.reasons import NOTHING, Reason
from notifications.types import Message, Receipt


class TextMessages:
    channel = facts.FACTS.name

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._smsc: Smsc | None = None

    @property
    def without_address(self) -> Reason:
        """An installation without SMS has no such channel: nothing is said of it."""
        return facts.NO_NUMBER() if settings.SMS is not None else NOTHING

    def address_of(self, recipient: Recipient) -> str | None:
        sms: Sms | None = settings.SMS
        return e164(recipient.phone, sms.country_code) if sms is not None and recipient.phone else None

    def send(self, address: str, message: Message, *, delivery_id: UUID, link: str) -> Sequence[str]:
        """Raises TransportError, RecipientGone, ServiceRefuses."""
        sms: Sms | None = settings.SMS
        if sms is None:
            raise TransportError(facts.NO_GATEWAY_NOW(), permanent=True)
        text = text_of(message, link, sms.most_parts)
        if isinstance(sms.gateway, Http):
            return http.send(sms.gateway, address, text, sms.sender, delivery_id)
        return self._session(sms.gateway).send(address, text, sms.sender, delivery_id.int)

    def listen(self, keep: Callable[[Sequence[Receipt]], None]) -> None:
        """Connect, so that receipts come in, too, while nothing is sent."""
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
        """The same for all threads."""
        with self._lock:
            if self._smsc is None or self._smsc.gateway is not gateway:
                self._smsc = Smsc(gateway)
            return self._smsc
