"""The calendar that a rota offers: its shifts of the coming months, at a secret address."""

import secrets
from datetime import datetime, timedelta

import icalendar
from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from notifications.rotas.duty import people_of, shifts_of
from notifications.rotas.models import Rota
from wfpush.crypto import digest_of

AHEAD, BEHIND = timedelta(days=183), timedelta(days=14)


def new_address(rota: Rota) -> str:
    """Make a new address, which ends the former one. Its plain text is shown only now: only its digest is stored."""
    token = secrets.token_urlsafe(24)
    rota.address_digest = digest_of(token)
    Rota.objects.filter(pk=rota.pk).update(address_digest=rota.address_digest)
    return f"{settings.BASE_URL}{reverse('rotas:calendar', args=[rota.slug, token])}"


def end_address(rota: Rota) -> None:
    Rota.objects.filter(pk=rota.pk).update(address_digest="")


def at_address(slug: str, token: str) -> Rota | None:
    rota = Rota.objects.filter(slug=slug).exclude(address_digest="").first()
    return rota if rota is not None and constant_time_compare(rota.address_digest, digest_of(token)) else None


def calendar_of(rota: Rota, now: datetime) -> bytes:
    """Return the calendar (RFC 5545). An event keeps its id for as long as its person and beginning are the same."""
    shifts = shifts_of(rota, now - BEHIND, now + AHEAD)
    people = people_of(shifts)
    calendar = icalendar.Calendar()
    for name, value in (("prodid", "-//wfpush//duty rotas//EN"), ("version", "2.0"), ("x-wr-calname", rota.name)):
        calendar.add(name, value)
    for shift in shifts:
        event = icalendar.Event()
        event.add("uid", f"{rota.slug}-{shift.begins:%Y%m%dT%H%M%SZ}-{shift.who}@wfpush")
        event.add("dtstamp", now)
        event.add("dtstart", shift.begins)
        event.add("dtend", shift.ends)
        event.add("summary", f"{rota.name}: {people[shift.who]}")
        calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written
