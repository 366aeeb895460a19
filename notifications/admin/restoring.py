"""Restores a configuration object as it was after one of its changes, with its parts, in one transaction.

It is saved by the functions that save its form, so that what follows from a change follows here, too.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import ProtectedError, RestrictedError
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from notifications.admin.history_states import State, label_of, part_from, state_of, state_then
from notifications.models.history import PartRow, as_one, columns_of, part_names, part_relation


class CannotRestore(Exception):
    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences


class Restored:
    """Stands for the form in the functions that save it."""

    def __init__(self, row: models.Model, then: State, changed: Sequence[str]) -> None:
        self.instance = row
        self.changed_data = list(changed)
        self.cleaned_data: dict[str, Any] = {}
        self._then = then

    def save_m2m(self) -> None:
        for name in self.changed_data:
            if name in part_names(self._then.model):
                _restore_parts(self.instance, name, (self._then.parts or {})[name])
            elif self._then.model._meta.get_field(name).many_to_many:
                getattr(self.instance, name).set(self._then.values[name])


def names_of(desk: Any, request: HttpRequest, row: models.Model) -> list[str]:
    """Fields and parts that the user may change on the form; those that the system keeps are not restored."""
    excluded = {*desk.get_readonly_fields(request, row), *desk.kept_when_restored}
    fields = [name for name in state_of(row).values if name not in excluded]
    inlines = {inline.model: None for inline in desk.get_inlines(request, row)}
    inlines |= {inline.model: inline for inline in desk.get_inline_instances(request, row)}
    return fields + [name for name in part_names(type(row)) if _may_change(inlines, request, row, name)]


def _may_change(inlines: dict[Any, Any], request: HttpRequest, row: models.Model, name: str) -> bool:
    """Parts without an inline are edited by fields of the form; one that the user may not see is None."""
    model = part_relation(type(row), name).related_model
    if model not in inlines:
        return True
    inline = inlines[model]
    verbs = ("add", "change", "delete")
    return inline is not None and all(getattr(inline, f"has_{verb}_permission")(request, row) for verb in verbs)


@transaction.atomic
def restore(desk: Any, request: HttpRequest, row: models.Model, record: Any) -> None:
    """Raises CannotRestore, with nothing changed."""
    row = type(row)._base_manager.select_for_update(of=("self",)).get(pk=row.pk)
    then, now = state_then(record), state_of(row)
    changed = [name for name in names_of(desk, request, row) if _differs(name, then, now)]
    if refused := [*_gone(then, changed), *desk.refuses_to_restore(row, then, changed)]:
        raise CannotRestore(refused)
    for name in changed:
        if name in then.values and not then.model._meta.get_field(name).many_to_many:
            setattr(row, then.model._meta.get_field(name).attname, then.values[name])  # type: ignore[union-attr]
    when = f"{record.history_date:%Y-%m-%d %H:%M:%S} UTC"
    row._change_reason = f"Restored as of {when}"  # type: ignore[attr-defined]  # django-simple-history reads it
    form = Restored(row, then, changed)
    try:
        with transaction.atomic():
            row.full_clean()
            desk.save_model(request, row, form, change=True)
            desk.save_related(request, form, [], change=True)
            as_one(row, request.history_since)  # type: ignore[attr-defined]  # by save_model
    except ValidationError as fault:
        raise CannotRestore(_sentences(row, fault)) from fault
    except (ProtectedError, RestrictedError) as fault:
        raise CannotRestore([_("Something else needs a part that would be removed.")]) from fault
    except IntegrityError as fault:
        raise CannotRestore([_("Something else has what it had then, such as its place or its name.")]) from fault
    desk.log(request, row, f"Restored as of {when}")


def _differs(name: str, then: State, now: State) -> bool:
    if name in then.values:
        return bool(then.values[name] != now.values[name])
    if then.parts is None or now.parts is None:
        return False
    return then.parts.get(name, now.parts[name]) != now.parts[name]


# --- what is no longer there ------------------------------------------------------------------------------------------
def _gone(then: State, names: Sequence[str]) -> Iterator[str]:
    """A sentence for each row that it named, and that was deleted since."""
    for name in names:
        if name in then.values:
            yield from _missing(then.model._meta.get_field(name), then.values[name], "")
            continue
        relation = part_relation(then.model, name)
        part = str(capfirst(relation.related_model._meta.verbose_name))
        for row in (then.parts or {}).get(name, []):
            for column in columns_of(relation.related_model, relation.field):
                yield from _missing(column, row.get(column.attname), f"{part}, ")


def _missing(of: Any, value: Any, where: str) -> Iterator[str]:
    if not of.is_relation or value in (None, "", []):
        return
    keys = value if isinstance(value, list) else [value]
    there = set(of.related_model._base_manager.filter(pk__in=keys).values_list("pk", flat=True))
    text = _("%(where)s%(field)s: what it named then (%(key)s) was deleted since. Choose another by hand.")
    for key in keys:
        if key not in there:
            yield text % {"where": where, "field": label_of(of), "key": key}


# --- parts ------------------------------------------------------------------------------------------------------------
def _restore_parts(row: models.Model, name: str, part_rows: Sequence[PartRow]) -> None:
    """Restore parts under their old keys. Delete all that differ first: two may have swapped unique values."""
    relation = part_relation(type(row), name)
    model = relation.related_model
    made = {each["pk"]: part_from(model, each) for each in part_rows}
    there = {each.pk: each for each in model._base_manager.filter(**{relation.field.name: row.pk})}
    columns = [field for field in model._meta.concrete_fields if field is not relation.field]

    def same(pk: Any) -> bool:
        return pk in made and all(f.value_from_object(made[pk]) == f.value_from_object(there[pk]) for f in columns)

    keep = {pk for pk in there if same(pk)}
    for pk, part in there.items():
        if pk not in keep:
            part.delete()
    for pk, part in made.items():
        if pk not in keep:
            setattr(part, relation.field.attname, row.pk)
            part.full_clean(exclude=[relation.field.name])
            part.save(force_insert=True)


def _sentences(row: models.Model, fault: ValidationError) -> list[str]:
    if not hasattr(fault, "error_dict"):
        return [str(text) for text in fault.messages]
    sentences = []
    for name, texts in fault.message_dict.items():
        field_names = {each.name for each in row._meta.get_fields()}
        label = f"{label_of(row._meta.get_field(name))}: " if name in field_names else ""
        sentences += [f"{label}{text}" for text in texts]
    return sentences


def say_why_not(desk: Any, request: HttpRequest, fault: CannotRestore) -> None:
    for sentence in fault.sentences:
        desk.message_user(request, sentence, messages.ERROR)
