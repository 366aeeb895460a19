from collections.abc import Sequence
from uuid import UUID

from notifications.channels.base import ReceiptsCall
from notifications.errors import NotSigned, TransportError
from notifications.intake.strictjson import decode
from notifications.models import Recipient
from notifications.reasons import said
from notifications.types import Message, Receipt
from tests.support.pigeon.facts import FACTS

carried: list[tuple[str, str, str]] = []
"""Address, title and link."""
rings: list[str] = []
"""On the pigeons' legs: names of what the next message is taken under."""
storms: list[TransportError] = []
"""What the next messages meet."""


class Pigeon:
    channel = FACTS.name
    without_address = said("No phone number is known.")

    def address_of(self, recipient: Recipient) -> str | None:
        return recipient.phone or None

    def send(self, address: str, message: Message, *, delivery_id: UUID, link: str) -> Sequence[str]:
        if storms:
            raise storms.pop(0)
        carried.append((address, message.title, link))
        taken = list(rings)
        rings.clear()
        return taken


def read(call: ReceiptsCall) -> list[Receipt]:
    if call.headers.get("Seal") != "wax":
        raise NotSigned("The seal is broken.")
    return [Receipt(**each) for each in decode(call.body)]


listeners: list[object] = []


def listen(keep: object) -> None:
    listeners.append(keep)


def hang_up() -> None:
    listeners.clear()
