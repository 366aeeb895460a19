"""Shows on the rule's page its position, and which other rules apply to the event that the rule is tried on."""

from collections.abc import Iterator, Sequence

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications.admin.desk.display import Tone, change_url
from notifications.admin.ledger.timeline import Line
from notifications.cases.facts import facts_of_task
from notifications.models import Event, Route
from notifications.routing.route import match, obstacle
from notifications.types import Json

LISTED = 5
"""The number of rules that a line lists; the others are counted."""


def order_lines(route: Route, event: Event | None) -> Iterator[Line]:
    """Yield the lines of a saved rule. `event`: an event of a new task, not saved; None if there is none to try."""
    order = list(Route.objects.filter(Q(enabled=True) | Q(pk=route.pk)).values_list("pk", flat=True))
    yield Line(_position(route, order.index(route.pk), len(order) - 1), "quiet")
    if event is None or not route.enabled:
        return
    facts = facts_of_task(None, None, event)
    tried = match(event, facts)
    mine = next(each for each in tried if each.route.pk == route.pk)
    place = tried.index(mine)
    first = [each.route for each in tried[:place] if each.matched]
    if not mine.matched:
        if first and not obstacle(route, event, facts):
            yield from _rules(_("Applies to this event first, so this rule does not"), first[-1:], "bad")
        return
    yield from _rules(_("Applies to this event first: recipients of both rules get its message"), first)
    if route.stop:
        later = _applying([each.route for each in tried[place + 1 :]], event, facts)
        yield from _rules(_("Would apply to this event, but this rule comes first"), list(later))
    else:
        after = [each.route for each in tried[place + 1 :] if each.matched]
        yield from _rules(_("Also applies to this event"), after, "quiet")


def _applying(routes: Sequence[Route], event: Event, facts: Json) -> Iterator[Route]:
    """Yield the routes that match, until one of them stops."""
    for route in routes:
        if not obstacle(route, event, facts):
            yield route
            if route.stop:
                return


def _position(route: Route, earlier: int, others: int) -> str:
    if not others:
        text = _("Position %(position)d: no other rule is switched on")
    elif not earlier:
        text = _("Position %(position)d: tried before all other rules")
    else:
        text = ngettext(
            "Position %(position)d: tried after %(count)d other rule",
            "Position %(position)d: tried after %(count)d other rules",
            earlier,
        )
    return text % {"position": route.priority, "count": earlier}


def _rules(text: str, routes: Sequence[Route], tone: Tone = "wait") -> Iterator[Line]:
    """Yield a line with a link to each rule below it; none without rules."""
    below = [Line(each.name, "quiet", href=change_url(each)) for each in routes[:LISTED]]
    if (left := len(routes) - LISTED) > 0:
        below.append(Line(ngettext("and %(count)d other", "and %(count)d others", left) % {"count": left}, "quiet"))
    if below:
        yield Line(text, tone, below=below)
