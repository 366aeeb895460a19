"""Conditions look at the number that people see."""

import pytest

from notifications.models import Operator
from notifications.routing.conditions import OPERATORS


@pytest.mark.parametrize(
    ("value", "operator", "wanted", "does"),
    [
        (401.34999999999997, Operator.EQUALS, "401.35", True),
        (401.34999999999997, Operator.GREATER_OR_EQUAL, "401.35", True),
        (401.34999999999997, Operator.LESS, "401.35", False),
        (0.1 + 0.2, Operator.ONE_OF, "0.1, 0.3", True),
        (401.349, Operator.LESS, "401.35", True),
        ("401.349", Operator.LESS, "401.35", True),
        (10**40, Operator.GREATER, "1e21", True),
        (1e300, Operator.GREATER, "1e21", True),
        (float("inf"), Operator.GREATER, "1", False),
        (-0.0, Operator.EQUALS, "0", True),
        (1e-7, Operator.GREATER, "0", True),
        ("many", Operator.GREATER, "0", False),
    ],
)
def test_numbers_are_compared_as_decimals(value: object, operator: Operator, wanted: str, does: bool) -> None:
    assert OPERATORS[operator](value, wanted) is does
