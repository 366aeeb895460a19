"""One item with all that belongs to it: what it is about, where, for whom, and what has happened so far."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import translation

from notifications.inbox.cards import Card, card
from notifications.inbox.history import Entry, history_of
from notifications.items.representation import notification_queryset
from notifications.models import Engine, Notification, Recipient
from notifications.types import Json
from notifications.wording.links import is_web_link
from notifications.wording.times import stamp

MAPS = "https://www.google.com/maps/search/?api=1&query="
"""Opens the maps app on phones of both kinds, and a page elsewhere (developers.google.com/maps/documentation/urls)."""

RELATED_SHOWN = 5


@dataclass(frozen=True)
class Related:
    """Another item of the same case."""

    notification: Notification
    stamp: str


@dataclass(frozen=True)
class Item:
    card: Card
    category: str
    engine: Engine | None
    url: str
    case_url: str
    address: str
    map_url: str
    customer: str
    phone: str
    phone_url: str
    documents: list[Json]
    history: list[Entry]
    related: list[Related]
    follows: bool

    @property
    def notification(self) -> Notification:
        return self.card.notification

    @property
    def takes_comment(self) -> bool:
        """Whether one of the answers may carry a comment that it does not need."""
        return any(button.action.comment == "optional" for button in self.card.buttons)


def own_notification(reader: Recipient, notification_id: UUID) -> Notification:
    """Somebody else's item is as unknown as one that does not exist (Http404)."""
    return get_object_or_404(notification_queryset(), recipient=reader, pk=notification_id)


def item(notification: Notification, reader: Recipient, now: datetime) -> Item:
    details, case = notification.details, notification.case
    location, customer = _part(details, "location"), _part(details, "customer")
    phone = str(customer.get("phone") or "")
    return Item(
        card=card(notification, reader, now),
        category=notification.category.name_in(translation.get_language() or ""),
        engine=_engine_of(notification),
        url=web_link(notification.url),
        case_url=web_link(case.url) if case else "",
        address=_address(location),
        map_url=map_link(location),
        customer=str(customer.get("name") or customer.get("ref") or ""),
        phone=phone,
        phone_url=phone_link(phone),
        documents=_documents(details),
        history=history_of(notification, reader, now),
        related=_related(notification, reader, now),
        follows=case is not None and case.followers.filter(pk=reader.pk).exists(),
    )


def _part(details: Json, name: str) -> Json:
    value = details.get(name)
    return value if isinstance(value, dict) else {}


def _engine_of(notification: Notification) -> Engine | None:
    owner = notification.task or notification.case
    return owner.engine if owner else None


def web_link(value: object) -> str:
    """The address, or nothing when it is not one that people may follow: ingest drops such links, and so do we."""
    return str(value).strip() if is_web_link(value) else ""


def map_link(location: Json) -> str:
    """A link that opens the place in maps: by coordinates where there are any, else by address."""
    latitude, longitude = _degrees(location.get("lat"), 90), _degrees(location.get("lon"), 180)
    if latitude is not None and longitude is not None:
        return f"{MAPS}{latitude:.6f}%2C{longitude:.6f}"
    address = str(location.get("address") or "").strip()
    return MAPS + quote(address, safe="") if address else ""


def _degrees(value: object, most: int) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and -most <= value <= most
    return float(value) if known else None  # type: ignore[arg-type]


def _address(location: Json) -> str:
    if not map_link(location):
        return ""
    return str(location.get("address") or "").strip() or f"{location['lat']}, {location['lon']}"


def phone_link(phone: str) -> str:
    """`tel:` with what a phone can dial (RFC 3966); empty without a digit."""
    dialled = "".join(character for character in phone if character in "+0123456789*#,;")
    return f"tel:{quote(dialled, safe='+*,;')}" if any(character.isdigit() for character in dialled) else ""


def _documents(details: Json) -> list[Json]:
    documents = details.get("documents")
    shown = [each for each in documents if isinstance(each, dict)] if isinstance(documents, list) else []
    return [
        {"title": str(each.get("title") or each.get("url") or ""), "url": web_link(each.get("url"))}
        for each in shown
        if each.get("title") or each.get("url")
    ]


def _related(notification: Notification, reader: Recipient, now: datetime) -> list[Related]:
    """The person's other items of the case, newest first."""
    if notification.case_id is None:
        return []
    others = Notification.objects.filter(recipient=reader, case=notification.case_id).exclude(pk=notification.pk)
    return [Related(other, stamp(other.created_at, now)) for other in others.order_by("-created_at")[:RELATED_SHOWN]]
