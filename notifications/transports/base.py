"""What a channel's transport is: it takes an address and a message, and never touches the database."""

from typing import Protocol
from uuid import UUID

from notifications.models import Recipient
from notifications.types import Message


class Transport(Protocol):
    """One channel. Transports are made once, hold no state, and are called from several threads."""

    channel: str
    without_address: str
    """Why nothing is sent to a person for whom `address_of` finds nothing, as the trace says it."""

    def address_of(self, recipient: Recipient) -> str | None:
        """Where this channel reaches the person."""

    def send(self, address: str, message: Message, *, delivery_id: UUID, link: str) -> None:
        """Hand the message to the channel's service. `link` opens its page.

        The same `delivery_id` is the same message again. Raises TransportError, and RecipientGone when the address will
        never work again.
        """
