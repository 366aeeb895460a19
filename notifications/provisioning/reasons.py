"""Reasons that SCIM directories add: why somebody gets a task or a message of a person who left."""

from django.utils.translation import gettext_noop as _

from notifications.reasons import code

LEFT_BEHIND = code("left_behind", _("offered because %(name)s has left (%(reason)s)"))
LEADS_LEAVER = code("leads_leaver", _("manager of %(name)s, who has left"))
