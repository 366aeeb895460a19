"""The trace of an event as it is stored in `Event.plan`: plain JSON, without repetition."""

from notifications import reasons
from notifications.types import Json

MOST_NAMED = 1_000
"""Maximum number of people listed in a trace; further ones are counted. Each copy has its own reason anyway."""


def stored(plan: Json) -> Json:
    """Return the plan without empty members, and with the routes that were not tried by their key and name alone, such
    as "4 Late tasks"."""
    tried: list[Json] = []
    untried: list[str] = []
    stopped_by = ""
    for route in plan["routes"]:
        reason = reasons.read(route)
        if reason.code == reasons.STOPPED_BY.name:
            stopped_by = str(reason.argument("route"))
            untried.append(f"{route['route']} {route['name']}")
        else:
            tried.append(route)
    trace = {**plan, "routes": tried}
    if untried:
        trace["untried"] = {"stopped_by": stopped_by, "routes": untried}
    return {name: value for name, value in trace.items() if value}


def routes_of(plan: Json) -> list[Json]:
    """Return all enabled routes in their order: {route, name, matched, reason_fact}."""
    routes: list[Json] = [*plan.get("routes", [])]
    if untried := plan.get("untried"):
        fact = reasons.STOPPED_BY(route=untried["stopped_by"]).as_json()
        for route in untried["routes"]:
            pk, _, name = route.partition(" ")
            routes.append({"route": int(pk), "name": name, "matched": False, "reason_fact": fact})
    return routes


def count_recipients(plan: Json) -> int:
    """Return the number of people who were notified, or had a copy changed."""
    return len(plan.get("recipients") or []) + int(plan.get("more") or 0)
