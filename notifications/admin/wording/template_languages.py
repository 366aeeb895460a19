"""The languages of a draft, and the texts that each lacks compared with the fallback language."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from notifications.channel_facts import channel_name
from notifications.models import CustomerText, TemplateAction, TemplateFact, TemplateVersion, WrittenText
from notifications.wording import formats
from notifications.wording.languages import tag
from notifications.wording.template_check import Problem


@dataclass(frozen=True)
class Language:
    """One language of a draft. `field`: the id of its first field. `lacks`: texts that readers get in another language.
    `problems`: number of the check's problems in its texts."""

    code: str
    name: str
    field: str
    is_fallback: bool
    lacks: Sequence[str]
    problems: int

    @property
    def tag(self) -> str:
        return tag(self.code)


def languages_of(version: TemplateVersion, problems: Sequence[Problem] = ()) -> list[Language]:
    """Return the languages, the fallback first. Labels alone make no language: no message is written in it."""
    fallback = tag(version.template.fallback_language)
    texts = _texts(version)
    codes = {tag(text.language): text.language for text in texts if text.language}
    return [
        Language(
            code=codes[each],
            name=name_of(codes[each]),
            field=_first_field(version, each),
            is_fallback=each == fallback,
            lacks=[] if each == fallback else list(_lacks(version, each, fallback)),
            problems=sum(isinstance(one.text, WrittenText) and tag(one.text.language) == each for one in problems),
        )
        for each in sorted(codes, key=lambda code: (code != fallback, code))
    ]


def missing_in(version: TemplateVersion) -> Iterator[tuple[str, bool]]:
    """Yield the languages of the pages in which the version lacks words, and whether it has some words."""
    by_tag = {tag(language.code): language for language in languages_of(version)}
    for code, _name in settings.LANGUAGES:
        language = by_tag.get(tag(code))
        if language is None:
            yield code, False
        elif language.lacks:
            yield code, True


def name_of(language: str) -> str:
    """Return the language's name, in the language of the page."""
    locale = formats.locale_of(language)
    is_own_language = tag(str(locale).split("_")[0]) == tag(language).split("-")[0]
    name = locale.get_display_name(formats.locale_of(get_language() or "en")) if is_own_language else None
    return (name[:1].upper() + name[1:]) if name else language


def _texts(version: TemplateVersion) -> list[WrittenText]:
    return [*version.texts.all(), *version.customer_texts.all()]


def _first_field(version: TemplateVersion, language: str) -> str:
    for prefix, texts in (("texts", version.texts.all()), ("customer_texts", version.customer_texts.all())):
        for at, text in enumerate(texts):
            if tag(text.language) == language:
                return f"id_{prefix}-{at}-language"
    return ""


def _lacks(version: TemplateVersion, language: str, fallback: str) -> Iterator[str]:
    mine = {_place(text): text for text in _texts(version) if tag(text.language) == language}
    for text in _texts(version):
        if tag(text.language) != fallback:
            continue
        own = mine.get(_place(text))
        if own is None:
            yield _missing_text(text)
        else:
            yield from _missing_parts(own, text)
    labelled: list[TemplateAction | TemplateFact] = [*version.actions.all(), *version.facts.all()]
    for row in labelled:
        labels = {tag(each) for each in row.labels if row.labels[each]}
        if fallback in labels and language not in labels:
            yield _missing_label(row)


def _place(text: WrittenText) -> tuple[bool, str]:
    return isinstance(text, CustomerText), text.channel


def _missing_text(text: WrittenText) -> str:
    if isinstance(text, CustomerText):
        return _("the text for customers")
    if text.channel:
        return _("the text for %(channel)s") % {"channel": channel_name(text.channel)}
    return _("the text for all channels")


def _missing_parts(own: WrittenText, other: WrittenText) -> Iterator[str]:
    """Yield the names of parts that the fallback's text has and this text leaves empty."""
    for name in ("title", "body", "short_body"):
        if getattr(other, name).strip() and not getattr(own, name).strip():
            part = str(own._meta.get_field(name).verbose_name)  # type: ignore[union-attr]  # no relation
            yield f"{part} ({_('for customers')})" if isinstance(own, CustomerText) else part


def _missing_label(row: TemplateAction | TemplateFact) -> str:
    if isinstance(row, TemplateAction):
        return _("the label of the button “%(action)s”") % {"action": row.action}
    return _("the label of the key fact “%(path)s”") % {"path": row.path}
