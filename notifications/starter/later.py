"""Languages that came later, for what is still as it came with the installation.

In: a database of a release that spoke fewer languages. Out: the texts, labels and names that it lacks. What has other
words in English by now is an administrator's, and is left alone.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from notifications.starter.shapes import NamesSeed, TextSeed
from notifications.starter.templates import (
    FALLBACK,
    FOR_CUSTOMERS,
    IN_MAILS,
    LANGUAGES,
    TEMPLATES,
    customer_text_of,
    mail_text_of,
    names_in,
    text_of,
)

Labels = dict[str, str]
"""Language to words."""


def add_languages(apps: Any, note: str) -> None:
    """`note`: that of the versions that came with the installation."""
    versions = apps.get_model("notifications", "TemplateVersion").objects
    came = versions.filter(state="published", number=1, note=note, template__slug__in=[seed.slug for seed in TEMPLATES])
    slugs = dict(came.values_list("pk", "template__slug"))
    add = _Adding(apps, slugs)
    add.texts("TemplateText", text_of, slugs.values(), channel="")
    add.texts("TemplateText", mail_text_of, IN_MAILS, channel="email")
    add.texts("CustomerText", customer_text_of, FOR_CUSTOMERS)
    rows = {"version__in": slugs}
    add.labels("TemplateAction", {"labels": _by_english(lambda names: names.actions)}, **rows)
    add.labels("TemplateFact", {"labels": _by_english(lambda names: names.facts)}, **rows)
    milestones = _by_english(lambda names: names.milestones)
    notes = _by_english(lambda names: names.milestone_notes)
    add.labels("Milestone", {"labels": milestones, "ahead": milestones, "notes": notes})
    add.names_of_categories()


def _by_english(part: Callable[[NamesSeed], Mapping[str, str]]) -> dict[str, Labels]:
    """Return the labels in all languages, by their English text."""
    texts = {language: part(names_in(language)) for language in LANGUAGES}
    return {english: {each: texts[each][key] for each in LANGUAGES} for key, english in texts[FALLBACK].items()}


class _Adding:
    def __init__(self, apps: Any, slugs: Mapping[Any, str]) -> None:
        self.apps, self.slugs = apps, slugs

    def model(self, name: str) -> Any:
        return self.apps.get_model("notifications", name)

    def texts(self, name: str, read: Callable[[str, str], TextSeed], those: Iterable[str], **more: str) -> None:
        """Add the missing languages of texts that exist in English."""
        model, slugs = self.model(name), set(those)
        rows = model.objects.filter(version__in=self.slugs, **more)
        there = set(rows.values_list("version", "language"))
        model.objects.bulk_create(
            model(version_id=version, language=language, **more, **vars(read(slug, language)))
            for version, slug in self.slugs.items()
            for language in LANGUAGES
            if slug in slugs and (version, FALLBACK) in there and (version, language) not in there
        )

    def labels(self, name: str, fields: Mapping[str, Mapping[str, Labels]], **rows: Any) -> None:
        for row in self.model(name).objects.filter(**rows):
            before = {field: getattr(row, field) for field in fields}
            after = {
                field: {**fields[field].get(translations.get(FALLBACK, ""), {}), **translations}
                for field, translations in before.items()
            }
            if after != before:
                self.model(name).objects.filter(pk=row.pk).update(**after)

    def names_of_categories(self) -> None:
        by_name = _by_english(lambda names: names.categories)
        for category in self.model("Category").objects.filter(name__in=by_name):
            names = {language: name for language, name in by_name[category.name].items() if language != FALLBACK}
            if not names.keys() <= category.names.keys():
                self.model("Category").objects.filter(pk=category.pk).update(names={**names, **category.names})
