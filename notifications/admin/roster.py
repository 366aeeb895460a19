"""People and teams as tables: their columns, and what a file would change. django-import-export reads and writes the
columns; what the rows say together is checked here, and written in a few statements."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import tablib
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _
from import_export.instance_loaders import BaseInstanceLoader
from import_export.resources import ModelResource
from import_export.widgets import Widget
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from notifications.admin.sheets import Sheet
from notifications.wording.plaintext import clean_line

BATCH = 500
MOST_FAULTS = 50
YES = {"yes", "true", "1", "ja", "wahr", "y", "j", "x"}
NO = {"no", "false", "0", "nein", "falsch", "n", ""}


@dataclass(frozen=True)
class Fault:
    """What is wrong with a row, and what to do. `column` is empty where it is the row as a whole."""

    row: int
    column: str
    says: str


@dataclass
class Change:
    """A row that makes somebody, or changes these columns. `columns` has their new values, as they are shown."""

    row: int
    instance: Any
    is_new: bool
    columns: dict[str, str] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)

    @property
    def told(self) -> list[tuple[str, str]]:
        """What the preview shows: of new ones not what is empty."""
        return [(column, value) for column, value in self.columns.items() if value or not self.is_new]


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
        """Of what would be done: it differs when the same file would do something else meanwhile."""
        said = [(change.row, change.is_new, sorted(change.columns.items())) for change in self.changes]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


# --- columns ----------------------------------------------------------------------------------------------------------
class Line(Widget):
    """A text in one line."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        return clean_line(str(value))


class YesNo(Widget):
    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> bool:
        said = str(value).strip().lower()
        if said not in YES | NO:
            raise ValueError(_("Write “yes” or “no”."))
        return said in YES

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "yes" if value else "no"


class Named(Widget):
    """A row of another table, by its slug. The known ones are read when the first cell is."""

    def __init__(self, model: type[Model], unknown: Callable[[str], str]) -> None:
        super().__init__()
        self.model, self.unknown = model, unknown
        self._known: dict[str, Any] | None = None

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        slug = str(value).strip()
        if not slug:
            return None
        if self._known is None:
            self._known = {each.slug: each for each in self.model._default_manager.all()}  # type: ignore[attr-defined]
        if slug not in self._known:
            raise ValueError(self.unknown(slug))
        return self._known[slug]

    def forget(self) -> None:
        self._known = None

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "" if value is None else str(value.slug)


class Known(BaseInstanceLoader):
    """Finds rows among those that the resource has read all at once."""

    def get_instance(self, row: Any) -> Any:
        return self.resource.known.get(self.resource.key_of(row))


