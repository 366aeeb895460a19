"""Nothing that may hold a person's name is forgotten: every column with text, and every reference to a person."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models

from notifications.models import Recipient
from notifications.retention import columns
from notifications.retention.columns import model_of, tables
from notifications.retention.erasing import steps_in_order

TEXTS = "text|character varying|character|json|jsonb|bytea|inet|cidr|xml|name|ARRAY"
EMPTIED = {"notifications": "0037_reasons_without_texts", "escalations": "0007_reasons_without_texts"}
"""Migrations that have emptied columns, which web processes of 0.3.0 read."""
ELSEWHERE = {("django_migrations", "app"), ("django_migrations", "name"), ("notifications_task", "state_before")} | {
    (f"{app}_{model}", column)
    for app, name in EMPTIED.items()
    for model, column, _ in import_module(f"{app}.migrations.{name}").TEXTS
}
"""Django's, and columns that the version before reads."""
WHAT_TO_DO = (
    "Say in `PersonalData` of the app (notifications/personal_data.py or a feature.py) what erasure does with these"
    " columns: `words` and `ids` are searched, `plain` can name nobody, `own` is emptied or deleted with its person. If"
    " a person can be named in them, plant it in notifications/retention/tests/planting.py, or in the feature's."
)


def columns_of_the_database() -> set[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type = ANY(%s)",
            [TEXTS.split("|")],
        )
        return {(table, column) for table, column in cursor.fetchall()} - ELSEWHERE


def known_columns() -> set[tuple[str, str]]:
    known = set()
    for label, table in tables().items():
        model = model_of(label)
        known |= {(model._meta.db_table, model._meta.get_field(name).column) for name in table.all}
    return known


@pytest.mark.django_db
def test_every_column_with_text_is_named() -> None:
    missing = columns_of_the_database() - known_columns()
    assert not missing, f"{sorted(missing)}: {WHAT_TO_DO}"


def test_every_table_is_named_and_each_column_once() -> None:
    models_there = {
        model._meta.label_lower for model in apps.get_models(include_auto_created=True) if _has_table(model)
    }
    assert models_there - set(tables()) == set(), f"A new table: {WHAT_TO_DO}"
    assert set(tables()) - models_there == set()
    for label, table in tables().items():
        assert len(table.all) == len(set(table.all)), label
        assert {*table.all} <= {each.name for each in model_of(label)._meta.get_fields()}, label


def test_every_reference_to_a_person_goes_or_stays() -> None:
    found = {
        (model._meta.label_lower, field.name)
        for model in apps.get_models(include_auto_created=True)
        if _has_table(model)
        for field in model._meta.local_concrete_fields
        if field.is_relation and field.related_model is Recipient
    }
    said = [*columns.going(), *columns.staying()]
    assert found - set(said) == set(), "Say in `PersonalData` of the app whether these rows go with the person."
    assert set(said) - found == set()


def test_all_tables_with_words_are_steps_of_an_erasure() -> None:
    assert [label for label, columns in tables().items() if columns.searched] == list(steps_in_order())[-_searched() :]
    assert list(steps_in_order())[-1] == "notifications.searchedpart", "What repeats other rows comes after them."


def _searched() -> int:
    return sum(bool(columns.searched) for columns in tables().values())


def _has_table(model: type[Any]) -> bool:
    return bool(model._meta.managed and not model._meta.proxy and issubclass(model, models.Model))
