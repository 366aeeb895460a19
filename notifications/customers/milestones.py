"""The progress of a case along the milestones that an administrator has set up, in words for customers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db.models import Q

from notifications.cases.task_state import effective_time
from notifications.customers.models import Journey, Milestone
from notifications.models import Case, Event, EventStatus
from notifications.types import behaviour_of
from notifications.wording.languages import languages, tag
from notifications.wording.plaintext import clean_line, cut

MOST_REACHED, MOST_LABEL = 200, 80
"""Maximum number of a case's newest statuses that are read, and of characters of a label."""

State = Literal["done", "now", "ahead"]


@dataclass(frozen=True)
class ReachedStatus:
    """A status that the case had from `at` on, with the type of the event that set it."""

    status: str
    at: datetime
    event_type: str


@dataclass(frozen=True)
class Step:
    label: str
    state: State
    at: datetime | None = None
    """The time when the case reached the step; None if it has not."""


@dataclass(frozen=True)
class Progress:
    """The steps of a case in their order: reached, current and coming ones. `note`: the milestone's sentence.

    `news`: the current status, if it belongs to no step, and `news_at`: its time.
    """

    steps: Sequence[Step] = ()
    note: str = ""
    news: str = ""
    news_at: datetime | None = None

    @property
    def over(self) -> bool:
        return bool(self.steps) and self.steps[-1].state != "ahead"


def progress_of(case: Case, language: str) -> Progress:
    """Return the progress of a case. Steps that were skipped are left out, because no event has reported them."""
    reached = reached_by(case)
    journey = journey_of(case, list(dict.fromkeys(entry.event_type for entry in reversed(reached))))
    milestones = list(journey.milestones.all()) if journey is not None else []
    by_status = {status: milestone for milestone in milestones for status in milestone.statuses}
    current = next((entry for entry in reversed(reached) if entry.status in by_status), None)
    last = reached[-1] if reached else None
    news = "" if last is None or last.status in by_status else readable(last.status)
    if current is None:
        return Progress(news=news, news_at=last.at if last else None)
    milestone = by_status[current.status]
    return Progress(
        [*_behind(milestone, milestones, reached, language), *_ahead(milestone, milestones, language)],
        text_in_language(milestone.notes, language),
        news,
        last.at if last is not None and news else None,
    )


def reached_by(case: Case) -> list[ReachedStatus]:
    """Return the statuses that events have set, by time. A status that came several times in a row counts once."""
    events = Event.objects.filter(
        Q(status=EventStatus.PROCESSED) | Q(status=EventStatus.UNROUTED), case=case, data__case__status__isnull=False
    )
    newest = events.order_by("-id").values_list("data__case__status", "time", "received_at", "type")[:MOST_REACHED]
    statuses = [
        ReachedStatus(status[:100], effective_time(Event(time=time, received_at=received_at)), type)
        for status, time, received_at, type in reversed(newest)
        if isinstance(status, str) and status
    ]
    statuses.sort(key=lambda entry: entry.at)
    # Several events in a row may have the same status: it began with the first of them.
    return [entry for at, entry in enumerate(statuses) if not at or statuses[at - 1].status != entry.status]


def journey_of(case: Case, types: Sequence[str]) -> Journey | None:
    """Return the journey that fits the case best: by its engine, then its type, then the types of its events.

    `types`: types of the events that have set its statuses, the latest first.
    """
    type_names = [*dict.fromkeys(map(behaviour_of, types)), *types]
    fits = Journey.objects.filter(
        Q(engine=None) | Q(engine=case.engine_id),
        Q(case_type="") | Q(case_type=case.type),
        Q(event_type=None) | Q(event_type__name__in=type_names),
    )
    journeys = fits.select_related("event_type").prefetch_related("milestones")
    return max(journeys, key=lambda candidate: _weight(candidate, type_names), default=None)


def case_types() -> Iterable[str]:
    """Return the types of cases that have journeys of their own."""
    return Journey.objects.exclude(case_type="").values_list("case_type", flat=True)


def _weight(journey: Journey, type_names: Sequence[str]) -> tuple[bool, bool, bool, int]:
    by_type = journey.event_type is not None
    how_late = -type_names.index(journey.event_type.name) if journey.event_type is not None else 0
    return journey.engine_id is not None, journey.case_type != "", by_type, how_late


def _behind(here: Milestone, all_of: list[Milestone], reached: list[ReachedStatus], language: str) -> list[Step]:
    """Return the steps up to the current one that the case has reached."""
    since = {entry.status: entry.at for entry in reached}
    steps = []
    for milestone in all_of:
        at = max((since[status] for status in milestone.statuses if status in since), default=None)
        if at is not None and (milestone.pk == here.pk or milestone.position < here.position):
            steps.append(Step(label_of(milestone, language), "now" if milestone.pk == here.pk else "done", at))
    return steps


def _ahead(here: Milestone, all_of: list[Milestone], language: str) -> list[Step]:
    """Return the steps after the current one; alternatives are one step."""
    if here.ends:
        return []
    labels: dict[int, list[str]] = {}
    for milestone in all_of:
        if milestone.position > here.position:
            words = text_in_language(milestone.ahead, language) or label_of(milestone, language)
            labels.setdefault(milestone.position, []).append(words)
    return [Step(" / ".join(dict.fromkeys(words)), "ahead") for words in labels.values()]


def label_of(milestone: Milestone, language: str) -> str:
    return text_in_language(milestone.labels, language) or readable(milestone.statuses[0] if milestone.statuses else "")


def text_in_language(words: Mapping[str, str], language: str) -> str:
    """Return the text in the language, else in English, else in any."""
    by_language = {tag(key): clean_line(text) for key, text in words.items() if isinstance(text, str)}
    return next((by_language[key] for key in (*languages(language), *by_language) if by_language.get(key)), "")


def readable(status: str) -> str:
    """Return the engine's status as text: without underscores and hyphens, with a capital letter."""
    words = clean_line(status.replace("_", " ").replace("-", " "))
    return cut(words[:1].upper() + words[1:], MOST_LABEL)
