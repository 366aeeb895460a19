"""Cases and stories that meet kinds of engines where all of both is too much for every run."""

import zlib
from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from tests.engines.world import KINDS, Kind
from tests.soak.installation import LONG

SIDES: list[Kind | None] = [*KINDS, None]
"""Of the fixture `side`: None is the demo engine."""


def paired(arguments: str, cases: Sequence[Any], sides: Sequence[Kind | None] = SIDES) -> pytest.MarkDecorator:
    """Parametrize with each case and each side at least once; with all of both in `make soak`.

    For what one piece of code does whatever the kind is: each kind shows that it goes through that code, each case
    shows what the code does.
    """
    most = range(max(len(cases), len(sides)))
    both = product(cases, sides) if LONG else [(cases[n % len(cases)], sides[n % len(sides)]) for n in most]
    return pytest.mark.parametrize(f"{arguments},side", [_together(*pair) for pair in both], indirect=["side"])


def is_its_turn(test: pytest.Function) -> bool:
    """Whether `make test` lets a test meet this side: by the name of the test, two of them. `paired`, and whoever names
    the sides, has chosen already."""
    if "side" not in getattr(test, "fixturenames", ()) or any(_names_sides(mark) for mark in test.iter_markers()):
        return True
    place = zlib.crc32(test.originalname.encode())
    return test.callspec.params["side"] in (SIDES[place % len(SIDES)], SIDES[(place + 2) % len(SIDES)])


def _names_sides(mark: pytest.Mark) -> bool:
    return mark.name == "parametrize" and "side" in mark.args[0]


def _together(case: Any, side: Kind | None) -> ParameterSet:
    name = side.name if side else "demo"
    if isinstance(case, ParameterSet):
        return pytest.param(*case.values, side, id=f"{case.id}-{name}", marks=case.marks)
    return pytest.param(case, side, id=f"{case if isinstance(case, str) else 'case'}-{name}")
