from uuid import UUID

from notifications.models import Recipient
from notifications.types import Message
from tests.support.pigeon.facts import FACTS

carried: list[tuple[str, str, str]] = []
"""Address, title and link."""


class Pigeon:
    channel = FACTS.name
    without_address = "No phone number is known."

    def address_of(self, recipient: Recipient) -> str | None:
        return recipient.phone or None

    def send(self, address: str, message: Message, *, delivery_id: UUID, link: str) -> None:
        carried.append((address, message.title, link))
