"""Renders each message once per template version, language and time zone, however many people get it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import structlog
from django.conf import settings
from django.db.models import QuerySet

from notifications import reasons
from notifications.channel_facts import INBOX
from notifications.errors import RenderError
from notifications.models import Brand, Event, FactKind, Recipient, Task, TemplateVersion, VersionState
from notifications.reasons import Reason
from notifications.types import Action, Json
from notifications.wording import key_facts, render, sensitive
from notifications.wording.key_facts import KeyFact
from wfpush.postgres.revision import Compiled

log = structlog.get_logger(__name__)


@dataclass(frozen=True, eq=False)
class Wording:
    """The texts of one message, and its key facts. `words` has the channels with a text of their own."""

    title: str
    body: str
    short_body: str
    language: str
    actions: tuple[Action, ...]
    words: dict[str, Json]
    warnings: tuple[Reason, ...]
    key_facts: tuple[KeyFact, ...]

    @cached_property
    def actions_json(self) -> list[Json]:
        return [action.as_json() for action in self.actions]

    @cached_property
    def actions_without_questions(self) -> list[Json]:
        """The actions for a reader who has nobody to ask."""
        return [action.as_json() for action in self.actions if action.effect != "request_info"]


@dataclass
class Writer:
    """Renders for one event. `facts` are the variables of templates, besides brand and event."""

    event: Event
    task: Task | None
    facts: Json
    _cache: dict[tuple[object, ...], Wording] = field(default_factory=dict)

    def write(
        self, version: TemplateVersion | None, recipient: Recipient, brand: Brand | None, channels: Sequence[str]
    ) -> Wording:
        look = (recipient.locale, recipient.timezone, recipient.external)
        key = (version and version.pk, *look, brand and brand.pk, tuple(channels))
        if key not in self._cache:
            self._cache[key] = self._write(version, recipient, brand, channels)
        return self._cache[key]

    def _write(
        self, version: TemplateVersion | None, recipient: Recipient, brand: Brand | None, channels: Sequence[str]
    ) -> Wording:
        if version is None:
            return self._plain(recipient, reasons.NO_PUBLISHED_VERSION())
        context = self.context(brand)
        try:
            main = self._render(version, recipient, context, INBOX)
            words = self._words(version, recipient, context, channels)
        except RenderError as fault:
            log.warning("template_failed", version=version.pk, event_id=str(self.event.pk), fault=str(fault))
            return self._plain(recipient, reasons.TEMPLATE_FAILED(version=version, words=fault), version)
        actions = render.actions_of(version, recipient.locale, self.task.actions) if self.task else []
        facts = key_facts.read(version, main.language, context, self.hidden)
        facts = readable_facts(facts, brand, external=recipient.external)
        return Wording(
            main.title, main.body, main.short_body, main.language, tuple(actions), words, tuple(main.warnings), facts
        )

    def words(
        self, version: TemplateVersion | None, recipient: Recipient, brand: Brand | None, channels: Sequence[str]
    ) -> dict[str, Json]:
        """Return the texts of channels that have their own, as in `Wording.words`; none of a template that fails."""
        if version is None or not _own_channels(version, channels, recipient):
            return {}
        return self.write(version, recipient, brand, channels).words

    def _words(
        self, version: TemplateVersion, recipient: Recipient, context: Json, channels: Sequence[str]
    ) -> dict[str, Json]:
        words = {}
        for channel in _own_channels(version, channels, recipient):
            rendered = self._render(version, recipient, context, channel)
            words[channel] = {"title": rendered.title, "body": rendered.body, "short_body": rendered.short_body}
        return words

    def _render(self, version: TemplateVersion, recipient: Recipient, context: Json, channel: str) -> render.Rendering:
        return render.render(
            version,
            recipient.locale,
            channel,
            context,
            timezone=recipient.timezone,
            hidden=self.hidden,
            customer=recipient.external,
        )

    @cached_property
    def hidden(self) -> tuple[str, ...]:
        """Paths that lock screens must not show, by the present rules, whenever the template was published."""
        return sensitive.paths_of(self.event, self.task)

    def _plain(self, recipient: Recipient, warning: Reason, version: TemplateVersion | None = None) -> Wording:
        """Return a message without template: the task's name, so that the message is sent in any case."""
        task_name = self.task.name if self.task and "task.name" not in self.hidden else ""  # as lock screens show it
        title = task_name or self.event.subject or self.event.type
        actions = render.actions_of(version, recipient.locale, self.task.actions) if self.task else []
        facts = key_facts.usual(recipient.locale, self.facts, self.hidden)
        facts = readable_facts(facts, recipient.brand, external=recipient.external)
        return Wording(render.clean_title(title), "", "", recipient.locale, tuple(actions), {}, (warning,), facts)

    def context(self, brand: Brand | None) -> Json:
        event = self.event
        event_facts = {
            "id": event.event_id,
            "type": event.type,
            "source": event.source,
            "subject": event.subject,
            "time": (event.time or event.received_at).isoformat(),
            "engine": event.engine.name,
        }
        name = brand.name if brand else settings.UNFOLD["SITE_TITLE"]
        return {
            **self.facts,
            **self._task_with_names(),
            "event": event_facts,
            "brand": {"name": name, "contact": brand.contact if brand else ""},
        }

    def _task_with_names(self) -> Json:
        """Return the task for templates, with people's names instead of refs."""
        task = self.facts.get("task")
        if not isinstance(task, dict):
            return {}
        people = {"assignee": self.task and self.task.assignee, "initiator": self.task and self.task.initiator}
        return {"task": {**task, **{member: str(person) for member, person in people.items() if person}}}


def _own_channels(version: TemplateVersion, channels: Sequence[str], recipient: Recipient) -> set[str]:
    texts = render.texts_of(version, customer=recipient.external)
    return {text.channel for text in texts}.intersection(channels) - {INBOX}


def readable_facts(facts: Sequence[KeyFact], brand: Brand | None, *, external: bool) -> tuple[KeyFact, ...]:
    """Return the facts that a reader may see. External readers see no sensitive ones, and people only if the brand
    shows them names of staff."""
    if not external:
        return tuple(facts)
    people = brand is None or brand.names_staff
    return tuple(fact for fact in facts if not fact.sensitive and (people or fact.kind != FactKind.PERSON))


def published_versions() -> Mapping[int, TemplateVersion]:
    """Return published versions by template id, with their texts, actions and key facts."""
    return _PUBLISHED.get()


def versions(ids: Iterable[int]) -> dict[int, TemplateVersion]:
    """Return these versions by pk, with their texts, actions and key facts. Published ones are cached."""
    unique_ids = set(ids)
    by_id = {version.pk: version for version in published_versions().values() if version.pk in unique_ids}
    if missing := unique_ids - by_id.keys():
        by_id |= {version.pk: version for version in _with_parts().filter(pk__in=missing)}
    return by_id


def _with_parts() -> QuerySet[TemplateVersion]:
    versions = TemplateVersion.objects.select_related("template")
    return versions.prefetch_related("texts", "customer_texts", "actions", "facts")


def _published() -> Mapping[int, TemplateVersion]:
    return {version.template_id: version for version in _with_parts().filter(state=VersionState.PUBLISHED)}


_PUBLISHED = Compiled(_published)
