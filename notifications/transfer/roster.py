"""Tables for export and import: columns, and the changes that a file would make. django-import-export reads and renders
the cells; this module compares rows with each other and writes them in a few statements."""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import tablib
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext as _
from import_export.fields import Field
from import_export.resources import ModelResource
from import_export.widgets import ForeignKeyWidget, Widget

from notifications.fixed_rows import why_fixed
from notifications.transfer.sheets import Sheet
from notifications.wording.plaintext import clean_line

BATCH = 500
MAX_FAULTS = 50
YES = {"yes", "true", "1", "ja", "wahr", "y", "j", "x"}
NO = {"no", "false", "0", "nein", "falsch", "n", ""}


@dataclass(frozen=True)
class Fault:
    """A fault in a row, with what to do. `column` is empty if the fault concerns the whole row."""

    row: int
    column: str
    says: str


@dataclass
class Change:
    """A row of the file. `before`: the cells of an export before the import, empty for a new row. `columns`: the new
    cells that differ."""

    row: int
    cells: Mapping[str, str]
    instance: Any
    before: Mapping[str, str]
    columns: dict[str, str] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        return not self.before


@dataclass
class Plan:
    changes: list[Change] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    same: int = 0

    @property
    def new(self) -> list[Change]:
        return [change for change in self.changes if change.is_new]

    @property
    def changed(self) -> list[Change]:
        return [change for change in self.changes if not change.is_new]

    @property
    def digest(self) -> str:
        """SHA-256 of the changes. The preview's form sends it back: an import with another effect is refused."""
        effect = [(change.row, change.is_new, sorted(change.columns.items())) for change in self.changes]
        return hashlib.sha256(json.dumps(effect).encode()).hexdigest()


# --- columns ----------------------------------------------------------------------------------------------------------
class Line(Widget):
    """A column for a text in one line."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        return clean_line(str(value))


class YesNo(Widget):
    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> bool:
        word = str(value).strip().lower()
        if word not in YES | NO:
            raise ValueError(_("Enter “yes” or “no”."))
        return word in YES

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "yes" if value else "no"


class Slug(ForeignKeyWidget):
    """A row of another table, by its slug. All rows are read once: the library's cache would cost 0.1 ms a cell."""

    def __init__(self, model: type[Model], unknown: Promise) -> None:
        super().__init__(model, "slug")
        self.unknown = unknown

    @cached_property
    def by_slug(self) -> dict[str, Any]:
        return {row.slug: row for row in self.model._default_manager.all()}

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        slug = str(value).strip()
        if slug and slug not in self.by_slug:
            raise ValueError(str(self.unknown) % slug[:60])
        return self.by_slug.get(slug)


class ManyRowsField(Field):
    """A relation to many rows, named in one cell. `read_existing` fills `by_name` with the rows that exist."""

    def __init__(self, name: str, separator: str, joint: str, name_of: Callable[[Any], str], unknown: Promise) -> None:
        super().__init__(name, name)
        self.separator, self.joint, self.name_of, self.unknown = re.compile(separator), joint, name_of, unknown
        self.by_name: dict[str, Any] = {}
        self._new: dict[int, list[Any]] = {}

    def names(self, cell: str) -> list[str]:
        return list(dict.fromkeys(name for part in self.separator.split(cell) if (name := part.strip())))

    def clean(self, row: Any, **kwargs: Any) -> list[Any]:
        names = self.names(str(row[self.column_name]))
        if unknown := [str(self.unknown) % name[:60] for name in sorted(names) if name not in self.by_name]:
            raise ValueError(" ".join(unknown))
        return [self.by_name[name] for name in names]

    def save(self, instance: Any, row: Any, is_m2m: bool = False, **kwargs: Any) -> None:
        """Remember the rows, which are written after the instance."""
        self._new[id(instance)] = self.clean(row)

    def stored_rows(self, instance: Any) -> list[Any]:
        return list(getattr(instance, str(self.attribute)).all()) if instance.pk is not None else []

    def get_value(self, instance: Any) -> list[Any]:
        """Return the rows that the file names; the stored rows if the file has no such column."""
        rows = self._new.get(id(instance))
        return self.stored_rows(instance) if rows is None else rows

    def export(self, instance: Any, **kwargs: Any) -> str:
        return self.joint.join(sorted(map(self.name_of, self.get_value(instance))))


