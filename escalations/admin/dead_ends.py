"""Dead ends: steps and routes that will reach nobody in the coming days. A page, a panel, and a warning when a route is
saved."""

import time
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from escalations.forecast.dead_ends import HORIZON, DeadEnd, Place, dead_ends
from escalations.models import Policy
from notifications.admin.desk.base import DeskAdmin
from notifications.admin.desk.display import change_url, mark, shortened, there
from notifications.admin.desk.overview import ROWS, Panel, Row
from notifications.models import Route

NAME = "admin:escalations_escalation_dead_ends"
PERMISSIONS = ("escalations.view_escalation", "escalations.view_policy")
WARNED = 5
"""The number of causes that the warning after saving names. Thousands of people without a manager are only counted."""


# --- the page ---------------------------------------------------------------------------------------------------------
def dead_ends_page(desk: DeskAdmin, request: HttpRequest) -> HttpResponse:
    if not request.user.has_perms(PERMISSIONS):
        raise PermissionDenied
    now = timezone.now()
    lines = [
        {
            "why": line.why.words(),
            "since": when(line, now),
            "leads": [{"name": _name(place), "href": change_url(place.row)} for place in line.leads],
            "instead": ", ".join(line.instead),
        }
        for line in _cache.refresh(now)
    ]
    return desk.page(request, "admin/desk/dead_ends.html", _("Dead ends"), lines=lines, days=HORIZON.days)


def _name(place: Place) -> str:
    form = _("SLA policy “%(name)s”, step %(step)d") if place.step else _("rule “%(name)s”")
    return form % {"name": place.row, "step": place.step}


def when(line: DeadEnd, now: datetime) -> str:
    return _("now") if line.since <= now else _("from %(time)s on") % {"time": there(line.since)}


# --- on the overview --------------------------------------------------------------------------------------------------
class _Cache:
    """A cache of the dead ends. The search takes a second for thousands of people, too long for each overview page. The
    overview shows changes after LASTS seconds, the page at once."""

    LASTS = 600.0
    """Seconds for which a result is used again."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._at, self._lines = float("-inf"), list[DeadEnd]()

    def lines(self, now: datetime) -> list[DeadEnd]:
        return self._lines if time.monotonic() - self._at < self.LASTS else self.refresh(now)

    def refresh(self, now: datetime) -> list[DeadEnd]:
        self._lines = dead_ends(now)
        self._at = time.monotonic()
        return self._lines


_cache = _Cache()
forget = _cache.forget


def panel(now: datetime) -> Panel:
    page = reverse(NAME)
    rows = []
    for line in _cache.lines(now)[:ROWS]:
        since = mark("bad" if line.since <= now else "wait", when(line, now))
        places = shortened(", ".join(map(_name, line.leads)), 160)
        rows.append(Row(since, shortened(line.why.words(), 160), places, page))
    empty = _("In the next %(days)d days, every rule and every step reaches somebody.") % {"days": HORIZON.days}
    return Panel(_("Dead ends: what reaches nobody"), page, empty, rows)


# --- when something is saved ------------------------------------------------------------------------------------------
def warnings(row: Policy | Route) -> list[str]:
    """Return a sentence for each cause why a part of the row reaches nobody, the soonest first. Others are counted."""
    now = timezone.now()
    forget()
    causes = dead_ends(now, of=row)
    sentences = []
    for line in causes[:WARNED]:
        is_now = line.since <= now
        text = _("This reaches nobody now: %(why)s") if is_now else _("From %(when)s on this reaches nobody: %(why)s")
        sentences.append(text % {"when": date_format(timezone.localtime(line.since)), "why": line.why.words()})
    if (more := len(causes) - WARNED) > 0:
        text = ngettext("%(count)d more is under Dead ends.", "%(count)d more are under Dead ends.", more)
        sentences.append(text % {"count": more})
    return sentences