class Roster(ModelResource):
    """A table of the desk. Subclasses say how a row is known again, and what cannot be said by a column alone."""

    known: dict[Any, Any]
    """By key."""
    names: Sequence[str] = ()
    lists: Sequence[str] = ()
    """Relations of which an export names one row, and all rows: read together."""

    class Meta:
        skip_diff = True
        use_transactions = False
        chunk_size = BATCH
        instance_loader_class = Known

    # --- what a subclass says ---------------------------------------------------------------------------------------
    def key_of(self, row: Any) -> Any:
        raise NotImplementedError

    def read_known(self, data: tablib.Dataset, *, lock: bool) -> dict[Any, Any]:
        raise NotImplementedError

    def settle(self, rows: Sequence[tuple[int, Any, Any, bool]]) -> None:
        """Check and set what needs all rows: (number, row, instance, is new)."""
        raise NotImplementedError

    # --- what a file would change -----------------------------------------------------------------------------------
    def plan(self, sheet: Sheet, *, lock: bool = False) -> Plan:
        """Writes nothing. `lock`: nobody else may change the rows until the transaction ends."""
        self.numbers, self.made = sheet.numbers, Plan()
        self.rows: list[tuple[int, Any, Any, bool]] = []
        self.seen: dict[Any, int] = {}
        if faults := list(self._faults_of_columns(sheet)):
            self.made.faults = faults
            return self.made
        self.known = self.read_known(sheet.data, lock=lock)
        self.before = {id(instance): self._values_of(instance) for instance in self.known.values()}
        result = self.import_data(sheet.data, dry_run=False, use_transactions=False, raise_errors=False)
        for error in [*result.base_errors, *(error for row in result.row_errors() for error in row[1])]:
            raise error.error
        for invalid in result.invalid_rows:
            self._keep_invalid(self.numbers[invalid.number - 1], invalid.error)
        self.settle(self.rows)
        self._note_changes()
        self.made.faults.sort(key=lambda fault: (fault.row, fault.column))
        return self.made

    def _faults_of_columns(self, sheet: Sheet) -> Iterator[Fault]:
        columns = self.columns()
        for name in sheet.data.headers:
            if name not in columns:
                known = ", ".join(columns)
                yield Fault(1, name[:60], _("There is no such column. Remove or rename it; known are: %s.") % known)
        for name in self._meta.import_id_fields:
            if name not in sheet.data.headers:
                yield Fault(1, name, _("This column is missing: by it a row is known again."))
        if not sheet.numbers:
            yield Fault(1, "", _("Below the names of the columns there is nothing."))

    def columns(self) -> list[str]:
        return [str(each.column_name) for each in self.get_export_fields()]

    def fault(self, row: int, column: str, says: str) -> None:
        self.made.faults.append(Fault(row, column, says))

    def _keep_invalid(self, number: int, error: ValidationError) -> None:
        names = {each.attribute: each.column_name for each in self.fields.values()}
        said = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        for name, sentences in said.items():
            self.fault(number, str(names.get(name) or ("" if name == "__all__" else name)), " ".join(sentences))

    # --- hooks of the library ---------------------------------------------------------------------------------------
    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        number, key = self.numbers[kwargs["row_number"] - 1], self.key_of(row)
        if key in self.seen:
            text = _("Row %(row)d has the same name: keep one of them.") % {"row": self.seen[key]}
            raise ValidationError({self._meta.import_id_fields[0]: text})
        self.seen[key] = number

    def validate_instance(
        self, instance: Any, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        """Its fields by themselves. What has to be unique is looked for among all rows, not by a query for each."""
        errors = dict(import_validation_errors or {})
        related = [each.name for each in self._meta.model._meta.fields if each.is_relation]
        try:
            if errors or instance.pk is None or self._values_of(instance) != self.before[id(instance)]:
                instance.clean_fields(exclude=[*errors, *related])
        except ValidationError as fault:
            errors = fault.update_error_dict(errors)
        if errors:
            raise ValidationError(errors)

    def after_init_instance(self, instance: Any, new: bool, row: Any, **kwargs: Any) -> None:
        """Rows with faults, too: all that is wrong with them is told at once."""
        self.rows.append((self.numbers[kwargs["row_number"] - 1], row, instance, new))

    def save_instance(self, instance: Any, is_create: bool, row: Any, **kwargs: Any) -> None:
        """Nothing: all are written together."""

    def save_m2m(self, instance: Any, row: Any, **kwargs: Any) -> None:
        """Nothing: `settle` reads what it needs."""

    # --- what differs -----------------------------------------------------------------------------------------------
    def plain(self) -> dict[str, str]:
        """Columns that are fields of the model, by their attributes."""
        return {each.attribute: str(each.column_name) for each in self.fields.values() if each.attribute}

    def _values_of(self, instance: Any) -> dict[str, Any]:
        return {name: _value_of(instance, name) for name in self.plain()}

    def also_changed(self, instance: Any) -> dict[str, str]:
        """Columns that are no fields of the model, and differ; as they are shown."""
        return {}

    def _note_changes(self) -> None:
        names = self.plain()
        for number, row, instance, is_new in self.rows:
            now, then = self._values_of(instance), self.before.get(id(instance), {})
            attributes = {name for name in now if is_new or now[name] != then[name]}
            told = [name for name in names if name in attributes and (names[name] in row or not is_new)]
            columns = {names[name]: shown(getattr(instance, name)) for name in told} | self.also_changed(instance)
            if columns:
                self.made.changes.append(Change(number, instance, is_new, columns, attributes))
            else:
                self.made.same += 1

    # --- writing ----------------------------------------------------------------------------------------------------
    def refuse(self, plan: Plan, user: User) -> None:
        """Add faults for what the user may not do."""
        meta = self._meta.model._meta
        if plan.new and not user.has_perm(f"{meta.app_label}.add_{meta.model_name}"):
            self.fault(plan.new[0].row, "", _("You may change rows, and not add any. Remove those that are new."))

    def write(self, plan: Plan, user: User, file: str) -> None:
        """Write a plan without faults, with its history and log. Call in the transaction in which it was made."""
        reason = f"Imported from {file}"[:100]
        self.store(plan, user, reason)
        self.write_more(plan)
        self._log(plan, user, reason)

    def store(self, plan: Plan, user: User, reason: str) -> None:
        """In a few statements, and their history, which then has their fields alone, in as many."""
        model, said = self._meta.model, {"default_user": user, "default_change_reason": reason, "batch_size": BATCH}
        for wave in self.in_order([change.instance for change in plan.new]):
            bulk_create_with_history(wave, model, **said)
        changed = [change for change in plan.changed if change.attributes]
        names = sorted({name for change in changed for name in change.attributes})
        if changed:
            bulk_update_with_history([change.instance for change in changed], model, names, **said)

    def in_order(self, new: list[Any]) -> Iterable[list[Any]]:
        """New rows, so that each comes after those that it names."""
        return [new] if new else []

    def write_more(self, plan: Plan) -> None:
        """What is in no column of the table."""

    def _log(self, plan: Plan, user: User, reason: str) -> None:
        kind = ContentType.objects.get_for_model(self._meta.model)
        LogEntry.objects.bulk_create(
            [
                LogEntry(
                    user=user,
                    content_type=kind,
                    object_id=str(change.instance.pk),
                    object_repr=str(change.instance)[:200],
                    action_flag=ADDITION if change.is_new else CHANGE,
                    change_message=reason if change.is_new else f"{reason}: {', '.join(change.columns)}",
                )
                for change in plan.changes
            ],
            batch_size=BATCH,
        )


def _value_of(instance: Any, name: str) -> Any:
    """For comparison, without a query. Those who are new have no number yet."""
    one = instance._meta.get_field(name)
    if not one.is_relation:
        return getattr(instance, name)
    other = one.get_cached_value(instance, default=None)
    return getattr(instance, one.attname) if other is None else other.pk or -id(other)


def shown(value: Any) -> str:
    """A new value as the preview shows it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Model):
        return str(getattr(value, "ref", "") or getattr(value, "slug", "") or value)
    return "" if value is None else str(value)


def grouped(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found