class Roster(ModelResource):
    """A table of the desk. Subclasses define its columns, the keys of its rows, and checks across rows."""

    existing: dict[Any, Any]
    """Existing rows by key."""
    related: Sequence[str] = ()
    """Relations whose rows an export names; they are prefetched."""

    class Meta:
        skip_diff = True
        use_transactions = False
        chunk_size = BATCH

    # --- for subclasses ---------------------------------------------------------------------------------------------
    def key_of(self, row: Any) -> Any:
        raise NotImplementedError

    def read_existing(self, data: tablib.Dataset, *, lock: bool) -> dict[Any, Any]:
        raise NotImplementedError

    def settle(self, rows: Sequence[Change]) -> None:
        """Check and set values that depend on several rows."""

    def rows_of_model(self, *, lock: bool) -> Any:
        rows = self.get_queryset().prefetch_related(*self.related).order_by("pk")
        return rows.select_for_update(of=("self",)) if lock else rows

    # --- changes of a file ------------------------------------------------------------------------------------------
    def plan(self, sheet: Sheet, *, lock: bool = False) -> Plan:
        """Return the changes of a file without writing. `lock`: the rows stay locked until the transaction ends."""
        self.numbers, self.current_plan = sheet.numbers, Plan()
        self.rows: list[Change] = []
        self.seen: dict[Any, int] = {}
        if faults := list(self._faults_of_columns(sheet)):
            self.current_plan.faults = faults
            return self.current_plan
        self.sheet_columns = set(sheet.data.headers)
        self.existing = self.read_existing(sheet.data, lock=lock)
        result = self.import_data(sheet.data, dry_run=False, use_transactions=False, raise_errors=False)
        for error in [*result.base_errors, *(error for row in result.row_errors() for error in row[1])]:
            raise error.error
        for invalid in result.invalid_rows:
            self._add_invalid(self.numbers[invalid.number - 1], invalid.error)
        self.settle(self.rows)
        for change in self.rows:
            texts = self.texts(change.instance)
            change.columns = {name: texts[name] for name in texts if texts[name] != change.before.get(name, "")}
            if change.columns and change.instance.pk is not None and (sentence := why_fixed(change.instance)):
                self.current_plan.faults.append(Fault(change.row, "", sentence))
            if change.is_new:
                change.columns = {name: text for name, text in change.columns.items() if name in self.sheet_columns}
        self.current_plan.changes = [change for change in self.rows if change.columns]
        self.current_plan.same = len(self.rows) - len(self.current_plan.changes)
        self.current_plan.faults.sort(key=lambda fault: (fault.row, fault.column))
        return self.current_plan

    def _faults_of_columns(self, sheet: Sheet) -> Iterator[Fault]:
        columns = self.columns()
        for name in sheet.data.headers:
            if name not in columns:
                column_names = ", ".join(columns)
                yield Fault(1, name[:60], _("Unknown column. Remove or rename it; known columns: %s.") % column_names)
        for name in self._meta.import_id_fields:
            if name not in sheet.data.headers:
                yield Fault(1, name, _("This column is missing. It identifies rows."))
        if not sheet.numbers:
            yield Fault(1, "", _("There are no rows below the column names."))

    def columns(self) -> list[str]:
        return list(self.get_export_headers())

    def texts(self, instance: Any) -> dict[str, str]:
        """Return the cells of an export, by column."""
        return {str(each.column_name): each.export(instance) for each in self.fields.values()}

    def is_touched(self, change: Change) -> bool:
        """Return whether a field of the row itself differs, or the row is new."""
        own = [each for each in self.fields.values() if not isinstance(each, ManyRowsField)]
        return any(each.export(change.instance) != change.before.get(str(each.column_name)) for each in own)

    def fault(self, row: int, column: str, says: str) -> None:
        self.current_plan.faults.append(Fault(row, column, says))

    def _add_invalid(self, number: int, error: ValidationError) -> None:
        names = {each.attribute: str(each.column_name) for each in self.fields.values()}
        by_attribute = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        for attribute, sentences in by_attribute.items():
            self.fault(number, names.get(attribute, "" if attribute == "__all__" else attribute), " ".join(sentences))

    # --- hooks of the library ---------------------------------------------------------------------------------------
    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        number, key = self.numbers[kwargs["row_number"] - 1], self.key_of(row)
        if key in self.seen:
            text = _("Row %(row)d has the same name: keep one of them.") % {"row": self.seen[key]}
            raise ValidationError({self._meta.import_id_fields[0]: text})
        self.seen[key] = number

    def get_instance(self, instance_loader: Any, row: Any) -> Any:
        return self.existing.get(self.key_of(row))

    def after_init_instance(self, instance: Any, new: bool, row: Any, **kwargs: Any) -> None:
        """Add the row, even if it has faults: all faults are reported together."""
        before = {} if new else self.texts(instance)
        self.rows.append(Change(self.numbers[kwargs["row_number"] - 1], row, instance, before))

    def validate_instance(
        self, instance: Any, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        """Validate only fields. Unique values are compared across all rows, without a query for each."""
        errors = dict(import_validation_errors or {})
        related = [each.name for each in self._meta.model._meta.fields if each.is_relation]
        try:
            if errors or self.is_touched(self.rows[-1]):
                instance.clean_fields(exclude=[*errors, *related])
        except ValidationError as error:
            errors = error.update_error_dict(errors)
        if errors:
            raise ValidationError(errors)

    def save_instance(self, instance: Any, is_create: bool, row: Any, **kwargs: Any) -> None:
        """Save nothing: all rows are written together."""

    def save_m2m(self, instance: Any, row: Any, **kwargs: Any) -> None:
        """Save nothing, as above."""

    def after_import(self, dataset: Any, result: Any, **kwargs: Any) -> None:
        """Do nothing: the library would reset the sequence of keys to below rows that others have not committed yet."""

    # --- writing ----------------------------------------------------------------------------------------------------
    def refuse(self, plan: Plan, user: User) -> None:
        """Add faults for changes that the user may not make."""
        meta = self._meta.model._meta
        if plan.new and not user.has_perm(f"{meta.app_label}.add_{meta.model_name}"):
            self.fault(plan.new[0].row, "", _("You may change rows but not add any. Remove the new ones."))

    def write(self, plan: Plan, user: User, file: str) -> None:
        """Write a plan without faults, with its history and log. Call this in the transaction that made the plan."""
        reason = f"Imported from {file}"[:100]
        self.store(plan, user, reason)
        changed = ((f"{reason}: {', '.join(change.columns)}", change.instance) for change in plan.changed)
        if plan.new:
            LogEntry.objects.log_actions(user.pk, [change.instance for change in plan.new], ADDITION, reason)
        for message, instances in grouped(changed).items():
            LogEntry.objects.log_actions(user.pk, instances, CHANGE, message)

    def store(self, plan: Plan, user: User, reason: str) -> None:
        """Write the changes in a few statements. The history of each row contains only its fields."""
        raise NotImplementedError


def grouped(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups
