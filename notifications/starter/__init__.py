"""The configuration of a fresh installation, in the languages of `texts/`: pure data, and the code that writes it.

In: a database, from the first migration on (which imports this package by this name).
Out: the rows that are missing in it. An administrator's changes are never touched.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from notifications.channel_facts import channels_from_start
from notifications.starter.event_types import EVENT_TYPES
from notifications.starter.routes import FIRST_PRIORITY, ROUTES, STEP
from notifications.starter.templates import (
    FALLBACK,
    FOR_CUSTOMERS,
    IN_MAILS,
    LANGUAGES,
    TEMPLATES,
    NamesSeed,
    TemplateSeed,
    names_in,
    text_of,
)
from notifications.types import USUAL_COMMENTS

NOTE = "Comes with the installation."
CATEGORIES = ("approvals", "field-work", "incidents", "case-updates", "customer-updates")
"""Slugs of the categories of messages; `texts/` has the names."""

Labels = dict[str, str]
"""Words by language."""


def ensure(apps: Any) -> None:
    """Create missing categories, event types, templates and routes, each known by its slug or name.

    `apps` is Django's registry or a migration's historical one: only fields and managers are used.
    """
    writer = _Writer(apps)
    writer.categories()
    writer.event_types()
    writer.templates()
    writer.routes()


def name_categories(apps: Any) -> None:
    """Give categories that still have their first names the names in all languages."""
    for category in apps.get_model("notifications", "Category").objects.filter(slug__in=CATEGORIES):
        seed = names_of(category.slug)
        if (category.name, category.name_de) == (seed["name"], seed["name_de"]):
            category.names = seed["names"]
            category.save(update_fields=["names"])


def name_facts(apps: Any) -> None:
    """Give templates their key facts, if the published version is still the first one, and names none."""
    versions = apps.get_model("notifications", "TemplateVersion").objects
    as_it_came = versions.filter(state="published", number=1, note=NOTE, facts=None)
    rows = {version.template.slug: version for version in as_it_came.select_related("template")}
    _Writer(apps).facts([(seed, rows[seed.slug]) for seed in TEMPLATES if seed.slug in rows])


def speak_to_customers(apps: Any) -> None:
    """Give templates their texts for customers, if the published version is still the first one."""
    versions = apps.get_model("notifications", "TemplateVersion").objects
    as_it_came = versions.filter(state="published", number=1, note=NOTE, customer_texts=None)
    _Writer(apps).customer_texts(as_it_came.filter(template__slug__in=FOR_CUSTOMERS).select_related("template"))


def add_languages(apps: Any) -> None:
    """Add later languages to rows that are still as they came with the installation.

    Rows whose English words were changed are an administrator's, and are left alone.
    """
    versions = apps.get_model("notifications", "TemplateVersion").objects.filter(state="published", number=1, note=NOTE)
    came = versions.filter(template__slug__in=[seed.slug for seed in TEMPLATES])
    slugs = dict(came.values_list("pk", "template__slug"))
    writer = _Writer(apps)
    writer.add_texts(slugs, "TemplateText", "", slugs.values(), channel="")
    writer.add_texts(slugs, "TemplateText", "email", IN_MAILS, channel="email")
    writer.add_texts(slugs, "CustomerText", "customers", FOR_CUSTOMERS)
    actions, facts = (
        writer.model(each).objects.filter(version__in=slugs) for each in ("TemplateAction", "TemplateFact")
    )
    add_labels(actions, {"labels": _by_english(lambda names: names.actions)})
    add_labels(facts, {"labels": _by_english(lambda names: names.facts)})
    writer.add_names_of_categories()


def _by_english(part: Callable[[NamesSeed], Mapping[str, str]]) -> dict[str, Labels]:
    return by_english({language: part(names_in(language)) for language in LANGUAGES})


def by_english(texts: Mapping[str, Mapping[str, str]]) -> dict[str, Labels]:
    """Return the labels in all languages, by their English text. `texts`: by language and key."""
    return {english: {each: texts[each][key] for each in LANGUAGES} for key, english in texts[FALLBACK].items()}


def add_labels(rows: Any, fields: Mapping[str, Mapping[str, Labels]]) -> None:
    """Add missing languages to the labels in `fields` of rows (a manager or query) whose English text is a key."""
    for row in rows.all():
        before = {field: getattr(row, field) for field in fields}
        after = {
            field: {**fields[field].get(translations.get(FALLBACK, ""), {}), **translations}
            for field, translations in before.items()
        }
        if after != before:
            rows.filter(pk=row.pk).update(**after)


def names_of(slug: str) -> dict[str, Any]:
    """Return the columns with a category's names. Version 0.2.0 reads `name_de`."""
    names = {language: names_in(language).categories[slug] for language in LANGUAGES}
    name = names.pop(FALLBACK)
    return {"name": name, "names": names, "name_de": names.get("de", "")}


