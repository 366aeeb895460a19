"""A task's form in use: its fields in their order, each with its rules, words and default."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

from notifications.forms import definition, keywords, patterns
from notifications.types import TAKES_AWAY, USUAL_EFFECTS, Json, ValuesRule, lookup, object_in
from notifications.wording.languages import languages, tag
from notifications.wording.plaintext import clean_line

Kind: TypeAlias = Literal[
    "text", "long_text", "number", "money", "date", "choice", "choices", "yes_no", "rows", "files", "photo", "signature"
]
OF_TYPE: dict[str, Kind] = {
    "string": "text",
    "number": "number",
    "integer": "number",
    "boolean": "yes_no",
    "array": "choices",
}


@dataclass(frozen=True)
class Choice:
    """One of the values that a field offers. `value` is a text or a number."""

    value: Any
    title: Any
    """The label: a text, or texts by language."""

    def label(self, language: str) -> str:
        return words_in(self.title, language) or str(self.value)


@dataclass(frozen=True)
class Field:
    """One field. `schema` has its rules, `ui` the properties that JSON Schema has no keywords for."""

    name: str
    schema: Json
    ui: Json
    required: bool
    variables: Json

    @cached_property
    def kind(self) -> Kind:
        """The kind of value that the field asks for: `ui.kind`, where that fits the schema."""
        if "enum" in self.schema or "oneOf" in self.schema:
            return "choice"
        if self.schema.get("format") == "date":
            return "date"
        if definition.is_rows(self.schema):
            return "rows"
        kind: Kind = self.ui.get("kind") or ("files" if self.has_files else OF_TYPE[self.schema["type"]])
        return kind

    @property
    def has_files(self) -> bool:
        """Return whether the field's value lists the ids of files."""
        return definition.is_files(self.schema)

    @property
    def most_files(self) -> int:
        return 1 if self.kind == "signature" else int(self.schema.get("maxItems", definition.MOST_FILES))

    @property
    def whole(self) -> bool:
        """Return whether the field takes whole numbers only."""
        return bool(self.schema["type"] == "integer")

    def label(self, language: str) -> str:
        return words_in(self.title, language) or self.name

    @property
    def title(self) -> Any:
        """The field's label: a text, or texts by language."""
        return self.ui.get("title") or self.schema.get("title") or ""

    def help(self, language: str) -> str:
        return words_in(self.ui.get("help") or self.schema.get("description") or "", language)

    @property
    def currency(self) -> str:
        """The currency of an amount: the form's, else the task's variable `currency`; empty for other kinds."""
        code = self.ui.get("currency") or self.variables.get("currency")
        return code if self.kind == "money" and isinstance(code, str) else ""

    @cached_property
    def choices(self) -> tuple[Choice, ...]:
        of = self.schema.get("items", self.schema)
        titled_values = [(each["const"], each.get("title")) for each in of.get("oneOf", ())]
        titled_values = titled_values or [(value, None) for value in of.get("enum", ())]
        labels = object_in(self.ui, "choices")
        return tuple(Choice(value, labels.get(str(value)) or title or "") for value, title in titled_values)

    @cached_property
    def columns(self) -> tuple["Field", ...]:
        """The columns of a table; empty for other kinds."""
        if self.kind != "rows":
            return ()
        return _fields(self.schema["items"], self.ui, "columns", self.variables)

    @property
    def total(self) -> "Field | None":
        """The column whose sum is shown."""
        return next((column for column in self.columns if column.name == self.ui.get("sum")), None)

    @property
    def least_rows(self) -> int:
        return max(int(self.schema.get("minItems", 0)), int(self.required))

    @property
    def most_rows(self) -> int:
        return int(self.schema.get("maxItems", definition.MOST_ROWS))

    @property
    def source(self) -> str:
        """The path of the variable that the field begins with, below the task's variables."""
        return str(self.ui.get("from") or self.name)

    @property
    def sensitive(self) -> bool:
        return self.ui.get("sensitive") is True

    @property
    def when(self) -> Json:
        """The condition on which the field is asked; empty: always."""
        return object_in(self.ui, "when")

    def is_asked(self, values: Json) -> bool:
        """Return whether the field's condition holds for the other fields' values."""
        when = self.when
        if not when:
            return True
        value = values.get(when["field"])
        if "is" in when or "is_not" in when:
            operand = when["is"] if "is" in when else when["is_not"]
            current = value if isinstance(value, list) else [value]
            same = any(
                _same(one, other) for one in current for other in (operand if isinstance(operand, list) else [operand])
            )
            return same == ("is" in when)
        if value is None:
            return when.get("or_empty") is True
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and bool(value >= when["at_least"] if "at_least" in when else value <= when["at_most"])

    @cached_property
    def before(self) -> Any:
        """The variable's current value in the form of an answer; None if there is none, or a value of another kind."""
        return self.as_value(lookup(self.variables, self.source))

    @property
    def default(self) -> Any:
        """The value that the field shows at first; None: nothing."""
        return self.before if self.before is not None else self.as_value(self.schema.get("default"))

    def as_value(self, value: Any) -> Any:
        """Return a value from outside in the form that the field takes; None if it cannot take the value."""
        match self.kind:
            case "number" | "money":
                return keywords.as_number(value, whole=self.whole)
            case "yes_no":
                return value if isinstance(value, bool) else None
            case "date":
                return keywords.as_day(value)
            case "choice":
                return value if any(_same(each.value, value) for each in self.choices) else None
            case "choices":
                choices = [each.value for each in self.choices]
                chosen = value if isinstance(value, list) else []
                return [each for each in choices if any(_same(each, one) for one in chosen)] or None
            case "rows":
                return self._as_rows(value)
            case "files" | "photo" | "signature":
                return None
            case _:
                return (value.strip() or None) if isinstance(value, str) else None

    @property
    def has_too_many_rows(self) -> bool:
        """Return whether the field's variable has more rows than a table may have: an answer would replace them."""
        value = lookup(self.variables, self.source) if self.kind == "rows" else None
        return isinstance(value, list) and len(value) > definition.MOST_ROWS

    def _as_rows(self, value: Any) -> list[Json] | None:
        """Return the rows; None if there are none, or too many: rows that are not shown would be lost with the
        answer."""
        rows = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
        typed_rows = [{column.name: column.as_value(row.get(column.name)) for column in self.columns} for row in rows]
        filled_rows = [{name: cell for name, cell in row.items() if cell is not None} for row in typed_rows]
        return ([row for row in filled_rows if row] or None) if len(filled_rows) <= definition.MOST_ROWS else None


