"""Reasons of absences: why somebody is notified."""

from django.utils.translation import gettext_noop as _

from notifications.reasons import code

OWN_CALENDAR = code("own_calendar", _("it is your own calendar"))
