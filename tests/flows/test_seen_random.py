"""Random people, ways, updates, moments and engines: no answer is told over content that its giver was not shown."""

import os
from datetime import timedelta
from random import Random

import pytest
from django.db import transaction

from notifications.items import undo_window
from notifications.models import Route
from tests.flows.seen_model import World

pytestmark = pytest.mark.soak

LONG = os.environ.get("WFPUSH_SOAK") == "long"
DRAWS = 250 if LONG else 75
PARTS = 40 if LONG else 1
STEPS = 10 if LONG else 6


@pytest.mark.django_db
@pytest.mark.parametrize("part", range(PARTS))
def test_the_engine_hears_what_its_people_saw(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo_window, "HELD", timedelta(minutes=1))
    Route.objects.update(answer_from_email=True)
    world = World(Random(part))
    for _ in range(DRAWS):
        with transaction.atomic():
            world.assign()
            for _ in range(STEPS):
                world.move()
            world.finish()
            transaction.set_rollback(True)
    assert world.told and world.refused
