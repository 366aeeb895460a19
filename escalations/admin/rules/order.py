"""Shows on the rule's page its position, and which other rules apply to the event that the rule is tried on."""

from collections.abc import Iterable, Iterator, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from escalations.admin.rules.bundle import RuleForms
from escalations.admin.rules.saving import first_place
from notifications.admin.desk.display import Tone, change_url
from notifications.admin.ledger.timeline import Line
from notifications.cases.facts import facts_of_task
from notifications.models import Event, Route, RouteCondition
from notifications.routing.route import meets, met_routes

LISTED = 5
"""The number of rules that a line lists; the others are counted."""


def order_lines(rule: RuleForms, conditions: list[RouteCondition], event: Event | None) -> Iterator[Line]:
    """Yield the lines of a rule whose other parts may still be missing; none if it is switched off. `event`: an event
    of a new task, not saved; None if there is none to try."""
    chosen, route = rule.rule.cleaned_data, rule.rule.instance
    if not chosen["enabled"]:
        return
    position = first_place(Route.objects, "priority") if rule.is_new else route.priority
    place = position, chosen["name"] or route.name
    others = Route.objects.filter(enabled=True).exclude(pk=route.pk)
    earlier = sum(each < place for each in others.values_list("priority", "name"))
    yield Line(_position(position, earlier, len(others)), "quiet")
    if event is None:
        return
    facts = facts_of_task(None, None, event)
    if not meets(event, facts, route, chosen["types"], conditions):
        return
    met = [each for each in met_routes(event, facts) if each.pk != route.pk]
    first = list(_until_stop(each for each in met if (each.priority, each.name) < place))
    if first and first[-1].stop:
        yield from _rules(_("Applies to this event first, so this rule does not"), first[-1:], "bad")
        return
    later = list(_until_stop(each for each in met if (each.priority, each.name) >= place))
    yield from _rules(_("Applies to this event first: recipients of both rules get the earlier rule's message"), first)
    if chosen["goes_on"]:
        yield from _rules(
            _("Also applies to this event: recipients of both rules get this rule's message"), later, "quiet"
        )
    else:
        yield from _rules(_("Would apply to this event, but this rule stops it"), later)


def _until_stop(routes: Iterable[Route]) -> Iterator[Route]:
    for route in routes:
        yield route
        if route.stop:
            return


def _position(position: int, earlier: int, others: int) -> str:
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
    return text % {"position": position, "count": earlier}


def _rules(text: str, routes: Sequence[Route], tone: Tone = "wait") -> Iterator[Line]:
    """Yield a line with a link to each rule below it; none without rules."""
    below = [Line(each.name, "quiet", href=change_url(each)) for each in routes[:LISTED]]
    if (left := len(routes) - LISTED) > 0:
        below.append(Line(ngettext("and %(count)d other", "and %(count)d others", left) % {"count": left}, "quiet"))
    if below:
        yield Line(text, tone, below=below)