def _same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are the same: 1 and 1.0 are, 1 and true are not."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


@dataclass(frozen=True)
class UnshownField:
    """A field that cannot be shown here. `type` is the engine's name for its kind; `rows`: a table with too many."""

    title: Any
    type: str
    required: bool

    def words(self, language: str) -> str:
        """Return the label and type: “Receipt (filepicker)”."""
        label = clean_line(words_in(self.title, language)) or self.type
        return f"{label} ({self.type})" if self.type and self.type != label else label


@dataclass(frozen=True)
class Form:
    """A task's form. `actions` are those that take values; None: all final ones except rejections and the like
    (TAKES_AWAY). `unshown` fields can only be shown by the engine."""

    fields: tuple[Field, ...]
    actions: tuple[str, ...] | None = None
    unshown: tuple[UnshownField, ...] = ()

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    @property
    def has_files(self) -> bool:
        return any(field.has_files for field in self.fields)

    @property
    def needs_values(self) -> bool:
        return any(field.required for field in self.fields)

    def rule_for(self, action: str, effect: str) -> ValuesRule:
        """Return whether an answer takes values: only a final one does."""
        takes_values = action not in TAKES_AWAY if self.actions is None else action in self.actions
        if effect != "final" or not takes_values or not self.fields:
            return "none"
        return "required" if self.needs_values else "optional"


def form_of(data: Json) -> Form | None:
    """Return the form of a task's data; None if it has no usable one. Events from before there were forms may have any
    `form`."""
    given = object_in(data, "task").get("form")
    form = _without_refused_patterns(given) if isinstance(given, dict) else None
    if form is None or not definition.is_form(form):
        return None
    ui = object_in(form, "ui")
    fields = _fields(form["schema"], ui, "fields", object_in(data, "variables"))
    actions = ui.get("actions")
    unshown = [
        UnshownField(each.get("title") or "", str(each.get("type") or ""), each.get("required") is True)
        for each in ui.get("unshown") or ()
    ]
    long = [field for field in fields if field.has_too_many_rows]
    unshown += [UnshownField(field.title or field.name, "rows", field.required) for field in long]
    shown = tuple(field for field in fields if field not in long)
    return Form(shown, tuple(actions) if actions is not None else None, tuple(unshown))


def _fields(schema: Json, ui: Json, ui_member: str, variables: Json) -> tuple[Field, ...]:
    """Return the fields of a form, or the columns of a table. `ui_member`: the member of `ui` that describes them."""
    properties, required = schema["properties"], schema.get("required") or ()
    first = [name for name in ui.get("order") or () if name in properties]
    return tuple(
        Field(name, properties[name], object_in(object_in(ui, ui_member), name), name in required, variables)
        for name in dict.fromkeys([*first, *properties])
    )


def _without_refused_patterns(form: Json) -> Json:
    """Return the form without the patterns that this version refuses and earlier ones accepted. Their fields then take
    any text, and the engine checks it."""
    schema = object_in(form, "schema")
    properties = object_in(schema, "properties")
    usable = {name: _usable(field) for name, field in properties.items()}
    return {**form, "schema": {**schema, "properties": usable}} if usable != properties else form


def _usable(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    pattern, items = schema.get("pattern"), schema.get("items")
    if isinstance(pattern, str) and not patterns.is_usable(pattern):
        schema = {name: value for name, value in schema.items() if name != "pattern"}
    if isinstance(items, dict) and isinstance(items.get("properties"), dict):
        columns = {name: _usable(column) for name, column in items["properties"].items()}
        schema = {**schema, "items": {**items, "properties": columns}}
    return schema


def marked(actions: Sequence[Any], form: Form | None) -> list[Any]:
    """Return an engine's actions of a task, each with its rule for the form's values. An engine's own `values` member
    means something else and is dropped."""
    return [_marked(action, form) for action in actions]


def _marked(action: Any, form: Form | None) -> Any:
    own = {name: member for name, member in action.items() if name != "values"} if isinstance(action, dict) else action
    if form is None:
        return own
    action_object = own if isinstance(own, dict) else {"action": own}
    name = str(action_object.get("action"))
    rule = form.rule_for(name, str(action_object.get("effect") or USUAL_EFFECTS.get(name, "final")))
    return {**action_object, "values": rule} if rule != "none" else own


def words_in(label: Any, language: str) -> str:
    """Return a text, or the best of several by language."""
    if not isinstance(label, Mapping):
        return str(label or "")
    by_tag = {tag(name): text for name, text in label.items()}
    return str(next((by_tag[each] for each in languages(language) if each in by_tag), next(iter(by_tag.values()), "")))
