"""The words of a rule's chips: patterns with placeholders for the values of the form's fields.

The page's script rewords a chip at once by the same patterns (static/wfpush/admin/rule_chips.js).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from escalations.admin.fields import DurationField, read
from escalations.admin.rules.forms import AFTER, ALL, DUE, REF, WAIT, PersonField
from escalations.kinds import KINDS, wording
from escalations.kinds.base import StepDescription, whom
from escalations.models import StepTarget, TimeKind
from escalations.models.policies import MOST_LEVELS
from notifications.admin.rules.conditions import BARE, NUMBERS
from notifications.feature_targets import feature_targets
from notifications.models import Operator, Priority, TargetKind
from notifications.models.routing import target_kinds
from notifications.types import Json
from notifications.wording.formats import locale_of
from notifications.wording.typed_numbers import UnreadableNumber, read_number, write_number

PLACEHOLDER = re.compile(r"\{(\w+)\}")
BEFORE, AT, LATER = "before", "at", "after"
REMIND = "remind"
"""Stands for the kind of a message to people whom the rule itself notifies."""

Fields = Mapping[str, BoundField]
Pattern = dict[str, Any]
"""{"by", "patterns", "else"}: the fields whose values, joined by “|”, choose one of the patterns, and the pattern if
none is chosen or one of its placeholders is empty. A placeholder `{name}` stands for the text of a field."""


def as_json(patterns_by_chip: Mapping[str, list[Pattern]]) -> Json:
    """Return what the script rewords chips by: the patterns, names of choices, units of durations, and operators that
    compare numbers."""
    return {
        "patterns": patterns_by_chip,
        "types": _types(),
        "or": _(" or "),
        "units": _units(),
        "numbers": NUMBERS,
        "before": _("before"),
    }


# --- patterns ---------------------------------------------------------------------------------------------------------
def patterns() -> dict[str, list[Pattern]]:
    """Return the patterns of each chip, whose texts are joined. Without any text the chip shows its `prompt`."""
    minutes = _("{minutes} after the assignment")
    return {
        "types": [{"else": "{types}"}],
        "engine": [{"else": "{engine}"}],
        "condition": [_by("operator", {each: _condition(each) for each in Operator.values}, "{path} {operator} …")],
        "target": [_by("kind", _target_patterns(), "{kind}")],
        "when": [
            _by("counted offset", _moments()),
            {"else": _(", then every {repeat_every}, {repeats} more times")},
        ],
        "what": [_by("kind target level priority", dict(_step_patterns()), "{kind}")],
        "due": [_by("counted", {DUE: _("on the engine's due date"), AFTER: minutes}, _("at the first escalation"))],
        "time": [
            _by(
                "time",
                {TimeKind.WALL: _("around the clock"), TimeKind.BUSINESS: _("in the working hours of {calendar}")},
                "{time}",
            )
        ],
        "template": [_by("own", {"on": _("this rule's own text")}, _("“{template}”"))],
        "category": [{"else": "{category}"}],
        "goes_on": [_by("goes_on", {"on": _("Other rules also apply")}, _("Rules after this one do not apply"))],
    }


def _by(names: str, by_key: Mapping[Any, str], otherwise: str = "") -> Pattern:
    return {"by": names.split(), "patterns": {str(key): text for key, text in by_key.items()}, "else": otherwise}


def _condition(operator: str) -> str:
    return "{path} {operator}" if operator in BARE else "{path} {operator} {value}"


def _target_patterns() -> dict[str, str]:
    named = {
        TargetKind.TEAM: "{team}",
        TargetKind.TEAM_LEAD: _("the lead of {team}"),
        TargetKind.PERSON: "{person}",
        TargetKind.PATH: _("the person in {path}"),
        TargetKind.ROLE: _("the {role} of the case"),
        **{value: str(kind.sentence) % {"name": "{ref}"} for value, kind in feature_targets().items()},
    }
    return {value: named.get(value, "{kind}") for value, _label in target_kinds()}


def _moments() -> dict[str, str]:
    return {
        f"{DUE}|{BEFORE}": _("{offset} before it is due"),
        f"{DUE}|{AT}": _("when it is due"),
        f"{DUE}|{LATER}": _("{offset} after it was due"),
        f"{AFTER}|{BEFORE}": _("{offset} before the assignment"),
        f"{AFTER}|{AT}": _("at the assignment"),
        f"{AFTER}|{LATER}": _("{offset} after the assignment"),
    }


def _step_patterns() -> Iterator[tuple[str, str]]:
    """Yield a pattern for each combination of the values that a step's words depend on, by the words of its kind."""
    for name, kind in KINDS.items():
        for target in kind.targets() if "target" in kind.fields else [""]:
            for level in range(1, MOST_LEVELS + 1) if target == StepTarget.MANAGER else [1]:
                for priority in Priority.values if "priority" in kind.fields else [""]:
                    step = _description(name, target, level, priority)
                    key = "|".join([target, str(level) if target == StepTarget.MANAGER else "", priority])
                    yield f"{name}|{key}", kind.says(step)
                    if kind.is_message:
                        yield f"{REMIND}|{key}", _("remind %(whom)s") % {"whom": whom(step)}


