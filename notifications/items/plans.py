"""The trace of an event as it is stored in `Event.plan`: plain JSON, without what repeats itself."""

from collections.abc import Iterable

from notifications import reasons
from notifications.types import Json

MOST_NAMED = 1_000
"""People whom a trace names with their channels; further ones are counted. Each copy has its own reason anyway."""


def stored(plan: Json) -> Json:
    """Without members that are empty, and with the routes that were not tried by their key and name alone, such as
    "4 Late tasks". What came of each route is kept as its code: `routes_of` makes the text."""
    tried: list[Json] = []
    untried: list[str] = []
    stopped_by = ""
    for each in plan["routes"]:
        reason = reasons.read(each)
        if reason.code == reasons.STOPPED_BY.name:
            stopped_by = str(reason.argument("route"))
            untried.append(f"{each['route']} {each['name']}")
        else:
            tried.append({name: value for name, value in each.items() if name != "reason"})
    said = {**plan, "routes": tried}
    if untried:
        said["untried"] = {"stopped_by": stopped_by, "routes": untried}
    return {name: value for name, value in said.items() if value}


def routes_of(plan: Json) -> list[Json]:
    """All enabled routes in their order: {route, name, matched, reason, reason_fact}."""
    tried = [{**each, **reasons.kept("reason", reasons.read(each))} for each in plan.get("routes", [])]
    return [*tried, *_untried(plan.get("untried"))]


def told(plan: Json) -> int:
    """How many people were told, or had a copy changed."""
    return len(plan.get("recipients") or []) + int(plan.get("more") or 0)


def _untried(said: Json | None) -> Iterable[Json]:
    if not said:
        return
    reason = reasons.kept("reason", reasons.STOPPED_BY(route=said["stopped_by"]))
    for route in said["routes"]:
        pk, _, name = route.partition(" ")
        yield {"route": int(pk), "name": name, "matched": False, **reason}
