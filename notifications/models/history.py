"""The history of configuration with the rows that belong to it: conditions, targets, steps, variables.

django-simple-history keeps the fields of one model. Its records get an additional field here, with the rows of a
configuration object's parts after that change.
"""

from collections.abc import Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from simple_history.models import HistoricalRecords

PartRow = dict[str, Any]
"""Column to value, as JSON can hold it; `pk` too."""


class WithParts(models.Model):
    """A record's parts, beside its fields: {name of the relation: its rows}. Null: parts were not recorded then."""

    parts: Any = models.JSONField(null=True, editable=False, encoder=DjangoJSONEncoder)

    class Meta:
        abstract = True


class HistoryWithParts(HistoricalRecords):  # type: ignore[misc]  # without types
    """`parts`: names of the relations from other models whose rows belong to this one."""

    def __init__(self, *, parts: Sequence[str], **options: Any) -> None:
        super().__init__(bases=[WithParts], **options)
        self.parts = tuple(parts)

    def contribute_to_class(self, cls: type[models.Model], name: str) -> None:
        super().contribute_to_class(cls, name)
        cls.history_parts = self.parts  # type: ignore[attr-defined]

    def create_historical_record_m2ms(self, history_instance: Any, instance: Any) -> None:
        super().create_historical_record_m2ms(history_instance, instance)
        if history_instance.history_type != "-":
            _keep(history_instance, instance)


def part_names(model: type[models.Model]) -> tuple[str, ...]:
    names: tuple[str, ...] = getattr(model, "history_parts", ())
    return names


def record_parts(row: models.Model) -> None:
    """Store the current parts in the newest record. A caller that saves parts after the row itself must call this in
    the same transaction."""
    newest = row.history.first() if part_names(type(row)) else None  # type: ignore[attr-defined]
    if newest is not None:
        _keep(newest, row)


def newest_record(row: models.Model) -> int:
    """Return the key of the row's newest record; 0 for none."""
    newest = row.history.order_by("-pk").first() if row.pk is not None else None  # type: ignore[attr-defined]
    return newest.pk if newest is not None else 0


def as_one(row: models.Model, since: int) -> None:
    """Merge the records made since the key `since` into one: a change makes records of its fields, and of each
    many-to-many field. Called at the end of the transaction that made them, so nobody has seen them."""
    records = list(row.history.filter(pk__gt=since).order_by("-pk"))  # type: ignore[attr-defined]
    if len(records) < 2:
        record_parts(row)
        return
    newest, *others = records
    if others[-1].history_type == "+":
        newest.history_type = "+"
    reasons = (each.history_change_reason for each in records)
    newest.history_change_reason = next(filter(None, reasons), None)
    newest.save(update_fields=["history_type", "history_change_reason"])
    for record in others:
        for many in record._history_m2m_fields:
            getattr(record, many.name).all().delete()
        record.delete()
    record_parts(row)


def _keep(record: Any, row: models.Model) -> None:
    record.parts = parts_of(row)
    record.save(update_fields=["parts"])


def part_relation(model: type[models.Model], name: str) -> Any:
    """Return the relation from the parts to the model: `related_model` is the parts' model, `field` its foreign key."""
    return next(each for each in model._meta.related_objects if each.get_accessor_name() == name)


def parts_of(whole: models.Model) -> dict[str, list[PartRow]]:
    """Return the rows of the parts, always read from the database."""
    rows_by_name = {}
    for name in part_names(type(whole)):
        relation = part_relation(type(whole), name)
        rows = relation.related_model._base_manager.filter(**{relation.field.name: whole.pk}).order_by("pk")
        columns = columns_of(relation.related_model, relation.field)
        rows_by_name[name] = [
            {"pk": row.pk, **{each.attname: each.value_from_object(row) for each in columns}} for row in rows
        ]
    return rows_by_name


def columns_of(part: type[models.Model], key: Any) -> list[Any]:
    """Return the columns of a part that hold data: all but its key and its foreign key."""
    columns = [each for each in part._meta.concrete_fields if each.name != key.name]
    return [each for each in columns if each.is_relation or not each.primary_key]
