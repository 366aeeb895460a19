"""A notification as the API and the live frames show it, with the lines and facts of the inbox in the reader's
language.

Pages show the same lines and facts; scripts insert them from frames and from stored items. Further content of the inbox
must go into `lines_of`, `glance_of` or `shown_facts`, and nowhere else.
"""

from collections.abc import Hashable
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

import msgspec
from django.utils import translation
from django.utils.translation import gettext as _

from notifications import reasons
from notifications.additions import ItemLink
from notifications.items.glance import engine_name, glance_of
from notifications.items.outcomes import action_title, why_withdrawn
from notifications.items.representation import SharedParts, escalated_to, notification_json
from notifications.models import Notification, NotificationState
from notifications.reasons import Reason
from notifications.types import Json, object_in
from notifications.wording import directions, formats, names
from notifications.wording.languages import language_of
from notifications.wording.links import is_web_link
from notifications.wording.message import notice_beside_due
from notifications.wording.sentences import say
from wfpush import features

MAPS = "https://www.google.com/maps/search/?api=1&query="
"""Opens the maps app on phones of both kinds, and a page elsewhere (developers.google.com/maps/documentation/urls)."""


def inbox_json(notification: Notification, common: SharedParts | None = None) -> Json:
    """Return the item in the reader's language. `common`: shared parts of several notifications."""
    withdrawn = notification.state == NotificationState.WITHDRAWN
    common, language = common or SharedParts(), language_of(notification.recipient)
    with translation.override(language), formats.written_for(notification.recipient.locale):
        shown = {
            "language": notification.language,
            "direction": directions.usual(notification.language),
            "lines": lines_of(notification),
            "glance": glance_of(notification),
            "facts": common.once(
                lambda: shown_facts(notification),
                notification.details,
                "facts",
                notification.url,
                notification.recipient.external,
                language,
            ),
            "ended": why_withdrawn(reasons.read(notification), notification.recipient) if withdrawn else "",
            "outcome": _outcome(notification),
        }
    return notification_json(notification, common) | shown


def _outcome(notification: Notification) -> Json | None:
    """Return the outcome with the answer's label: the copy's `actions` are gone once it is over."""
    outcome = names.seen_by(notification.outcome, notification.recipient)
    if not outcome:
        return None
    action = str(outcome.get("action") or "")
    title = {"title": action_title(notification, action, notification.recipient)} if action else {}
    system = engine_name(notification, notification.recipient)
    return reasons.in_words(outcome) | title | ({"system": system} if system else {})


class InboxTexts:
    """`inbox_json` of many notifications as text, each in its person's language.

    Most copies of a message differ in their keys, numbers and people only: the rest of their text is made once. The
    notifications must live as long as this object: shared parts are recognized by the identity of objects.
    """

    def __init__(self) -> None:
        self._common = SharedParts()
        self._rests: dict[Hashable, str] = {}

    def text_of(self, notification: Notification) -> str:
        key = _shared_text_key(notification)
        rest = self._rests.get(key)
        if rest is None:
            members = inbox_json(notification, self._common)
            others = {name: value for name, value in members.items() if name not in ("id", "seq")}
            rest = self._rests[key] = msgspec.json.encode(others).decode()[1:]
        return f'{{"id":"{notification.pk}","seq":{notification.seq},{rest}'


_SHARED = [
    field.attname
    for field in Notification._meta.concrete_fields
    if field.attname not in ("id", "seq", "recipient_id", "event_id")
]
_PLAIN = frozenset({type(None), bool, int, str, datetime, UUID})


def _shared_text_key(notification: Notification) -> Hashable:
    """Return a key that is equal for notifications whose `inbox_json` differs only in `id` and `seq`."""
    stored_fields, person, task = notification.__dict__, notification.recipient, notification.task
    values = [stored_fields[name] for name in _SHARED]
    shared = [value if type(value) in _PLAIN else id(value) for value in values]
    reader_fields = (person.locale, person.timezone, person.external, person.brand_id)
    return (*shared, *reader_fields, person.ref if (task and task.escalated) or names.hides_staff(person) else "")


def lines_of(notification: Notification) -> list[str]:
    """Return the lines below the title, also for cards."""
    away = notification.on_behalf_of
    behalf = say("on_behalf_of", name=away) if away else ""
    notice = notice_beside_due(notification).removesuffix(".")
    return [line for line in (notice, _snooze_of(notification), behalf, escalation_of(notification)) if line]


def _snooze_of(notification: Notification) -> str:
    if notification.state != NotificationState.OPEN:
        return ""
    key, at = ("snoozed", notification.snoozed_until) if notification.snoozed_until else ("back", notification.back_at)
    zone = formats.zone_of(notification.recipient.timezone)
    return say(key, at=formats.moment(at.astimezone(zone), formats.active_locale())) if at else ""


