"""Sign-in links by e-mail: people request a new one by themselves, and staff send them one.

The person who asks learns nothing about who is known here. A link goes to the address on file only, so that nobody gets
in by knowing a name or an old link.
"""

import time
from datetime import datetime, timedelta
from typing import Literal

import redis
import structlog
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from notifications.channels.email.channel import server
from notifications.channels.email.facts import FACTS
from notifications.channels.email.transport import Email
from notifications.errors import TransportError
from notifications.models import LinkMail, LinkRequest, Recipient
from notifications.people.brands import brand_for
from notifications.people.recipient_tokens import is_staff, new_link
from notifications.reasons import with_text
from notifications.types import Message
from notifications.wording.directions import all_apart
from notifications.wording.languages import language_of
from notifications.wording.message import brand_of
from wfpush.observability import services
from wfpush.queue import outage, outbox
from wfpush.web.proxies import address_of

log = structlog.get_logger(__name__)

SOURCE_NAME = "link_mails"
LEASE = timedelta(minutes=2)
RETRY = outbox.Backoff(give_up_after=timedelta(hours=2), tries=5)

REPORTED_AFTER = 3
"""Number of failed tries of a mail after which its server is reported."""

HOUR = timedelta(hours=1)
MOST_AN_HOUR, PAUSE = 3, timedelta(minutes=1)
"""Mails that one person can request in an hour, and the time between two."""
MOST_BY_ADDRESS = 20
"""Times an hour that somebody at one network address can ask by writing an e-mail address."""
MOST_PEOPLE = 5
"""People of one e-mail address who get a link: the same person may be known to several engines."""

RequestResult = Literal["sent", "too_many", "cannot"]


def can_be_mailed(person: Recipient) -> bool:
    """Return whether a link can be sent to the person. Staff sign in with their password only."""
    return bool(person.email) and person.may_act and not is_staff(person)


def ask(person: Recipient, path: str, now: datetime, *, by: str = "") -> RequestResult:
    """Send the person a link that leads to the path. `by`: the member of staff who sends it, without a limit."""
    if not can_be_mailed(person):
        return "cannot"
    with transaction.atomic():
        Recipient.objects.select_for_update(no_key=True, of=("self",)).get(pk=person.pk)
        own = LinkMail.objects.filter(recipient=person, by="", created_at__gt=now - HOUR)
        if not by and (own.count() >= MOST_AN_HOUR or own.filter(created_at__gt=now - PAUSE).exists()):
            return "too_many"
        LinkMail.objects.create(recipient=person, next=path, by=by, created_at=now, **outbox.scheduled(now))
        outbox.wake_on_commit(SOURCE_NAME)
    return "sent"


def ask_by_address(email: str, seen_at: str, path: str, now: datetime) -> bool:
    """Send a link to external people of this e-mail address. The caller gets an answer before the address is looked up,
    and so does not learn whether there are any.

    `seen_at`: the network address of the request. Return False if too many came from it.
    """
    if not may_ask(address_of(seen_at), now):
        return False
    with transaction.atomic():
        LinkRequest.objects.create(email=email, next=path, created_at=now, **outbox.scheduled(now))
        outbox.wake_on_commit(SOURCE_NAME)
    return True


def may_ask(address: str, now: datetime) -> bool:
    """Count the requests for e-mails from a network address, in Redis for all processes together. Open when Redis is
    away: each person has a limit, too."""
    name = f"wfpush:links:{address}:{int(now.timestamp() // HOUR.total_seconds())}"
    try:
        with outbox.connection().pipeline(transaction=False) as pipe:
            pipe.incr(name)
            pipe.expire(name, int(HOUR.total_seconds()))
            count = int(pipe.execute()[0])
    except (redis.RedisError, OSError) as fault:
        log.warning("link_limits_open", fault=str(fault))
        return True
    return count <= MOST_BY_ADDRESS


# --- the outbox's source ----------------------------------------------------------------------------------------------
def has_due(now: datetime) -> bool:
    return any(outbox.due(rows, now).exists() for rows in (LinkRequest.objects.all(), LinkMail.objects.all()))


