"""The administrators' pages for working time, SLA policies, clocks, dead ends and the simulator.

In: requests of staff below `/admin/`.
Out: pages and forms, and panels on pages of `notifications/admin/`.
"""

from django.utils.translation import gettext_lazy as _

from escalations.admin import board, calendars, chains, dead_ends, policies, simulator
from escalations.models import BusinessCalendar, Escalation, Policy
from notifications.admin import navigation, overview, routing, search, search_kinds

__all__ = ["calendars", "chains", "policies"]

navigation.add_page("sla", board.PAGE, _("SLA overview"), ["escalations.view_escalation"])
navigation.add("sla", Policy)
navigation.add("sla", BusinessCalendar)
navigation.add("sla", Escalation)
navigation.add_page("sla", simulator.NAME, _("Simulator"), simulator.PERMISSIONS)
navigation.add_page("rules", dead_ends.NAME, _("Dead ends"), dead_ends.PERMISSIONS)

search.add(
    search_kinds.small(Policy, "timer", ["name"], lambda policy, _asked: [search_kinds.on_or_off(policy.enabled)])
)

overview.add_panel(Escalation, board.panel)
overview.add_panel(Policy, dead_ends.panel)
routing.DOUBTS.append(dead_ends.warnings)
