"""The administrators' desk for working time, SLA policies and what runs by them: one file a concept."""

from django.utils.translation import gettext_lazy as _

from escalations.admin import calendars, chains, policies
from escalations.models import BusinessCalendar, Escalation, Policy
from notifications.admin import navigation

__all__ = ["calendars", "chains", "policies"]

navigation.add("now", Escalation, _("Escalations"), "notification_important")
navigation.add("set_up", Policy, _("SLA policies"), "timer")
navigation.add("set_up", BusinessCalendar, _("Calendars"), "calendar_month")
