"""Slots are counted in all and for each key, given back whatever happens, and never waited for."""

import random
from contextlib import ExitStack

import pytest

from wfpush.concurrency.slots import Slots, SlotsTaken


def test_a_key_that_has_all_of_its_slots_gets_no_more_and_others_get_theirs() -> None:
    slots = Slots(3, person=2, host=2)
    with ExitStack() as held:
        for _ in range(2):
            held.enter_context(slots.hold(person="bob", host="a.example"))
        assert kind_missing(slots, person="bob", host="b.example") == "person"
        assert kind_missing(slots, person="carol", host="a.example") == "host"
        held.enter_context(slots.hold(person="carol", host="b.example"))
        assert kind_missing(slots, person="dave", host="c.example") == ""


def test_a_slot_is_given_back_when_its_work_fails() -> None:
    slots = Slots(1, person=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), slots.hold(person="bob"):
            raise ZeroDivisionError


def test_nothing_is_kept_of_keys_that_hold_no_slot() -> None:
    slots, draw = Slots(5, person=2, host=3), random.Random(7)
    for _ in range(200):
        with ExitStack() as held:
            for _ in range(8):
                try:
                    held.enter_context(slots.hold(person=draw.randrange(4), host=draw.randrange(3)))
                except SlotsTaken:
                    continue

    assert (slots._count, dict(slots._taken)) == (0, {})


def kind_missing(slots: Slots, **keys: str) -> str:
    with pytest.raises(SlotsTaken) as taken, slots.hold(**keys):
        raise AssertionError("There was no slot.")
    return taken.value.kind
