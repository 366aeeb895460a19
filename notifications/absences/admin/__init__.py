"""The lists of absences, and of calendars that tell when people are away."""

from notifications.absences.admin import absences, feeds  # noqa: F401  # each registers its list