class _Writer:
    """Writes many rows at once, since nearly every test with a database of its own needs them."""

    def __init__(self, apps: Any) -> None:
        self.apps = apps

    def model(self, name: str) -> Any:
        return self.apps.get_model("notifications", name)

    def existing_keys(self, name: str, key: str) -> set[str]:
        return set(self.model(name).objects.values_list(key, flat=True))

    def create(self, name: str, rows: list[dict[str, Any]]) -> list[Any]:
        model = self.model(name)
        return list(model.objects.bulk_create(model(**row) for row in rows)) if rows else []

    def categories(self) -> None:
        existing = self.existing_keys("Category", "slug")
        of_model = {field.name for field in self.model("Category")._meta.fields}  # its first migration has no `names`
        rows = [
            {"slug": slug, **names_of(slug), "channels": channels_from_start(), "position": at}
            for at, slug in enumerate(CATEGORIES)
            if slug not in existing
        ]
        self.create("Category", [{name: row[name] for name in row.keys() & of_model} for row in rows])

    def event_types(self) -> None:
        existing = self.existing_keys("EventType", "name")
        seeds = [seed for seed in EVENT_TYPES if seed.name not in existing]
        made = self.create("EventType", [
            {"name": seed.name, "description": seed.description, "sample": seed.sample} for seed in seeds
        ])  # fmt: skip
        self.create("EventVariable", [
            {"event_type": event_type, "path": each.path, "label": each.label, "sensitive": each.sensitive}
            for seed, event_type in zip(seeds, made, strict=True)
            for each in seed.variables
        ])  # fmt: skip

    def templates(self) -> None:
        existing = self.existing_keys("Template", "slug")
        seeds = [seed for seed in TEMPLATES if seed.slug not in existing]
        made = self.create("Template", [{"slug": seed.slug, "name": seed.name} for seed in seeds])
        now = datetime.now(UTC)
        versions = self.create("TemplateVersion", [
            {"template": template, "number": 1, "state": "published", "note": NOTE, "published_at": now}
            for template in made
        ])  # fmt: skip
        pairs = list(zip(seeds, versions, strict=True))
        self.create("TemplateText", [
            {"version": version, "language": language, **vars(text_of(seed.slug, language))}
            for seed, version in pairs
            for language in LANGUAGES
        ])  # fmt: skip
        self.create("TemplateText", [
            {
                "version": version, "language": language, "channel": "email",
                **vars(text_of(version.template.slug, language, "email")),
            }
            for seed, version in pairs
            if seed.slug in IN_MAILS
            for language in LANGUAGES
        ])  # fmt: skip
        action_labels = {language: names_in(language).actions for language in LANGUAGES}
        self.create("TemplateAction", [
            {
                "version": version, "action": action, "comment": comment,
                "labels": {language: labels[action] for language, labels in action_labels.items()},
            }
            for _, version in pairs
            for action, comment in USUAL_COMMENTS.items()
        ])  # fmt: skip
        if hasattr(self.model("TemplateVersion"), "facts"):  # its first migration has none
            self.facts(pairs)
        if hasattr(self.model("TemplateVersion"), "customer_texts"):
            self.customer_texts([version for seed, version in pairs if seed.slug in FOR_CUSTOMERS])

    def customer_texts(self, versions: Iterable[Any]) -> None:
        self.create("CustomerText", [
            {"version": version, "language": language, **vars(text_of(version.template.slug, language, "customers"))}
            for version in versions
            for language in LANGUAGES
        ])  # fmt: skip

    def facts(self, pairs: list[tuple[TemplateSeed, Any]]) -> None:
        fact_labels = {language: names_in(language).facts for language in LANGUAGES}
        self.create("TemplateFact", [
            {
                "version": version, "position": at, "path": each.path, "kind": each.kind,
                "labels": {language: labels[each.name] for language, labels in fact_labels.items()},
            }
            for seed, version in pairs
            for at, each in enumerate(seed.facts, 1)
        ])  # fmt: skip

    def routes(self) -> None:
        existing = self.existing_keys("Route", "name")
        seeds = {seed.name: (at, seed) for at, seed in enumerate(ROUTES) if seed.name not in existing}
        if not seeds:
            return
        categories = {row.slug: row for row in self.model("Category").objects.all()}
        templates = {row.slug: row for row in self.model("Template").objects.all()}
        made = self.create("Route", [
            {
                "name": seed.name, "priority": FIRST_PRIORITY + at * STEP, "stop": not seed.goes_on,
                "category": categories[seed.category], "template": templates[seed.template],
            }
            for at, seed in seeds.values()
        ])  # fmt: skip
        pairs = [(route, seeds[route.name][1]) for route in made]
        types = {row.name: row for row in self.model("EventType").objects.all()}
        for route, seed in pairs:
            route.event_types.set([types[name] for name in seed.event_types])
        self.create("RouteCondition", [
            {"route": route, "path": path, "operator": operator, "value": value}
            for route, seed in pairs
            for path, operator, value in seed.conditions
        ])  # fmt: skip
        self.create("RouteTarget", [
            {"route": route, "kind": kind} for route, seed in pairs for kind in seed.targets
        ])  # fmt: skip

    # --- languages that came later ----------------------------------------------------------------
    def add_texts(self, slugs: Mapping[Any, str], name: str, folder: str, only: Iterable[str], **more: str) -> None:
        """Add the missing languages of texts that exist in English. `slugs`: of templates, by version."""
        model, chosen = self.model(name), set(only)
        rows = model.objects.filter(version__in=slugs, **more)
        there = set(rows.values_list("version", "language"))
        model.objects.bulk_create(
            model(version_id=version, language=language, **more, **vars(text_of(slug, language, folder)))
            for version, slug in slugs.items()
            for language in LANGUAGES
            if slug in chosen and (version, FALLBACK) in there and (version, language) not in there
        )

    def add_names_of_categories(self) -> None:
        by_name = _by_english(lambda names: names.categories)
        for category in self.model("Category").objects.filter(name__in=by_name):
            names = {language: name for language, name in by_name[category.name].items() if language != FALLBACK}
            if not names.keys() <= category.names.keys():
                self.model("Category").objects.filter(pk=category.pk).update(names={**names, **category.names})
