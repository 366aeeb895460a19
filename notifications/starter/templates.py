"""The names of the starter templates. Their texts are in `texts/`, in a folder for each language."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

TEXTS = Path(__file__).parent / "texts"
FALLBACK = "en"
LANGUAGES = (FALLBACK, *sorted(folder.name for folder in TEXTS.iterdir() if folder.name != FALLBACK))

FactKind = Literal["text", "number", "money", "date", "datetime", "person"]


@dataclass(frozen=True)
class FactSeed:
    """A key fact. `name` is the key of its label in `texts/`."""

    name: str
    path: str
    kind: FactKind = "text"


@dataclass(frozen=True)
class TemplateSeed:
    slug: str
    name: str
    facts: tuple[FactSeed, ...] = ()


@dataclass(frozen=True)
class TextSeed:
    """The texts in one language, in Liquid. `short_body` is shown below the title on a lock screen."""

    title: str
    body: str
    short_body: str


@dataclass(frozen=True)
class NamesSeed:
    """Names in one language: categories by slug, the labels of actions and key facts."""

    categories: dict[str, str]
    actions: dict[str, str]
    facts: dict[str, str]


_DECIDED = (
    FactSeed("amount", "variables.amount", "money"),
    FactSeed("supplier", "variables.supplier"),
    FactSeed("vendor", "variables.vendor"),
    FactSeed("requester", "task.initiator", "person"),
    FactSeed("period", "variables.period"),
)
_VISITED = (
    FactSeed("place", "location.address"),
    FactSeed("customer", "customer.name", "person"),
)

TEMPLATES = (
    TemplateSeed("task", "Task: approval, review and others", _DECIDED),
    TemplateSeed("field-work", "Field work", _VISITED),
    TemplateSeed("task-reminder", "Reminder of a task"),
    TemplateSeed("task-late", "Task that runs late: for lead and manager"),
    TemplateSeed("task-escalated", "Task that has waited too long"),
    TemplateSeed("information-requested", "Information requested"),
    TemplateSeed("exception-raised", "Exception"),
    TemplateSeed("exception-resolved", "Exception solved"),
    TemplateSeed("case-milestone", "Case milestone"),
    TemplateSeed("customer-update", "Customer update"),
    TemplateSeed("general", "Any other event"),
)


FOR_CUSTOMERS = sorted(path.stem for path in (TEXTS / FALLBACK / "customers").glob("*.txt"))
"""Templates that have texts for customers."""


IN_MAILS = sorted(path.stem for path in (TEXTS / FALLBACK / "email").glob("*.txt"))
"""Templates whose e-mails have texts of their own: letters, with greeting and contact."""


def text_of(slug: str, language: str, folder: str = "") -> TextSeed:
    """Return the texts of one template in one language: title, short body and body, separated by lines of three dashes.
    `folder`: "email" or "customers", for texts of their own there."""
    path = TEXTS / language / folder / f"{slug}.txt"
    title, short_body, body = path.read_text(encoding="utf-8").split("\n---\n")
    return TextSeed(title.strip(), body.strip(), short_body.strip())


@cache
def names_in(language: str) -> NamesSeed:
    """Return the names of categories, and labels of buttons and key facts, in one language."""
    return NamesSeed(**json.loads((TEXTS / language / "names.json").read_text(encoding="utf-8")))
