"""Evaluation of route conditions on the facts of an event, and the reasons for the trace."""

from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.encoding import force_str

from notifications import reasons
from notifications.models import Condition, Operator
from notifications.people.resolver import ref_of
from notifications.reasons import Reason
from notifications.types import Json, lookup
from notifications.wording.formats import MOST_PLACES, rounded


def all_of(conditions: Iterable[Condition]) -> Reason:
    """Return the reason that all conditions hold."""
    return reasons.CONDITIONS(conditions=" and ".join(str(condition) for condition in conditions))


def why_not(condition: Condition, value: Any) -> Reason:
    """Return the reason that a condition does not hold, with the actual value."""
    if value is None:
        return reasons.MISSING(condition=condition)
    return reasons.DIFFERS(condition=condition, value=f"“{force_str(value)[:80]}”")


def holds(condition: Condition, facts: Json) -> bool:
    return OPERATORS[Operator(condition.operator)](lookup(facts, condition.path), condition.value)


def _same(value: Any, expected: str) -> bool:
    if isinstance(value, bool):
        return expected.strip().lower() == str(value).lower()
    if isinstance(value, int | float):
        return _compare(value, expected, lambda left, right: left == right)
    return force_str(value) == expected if value is not None else False


def _one_of(value: Any, expected: str) -> bool:
    return any(_same(value, choice.strip()) for choice in expected.split(","))


def _contains(value: Any, expected: str) -> bool:
    if isinstance(value, list):
        return any(_same(ref_of(item) or item, expected) for item in value)
    return isinstance(value, str) and expected.lower() in value.lower()


def _compare(value: Any, expected: str, test: Callable[[Decimal, Decimal], bool]) -> bool:
    """Compare numbers as numbers (also text that is a number), and fractions rounded as on screen. Return False for
    other values."""
    try:
        left, right = Decimal(str(value)), Decimal(expected.strip())
        left = rounded(left, MOST_PLACES) if isinstance(value, float) else left
    except InvalidOperation:
        return False
    return left.is_finite() and right.is_finite() and test(left, right)


OPERATORS: dict[Operator, Callable[[Any, str], bool]] = {
    Operator.EQUALS: _same,
    Operator.NOT_EQUALS: lambda value, expected: not _same(value, expected),
    Operator.ONE_OF: _one_of,
    Operator.CONTAINS: _contains,
    Operator.STARTS_WITH: lambda value, expected: isinstance(value, str) and value.startswith(expected),
    Operator.GREATER: lambda value, expected: _compare(value, expected, lambda left, right: left > right),
    Operator.GREATER_OR_EQUAL: lambda value, expected: _compare(value, expected, lambda left, right: left >= right),
    Operator.LESS: lambda value, expected: _compare(value, expected, lambda left, right: left < right),
    Operator.LESS_OR_EQUAL: lambda value, expected: _compare(value, expected, lambda left, right: left <= right),
    Operator.EXISTS: lambda value, expected: value is not None,
    Operator.MISSING: lambda value, expected: value is None,
}
