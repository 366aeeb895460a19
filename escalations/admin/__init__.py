"""The administrators' pages for working time, SLA policies, clocks, dead ends and the simulator.

In: requests of staff below `/admin/`.
Out: pages and forms, and panels on pages of `notifications/admin/`.
"""

from django.utils.translation import gettext_lazy as _

from escalations.admin import board, calendars, chains, dead_ends, policies, simulator
from escalations.models import BusinessCalendar, Escalation, Policy
from notifications.admin import navigation, overview, routing

__all__ = ["calendars", "chains", "policies"]

navigation.add_page("now", board.PAGE, _("SLA overview"), "monitoring", ["escalations.view_escalation"])
navigation.add("now", Escalation, _("Escalations"), "notification_important")
navigation.add_page("now", simulator.NAME, _("Simulator"), "fast_forward", simulator.PERMISSIONS)
navigation.add("set_up", Policy, _("SLA policies"), "timer")
navigation.add("set_up", BusinessCalendar, _("Calendars"), "calendar_month")
navigation.add_page("set_up", dead_ends.NAME, _("Dead ends"), "block", dead_ends.PERMISSIONS)

overview.add_panel(Escalation, board.panel)
overview.add_panel(Policy, dead_ends.panel)
routing.DOUBTS.append(dead_ends.warnings)
