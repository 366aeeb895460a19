"""What a channel consists of. Its transport takes an address and a message, and never touches the database."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from django.core.management.base import BaseCommand
from django.db.models import Expression, F, Q, QuerySet
from rest_framework.serializers import Serializer

from notifications.channel_facts import Facts
from notifications.errors import Invalid
from notifications.models import Delivery, Recipient
from notifications.reasons import NOTHING, Reason
from notifications.types import Json, Message, NewAddress, PushAddress, PushMessage, Receipt
from wfpush.queue.outbox import Backoff


class Transport(Protocol):
    """One channel."""

    channel: str

    @property
    def without_address(self) -> Reason:
        """Why nothing is sent to a person whom this channel does not reach, as the trace says it."""


class PersonTransport(Transport, Protocol):
    """A channel that knows a person's address. Made once, and called from several threads."""

    def address_of(self, recipient: Recipient) -> str | None:
        """Where this channel reaches the person."""

    def send(self, address: str, message: Message, *, delivery_id: UUID, link: str) -> Sequence[str] | None:
        """Hand the message to the channel's service. `link` opens its page.

        The same `delivery_id` is the same message again. Returns the service's names for what it took, where receipts
        come under them. Raises TransportError: RecipientGone when the address will never work again; ServiceRefuses
        when our credentials are not accepted; with `works` when the service works and does not take this message now.
        All others that are not permanent say that the service does not work: when that is so for five people and a
        minute, it is left alone, and one message after a while tries whether it works.
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


LEASE = timedelta(minutes=3)
RETRY_PERSONS = Backoff(first=timedelta(seconds=5), give_up_after=timedelta(days=4))
RETRY_DEVICES = Backoff(first=timedelta(seconds=2), most=timedelta(minutes=15), give_up_after=timedelta(days=1))


@dataclass(frozen=True, kw_only=True)
class Places:
    """How many messages are under way at once: `most` in all, `each` to one value of `by`, a column or an expression.

    `lease`: for how long a claimed message is nobody else's; longer than sending may take.
    """

    most: int
    each: int
    by: Expression | F
    lease: timedelta = LEASE


@dataclass(frozen=True, slots=True)
class Written:
    """A message as a person sees it who has got it."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class ReceiptsCall:
    """What a channel's service has sent to `POST /api/v1/channels/<channel>/receipts`. `headers` ignores case."""

    body: bytes
    headers: Mapping[str, str]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """How a channel's service says later what became of messages. Either way the same receipt may come again.

    `read`: what a call of the service says. Raises NotFound where none is expected, NotSigned, Malformed.
    `listen`: for a service that says it over a connection of its own: hold that open, in a thread, and give receipts to
    the function, which returns once they are kept. `hang_up` ends that. Both are called in the dispatcher.
    """

    read: Callable[[ReceiptsCall], Sequence[Receipt]] | None = None
    listen: Callable[[Callable[[Sequence[Receipt]], None]], None] | None = None
    hang_up: Callable[[], None] | None = None


def nothing() -> Iterator[str]:
    yield from ()


def says_nothing(say: Callable[[str], object]) -> Iterator[str]:
    yield from ()


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A channel's folder, as the rest of the project knows it.

    `retry`: when a message that was not taken is tried again, where no other channel follows; where one does, it takes
    over after an hour (`delivery/results.py`). `longest_pause`: how long a service that does not accept our credentials
    is left alone before one message tries it again.

    `look` is the channel's part of `manage.py doctor`: it says what it finds, and yields what is wrong and what to do
    about it. `alarms` are for the desk's overview, in the reader's language. `commands`
    are those of `manage.py` that are its own, each with a line in `notifications/management/commands/`. `receipts`: how
    its service says what became of messages.
    """

    facts: Facts
    retry: Backoff
    longest_pause: timedelta
    look: Callable[[Callable[[str], object]], Iterator[str]] = says_nothing
    alarms: Callable[[], Iterator[str]] = nothing
    commands: Mapping[str, type[BaseCommand]] = field(default_factory=dict)
    receipts: Receipts = Receipts()

    @property
    def name(self) -> str:
        return self.facts.name

    @property
    def without_address(self) -> Reason:
        """Why nothing is sent to a person whom it does not reach; NOTHING: not worth a line in each message's trace."""
        raise NotImplementedError


def any_number() -> int:
    return 0


@dataclass(frozen=True, kw_only=True)
class PersonChannel(Channel):
    """Its messages go to an address of the person.

    `service`: what takes all its messages, such as the mail server, as reasons and the desk name it; it is paused when
    it raises ServiceRefuses, and left alone while it does not work. `written`: how a message with this link reads, for
    the desk's preview, where the channel has a look of its own. It raises TransportError.

    `never_twice`: a message is not sent again after a try of which nobody knows whether it arrived. `most_an_hour`: so
    many messages to one person, 0 for any number; one more waits, or is left to the next channel.
    """

    transport: PersonTransport
    places: Places
    retry: Backoff = RETRY_PERSONS
    longest_pause: timedelta = timedelta(minutes=5)
    service: Callable[[], str] | None = None
    written: Callable[[Message, str], Written] | None = None
    never_twice: bool = False
    most_an_hour: Callable[[], int] = any_number

    @property
    def without_address(self) -> Reason:
        return self.transport.without_address


@dataclass(frozen=True, slots=True, kw_only=True)
class Public:
    """What anybody may ask for at `/api/v1/<channel>/<path>`, because devices need it before they register.

    `answer`'s docstring and `shown` describe it in the API's schema.
    """

    path: str
    answer: Callable[[], Json]
    shown: type[Serializer[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """How a device comes by `POST /subscriptions`: `given` are the members besides `channel` and `name`; of them
    `address_of` makes an address, or raises Invalid (`fault_at`)."""

    given: type[Serializer[Any]]
    address_of: Callable[[Json, Recipient], NewAddress]
    public: Public | None = None


def fault_at(pointer: str, detail: str) -> Invalid:
    """Of one member of what was given: `pointer` is a JSON pointer."""
    return Invalid(detail, [{"pointer": pointer, "detail": detail}])


@dataclass(frozen=True, kw_only=True)
class DeviceChannel(Channel):
    """`at`: the devices of a service, as far as their addresses say so. `elsewhere`: of deliveries those that are for
    none of these services, or match the condition."""

    transport: PushTransport
    registration: Registration
    retry: Backoff = RETRY_DEVICES
    longest_pause: timedelta = timedelta(hours=6)
    at: Callable[[str], Q]
    elsewhere: Callable[[QuerySet[Delivery], Collection[str], Q], QuerySet[Delivery]]

    @property
    def without_address(self) -> Reason:
        """A channel that the installation has not set up is no channel."""
        return self.transport.without_address if self.transport.is_set_up() else NOTHING
