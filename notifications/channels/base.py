"""What a channel's transport is: it takes an address and a message, and never touches the database."""

from typing import Protocol, TypeGuard
from uuid import UUID

from notifications.models import Recipient
from notifications.types import Message, PushAddress, PushMessage


class Transport(Protocol):
    """One channel."""

    channel: str

    @property
    def without_address(self) -> str:
        """Why nothing is sent to a person whom this channel does not reach, as the trace says it."""


class PersonTransport(Transport, Protocol):
    """A channel that knows a person's address. Made once, and called from several threads."""

    def address_of(self, recipient: Recipient) -> str | None:
        """Where this channel reaches the person."""

    def send(self, address: str, message: Message, *, delivery_id: UUID, link: str) -> None:
        """Hand the message to the channel's service. `link` opens its page.

        The same `delivery_id` is the same message again. Raises TransportError, and RecipientGone when the address will
        never work again.
        """


class PushTransport(Transport, Protocol):
    """A channel that reaches devices, each with an address of its own. Belongs to the dispatcher's event loop."""

    def is_set_up(self) -> bool:
        """Whether this installation has what the channel needs."""

    def service_of(self, address: PushAddress) -> str:
        """Whose service takes the message: a push host, or a Firebase project. It is paused and limited as one."""

    async def send(self, address: PushAddress, message: PushMessage) -> None:
        """Hand the message to the push service.

        Raises TransportError; RecipientGone when the device is no longer there; ServiceRefuses when our credentials are
        not accepted.
        """

    async def close(self) -> None:
        """Give back connections."""


def reaches_devices(transport: Transport) -> TypeGuard[PushTransport]:
    return hasattr(transport, "service_of")


def reaches_people(transport: Transport) -> TypeGuard[PersonTransport]:
    return hasattr(transport, "address_of")
