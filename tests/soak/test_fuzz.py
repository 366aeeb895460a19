"""Odd requests at every address for as long as a soak runs, and heavy ones at every page."""

import os
import zlib

import pytest

from tests.support.fuzz import HEAVY, SWEPT, Fuzz, addresses
from tests.test_fuzz import fuzz

__all__ = ["fuzz"]

LONG = os.environ.get("WFPUSH_SOAK") == "long"
ROUNDS = 40 if LONG else 1
PARTS = 16


@pytest.mark.parametrize("part", range(PARTS if LONG else 1))
def test_the_longer_it_is_tried_the_same_nothing_breaks(fuzz: Fuzz, part: int) -> None:
    for address in addresses():
        if zlib.crc32(str(address).encode()) % PARTS == part:
            fuzz.address(address, rounds=ROUNDS, callers=len(fuzz.callers))

    assert not fuzz.faults, "\n".join(fuzz.faults)


@pytest.mark.parametrize("part", range(PARTS if LONG else 1))
def test_every_field_and_parameter_takes_what_is_odd(fuzz: Fuzz, part: int) -> None:
    for address in addresses():
        if zlib.crc32(str(address).encode()) % PARTS == part and (LONG or not str(address).startswith("/admin/")):
            fuzz.sweep(
                address,
                ["superuser" if str(address).startswith("/admin/") else "person"],
                most=60 if LONG else 1,
                swept=SWEPT,
            )

    assert not fuzz.faults, "\n".join(fuzz.faults)


@pytest.mark.parametrize("number", range(len(HEAVY) if LONG else 1))
def test_a_body_of_1_mib_costs_little_on_every_page(fuzz: Fuzz, number: int) -> None:
    """Every address meets one of them, as a stranger and as who may most."""
    fuzz.callers = {name: fuzz.callers[name] for name in ("stranger", "superuser")}
    for address in addresses()[number :: len(HEAVY) if LONG else 40]:
        fuzz.heavy(address, *list(HEAVY.values())[number])

    assert not fuzz.faults, "\n".join(fuzz.faults)
