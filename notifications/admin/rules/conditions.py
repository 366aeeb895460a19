"""Conditions of routes, policies and four-eyes rules, and targets of routes: their rows in forms, their wording, and
doubts about them.

Numbers are typed and shown in the reader's format, and stored in the format of programs.
"""

import json
import re
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from notifications.admin.desk.decorators import display
from notifications.admin.desk.display import shortened, with_codes
from notifications.admin.desk.feature_rows import ROW_REF, FeatureRowField
from notifications.admin.desk.invalid_ids import AutocompleteMixin
from notifications.admin.rules.known_paths import OF_TASKS, OffersPaths, offer
from notifications.feature_targets import feature_targets
from notifications.models import Condition, Engine, Operator, RouteCondition, RouteTarget, TargetKind
from notifications.wording.formats import as_number, locale_of
from notifications.wording.known_paths import ALWAYS, NEWEST, OF_CASES, EventHistory, carried
from notifications.wording.typed_numbers import UnreadableNumber, plain, read_number, write_number

NUMBERS = (Operator.GREATER, Operator.GREATER_OR_EQUAL, Operator.LESS, Operator.LESS_OR_EQUAL)
SAME = (Operator.EQUALS, Operator.NOT_EQUALS, Operator.ONE_OF)
BARE = (Operator.EXISTS, Operator.MISSING)
EXAMPLE = "10000.5"
"""A number in the format of programs, for advice."""


# --- wording ----------------------------------------------------------------------------------------------------------
def value_of(condition: Condition) -> str:
    """Return a condition's value in the reader's format: a comparison's value is a number."""
    number = as_number(condition.value) if condition.operator in NUMBERS else None
    return write_number(number, locale_of(_language())) if number is not None else condition.value


def condition_sentence(condition: Condition) -> str:
    """Return a condition as a sentence: variables.amount is more than 10,000."""
    return f"{condition.path} {condition.get_operator_display()} {value_of(condition)}".strip()


def scope_of(parts: Iterable[str], conditions: Iterable[Condition], length: int = 110) -> SafeString:
    """Return, for a list at the desk, what a rule is for: these parts and the conditions; without any, every task."""
    rows = list(conditions)
    text = ", ".join([*parts, *map(condition_sentence, rows)]) or gettext("every task")
    paths = [rf"\b{re.escape(row.path)}(?= {re.escape(row.get_operator_display())})" for row in rows]
    return shortened(text, length, partial(with_codes, others=paths))


def _language() -> str:
    return get_language() or "en"


class ShowsValue:
    """A mixin for lists of conditions, with a column of the value."""

    @display(description=_("value"), ordering="value")
    def shown_value(self, condition: Condition) -> str:
        return value_of(condition)


# --- forms ------------------------------------------------------------------------------------------------------------
class ConditionForm(forms.ModelForm):
    """The form of a condition. `offered`: the arguments of `offer`, which choose the events whose paths are offered."""

    offered: dict[str, str] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self.fields.get("path"), **self.offered)
        if self.instance.pk:
            self.initial["value"] = value_of(self.instance)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        operator, value = cleaned.get("operator"), (cleaned.get("value") or "").strip()
        if operator in BARE and value:
            self.add_error("value", gettext("“%(operator)s” takes no value.") % {"operator": Operator(operator).label})
        elif operator and operator not in BARE and not value:
            self.add_error("value", gettext("Enter the value to compare with."))
        elif operator in NUMBERS:
            try:
                cleaned["value"] = plain(read_number(value, _language()))
            except UnreadableNumber as unclear:
                self.add_error("value", str(unclear))
        return cleaned


class TaskConditionForm(ConditionForm):
    """The form of a condition of a rule about tasks. It offers the paths of all events of tasks."""

    offered = {"engine": "[name=engine]", "tasks": "1"}


class ConditionsInline(OffersPaths, TabularInline):
    form: Any = TaskConditionForm
    extra = 0
    hide_title = True
    fields = ["path", "operator", "value"]
    verbose_name_plural = _("conditions: all must hold for the task")


# --- doubts -----------------------------------------------------------------------------------------------------------
def doubts_about_tasks(conditions: Iterable[Condition], engine: Engine | None) -> list[str]:
    """Return doubts about the conditions of a rule about tasks."""
    rows = list(conditions)
    return doubts_about_conditions(rows, carried(engine, OF_TASKS)) if rows else []


