"""A form as it is shown: for pages with what was typed and what is wrong with it, and as JSON for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from babel import Locale

from notifications.forms import typed
from notifications.forms.checking import longest
from notifications.forms.faults import Fault
from notifications.forms.fields import Field, Form, words_in
from notifications.types import Json
from notifications.wording import formats
from notifications.wording.plaintext import clean, clean_line

FEW = 5
"""Choices that are shown beside each other; more are in a list that opens."""

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
        parts = [("help", self.help), ("fault", self.fault)]
        return " ".join(f"{self.id}-{name}" for name, text in parts if text)

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

    def _view(self, each: Field, fault: str) -> FieldView:
        texts = self.texts.get(each.name, []) if self.texts is not None else None
        texts = typed.texts_of(each, each.default, self.locale) if texts is None else texts
        label, help = clean_line(each.label(self.language)), clean(each.help(self.language))
        return FieldView(each, label, help, texts, _options(each, texts, self.language), fault)


def _options(each: Field, texts: Sequence[str], language: str) -> list[Option]:
    if each.kind == "yes_no":
        known = [(value, "") for value in typed.YES_NO]
    else:
        known = [(str(choice.value), clean_line(choice.label(language))) for choice in each.choices]
    return [Option(f"value-{each.name}-{at}", value, label, value in texts) for at, (value, label) in enumerate(known)]


# --- for programs -----------------------------------------------------------------------------------------------------
def form_json(form: Form, language: str) -> Json:
    """The fields with their words in this language, and the values they begin with."""
    unshown = [
        {"label": clean_line(words_in(each.said, language)), "type": each.type, "required": each.required}
        for each in form.unshown
    ]
    fields = [_field_json(each, language) for each in form]
    return {"fields": fields, "unshown": unshown} if unshown else {"fields": fields}


def _field_json(each: Field, language: str) -> Json:
    rules = {name: each.schema[name] for name in RULES if name in each.schema}
    choices = [{"value": choice.value, "label": clean_line(choice.label(language))} for choice in each.choices]
    more = {"currency": each.currency, "whole": each.whole, "sensitive": each.sensitive, "choices": choices}
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
