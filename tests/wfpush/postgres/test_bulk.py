"""New rows that are made without a model's `__init__` have what it would give them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import models

from escalations.models import StepRun
from notifications.models import Delivery, Engine, Event, Notification
from wfpush.postgres import bulk

NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)


def values_of(row: models.Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key}


@pytest.mark.parametrize("model", [Event, Notification, Delivery, StepRun])
def test_a_new_row_has_the_models_defaults_and_what_is_given(model: type[models.Model]) -> None:
    assert values_of(bulk.new(model)) == values_of(model())
    assert bulk.new(model)._state.adding


def test_foreign_keys_are_given_as_objects_or_none() -> None:
    engine = Engine(pk=7, slug="invoices")
    row = bulk.new(Event, engine=engine, task=None, received_at=NINE)
    assert (row.engine, row.engine_id, row.task, row.task_id) == (engine, 7, None, None)
    assert values_of(row) == values_of(Event(engine=engine, task=None, received_at=NINE))


def test_no_two_rows_share_what_can_be_changed() -> None:
    one, other = bulk.new(Event), bulk.new(Event)
    one.data["task"] = {"id": "T-1"}
    assert other.data == {} and one.pk != other.pk
