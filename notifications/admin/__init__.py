"""The administrators' desk: one file per models file, and the pages that answer a question of their own."""

from notifications.admin import (
    access,
    delivery,
    devices,
    engines,
    events,
    keys,
    people,
    responses,
    routing,
    templates,
    tokens,
)

__all__ = [
    "access",
    "delivery",
    "devices",
    "engines",
    "events",
    "keys",
    "people",
    "responses",
    "routing",
    "templates",
    "tokens",
]
