"""The history of configuration objects: changes in words, a comparison of any two records, and restoring.

Restoring uses the functions that save the object's form, with its parts, in one transaction, so that it has the same
effects as a change.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from simple_history.admin import SimpleHistoryAdmin

from notifications.admin.desk.display import change_url, in_own_zone, list_url, page_url
from notifications.admin.desk.history_states import (
    Difference,
    State,
    differences,
    label_of,
    part_from,
    state_of,
    state_then,
)
from notifications.admin.desk.invalid_ids import is_id
from notifications.models.history import PartRow, as_one, columns_of, newest_record, part_names, part_relation


class HistoryPages(SimpleHistoryAdmin):
    """A mixin for lists whose rows have a history. Invalid ids in its addresses raise Http404."""

    kept_when_restored: Sequence[str] = ()
    """Fields that the system writes: restoring leaves them as they are."""

    history_list_per_page = 25
    object_history_template = "admin/desk/history.html"

    # --- recording --------------------------------------------------------------------------------------------------
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        request.history_since = newest_record(obj)  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        """Record the change: Django calls this in the transaction that has saved the row and its parts."""
        self._record(request, obj)
        entry: LogEntry = super().log_addition(request, obj, message)
        return entry

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        self._record(request, obj)
        entry: LogEntry = super().log_change(request, obj, message)
        return entry

    def _record(self, request: HttpRequest, obj: Any) -> None:
        """Record a change of the row itself. Its pages also log other rows, which record their own changes."""
        if isinstance(obj, self.model):
            as_one(obj, getattr(request, "history_since", newest_record(obj)))

    # --- pages ------------------------------------------------------------------------------------------------------
    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Show all changes of a row, the newest first, even if it is deleted. `?a=` and `?b=`: records to compare."""
        key = unquote(object_id)
        if not is_id(self.model._meta.pk, key):
            raise Http404
        row = self.get_object(request, key)
        context = {
            "opts": None,
            "compared": self._comparison(request, key),
            "a": request.GET.get("a", ""),
            "b": request.GET.get("b", ""),
            "may_restore": row is not None and self.has_change_permission(request, row),
            "back": change_url(row) if row is not None else list_url(self.model),
            "record_url": f"{self.opts.app_label}_{self.opts.model_name}_simple_history",
        }
        response: HttpResponse = super().history_view(request, object_id, context)
        return response

    def history_view_title(self, request: HttpRequest, obj: Any) -> str:
        return _("History of %(row)s") % {"row": obj}

    def set_history_delta_changes(self, request: HttpRequest, historical_records: Any, *_options: Any) -> None:
        """Compare each record with the one before, maybe on the next page. `differences` is None without one."""
        page = historical_records
        start = page.start_index() - 1 if len(page) else 0
        states = [state_then(record) for record in page.paginator.object_list[start : start + len(page) + 1]]
        for at, record in enumerate(page):
            is_known = record.history_type != "+" and at + 1 < len(states)
            record.differences = differences(states[at + 1], states[at]) if is_known else None
            record.reason = in_own_zone(record.history_change_reason or "")

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """GET: show what restoring would change. POST: restore."""
        row = self._row(request, object_id)
        record = row.history.filter(pk=version_id).first() if self._is_record(version_id) else None
        if record is None:
            raise Http404
        if request.method == "POST":
            return self._restore(request, row, record)
        then, now = state_then(record), state_of(row)
        unknown = bool(part_names(self.model)) and then.parts is None
        context = {
            "row": row,
            "record": record,
            "differences": differences(now, then, names_of(self, request, row)),
            "without_parts": unknown,
            "may_restore": self.has_change_permission(request, row),
            "back": page_url(row, "history"),
        }
        title = _("Restore %(row)s") % {"row": row}
        shown: HttpResponse = self.page(request, "admin/desk/restore.html", title, **context)
        return shown

    def _restore(self, request: HttpRequest, row: models.Model, record: Any) -> HttpResponse:
        if not self.has_change_permission(request, row) or record.history_type == "-":
            raise PermissionDenied
        try:
            restore(self, request, row, record)
        except CannotRestore as fault:
            for sentence in fault.sentences:
                self.message_user(request, sentence, messages.ERROR)
            return HttpResponseRedirect(request.path)
        self.message_user(request, _("It has not changed since then."))
        return HttpResponseRedirect(change_url(row))

    def refuses_to_restore(self, row: Any, then: State, changed: Sequence[str]) -> Sequence[str]:
        """Return reasons against restoring that the row's form would give, too."""
        return ()

    def _row(self, request: HttpRequest, object_id: str) -> Any:
        row = self.get_object(request, object_id) if is_id(self.model._meta.pk, object_id) else None
        if row is None:
            raise Http404(_("There is no such row; it may have been deleted."))
        if not self.has_view_history_or_change_history_permission(request, row):
            raise PermissionDenied
        return row

    def _is_record(self, value: str) -> bool:
        return is_id(self.model.history.model._meta.pk, value)

    def _comparison(self, request: HttpRequest, key: str) -> list[Difference] | None:
        """Return the differences of the two chosen records, from the earlier to the later. None without two records."""
        chosen = [value for name in ("a", "b") if (value := request.GET.get(name, "")) and self._is_record(value)]
        if len(chosen) < 2:
            return None
        history = self.model.history.filter(**{self.model._meta.pk.attname: key}, pk__in=chosen)
        records = list(history.order_by("history_date", "history_id"))
        if not records:
            raise Http404
        return differences(state_then(records[0]), state_then(records[-1]))


