"""The parts of a channel. Its transport takes an address and a message, and uses no database."""

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
from notifications.models import Brand, Delivery, Recipient
from notifications.reasons import NOTHING, Reason
from notifications.types import Bundle, Json, Message, NewAddress, PushAddress, PushMessage, Receipt
from wfpush.queue.outbox import Backoff


class Transport(Protocol):
    """The part of a channel that sends."""

    channel: str

    @property
    def without_address(self) -> Reason:
        """The reason why the channel does not reach a person, for the trace."""


class PersonTransport(Transport, Protocol):
    """The transport of a channel with an address of the person. Made once, and called by several threads."""

    def address_of(self, recipient: Recipient) -> str | None:
        """Return the person's address on this channel."""

    def send(self, address: str, message: Message, *, delivery_id: UUID, link: str) -> Sequence[str] | None:
        """Hand the message to the channel's service. `link` opens its page.

        The same `delivery_id` means the same message again. Return the service's names for it, if its receipts use
        them. Raise TransportError: RecipientGone when the address will never work again; ServiceRefuses when our
        credentials are not accepted; with `works` when the service works and does not take this message now. Every
        other fault that is not permanent means that the service does not work: after five people and a minute it is
        paused, and then one message at a time tries it.
        """


class PushTransport(Transport, Protocol):
    """The transport of a channel with devices, each with its own address. Belongs to the dispatcher's event loop."""

    def is_set_up(self) -> bool:
        """Return whether this installation has the settings that the channel needs."""

    def service_of(self, address: PushAddress) -> str:
        """Return the service that takes the message: a push host, or a Firebase project. Pauses and limits are for the
        whole service."""

    async def send(self, address: PushAddress, message: PushMessage) -> None:
        """Hand the message to the push service.

        Raise TransportError; RecipientGone when the device is no longer there; ServiceRefuses when our credentials are
        not accepted.
        """

    async def close(self) -> None:
        """Close connections."""


LEASE = timedelta(minutes=3)
RETRY_PERSONS = Backoff(first=timedelta(seconds=5), give_up_after=timedelta(days=4))
RETRY_DEVICES = Backoff(first=timedelta(seconds=2), most=timedelta(minutes=15), give_up_after=timedelta(days=1))


