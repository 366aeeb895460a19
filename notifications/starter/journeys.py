"""The journeys of cases and requests through the statuses in docs/api.md; `texts/` has the words for customers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MilestoneSeed:
    """A milestone. `name`: of its label and its sentence in `texts/`; `ahead`: of the label before it is reached."""

    name: str
    position: int
    statuses: tuple[str, ...]
    ahead: str = ""
    ends: bool = False


@dataclass(frozen=True)
class JourneySeed:
    """The journey of cases whose statuses come with events of the type."""

    name: str
    event_type: str
    milestones: tuple[MilestoneSeed, ...]


JOURNEYS = (
    JourneySeed(
        "Cases",
        "case.status_changed",
        (
            MilestoneSeed("received", 1, ("submitted",)),
            MilestoneSeed("looked-at", 2, ("under_review",)),
            MilestoneSeed("approved", 3, ("approved",), ahead="decision"),
            MilestoneSeed("rejected", 3, ("rejected",), ahead="decision", ends=True),
            MilestoneSeed("completed", 4, ("completed",), ends=True),
        ),
    ),
    JourneySeed(
        "Requests",
        "request.status_changed",
        (
            MilestoneSeed("received", 1, ("received",)),
            MilestoneSeed("worked-on", 2, ("assigned",)),
            MilestoneSeed("completed", 3, ("completed",), ends=True),
        ),
    ),
)
