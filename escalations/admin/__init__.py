"""The administrators' pages for working time, SLA policies, clocks, dead ends and the simulator.

In: requests of staff below `/admin/`.
Out: pages and forms, and what escalations/feature.py adds to pages of `notifications/admin/` by name.
"""

from escalations.admin import calendars, chains, policies, simulator, sla_report
from escalations.admin.rules import page as rules

__all__ = ["calendars", "chains", "policies", "rules", "simulator", "sla_report"]
