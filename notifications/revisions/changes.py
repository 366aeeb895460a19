"""The differences between two contents of a task, as the reader sees them: label, value before, and value now."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from notifications.forms.fields import Field, form_of
from notifications.models import Notification, NotificationState, Recipient, TaskContent, TemplateVersion
from notifications.types import Json
from notifications.wording import key_facts, render, sensitive
from notifications.wording.batch_render import readable_facts, versions
from notifications.wording.key_facts import KeyFact, WrittenFact
from notifications.wording.languages import reading_language
from notifications.wording.plaintext import clean, clean_line, cut

MAX_TEXT = 300
"""Maximum number of characters of a value."""


class ChangedValue(NamedTuple):
    """A changed value. `before` or `now` is empty if there was or is none, or if it must not be shown."""

    label: str
    before: str
    now: str

    def as_json(self) -> Json:
        return {"label": self.label, "before": self.before, "now": self.now}


def changes_since(notification: Notification, shown: str, *, on_lock_screen: bool = False) -> list[ChangedValue]:
    """Return the changes in a copy since its person was shown the revision `shown`, in the active language.

    The list is empty if nothing has changed. For a revision that the copy never had, it has one entry without values. A
    revision from before contents were stored counts as empty. `on_lock_screen`: name and key facts, without values that
    lock screens must not show. Reads the copy's task, and its recipient with brand.
    """
    task = notification.task
    if task is None or shown == notification.revision:
        return []
    revisions = (shown, notification.revision)
    contents = TaskContent.objects.filter(task=task, revision__in=revisions)
    by_revision = dict(contents.values_list("revision", "content"))
    if shown and shown not in by_revision and shown != notification.revised_from:
        return [ChangedValue(_("Details"), "", "")]
    version = versions([notification.template_version_id or 0]).get(notification.template_version_id or 0)
    hidden = sensitive.paths_of_task(task)
    before, now = (
        _Side(by_revision.get(revision) or {}, version, notification, hidden, on_lock_screen) for revision in revisions
    )
    parts = BRIEF if on_lock_screen else FOR_CUSTOMERS if notification.recipient.external else EVERYTHING
    changes = [change for part in parts for change in part(before, now)]
    return changes or [ChangedValue(_("Details"), "", "")]


def changes_of(notification: Notification) -> list[ChangedValue]:
    """Return the changes by the last update of an open copy; empty if the copy is as it was when it was made."""
    if notification.revised_at is None or notification.state != NotificationState.OPEN:
        return []
    return changes_since(notification, notification.revised_from or "")


@dataclass(frozen=True)
class _Side:
    """One of the two contents, with the data needed to write it for its reader."""

    content: Json
    version: TemplateVersion | None
    notification: Notification
    hidden: Sequence[str]
    on_lock_screen: bool

    @property
    def reader(self) -> Recipient:
        return self.notification.recipient

    @property
    def language(self) -> str:
        return reading_language(self.reader)

    def text(self, name: str) -> str:
        value = self.content.get(name)
        return _shortened(clean(value)) if isinstance(value, str) else ""

    @cached_property
    def values(self) -> Json:
        return self.content.get("values") or {}

    @cached_property
    def facts(self) -> dict[str, WrittenFact]:
        """The key facts, by label."""
        if self.version is not None:
            facts: Sequence[KeyFact] = key_facts.read(self.version, self.language, self._context, self.hidden)
        else:
            facts = key_facts.usual(self.language, self._context, self.hidden)
        brand = self.notification.brand or self.reader.brand
        facts = readable_facts(facts, brand, external=self.reader.external)
        shown = (fact for fact in facts if not (fact.sensitive and self.on_lock_screen))
        written = (key_facts.written_for(fact, self.language, self.reader) for fact in shown)
        return {each.label: each for each in written}

    @property
    def _context(self) -> Json:
        """The values at their paths."""
        context: Json = {"task": {name: self.content.get(name) for name in ("name", "description")}}
        for path, value in self.values.items():
            *parents, last = path.split(".")
            place = context
            for name in parents:
                place = place.setdefault(name, {})
                if not isinstance(place, dict):
                    break
            else:
                place[last] = value
        return context

    @cached_property
    def fields(self) -> dict[str, Field]:
        variables = self._context.get("variables") or {}
        form = form_of({"task": {"form": self.content.get("form")}, "variables": variables})
        return {field.name: field for field in form or ()}

    @cached_property
    def actions(self) -> list[str]:
        actions = render.actions_of(self.version, self.language, self.content.get("actions") or [])
        return [action.title for action in actions]

    @cached_property
    def documents(self) -> list[tuple[str, str]]:
        """Title and address of each document."""
        listed = self.content.get("documents")
        rows = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        return [(clean_line(str(each.get("title") or "")), str(each.get("url") or "")) for each in rows]


# --- parts of a content -----------------------------------------------------------------------------------------------
def _name(before: _Side, now: _Side) -> Iterator[ChangedValue]:
    is_hidden = now.on_lock_screen and "task.name" in now.hidden
    if before.content.get("name") != now.content.get("name") and not is_hidden:
        yield ChangedValue(_("Name"), before.text("name"), now.text("name"))


def _key_facts(before: _Side, now: _Side) -> Iterator[ChangedValue]:
    for label in dict.fromkeys([*before.facts, *now.facts]):
        one, other = before.facts.get(label), now.facts.get(label)
        if one != other:
            texts = one.text if one else "", other.text if other else ""
            yield _changed_value(label, *texts, one and one.fact.value, other and other.fact.value)


def _changed_value(label: str, before: str, now: str, value_before: Any, value_now: Any) -> ChangedValue:
    """Return the change. Values that look alike when formatted, such as 10.001 and 10.002, are shown unformatted."""
    if before == now:
        before, now = _shortened(str(value_before)), _shortened(str(value_now))
    return ChangedValue(label, before, now)


def _description(before: _Side, now: _Side) -> Iterator[ChangedValue]:
    if before.content.get("description") != now.content.get("description"):
        yield ChangedValue(_("Description"), before.text("description"), now.text("description"))


def _other_values(before: _Side, now: _Side) -> Iterator[ChangedValue]:
    """Yield changed values that are no key facts, labelled like their form's field, else by their path's last name."""
    fact_paths, fields = _fact_paths(now.version), {f"variables.{each.source}": each for each in now.fields.values()}
    for path in sorted(before.values.keys() | now.values.keys()):
        one, other = before.values.get(path), now.values.get(path)
        if one != other and path not in fact_paths:
            field = fields.get(path)
            label = (
                clean_line(field.label(now.language))
                if field is not None
                else path.rpartition(".")[2].replace("_", " ").capitalize()
            )
            yield _changed_value(label, _plain(one), _plain(other), one, other)


def _fact_paths(version: TemplateVersion | None) -> Collection[str]:
    return {path for fact in key_facts.template_facts(version) for path in (fact.path, key_facts.currency_path(fact))}


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return _shortened(clean_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))


def _form(before: _Side, now: _Side) -> Iterator[ChangedValue]:
    """Yield fields that are new, removed, or have other rules. Their initial values are among the other values."""
    for name in dict.fromkeys([*before.fields, *now.fields]):
        one, other = before.fields.get(name), now.fields.get(name)
        field = other or one
        assert field is not None
        label = clean_line(field.label(now.language))
        if one is None or other is None:
            yield ChangedValue(
                label, _("not polled") if one is None else _("asked"), _("asked") if other else _("not polled")
            )
        elif (one.schema, one.ui, one.required) != (other.schema, other.ui, other.required):
            yield ChangedValue(label, "", _("has new rules"))


def _actions(before: _Side, now: _Side) -> Iterator[ChangedValue]:
    if before.content.get("actions") != now.content.get("actions"):
        yield ChangedValue(_("Answers"), _shortened(", ".join(before.actions)), _shortened(", ".join(now.actions)))


def _documents(before: _Side, now: _Side) -> Iterator[ChangedValue]:
    if before.content.get("documents") == now.content.get("documents"):
        return
    titles = [[title or url for title, url in side.documents] for side in (before, now)]
    if titles[0] == titles[1]:  # another file under the same title
        titles = [[f"{title} ({url})" for title, url in side.documents] for side in (before, now)]
    yield ChangedValue(_("Documents"), *(_shortened(", ".join(each)) for each in titles))


def _shortened(text: str) -> str:
    return cut(text, MAX_TEXT)


BRIEF = (_name, _key_facts)
FOR_CUSTOMERS = (_key_facts, _form, _actions, _documents)
"""The parts for customers, whose texts need not have the task's name and description."""
EVERYTHING = (_name, _key_facts, _description, _other_values, _form, _actions, _documents)
