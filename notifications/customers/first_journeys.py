"""The journeys of a fresh installation, through the statuses in docs/api; `texts/` has the words for customers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from notifications import starter
from notifications.starter.templates import LANGUAGES

TEXTS = Path(__file__).parent / "texts"


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


@cache
def texts(part: str) -> Mapping[str, Mapping[str, str]]:
    """Return the labels or the notes (`part`) of milestones by language and name."""
    return {
        language: json.loads((TEXTS / f"{language}.json").read_text(encoding="utf-8"))[part] for language in LANGUAGES
    }


def ensure(apps: Any) -> None:
    """Create the journeys, if administrators have made none. Else add later languages to their milestones, where the
    English words are those that came with the installation.

    `apps` is Django's registry or a migration's historical one: only fields and managers are used.
    """
    journeys, milestones = (apps.get_model("customers", name).objects for name in ("Journey", "Milestone"))
    if journeys.exists():
        labels, notes = starter.by_english(texts("labels")), starter.by_english(texts("notes"))
        starter.add_labels(milestones, {"labels": labels, "ahead": labels, "notes": notes})
        return
    types = {row.name: row for row in apps.get_model("notifications", "EventType").objects.all()}
    seeds = [seed for seed in JOURNEYS if seed.event_type in types]
    made = journeys.bulk_create(journeys.model(name=seed.name, event_type=types[seed.event_type]) for seed in seeds)
    milestones.bulk_create(
        milestones.model(journey=journey, **_columns(each))
        for seed, journey in zip(seeds, made, strict=True)
        for each in seed.milestones
    )


def _columns(seed: MilestoneSeed) -> dict[str, Any]:
    labels, notes = texts("labels").items(), texts("notes").items()
    return {
        "position": seed.position,
        "statuses": list(seed.statuses),
        "ends": seed.ends,
        "labels": {language: words[seed.name] for language, words in labels},
        "ahead": {language: words[seed.ahead] for language, words in labels if seed.ahead},
        "notes": {language: words[seed.name] for language, words in notes},
    }
