"""What a part of an absence may be about, as the form offers it: a category, a kind of case or an engine."""

from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from notifications.models import Absence, AbsencePart, Case, Category, Engine, Journey

LOOKED_AT = 500
"""Newest cases whose kinds are offered, besides those that have a way of their own."""

Choice = tuple[str, Any]


def choices(row: Absence | None) -> list[Choice]:
    """Grouped, for a field with a choice; what `row` has is among them."""
    language = get_language() or "en"
    categories = [(f"category:{each.pk}", each.name_in(language)) for each in Category.objects.order_by("name")]
    kinds = [(f"kind:{each}", each) for each in _kinds(row)]
    engines = [(f"engine:{each.pk}", each.name) for each in Engine.objects.order_by("name")]
    groups: list[Choice] = [(_("Category"), categories), (_("Kind of case"), kinds), (_("From"), engines)]
    return [("", "—"), *(group for group in groups if group[1])]


def _kinds(row: Absence | None) -> list[str]:
    case_types = {part.case_type for part in row.parts.all()} if row is not None else set()
    case_types |= set(Journey.objects.values_list("case_type", flat=True))
    case_types |= set(Case.objects.order_by("-pk").values_list("type", flat=True)[:LOOKED_AT])
    return sorted(case_types - {""})


def value_of(part: AbsencePart) -> str:
    if part.category_id is not None:
        return f"category:{part.category_id}"
    return f"engine:{part.engine_id}" if part.engine_id is not None else f"kind:{part.case_type}"


def meant(value: str) -> dict[str, Any]:
    """Return the model fields of a part for a value of the choices."""
    name, _colon, key = value.partition(":")
    if name == "category":
        return {"category": Category.objects.get(pk=int(key))}
    return {"engine": Engine.objects.get(pk=int(key))} if name == "engine" else {"case_type": key}


def label(part: AbsencePart) -> str:
    """Return the name of the part's category, case type or engine, in the reader's language."""
    return part.category.name_in(get_language() or "en") if part.category is not None else part.named