def doubts_about_conditions(conditions: Iterable[Condition], catalog: EventHistory) -> list[str]:
    """Return sentences about paths that no event had, and about values that equal no number."""
    kinds = {each.path: each.kind for each in catalog.paths if each.count}
    doubts = []
    for condition in conditions:
        if doubt := _never_had(condition.path, catalog):
            doubts.append(doubt)
        elif condition.operator in SAME and kinds.get(condition.path) == "number":
            doubts += filter(None, (_doubt_about_number(condition, each) for each in _choices(condition)))
    return doubts


def _never_had(path: str, catalog: EventHistory) -> str:
    """Return a doubt about a path that no event had. A described path is doubted only after NEWEST events."""
    count = len(catalog.events)
    if path in (*ALWAYS, *OF_CASES) or catalog.had(path) or (count < NEWEST and catalog.describes(path)):
        return ""
    if not count:
        text = gettext("No sample or variable of its event types has “%(path)s”: is the condition's path right?")
        return text % {"path": path}
    text = ngettext(
        "The last event had no “%(path)s”: is the condition's path right?",
        "None of the last %(count)d events had “%(path)s”: is the condition's path right?",
        count,
    )
    return text % {"path": path, "count": count}


def _choices(condition: Condition) -> list[str]:
    several = condition.operator == Operator.ONE_OF
    return [each.strip() for each in condition.value.split(",")] if several else [condition.value.strip()]


def _doubt_about_number(condition: Condition, value: str) -> str:
    """Return a doubt about a value that equals no number by the rules of `notifications.routing.route`, or another
    number than the reader means. An empty string means no doubt."""
    number = as_number(value)
    if number is None:
        text = gettext(
            "“%(path)s” is a number in events and never equals “%(value)s”: enter a number such as %(example)s."
        )
        return text % {"path": condition.path, "value": value, "example": EXAMPLE}
    try:
        meant = read_number(value, _language())
    except UnreadableNumber:
        return ""
    if meant == number:
        return ""
    text = gettext("“%(value)s” is the number %(number)s here, as programs write it: for %(value)s write %(meant)s.")
    return text % {"value": value, "number": write_number(number, locale_of(_language())), "meant": plain(meant)}


# --- conditions and targets of routes ---------------------------------------------------------------------------------
OFFERED = {"types": "[name=event_types]", "engine": "[name=engine]"}

NEEDS: dict[str, tuple[str, ...]] = {
    TargetKind.TEAM: ("team",),
    TargetKind.PERSON: ("person",),
    TargetKind.PATH: ("path",),
    TargetKind.ROLE: ("role",),
    **dict.fromkeys(feature_targets(), ("ref",)),
}
"""The fields that each kind of target requires. A team lead may name a team."""
MAY_NAME: dict[str, tuple[str, ...]] = {**NEEDS, TargetKind.TEAM_LEAD: ("team",)}
ROWS = ("team", "person")
TARGET_FIELDS = ("kind", *ROWS, *ROW_REF, "path", "role")
"""The fields of a target's form. It is a tuple, because formsets append to a list of fields."""


NEEDED = {
    "team": _("Choose the team."),
    "person": _("Choose the person."),
    "role": _("Enter the role as events name it, such as requester."),
    "path": _("Enter the path to the person in the event, such as task.data.owner."),
}


class TargetForm(forms.ModelForm):
    """Requires the fields of the target's kind, and clears the others."""

    ref = FeatureRowField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self.fields.get("path"), **OFFERED)
        if "kind" in self.fields:  # users who may not edit have no such field
            self.fields["kind"].widget.attrs["data-targets"] = json.dumps(MAY_NAME)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        kind = cleaned.get("kind", "")
        for name in NEEDS.get(kind, ()):
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, str(feature_targets()[kind].unnamed if name == "ref" else NEEDED[name]))
        for name in TARGET_FIELDS[1:]:
            if name not in MAY_NAME.get(kind, ()):
                cleaned[name] = None if name in ROWS else ""
                if name in self.errors:
                    del self.errors[name]
        return cleaned


class RouteConditionForm(ConditionForm):
    offered = OFFERED


class ConditionInline(ConditionsInline):
    model = RouteCondition
    form = RouteConditionForm
    verbose_name_plural = _("conditions: all must hold")


class TargetInline(AutocompleteMixin, TabularInline):
    model = RouteTarget
    form = TargetForm
    extra = 0
    hide_title = True
    autocomplete_fields = [*ROWS]
    readonly_fields = ["named"]
    verbose_name_plural = _("targets: who is notified")

    class Media:
        js = ["wfpush/admin/targets.js"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[Any]:
        """Return the fields; for users who may not edit, the name of a feature's row in place of its key."""
        may_edit = self.has_change_permission(request, obj)
        return [each if may_edit or each != "ref" else "named" for each in TARGET_FIELDS]
