"""The administrators' pages for working time, SLA policies, clocks, dead ends and the simulator.

In: requests of staff below `/admin/`.
Out: pages and forms, and panels on pages of `notifications/admin/`.
"""

from django.utils.translation import gettext_lazy as _

from escalations.admin import calendars, chains, dead_ends, policies, simulator, sla_report
from escalations.admin.rules import page as rules
from escalations.models import BusinessCalendar, Escalation, Policy
from notifications.admin import empty_lists, navigation, overview, routing, search

__all__ = ["calendars", "chains", "policies", "rules"]

navigation.add_page("sla", sla_report.PAGE, _("SLA overview"), ["escalations.view_escalation"])
navigation.add("sla", Policy)
navigation.add("sla", BusinessCalendar)
navigation.add("sla", Escalation)
navigation.add_page("sla", simulator.NAME, _("Simulator"), simulator.PERMISSIONS)
navigation.add_page("rules", rules.NAME, _("New rule"), rules.PERMISSIONS)
navigation.add_page("rules", dead_ends.NAME, _("Dead ends"), dead_ends.PERMISSIONS)

search.KINDS.append(search.small(Policy, "timer", ["name"], lambda policy, _query: [search.on_or_off(policy.enabled)]))

overview.add_panel(Escalation, sla_report.panel)
overview.add_panel(Policy, dead_ends.panel)
routing.DOUBTS.append(dead_ends.warnings)

empty_lists.SAYS.update(
    {
        "escalations.policy": _("When people are reminded, and who is told if nobody answers. Add the first one."),
        "escalations.policycondition": _("For which tasks a policy is. They are written on the policy's page."),
        "escalations.policystep": _("What a policy does, and when. They are written on the policy's page."),
        "escalations.businesscalendar": _("When work is done, by which SLA policies count. Add the first one."),
        "escalations.calendarday": _("Holidays and short days. They are written on the page of a calendar."),
        "escalations.teamcalendar": _("Teams with a calendar of their own. It is chosen on the page of a calendar."),
        "escalations.personcalendar": _("People with a calendar of their own. It is chosen on the page of a calendar."),
        "escalations.escalation": _("Clocks of tasks. None runs yet: they begin with tasks that an SLA policy is for."),
        "escalations.steprun": _("Reminders and escalations that were due. None has been yet."),
    }
)
