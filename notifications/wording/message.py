"""The channel-neutral message of one notification."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from django.conf import settings
from django.utils.translation import gettext as _

from notifications.models import Brand, Notification, NotificationState, Priority
from notifications.types import Action, Json, Message, object_in, text_in
from notifications.wording import formats, key_facts
from notifications.wording.languages import language_of, read_in, speaking_to
from notifications.wording.plaintext import clean_line, cut

MAX_FACT = 300
"""Characters of one fact."""

MOST_TITLE = 200
"""Characters of a title outside the inbox: lock screens and subjects of e-mails show fewer."""

_DUE = "\x00"
"""Stands for the due time: its abbreviations, such as Mi., end no sentence."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_LABEL = re.compile(r"(\w+)\s?:")

Fact = tuple[str, str]


def message_of(notification: Notification, *, words: Json | None = None, with_facts: bool = True) -> Message:
    """Return the message; `words` (title, body, short_body) if the channel has texts of its own.

    Title and text are as the template wrote them; answers and facts are in the reader's language. Reads the
    notification's recipient with brand, its category and brand; for facts and the engine's ids also its task, case and
    `on_behalf_of`.
    """
    texts, reader = words or {}, notification.recipient
    facts: tuple[Fact, ...] = ()
    if with_facts:
        with speaking_to(reader):
            facts = tuple((label, cut(clean_line(value), MAX_FACT)) for label, value in _facts(notification))
    notice = notice_of(notification)
    notice_above_facts = notice_beside_due(notification) if with_facts else notice
    title = cut(texts.get("title", notification.title), MOST_TITLE)
    short_body = _below(notice, " ", texts.get("short_body", notification.short_body))
    return Message(
        notification_id=str(notification.pk),
        language=notification.language,
        reader_language=language_of(reader),
        title=title,
        body=_below(notice_above_facts, "\n\n", texts.get("body", notification.body)),
        short_body=short_body,
        priority=notification.priority,
        category=notification.category.slug,
        actions=tuple(sorted((read_in(each, reader.locale) for each in notification.actions), key=_weight)),
        url="" if reader.external else notification.url,  # that page is for staff
        facts=facts,
        brand=brand_of(brand_shown(notification)),
        due_at=notification.due_at,
        thread=_thread(notification),
        task_id=notification.task.task_id if with_facts and notification.task else "",
        case_id=notification.case.case_id if with_facts and notification.case else "",
        glance=_glance(notification, f"{title}\n{short_body}"),
    )


def _glance(notification: Notification, message_text: str) -> str:
    """Return the reader's key facts in one line, without those that the message says in its own language."""
    as_written = key_facts.facts_of(notification, notification.language)
    pairs = zip(key_facts.facts_of(notification), as_written, strict=True)
    return key_facts.at_a_glance(
        [fact for fact, same in pairs if not key_facts.says(message_text, same.text)], message_text
    )


def brand_shown(notification: Notification) -> Brand | None:
    """Return the brand under which the person reads the notification."""
    return notification.brand or notification.recipient.brand


def notice_of(notification: Notification) -> str:
    """Return why the person was notified again, or by an escalation, as long as the item waits for an answer."""
    return notification.notice if notification.state == NotificationState.OPEN else ""


def notice_beside_due(notification: Notification) -> str:
    """Return the notice for a place that shows the due time, too: without the sentences that repeat it, except for a
    word before their colon, such as “Reminder”. A notice of nothing else stays."""
    notice, person = notice_of(notification), notification.recipient
    if not notice or notification.due_at is None:
        return notice
    locale = formats.locale_for(notification.language, person.locale)
    due = formats.moment(notification.due_at.astimezone(formats.zone_of(person.timezone)), locale)
    sentences = _SENTENCE_END.split(notice.replace(due, _DUE))
    shown = [_LABEL.match(each) if _DUE in each else each for each in sentences]
    return " ".join(each if isinstance(each, str) else f"{each[1]}." for each in shown if each) or notice


def _below(notice: str, between: str, text: str) -> str:
    return between.join(filter(None, (notice, text)))


def saying(message: Message, text: str, language: str) -> Message:
    """Return the message with this text only, and no answers."""
    return replace(message, body=text, short_body=text, actions=(), facts=(), glance="", language=language)


def brand_of(brand: Brand | None) -> Json:
    """Return name, logo and colours of the brand; wfpush's own without a brand."""
    chosen = brand or _own_brand()
    return {
        "name": chosen.name,
        "logo_url": chosen.logo_url,
        "accent": chosen.accent,
        "accent_dark": chosen.accent_dark,
        "from_email": chosen.from_email,
        "reply_to": chosen.reply_to,
        "base_url": base_of(brand),
        "contact": chosen.contact,
    }


def base_of(brand: Brand | None) -> str:
    """Return the start of addresses in messages of this brand."""
    return brand.domain if brand is not None and brand.domain else str(settings.BASE_URL)


@cache
def _own_brand() -> Brand:
    return Brand(name=str(settings.UNFOLD["SITE_TITLE"]))


def _weight(action: Action) -> int:
    """Return the rank of an answer: final ones, those that take the work away, questions, and acknowledging last."""
    if action.effect == "final":
        return 1 if action.takes_away else 0
    return 2 if action.effect == "request_info" else 3


def _thread(notification: Notification) -> str:
    if notification.task_id is not None:
        return f"task-{notification.task_id}"
    return f"case-{notification.case_id}" if notification.case_id is not None else ""


# --- facts ----------------------------------------------------------------------------------------------------------
def _facts(notification: Notification) -> Iterator[Fact]:
    """Yield labels and values that help to decide, in the active language."""
    details = notification.details
    if notification.on_behalf_of is not None:
        yield _("On behalf of"), str(notification.on_behalf_of)
    facts = key_facts.facts_of(notification)
    for each in facts:
        yield each.label, each.text
    if notification.due_at is not None:
        due_at = notification.due_at.astimezone(formats.zone_of(notification.recipient.timezone))
        yield _("Due"), formats.moment(due_at, formats.active_locale())
    if notification.priority != Priority.NORMAL:
        yield _("Priority"), str(Priority(notification.priority).label)
    if notification.case is not None:
        title, name = notification.case.title, notification.case.case_id
        yield _("Case"), title if name in title else f"{title} ({name})" if title else name
    location, customer = object_in(details, "location"), object_in(details, "customer")
    fact_texts = {"", *(each.text for each in facts)}
    if clean_line(text_in(location, "address")) not in fact_texts:
        yield _("Location"), text_in(location, "address")
    reached = [text_in(customer, "name") or text_in(customer, "ref"), text_in(customer, "phone")]
    reached = [each for each in reached if clean_line(each) not in fact_texts]
    if reached:
        yield _("Customer"), ", ".join(reached)
    titles = [text_in(each, "title") for each in details.get("documents") or [] if isinstance(each, dict)]
    if any(titles):
        yield _("Documents"), ", ".join(filter(None, titles))