# --- restoring --------------------------------------------------------------------------------------------------------
class CannotRestore(Exception):
    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences


class RestoredForm:
    """A stand-in for the form in the functions that save a form."""

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
    """Return the fields and parts that the user may change on the form, except fields that the system writes."""
    excluded = {*desk.get_readonly_fields(request, row), *desk.kept_when_restored}
    fields = [name for name in state_of(row).values if name not in excluded]
    inlines = {inline.model: None for inline in desk.get_inlines(request, row)}
    inlines |= {inline.model: inline for inline in desk.get_inline_instances(request, row)}
    return fields + [name for name in part_names(type(row)) if _may_change(inlines, request, row, name)]


def _may_change(inlines: dict[Any, Any], request: HttpRequest, row: models.Model, name: str) -> bool:
    """Return whether the user may change a part: parts without an inline are fields; an inline out of sight is None."""
    model = part_relation(type(row), name).related_model
    if model not in inlines:
        return True
    inline = inlines[model]
    verbs = ("add", "change", "delete")
    return inline is not None and all(getattr(inline, f"has_{verb}_permission")(request, row) for verb in verbs)


@transaction.atomic
def restore(desk: Any, request: HttpRequest, row: models.Model, record: Any) -> None:
    """Restore the row as of the record. Raise CannotRestore if that is impossible; nothing is changed then."""
    row = type(row)._base_manager.select_for_update(of=("self",)).get(pk=row.pk)
    then, now = state_then(record), state_of(row)
    changed = [name for name in names_of(desk, request, row) if _differs(name, then, now)]
    if objections := [*_deleted_references(then, changed), *desk.refuses_to_restore(row, then, changed)]:
        raise CannotRestore(objections)
    for name in changed:
        if name in then.values and not then.model._meta.get_field(name).many_to_many:
            setattr(row, then.model._meta.get_field(name).attname, then.values[name])  # type: ignore[union-attr]
    when = f"{record.history_date:%Y-%m-%d %H:%M:%S} UTC"
    row._change_reason = f"Restored as of {when}"  # type: ignore[attr-defined]  # django-simple-history reads it
    form = RestoredForm(row, then, changed)
    try:
        with transaction.atomic():
            row.full_clean()
            desk.save_model(request, row, form, change=True)
            desk.save_related(request, form, [], change=True)
            as_one(row, request.history_since)  # type: ignore[attr-defined]  # set by save_model
    except ValidationError as fault:
        raise CannotRestore(_sentences(row, fault)) from fault
    except (ProtectedError, RestrictedError) as fault:
        raise CannotRestore([_("Something else needs a part that would be removed.")]) from fault
    except IntegrityError as fault:
        raise CannotRestore([_("Something else now has its former place or name.")]) from fault
    desk.log(request, row, f"Restored as of {when}")


def _differs(name: str, then: State, now: State) -> bool:
    if name in then.values:
        return bool(then.values[name] != now.values[name])
    if then.parts is None or now.parts is None:
        return False
    return then.parts.get(name, now.parts[name]) != now.parts[name]


# --- deleted rows -----------------------------------------------------------------------------------------------------
def _deleted_references(then: State, names: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each row that the old state names and that was deleted since."""
    for name in names:
        if name in then.values:
            yield from _deleted_rows(then.model._meta.get_field(name), then.values[name], "")
            continue
        relation = part_relation(then.model, name)
        part = str(capfirst(relation.related_model._meta.verbose_name))
        for row in (then.parts or {}).get(name, []):
            for column in columns_of(relation.related_model, relation.field):
                yield from _deleted_rows(column, row.get(column.attname), f"{part}, ")


def _deleted_rows(of: Any, value: Any, where: str) -> Iterator[str]:
    if not of.is_relation or value in (None, "", []):
        return
    keys = value if isinstance(value, list) else [value]
    there = set(of.related_model._base_manager.filter(pk__in=keys).values_list("pk", flat=True))
    text = _("%(where)s%(field)s: its former value (%(key)s) has been deleted. Choose another one.")
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
    keep = {
        pk
        for pk in there.keys() & made.keys()
        if all(field.value_from_object(made[pk]) == field.value_from_object(there[pk]) for field in columns)
    }
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
    field_names = {each.name for each in row._meta.get_fields()}
    for name, texts in fault.message_dict.items():
        label = f"{label_of(row._meta.get_field(name))}: " if name in field_names else ""
        sentences += [f"{label}{text}" for text in texts]
    return sentences
