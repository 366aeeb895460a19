"""Reasons of the conversation: why somebody has a task."""

from django.utils.translation import gettext_noop as _

from notifications.reasons import code

FORWARDED = code("forwarded", _("forwarded by %(name)s"))
