"""A form as it is shown: for pages with what was typed and what is wrong with it, and as JSON for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from babel import Locale
from django.utils.translation import gettext_lazy as _

from notifications.forms import definition, typed
from notifications.forms.checking import longest
from notifications.forms.faults import TEXTS, Fault, written
from notifications.forms.fields import Field, Form, words_in
from notifications.types import Json
from notifications.wording import formats
from notifications.wording.plaintext import clean, clean_line

FEW = 5
"""Choices that are shown beside each other; more are in a list that opens."""

CONDITIONS = {
    "is": _("Only for %(field)s: %(value)s."),
    "is_not": _("Not for %(field)s: %(value)s."),
    "at_least": _("Only for %(field)s from %(value)s on."),
    "at_most": _("Only for %(field)s up to %(value)s."),
}
ON_PAGES = {
    "summary_one": _("One field needs a look. Nothing was sent."),
    "summary": _("{all} fields need a look. Nothing was sent."),
    "optional": _("optional"),
    "yes": _("Yes"),
    "no": _("No"),
    "no_answer": _("No answer"),
    "choose": _("Choose…"),
    "draft": _("What you had filled in is here again."),
    "discard": _("Start over"),
    "unshown": _("Not filled in here:"),
}

RULES = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "formatMinimum",
    "formatMaximum",
    "minItems",
    "maxItems",
)


def words_of_forms() -> dict[str, str]:
    """Sentences that scripts say, too, in the active language."""
    return {name: str(text) for name, text in {**TEXTS, **ON_PAGES}.items()}


@dataclass(frozen=True)
class Option:
    """`value`: as it is posted."""

    id: str
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class FieldView:
    """One field, in the reader's language. `texts`: what stands in it; `fault`: what is wrong with that."""

    field: Field
    label: str
    help: str
    texts: Sequence[str]
    options: Sequence[Option] = ()
    fault: str = ""
    condition: str = ""

    @property
    def id(self) -> str:
        return f"value-{self.field.name}"

    @property
    def first_id(self) -> str:
        """Of what gets the focus."""
        return self.options[0].id if self.options and self.widget != "select" else self.id

    @property
    def text(self) -> str:
        return self.texts[0] if self.texts else ""

    @property
    def widget(self) -> str:
        match self.field.kind:
            case "choice":
                return "radio" if len(self.options) <= FEW else "select"
            case "yes_no":
                return "radio"
            case "choices":
                return "checkbox"
            case kind:
                return kind

    @property
    def described_by(self) -> str:
        parts = [("help", self.help or self.condition), ("fault", self.fault)]
        return " ".join(f"{self.id}-{name}" for name, text in parts if text)

    @property
    def required(self) -> bool:
        """Whether browsers may ask for it in any case."""
        return self.field.required and not self.condition

    @property
    def longest(self) -> int:
        return longest(self.field)

    @property
    def earliest(self) -> str:
        return str(self.field.schema.get("formatMinimum", ""))

    @property
    def latest(self) -> str:
        return str(self.field.schema.get("formatMaximum", ""))


@dataclass(frozen=True)
class FormView:
    """A form on a page."""

    form: Form
    language: str
    texts: Mapping[str, Sequence[str]] | None = None
    """What was typed; None: nothing yet, so the fields show their defaults."""
    faults: Sequence[Fault] = ()
    focus: bool = False
    """Whether the page opens with the first field."""
    locale: Locale = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "locale", formats.locale_of(self.language))

    @cached_property
    def fields(self) -> list[FieldView]:
        said = {fault.field.name: fault.words(self.locale) for fault in reversed(self.faults)}
        return [self._view(each, said.get(each.name, "")) for each in self.form]

    @property
    def unshown(self) -> str:
        """The fields that only the engine can show, in a row."""
        return ", ".join(each.words(self.language) for each in self.form.unshown)

    @property
    def faulty(self) -> list[FieldView]:
        return [each for each in self.fields if each.fault]

    @property
    def summary(self) -> str:
        count = len(self.faulty)
        return str(ON_PAGES["summary_one"]) if count == 1 else str(ON_PAGES["summary"]).format(all=count)

    def _view(self, each: Field, fault: str) -> FieldView:
        texts = self.texts.get(each.name, []) if self.texts is not None else None
        texts = typed.texts_of(each, each.default, self.locale) if texts is None else texts
        label, help = clean_line(each.label(self.language)), clean(each.help(self.language))
        return FieldView(each, label, help, texts, _options(each, texts, self.language), fault, self._condition(each))

    def _condition(self, each: Field) -> str:
        """On what it is asked: “Only for Account: Travel”."""
        other = next((field for field in self.form if field.name == each.when.get("field")), None)
        if other is None:
            return ""
        name, said = next((name, each.when[name]) for name in definition.CONDITIONS if name in each.when)
        labels = {str(choice.value): choice.label(self.language) for choice in other.choices}
        values = [
            labels.get(str(value)) or written(value, other.kind, other.currency, self.locale)
            for value in (said if isinstance(said, list) else [said])
        ]
        told = {"field": clean_line(other.label(self.language)), "value": clean_line(", ".join(values))}
        return str(CONDITIONS[name]) % told

    @property
    def json(self) -> Json:
        """For scripts."""
        return form_json(self.form, self.language)

    @property
    def words(self) -> dict[str, str]:
        return words_of_forms()


def _options(each: Field, texts: Sequence[str], language: str) -> list[Option]:
    if each.kind == "yes_no":
        known = [(value, "") for value in typed.YES_NO]
    else:
        known = [(str(choice.value), clean_line(choice.label(language))) for choice in each.choices]
    return [Option(f"value-{each.name}-{at}", value, label, value in texts) for at, (value, label) in enumerate(known)]


# --- for programs -----------------------------------------------------------------------------------------------------
def form_json(form: Form, language: str) -> Json:
    """The fields with their words in this language, and the values they begin with. `language`: whose numbers and days
    people write."""
    unshown = [
        {"label": clean_line(words_in(each.said, language)), "type": each.type, "required": each.required}
        for each in form.unshown
    ]
    fields = [_field_json(each, language) for each in form]
    return {"language": language, "fields": fields, **({"unshown": unshown} if unshown else {})}


def _field_json(each: Field, language: str) -> Json:
    rules = {name: each.schema[name] for name in RULES if name in each.schema}
    choices = [{"value": choice.value, "label": clean_line(choice.label(language))} for choice in each.choices]
    more = {
        "currency": each.currency,
        "whole": each.whole,
        "sensitive": each.sensitive,
        "choices": choices,
        "when": each.when,
    }
    return {
        "name": each.name,
        "kind": each.kind,
        "label": clean_line(each.label(language)),
        "help": clean(each.help(language)),
        "required": each.required,
        "value": each.default,
        **rules,
        **{name: said for name, said in more.items() if said},
    }
