"""Finds mistakes, or likely ones, in the texts and key facts of a template version before they are sent."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from liquid import BoundTemplate

from notifications.channel_facts import shown_on_lock_screens
from notifications.errors import RenderError
from notifications.models import (
    MOST_FACTS,
    EventType,
    EventVariable,
    Template,
    TemplateFact,
    TemplateVersion,
    VersionState,
    WrittenText,
)
from notifications.wording import liquid
from notifications.wording.known_paths import EventHistory, carried

STANDARD = set(
    """
    task.id task.name task.description task.kind task.assignee task.candidates task.teams task.initiator task.due_at
    task.expires_at task.priority task.url task.actions
    case.id case.title case.type case.status case.url
    exception.code exception.summary exception.severity exception.recommended_action
    location.address location.lat location.lon
    customer.ref customer.name customer.phone customer.email
    documents.title documents.url recipients result.action result.by result.at info asked_by title message
    brand.name brand.contact event.id event.type event.source event.subject event.time event.engine
    """.split()  # noqa: SIM905
)
"""Members of event data that every template may use (docs/api/events.md, “Send an event”), and those that we add."""

FIELDS = ("title", "body", "short_body")
_ANY = "*"


@dataclass(frozen=True, slots=True)
class Problem:
    """`fatal`: the version cannot be published. `message` is a sentence for the editor of the text or key fact."""

    text: WrittenText | TemplateFact
    field: str
    message: str
    fatal: bool
    sensitive: str = ""
    """The sensitive path that lock screens would show."""
    path: str = ""
    """The variable that no event is known to have."""

    @property
    def where(self) -> str:
        """“de, title”, as on the form."""
        edited: Any = self.text._meta.get_field(self.field)
        return f"{self.text}, {edited.verbose_name}"


class _KnownPaths:
    """The paths of events of a template."""

    def __init__(self, version: TemplateVersion) -> None:
        self.types = types_of(version)
        variables = EventVariable.objects.all()
        variables = variables.filter(event_type__in=self.types) if self.types else variables
        rows = list(variables.values_list("path", "sensitive"))
        self.declared = STANDARD | {path for path, _sensitive in rows}
        self.sensitive = {path for path, sensitive in rows if sensitive}

    @cached_property
    def carried(self) -> EventHistory:
        return carried(None, self.types)

    def has(self, path: str) -> bool:
        """Return whether events have the path. Events are read only for paths that nobody has declared."""
        return any(reaches(path, each) for each in self.declared) or any(
            reaches(path, each) for each in self.carried.names
        )

    def doubt(self, path: str) -> str:
        count = len(self.carried.events)
        if not count:
            return _("No event of this template is known to have “%(path)s”.") % {"path": path}
        text = ngettext(
            "The last event of this template had no “%(path)s”.",
            "None of the last %(count)d events of this template had “%(path)s”.",
            count,
        )
        return text % {"path": path, "count": count}


def check(version: TemplateVersion) -> list[Problem]:
    """Return syntax errors, variables that no event has, and sensitive ones on lock screens."""
    known_paths = _KnownPaths(version)
    problems: list[Problem] = []
    for text in (*version.texts.all(), *version.customer_texts.all()):
        for field in FIELDS:
            problems += _check(text, field, known_paths)
    return [*problems, *_check_facts(version, known_paths)]


def _check_facts(version: TemplateVersion, known_paths: _KnownPaths) -> Iterator[Problem]:
    """Check the key facts. Sensitive ones are no problem: lock screens leave them out."""
    for at, fact in enumerate(version.facts.all(), 1):
        if at > MOST_FACTS:
            message = _("A version has at most %(most)d key facts.") % {"most": MOST_FACTS}
            yield Problem(fact, "path", message, fatal=True)
        elif not known_paths.has(fact.path):
            message = f"{known_paths.doubt(fact.path)} {_('Without it, the fact is left out.')}"
            yield Problem(fact, "path", message, fatal=False, path=fact.path)


def types_of(version: TemplateVersion) -> list[EventType]:
    """Return the event types whose routes use the template; none: it may be used for all of them."""
    routes = list(version.template.routes.prefetch_related("event_types"))
    if not all(route.event_types.all() for route in routes):
        return []
    return list({each.pk: each for route in routes for each in route.event_types.all()}.values())


def _check(text: WrittenText, field: str, known_paths: _KnownPaths) -> Iterator[Problem]:
    try:
        used = sorted(set(variables_of(liquid.parse(getattr(text, field)))))
    except RenderError as fault:
        yield Problem(text, field, str(fault), fatal=True)
        return
    for path in used:
        if not known_paths.has(path):
            message = f"{known_paths.doubt(path)} {_('Without it, “—” stands in its place.')}"
            yield Problem(text, field, message, fatal=False, path=path)
        if any(reaches(path, each) for each in known_paths.sensitive):
            yield from _shown_to_all(text, field, path)


def _shown_to_all(text: WrittenText, field: str, path: str) -> Iterator[Problem]:
    """Check texts that anybody can see: title and short body, or else the beginning of the body, on lock screens; the
    subject in mail programs."""
    if field == "short_body":
        message = _("“%(path)s” is sensitive: it cannot be in the short text, which lock screens show.")
    elif field == "body":
        if text.short_body.strip():
            return
        message = _("“%(path)s” is sensitive, and lock screens show the body's start. Enter a short text without it.")
    elif text.channel in shown_on_lock_screens():
        message = _("“%(path)s” is sensitive: it cannot be in the title, which lock screens show.")
    else:
        message = _("“%(path)s” is sensitive, and mail programs show titles on lock screens. Leave it to the body.")
    fatal = text.channel in shown_on_lock_screens() or field == "short_body"
    yield Problem(text, field, message % {"path": path}, fatal=fatal, sensitive=path)


def reaches(used: str, path: str) -> bool:
    """Return whether `used` shows the value at `path`: the same path, a part of it, or an object around it."""
    ours, theirs = used.split("."), path.split(".")
    return all(one == other or _ANY in (one, other) for one, other in zip(ours, theirs, strict=False))


def showing(paths: Collection[str]) -> list[Template]:
    """Return templates whose published texts show one of these paths on lock screens or in mail programs."""
    published = TemplateVersion.objects.filter(state=VersionState.PUBLISHED).select_related("template")
    return [
        version.template
        for version in published.prefetch_related("texts", "customer_texts").order_by("template__name")
        if any(reaches(each.sensitive, path) for each in check(version) if each.sensitive for path in paths)
    ]


def variables_of(template: BoundTemplate) -> Iterator[str]:
    """Yield the dotted paths of the variables that a template reads from its context, without positions in lists.

    In a loop `for document in documents`, `document.title` counts as `documents`.
    """
    for variables in template.analyze(include_partials=False).globals.values():
        for variable in variables:
            names = [segment for segment in variable.segments if not isinstance(segment, int)]
            plain = (
                name if isinstance(name, str) and name not in ("size", "first", "last") else _ANY for name in names
            )
            yield ".".join(plain)