@dataclass(frozen=True, kw_only=True)
class Places:
    """Limits of messages in flight: `most` in all, `each` for one value of `by`, a column or an expression.

    `lease`: the time that a claim lasts; longer than sending may take.
    """

    most: int
    each: int
    by: Expression | F
    lease: timedelta = LEASE


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """A message as its recipient sees it."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class ReceiptsCall:
    """A call of the channel's service to `POST /api/v1/channels/<channel>/receipts`. `headers` ignores case."""

    body: bytes
    headers: Mapping[str, str]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """Receipts: later reports of a channel's service about its messages. The same receipt may come again.

    `read` returns the receipts in a call of the service. It raises NotFound if none are expected, NotSigned, Malformed.
    `listen` is for a service with a connection of its own: it keeps it open, in a thread, and passes receipts to the
    function, which returns once they are stored. `hang_up` ends that. Both are called in the dispatcher.
    """

    read: Callable[[ReceiptsCall], Sequence[Receipt]] | None = None
    listen: Callable[[Callable[[Sequence[Receipt]], None]], None] | None = None
    hang_up: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """The sender identity of a channel for a brand, in the reader's language. `state`: "ok", "bad", "wait", or empty
    for none; `detail`: a title of it; `note`: a further remark."""

    text: str
    state: str = ""
    detail: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class BrandKey:
    """A key of a brand. `devices`: how many use it. `readable`: whether it can be decrypted."""

    name: str
    readable: bool
    made: datetime
    devices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandKeys:
    """Functions for keys of brands. `of`: a brand's keys, newest first. `remove_unused` removes older keys that no
    device uses, and returns their number."""

    of: Callable[[Brand], Sequence[BrandKey]]
    make: Callable[[Brand, datetime], object]
    remove_unused: Callable[[Brand], int]


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A channel's folder, for the rest of the project.

    `retry`: when a message that was not taken is tried again, if no other channel follows; if one does, it takes over
    after an hour (`delivery/results.py`). `longest_pause`: the longest pause of a service that does not accept our
    credentials.

    `diagnose` is the channel's part of `manage.py doctor`: it prints its findings, and yields faults and their
    remedies. `alarms` are for the desk's overview, in the reader's language. `commands` are commands of `manage.py` of
    the channel, each with a line in `notifications/management/commands/`. `receipts`: the service's reports about its
    messages. `identity` (the sender for a brand) and `keys` (a brand's own keys) are for the desk's page of the brand.
    """

    facts: Facts
    retry: Backoff
    longest_pause: timedelta
    diagnose: Callable[[Callable[[str], object]], Iterator[str]] = lambda say: iter(())
    alarms: Callable[[], Iterator[str]] = lambda: iter(())
    commands: Mapping[str, type[BaseCommand]] = field(default_factory=dict)
    receipts: Receipts = Receipts()
    identity: Callable[[Brand], Identity | None] = lambda brand: None
    keys: BrandKeys | None = None

    @property
    def name(self) -> str:
        return self.facts.name

    @property
    def without_address(self) -> Reason:
        """The reason why the channel does not reach a person; NOTHING: not worth a line in each trace."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class PersonChannel(Channel):
    """A channel that sends to an address of the person.

    `service`: the service that takes all messages, such as the mail server, by its name in reasons and on the desk; it
    is paused when it raises ServiceRefuses, or does not work. `written`: the text of a message with this link, for the
    desk's preview, if the channel formats messages itself. It raises TransportError.

    `never_twice`: a message is not sent again after a try whose result is unknown. `most_an_hour`: messages an hour to
    one person, 0 for any number; further ones wait, or are left to the next channel.

    `together`: send several messages to an address as one, with an id that means the same message again. It raises the
    errors of the transport's `send`. None: each message goes by itself.
    """

    transport: PersonTransport
    places: Places
    retry: Backoff = RETRY_PERSONS
    longest_pause: timedelta = timedelta(minutes=5)
    service: Callable[[], str] | None = None
    written: Callable[[Message, str], RenderedMessage] | None = None
    never_twice: bool = False
    most_an_hour: Callable[[], int] = lambda: 0
    together: Callable[[str, Bundle, UUID], None] | None = None

    @property
    def without_address(self) -> Reason:
        return self.transport.without_address


@dataclass(frozen=True, slots=True, kw_only=True)
class Public:
    """A resource at `/api/v1/<channel>/<path>` that anybody may read, because devices need it before they register.

    `answer` is called with the person who is signed in, if any, and the host of the request. Its docstring and `shown`
    describe it in the API's schema.
    """

    path: str
    answer: Callable[[Recipient | None, str], Json]
    shown: type[Serializer[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """The registration of devices by `POST /subscriptions`: `serializer` reads the members besides `channel` and
    `name`; `address_of` makes an address of them, or raises Invalid (`fault_at`)."""

    serializer: type[Serializer[Any]]
    address_of: Callable[[Json, Recipient], NewAddress]
    public: Public | None = None


def fault_at(pointer: str, detail: str) -> Invalid:
    """Return the error for a fault of one member: `pointer` is a JSON pointer."""
    return Invalid(detail, [{"pointer": pointer, "detail": detail}])


@dataclass(frozen=True, kw_only=True)
class DeviceChannel(Channel):
    """A channel that sends to devices. `learn` is called with a device's sender before a message to it is made, by a
    thread that may read the database. Most channels have their credentials in the settings.

    `at`: the devices of a service, as far as their addresses tell. `elsewhere`: deliveries for none of these services,
    or that match the condition.
    """

    transport: PushTransport
    learn: Callable[[str], None] = lambda sender: None
    registration: Registration
    retry: Backoff = RETRY_DEVICES
    longest_pause: timedelta = timedelta(hours=6)
    at: Callable[[str], Q]
    elsewhere: Callable[[QuerySet[Delivery], Collection[str], Q], QuerySet[Delivery]]

    @property
    def without_address(self) -> Reason:
        """The reason why the channel reaches no device; NOTHING if it is not set up."""
        return self.transport.without_address if self.transport.is_set_up() else NOTHING
