"""The trace of an event as it is stored in `Event.plan`: plain JSON, without what repeats itself."""

from collections.abc import Iterable

from notifications import reasons
from notifications.types import Json

USUAL: Json = {"to": "", "turn": 0, "reason_fact": None}
"""Members of a channel that are not stored where they have these values."""

MOST_NAMED = 1_000
"""People whom a trace names with their channels; further ones are counted. Each copy has its own reason anyway."""


def stored(plan: Json) -> Json:
    """Return the plan without empty members, and with the routes that were not tried by their key and name alone, such
    as "4 Late tasks"."""
    tried: list[Json] = []
    untried: list[str] = []
    stopped_by = ""
    for each in plan["routes"]:
        reason = reasons.read(each)
        if reason.code == reasons.STOPPED_BY.name:
            stopped_by = str(reason.argument("route"))
            untried.append(f"{each['route']} {each['name']}")
        else:
            tried.append(each)
    trace = {**plan, "routes": tried, "recipients": [_thin(person) for person in plan["recipients"]]}
    if untried:
        trace["untried"] = {"stopped_by": stopped_by, "routes": untried}
    return {name: value for name, value in trace.items() if value}


def _thin(person: Json) -> Json:
    """The entry of a person without what their channels have in common with most others."""
    channels = [
        {name: value for name, value in each.items() if value or name not in USUAL} for each in person["channels"]
    ]
    return {**person, "channels": channels}


def routes_of(plan: Json) -> list[Json]:
    """All enabled routes in their order: {route, name, matched, reason_fact}."""
    return [*plan.get("routes", []), *_untried(plan.get("untried"))]


def recipients_of(plan: Json) -> list[Json]:
    """People as a trace names them, each with all members of their channels, in the order of PostgreSQL."""
    return [
        {name: _complete(value) if name == "channels" else value for name, value in person.items()}
        for person in plan.get("recipients", [])
    ]


def _complete(channels: list[Json]) -> list[Json]:
    complete = ({**USUAL, **each} for each in channels)
    return [dict(sorted(each.items(), key=lambda member: (len(member[0]), member[0]))) for each in complete]


def count_recipients(plan: Json) -> int:
    """Return how many people were told, or had a copy changed."""
    return len(plan.get("recipients") or []) + int(plan.get("more") or 0)


def _untried(summary: Json | None) -> Iterable[Json]:
    if not summary:
        return
    fact = reasons.STOPPED_BY(route=summary["stopped_by"]).as_json()
    for route in summary["routes"]:
        pk, _, name = route.partition(" ")
        yield {"route": int(pk), "name": name, "matched": False, "reason_fact": fact}
