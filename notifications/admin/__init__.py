"""The administrators' desk: one file per models file, and the pages that answer a question of their own."""

from notifications.admin import (
    absences,
    access,
    delivery,
    devices,
    engines,
    events,
    four_eyes,
    keys,
    people,
    responses,
    routing,
    templates,
    tokens,
)

__all__ = [
    "absences",
    "access",
    "delivery",
    "devices",
    "engines",
    "events",
    "four_eyes",
    "keys",
    "people",
    "responses",
    "routing",
    "templates",
    "tokens",
]
