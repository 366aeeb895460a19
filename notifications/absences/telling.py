"""Somebody else has said when a person is away: it is recorded, and the person reads it in their inbox."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from notifications import reasons
from notifications.items import inbox_items, lifetime
from notifications.models import Category, Engine, Event, EventStatus, Notification, NotificationState, Recipient
from notifications.people import absence
from notifications.people.absence import Given
from notifications.routing.addressing import Addresses
from notifications.routing.plan import Plan
from notifications.wording.formats import zone_of
from notifications.wording.languages import language_of
from notifications.wording.plaintext import clean_line, cut
from notifications.wording.times import when
from wfpush.identifiers import uuid7
from wfpush.postgres import bulk
from wfpush.queue import outbox

SOURCE, TYPE = "wfpush", "wfpush.absence"
MOST_TITLE = 200


@transaction.atomic
def set_for(person: Recipient, given: Given, by: Recipient, now: datetime) -> None:
    """`faults_of` has found none."""
    absence.set_absence(person, given, by=by)
    if by != person:
        _tell(person, by, given, now)


@transaction.atomic
def end_for(person: Recipient, by: Recipient, now: datetime) -> None:
    row = absence.away_from(person, now)
    absence.end_absence(person, by=by)
    if by != person and row is not None:
        _tell(person, by, None, now)


def _tell(person: Recipient, by: Recipient, given: Given | None, now: datetime) -> None:
    """Nothing can be sent yet where there is no engine or category: messages belong to both."""
    engine = Engine.objects.order_by("-active", "pk").first()
    category = Category.objects.order_by("pk").first()
    if engine is None or category is None:
        return
    event = _event(engine, by, now)
    with translation.override(language_of(person)), timezone.override(zone_of(person.timezone)):
        item = _item(event, category, person, *_words(by, given, now))
    inbox_items.lock({person.pk})
    addresses, plan = Addresses(event, now), Plan()
    addresses.look_up([person], category.channels)
    rows = addresses.deliveries(item, person, category.channels, {}, lifetime.worth_until(None, now))
    plan.add(person, item, "", reasons.WRITTEN_TO(name=by), rows)
    event.plan, event.told = plan.as_json(), len(rows)
    bulk.insert([event])
    inbox_items.create([item])
    bulk.insert(rows)
    outbox.wake_on_commit("deliveries")


def _words(by: Recipient, given: Given | None, now: datetime) -> tuple[str, str]:
    """Title and text."""
    if given is None:
        return _("%(name)s has ended your absence") % {"name": by}, _("Messages come to you as usual.")
    title = _("%(name)s has entered that you are away") % {"name": by}
    times = _("It begins %(from)s and ends %(until)s.") % {
        "from": when(given.begins_at, now), "until": when(given.ends_at, now),
    }  # fmt: skip
    if given.delegate is None:
        return title, f"{times} {_('Nobody stands in.')}"
    return title, f"{times} {_('%(delegate)s stands in.') % {'delegate': given.delegate}}"


def _event(engine: Engine, by: Recipient, now: datetime) -> Event:
    """Of our own, so that trace and ledger show the message like any other. It is processed when it is made."""
    return bulk.new(
        Event,
        engine=engine,
        source=SOURCE,
        event_id=f"absence/{uuid7()}",
        type=TYPE,
        time=now,
        received_at=now,
        processed_at=now,
        status=EventStatus.PROCESSED,
        data={"by": by.as_person()},
        digest="",
        group="",
    )


def _item(event: Event, category: Category, person: Recipient, title: str, body: str) -> Notification:
    said = reasons.kept("reason", reasons.WRITTEN_TO(name=event.data["by"]["name"]))
    return bulk.new(
        Notification,
        recipient=person,
        event=event,
        category=category,
        brand=person.brand,
        language=language_of(person),
        state=NotificationState.INFO,
        title=cut(clean_line(title), MOST_TITLE),
        body=body,
        short_body=cut(body, MOST_TITLE),
        url=f"{settings.BASE_URL}{reverse('inbox:absence')}",
        created_at=event.received_at,
        updated_at=event.received_at,
        **said,
    )
