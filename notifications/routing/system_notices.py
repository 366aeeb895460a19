"""A message of the product to one person, about no task. It is sent like every message: inbox, ledger, channels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from notifications.cases import internal_events
from notifications.items import inbox_items, lifetime
from notifications.models import Category, Engine, Event, Notification, NotificationState, Recipient
from notifications.reasons import Reason
from notifications.routing.addressing import Addresses
from notifications.routing.plan import Plan
from notifications.types import Json
from notifications.wording.languages import language_of, speaking_to
from notifications.wording.plaintext import clean, clean_line, cut
from wfpush.postgres import bulk
from wfpush.queue import outbox

MOST_TITLE, MOST_SHORT = 200, 500


@dataclass(frozen=True)
class Words:
    """The texts of a message. `short` is the text on lock screens."""

    title: str
    body: str
    short: str


@dataclass(frozen=True)
class NoticeSubject:
    """The subject of a message: its event's type and data, the item's details, and the page that it leads to. Without a
    `category`, the first one is used."""

    type: str
    data: Json
    page: str
    details: Json
    category: Category | None = None


def send(
    person: Recipient,
    subject: NoticeSubject,
    worded: Callable[[], Words],
    why: Reason,
    now: datetime,
    *,
    instead_of: Recipient | None = None,
) -> Notification | None:
    """Send a message, in a transaction. `worded` is called in the person's language and time zone. Return None while
    there is no engine or no category, to which messages belong."""
    engine = Engine.objects.order_by("-active", "pk").first()
    category = subject.category or Category.objects.order_by("pk").first()
    if engine is None or category is None:
        return None
    with speaking_to(person):
        words = worded()
    event = internal_events.of_engine(engine, subject.type, subject.data, now)
    item = _item(event, category, person, words, why)
    item.on_behalf_of, item.details, item.url = instead_of, subject.details, f"{settings.BASE_URL}{subject.page}"
    _save(event, item, category.channels, why)
    return item


def _save(event: Event, item: Notification, channels: Sequence[str], why: Reason) -> None:
    person, now = item.recipient, item.created_at
    inbox_items.lock({person.pk})
    addresses, plan = Addresses(event, now), Plan()
    addresses.look_up([person], channels)
    rows = addresses.deliveries(item, person, channels, {}, lifetime.worth_until(None, now))
    plan.add(person, item, "", why, rows)
    event.plan, event.told = plan.as_json(), len(rows)
    bulk.insert([event])
    inbox_items.create([item])
    bulk.insert(rows)
    outbox.wake_on_commit("deliveries")


def _item(event: Event, category: Category, person: Recipient, words: Words, why: Reason) -> Notification:
    return bulk.new(
        Notification,
        recipient=person,
        event=event,
        category=category,
        brand=person.brand,
        language=language_of(person),
        state=NotificationState.INFO,
        title=cut(clean_line(words.title), MOST_TITLE),
        body=clean(words.body),
        short_body=cut(clean_line(words.short), MOST_SHORT),
        created_at=event.received_at,
        updated_at=event.received_at,
        reason_fact=why.as_json(),
    )