def _description(kind: str, target: str, level: int, priority: str) -> StepDescription:
    return StepDescription(
        kind=kind,
        offset=0,
        time="",
        repeat_every=0,
        repeats=0,
        target=target,
        level=level,
        team="" if target == StepTarget.TEAM_LEAD else "{team}",
        person="{person}",
        row="{ref}",
        priority=priority,
    )


# --- the words of a chip ----------------------------------------------------------------------------------------------
def words_of(pieces: Sequence[Pattern], fields: Fields, values: Mapping[str, str] | None = None) -> str:
    """Fill the patterns with the texts of the fields. `values` replace those of fields when patterns are chosen."""
    return "".join(_fill(piece, fields, values or {}) for piece in pieces)


def _fill(piece: Pattern, fields: Fields, values: Mapping[str, str]) -> str:
    key = "|".join(values[name] if name in values else value_of(fields.get(name)) for name in piece.get("by", ()))
    for pattern in (piece.get("patterns", {}).get(key, ""), piece["else"]):
        texts = {name: text_of(fields.get(name)) for name in PLACEHOLDER.findall(pattern)}
        if pattern and all(texts.values()):
            return PLACEHOLDER.sub(lambda match: texts[match[1]], pattern)  # noqa: B023
    return ""


def value_of(bound: BoundField | None) -> str:
    """Return the value on which patterns depend: for a duration whether it is before, at or after; for a box “on”."""
    value = bound.value() if bound is not None else ""
    if bound is not None and isinstance(bound.field, DurationField):
        minutes = _minutes(value)
        return "" if minutes is None else BEFORE if minutes < 0 else LATER if minutes else AT
    if bound is not None and isinstance(bound.field, forms.BooleanField):
        return "on" if value and value != "False" else ""
    return "" if value is None else str(value)


def text_of(bound: BoundField | None) -> str:
    """Return the field's value in words; empty for none, or for one that is no choice of the field."""
    value = bound.value() if bound is not None else None
    if bound is None or value in (None, ""):
        return ""
    if isinstance(bound.field, DurationField):
        minutes = _minutes(value)
        return wording.duration(abs(minutes)) if minutes is not None else str(value)
    if isinstance(bound.field, forms.ModelChoiceField):
        try:
            return bound.field.label_from_instance(bound.field.to_python(value))
        except ValidationError:
            return ""
    if isinstance(bound.field, forms.MultipleChoiceField):
        names = dict(bound.field.choices) | _types()  # type: ignore[arg-type]
        return _(" or ").join(str(names[each]).partition(" · ")[0] for each in value if each in names)
    if isinstance(bound.field, forms.ChoiceField):
        return str(_flat(bound.field.choices).get(str(value), ""))
    text = str(bound.field.prepare_value(value))
    if isinstance(bound.field, PersonField) and (match := REF.fullmatch(text)):
        return text[: match.start("ref") - 1].strip()
    if bound.name == "value" and value_of(bound.form["operator"]) in NUMBERS:
        return _number(text)
    return text.rpartition(".")[2] if bound.name == "path" else text


def _number(text: str) -> str:
    """Return a number as the reader writes it; other text as it is."""
    language = get_language() or "en"
    try:
        return write_number(read_number(text, language), locale_of(language))
    except UnreadableNumber:
        return text


def _types() -> dict[str, str]:
    """Return the words of choices that stand for several types."""
    return {WAIT: _("a task"), ALL: _("any event")}


def _units() -> dict[str, str]:
    """Return a duration of one day, hour and minute in words, with {count} for the number."""
    return {
        unit: wording.duration(minutes).replace("1", "{count}") for unit, minutes in (("d", 1440), ("h", 60), ("m", 1))
    }


def _minutes(value: Any) -> int | None:
    return value if isinstance(value, int) else read(str(value)) if value else None


def _flat(choices: Any) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for value, label in choices:
        flat |= _flat(label) if isinstance(label, list | tuple) else {str(value): label}
    return flat
