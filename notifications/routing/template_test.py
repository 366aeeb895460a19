"""A test message of a template version, published or not, to one's own person.

It is sent like every message, through inbox, ledger and channels, as an event of the product. It is about no task, so
nothing can be answered and no engine is called.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from notifications import reasons
from notifications.cases import internal_events
from notifications.channel_facts import INBOX, reaches_devices
from notifications.channels.base import PersonChannel
from notifications.channels.registry import channels
from notifications.errors import RenderError
from notifications.items import inbox_items
from notifications.models import (
    Category,
    Delivery,
    Device,
    Engine,
    Notification,
    Recipient,
    TemplateVersion,
)
from notifications.routing import fanout
from notifications.routing.plan import Plan
from notifications.routing.route import Manner, MessageRecipient
from notifications.types import Json
from notifications.wording import render
from notifications.wording.batch_render import Writer
from notifications.wording.languages import language_of
from wfpush.queue import outbox

TYPE = "wfpush.test"
MAX_TESTS, TEST_WINDOW = 5, timedelta(minutes=10)
"""Maximum number of tests for one person, and the period."""


class CannotSend(Exception):
    """Raised if a test cannot be sent; the message says what to do."""


@dataclass(frozen=True)
class Way:
    """A channel that reaches a person, and where: an address, or the names of devices."""

    channel: str
    to: str


def ways_to(person: Recipient) -> list[Way]:
    """Return the channels that reach the person, besides the inbox, which has every message."""
    ways: list[Way] = []
    for name, channel in channels().items():
        if reaches_devices(name):
            names = Device.objects.filter(recipient=person, channel=name).order_by("pk").values_list("name", flat=True)
            to = ", ".join(each or _("a device") for each in names)
        else:
            to = (channel.transport.address_of(person) or "") if isinstance(channel, PersonChannel) else ""
        if to and channel.facts.is_set_up():
            ways.append(Way(name, to))
    return ways


@transaction.atomic
def send(
    version: TemplateVersion, person: Recipient, writer: Writer, chosen: Sequence[str], now: datetime
) -> Notification:
    """Send the data of `writer`, worded by this version, to the person's inbox and by the `chosen` channels at once.

    Raises CannotSend.
    """
    engine, category = _place_of(version, writer)
    _check_words(version, person, writer, chosen)
    inbox_items.lock({person.pk})
    _check_rate(person, now)
    template_ref: Json = {"template": {"slug": version.template.slug, "version": version.number}}
    event = internal_events.of_engine(engine, TYPE, template_ref, now)
    event.save(force_insert=True)
    planner = fanout.Planner(event, None, None, writer, Plan(), now, is_task=False)
    plan = Plan()
    manner = Manner(name="", category=category, channels=[INBOX, *chosen], version=version, brand=person.brand)
    reason = reasons.TEMPLATE_TEST(template=version.template, number=version.number)
    planner.make([MessageRecipient(person, manner, reason)])
    [notification] = planner.made
    _mark(notification, planner.deliveries, version, person)
    plan.warn(planner.plan.warnings)
    plan.add(person, notification, "", reason, planner.deliveries)
    event.plan, event.told = plan.as_json(), len(planner.deliveries)
    fanout.save([planner], now)
    event.save(update_fields=["plan", "told"])
    outbox.wake_on_commit("deliveries")
    return notification


def _place_of(version: TemplateVersion, writer: Writer) -> tuple[Engine, Category]:
    """Return the engine and the category of the message: those of the sample and of the template's routes, else the
    first. Raise CannotSend if there is none."""
    route = version.template.routes.select_related("engine", "category").first()
    of_sample = writer.event.engine if writer.event.engine_id else None
    engine = of_sample or (route.engine if route else None) or Engine.objects.filter(active=True).first()
    category = route.category if route else Category.objects.first()
    if engine is None or category is None:
        raise CannotSend(_("Messages belong to an engine and a category. Add them first."))
    return engine, category


def _check_words(version: TemplateVersion, person: Recipient, writer: Writer, chosen: Sequence[str]) -> None:
    """Raise CannotSend if a text has an error. Real messages would have the task's name instead of such a text."""
    for channel in (INBOX, *chosen):
        try:
            render.render(
                version, person.locale, channel, writer.context(person.brand), timezone=person.timezone,
                hidden=writer.hidden, customer=person.external,
            )  # fmt: skip
        except RenderError as exc:
            raise CannotSend(str(exc)) from exc


def _check_rate(person: Recipient, now: datetime) -> None:
    """Raise CannotSend if the person has had too many tests. The person is locked."""
    recent = Notification.objects.filter(recipient=person, created_at__gt=now - TEST_WINDOW, event__type=TYPE)
    if recent.filter(event__source=internal_events.SOURCE).count() >= MAX_TESTS:
        sentence = _("%(most)d tests were sent to you in the last %(minutes)d minutes. Wait a little.")
        raise CannotSend(sentence % {"most": MAX_TESTS, "minutes": TEST_WINDOW.seconds // 60})


def _mark(notification: Notification, rows: Sequence[Delivery], version: TemplateVersion, person: Recipient) -> None:
    """Mark titles and texts of all channels as a test. No channel waits for another."""
    with translation.override(language_of(person)):
        title = _("Test: %(title)s")
        sentence = _("This is a test of “%(template)s”, version %(number)d. There is nothing to do.")
    sentence = sentence % {"template": version.template, "number": version.number}
    notification.title = render.clean_title(title % {"title": notification.title})
    notification.body = f"{sentence}\n\n{notification.body}".strip()
    for row in rows:
        if row.words:
            words = {**row.words, "title": render.clean_title(title % {"title": row.words["title"]})}
            row.words = {**words, "body": f"{sentence}\n\n{words['body']}".strip()}
        if row.turn:
            row.turn = 0
            for name, value in outbox.scheduled(notification.created_at).items():
                setattr(row, name, value)