def shown_facts(notification: Notification) -> list[Json]:
    """Return the list below the text on the item's page: {icon, label, parts}. Parts have text, url and hint."""
    details = notification.details
    location, customer = object_in(details, "location"), object_in(details, "customer")
    facts = [
        {"icon": "place", "label": _("Where"), "parts": _place(location)},
        {"icon": "phone", "label": _("Customer"), "parts": _customer(customer)},
        {"icon": "document", "label": _("Documents"), "parts": _documents(details.get("documents"))},
    ]
    url = web_link(notification.url)
    own = next((each for each in features.added(ItemLink) if each.member in details), None)
    if own is not None:
        part = {"text": str(own.text), "url": url, "hint": ""}
        facts.append({"icon": "clock", "label": str(own.label), "parts": [part] if url else []})
    elif not notification.recipient.external:  # external people cannot open the engine's page, which is for staff
        engine = engine_name(notification, notification.recipient)
        text = _("Open in %(engine)s") % {"engine": engine} if engine else _("Open the task there")
        part = {"text": text, "url": url, "hint": ""}
        facts.append({"icon": "out", "label": _("Source system"), "parts": [part] if url else []})
    return [fact for fact in facts if fact["parts"]]


def _place(location: Json) -> list[Json]:
    url = map_link(location)
    if not url:
        return []
    address = str(location.get("address") or "").strip() or f"{location['lat']}, {location['lon']}"
    return [{"text": address, "url": url, "hint": _("opens in maps")}]


def _customer(customer: Json) -> list[Json]:
    name, phone = str(customer.get("name") or customer.get("ref") or ""), str(customer.get("phone") or "")
    call = {"text": _("Call %(phone)s") % {"phone": phone}, "url": phone_link(phone), "hint": ""}
    who = {"text": name, "url": "", "hint": ""}
    return [part for part, text in ((who, name), (call, call["url"])) if text]


def documents_of(notification: Notification) -> list[Json]:
    """Return the documents as in `shown_facts`, in the same order."""
    return _documents(notification.details.get("documents"))


def _documents(documents: object) -> list[Json]:
    shown = [document for document in documents if isinstance(document, dict)] if isinstance(documents, list) else []
    return [
        {"text": str(document.get("title") or document.get("url")), "url": web_link(document.get("url")), "hint": ""}
        for document in shown
        if document.get("title") or document.get("url")
    ]


def web_link(value: object) -> str:
    """Return the address if it is http or https, else empty: intake removes such links, too."""
    return str(value).strip() if is_web_link(value) else ""


def map_link(location: Json) -> str:
    """Return a link that opens the place in a maps app: by coordinates if there are any, else by address."""
    latitude, longitude = _degrees(location.get("lat"), 90), _degrees(location.get("lon"), 180)
    if latitude is not None and longitude is not None:
        return f"{MAPS}{latitude:.6f}%2C{longitude:.6f}"
    address = str(location.get("address") or "").strip()
    return MAPS + quote(address, safe="") if address else ""


def _degrees(value: object, most: int) -> float | None:
    is_degrees = isinstance(value, int | float) and not isinstance(value, bool) and -most <= value <= most
    return float(value) if is_degrees else None  # type: ignore[arg-type]


def phone_link(phone: str) -> str:
    """Return a `tel:` link with the characters that a phone can dial (RFC 3966); empty without a digit."""
    dialled = "".join(character for character in phone if character in "+0123456789*#,;")
    return f"tel:{quote(dialled, safe='+*,;')}" if any(character.isdigit() for character in dialled) else ""


WHY = {
    reasons.MANAGER.name: ("escalated_manager", "name"),
    reasons.MANAGER_OF_LEVEL.name: ("escalated_manager", "name"),
    reasons.LEAD.name: ("escalated_lead", "name"),
    reasons.FALLBACK.name: ("escalated_fallback", "why"),
}
"""The sentence for a copy's reason, and the argument that it names. Other reasons have none."""


def escalation_of(notification: Notification) -> str:
    """Return why the reader was notified, and who else was; empty for an item that is not late, or no longer waits."""
    if notification.state != NotificationState.OPEN:
        return ""
    sentences = [_why(reasons.read(notification))] if notification.escalated else []
    others = [person["name"] for person in escalated_to(notification) if person["ref"] != notification.recipient.ref]
    if others:
        sentences.append(say("escalated_to", names=", ".join(others)))
    return " · ".join(sentences)


def _why(reason: Reason) -> str:
    if reason.code not in WHY:
        return say("escalated_other")
    key, name = WHY[reason.code]
    value = reason.argument(name)
    return say(key, name=value.words() if isinstance(value, Reason) else str(value))
