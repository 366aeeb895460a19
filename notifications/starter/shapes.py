"""The types of the starter configuration. They are data; `ensure` alone writes."""

from dataclasses import dataclass
from typing import Literal

from notifications.types import CommentRule, Json

TargetName = Literal[
    "assignee", "candidates", "task_teams", "team_lead", "manager", "initiator", "followers", "recipients", "customer"
]


@dataclass(frozen=True)
class CategorySeed:
    slug: str


@dataclass(frozen=True)
class VariableSeed:
    """A member of an event's data. `sensitive`: personal data and free text; not shown on lock screens."""

    path: str
    label: str
    sensitive: bool = False


@dataclass(frozen=True)
class EventTypeSeed:
    name: str
    description: str
    variables: tuple[VariableSeed, ...]
    sample: Json


@dataclass(frozen=True)
class ActionSeed:
    """An action that has a label, and whether it asks for a comment."""

    action: str
    comment: CommentRule


@dataclass(frozen=True)
class TextSeed:
    """The texts in one language, in Liquid. `short_body` is shown below the title on a lock screen."""

    title: str
    body: str
    short_body: str


@dataclass(frozen=True)
class NamesSeed:
    """The names of categories, by slug, the labels of actions, key facts and milestones, and what customers read while
    their case is at a milestone, in one language."""

    categories: dict[str, str]
    actions: dict[str, str]
    facts: dict[str, str]
    milestones: dict[str, str]
    milestone_notes: dict[str, str]


FactKind = Literal["text", "number", "money", "date", "datetime", "person"]


@dataclass(frozen=True)
class FactSeed:
    """A key fact. `name` is that of its label in `texts/`."""

    name: str
    path: str
    kind: FactKind = "text"


@dataclass(frozen=True)
class TemplateSeed:
    slug: str
    name: str
    facts: tuple[FactSeed, ...] = ()


@dataclass(frozen=True)
class RouteSeed:
    """`conditions` are path, operator and value. A route that matches ends the search unless `goes_on`."""

    name: str
    event_types: tuple[str, ...]
    category: str
    template: str
    targets: tuple[TargetName, ...]
    conditions: tuple[tuple[str, str, str], ...] = ()
    goes_on: bool = False


@dataclass(frozen=True)
class MilestoneSeed:
    """`name` is that of its label and its sentence in `texts/`; `ahead` that of the label before it is reached."""

    name: str
    position: int
    statuses: tuple[str, ...]
    ahead: str = ""
    ends: bool = False


@dataclass(frozen=True)
class JourneySeed:
    """The way of cases whose status events of the type tell."""

    name: str
    event_type: str
    milestones: tuple[MilestoneSeed, ...]