def has_late(before: datetime) -> bool:
    """Return whether mails are late for lack of workers. Mails for a server that takes none are not counted."""
    requests, mails = LinkRequest.objects.all(), LinkMail.objects.all()
    kind, name = _server()
    works = name not in services.held_names(kind, timezone.now())
    return outbox.due(requests, before).exists() or (works and outbox.due(mails, before).exists())


def drain() -> None:
    """Look up requests and send due mails, for one turn; if something is left, the source is woken again."""
    end = time.monotonic() + outbox.TURN_SECONDS
    while time.monotonic() < end:
        if not _look_up_next() and not _send_next():
            return
    outbox.source_named(SOURCE_NAME).wake()


def _look_up_next() -> bool:
    """Request links for the people of one address that somebody wrote. Return whether there was one."""
    claimed = outbox.claim(LinkRequest.objects.all(), limit=1, lease=LEASE, now=timezone.now())
    for request in claimed:
        written = {request.email, request.email.lower()}
        people = Recipient.objects.filter(email__in=written, engine__isnull=False, active=True)
        with transaction.atomic():
            for person in people[:MOST_PEOPLE]:
                ask(person, request.next, timezone.now())
            request.delete()
    return bool(claimed)


def _send_next() -> bool:
    """Send one mail. Return whether there was one."""
    claimed = outbox.claim(LinkMail.objects.all(), limit=1, lease=LEASE, now=timezone.now())
    for mail in claimed:
        now = timezone.now()
        if services.is_left_alone(_server(), now):
            outbox.put_back(mail, now + services.JUST_TRIED)
        else:
            _send_safely(mail, now)
    return bool(claimed)


def _server() -> services.Service:
    return FACTS.name, server()


def _send_safely(mail: LinkMail, now: datetime) -> None:
    try:
        _send(mail, now)
    except TransportError as fault:
        again = None if fault.permanent else RETRY.next_at(mail.attempts, mail.created_at, now)
        log.warning("link_mail_failed", mail=str(mail.pk), fault=fault.detail, again=again)
        outbox.postpone(mail, again, detail=fault.detail[:500])
        if fault.service_state and mail.attempts >= REPORTED_AFTER:
            reason = with_text(fault.reason)
            services.report(_server(), fault.service_state, reason, timezone.now(), since=mail.created_at)
    except Exception as fault:  # any fault must cost one mail at most
        if outage.database_is_away(fault):
            raise
        log.exception("link_mail_crashed", mail=str(mail.pk))
        outbox.postpone(mail, RETRY.next_at(mail.attempts, mail.created_at, now), detail=type(fault).__name__)


def _send(mail: LinkMail, now: datetime) -> None:
    """Send a mail. Raise TransportError. A link whose mail has not left signs nobody in."""
    person = Recipient.objects.select_related("brand", "user").get(pk=mail.recipient_id)
    if not can_be_mailed(person):
        outbox.finish(mail, detail="")
        return
    link, address = new_link(person, next=mail.next, now=now)
    try:
        Email().send(person.email, _message(person, mail), delivery_id=mail.pk, link=address)
    except Exception:
        link.delete()
        raise
    outbox.finish(mail, sent_at=now, detail="")
    services.report_works(_server(), timezone.now(), now)


def _message(person: Recipient, mail: LinkMail) -> Message:
    brand, language = brand_for(person), language_of(person)
    house = brand_of(brand)
    with translation.override(language):
        title = _("Your link to %(brand)s") % all_apart(brand=house["name"])
        opening = _("You asked for this link.") if not mail.by else _("We send you this link.")
        body = _("It opens your page once, within 24 hours. Do not pass it on: anybody who has it can read your page.")
        text = f"{opening} {body}"
        why = _("You get such an e-mail only when somebody asks for a link to your page.")
    return Message(str(mail.pk), language, title, text, text, "normal", "links", (), "", (), house, kept_because=why)


SOURCES = (outbox.Source(SOURCE_NAME, "cluster", has_due, drain, has_late=has_late),)
