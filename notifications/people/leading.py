"""Whom somebody leads: who reports to them, and the members of teams whose lead they are."""

from django.db.models import Q, QuerySet

from notifications.models import Recipient


def led_by(reader: Recipient) -> QuerySet[Recipient]:
    """Active people of the organisation itself, by name; never the reader."""
    theirs = Q(manager=reader) | Q(teams__lead=reader)
    return Recipient.objects.filter(theirs, engine=None, active=True).exclude(pk=reader.pk).distinct()
