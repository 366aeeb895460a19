"""Says for a row of the desk which file owns it, and refuses to save what files own: by pages, API, imports and
directories alike."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db.models.signals import m2m_changed, post_save, pre_delete, pre_save
from django.utils.translation import gettext as _

from notifications.config_files.columns import RowsColumn
from notifications.config_files.kinds import Members, Part, Table, key_text, tables
from notifications.config_files.models import OwnedThing
from notifications.fixed_rows import RowIsFixed

_is_lifted = ContextVar("is_lifted", default=False)


@contextmanager
def lifted() -> Iterator[None]:
    """Let everything be changed in the block, as the application of files does."""
    token = _is_lifted.set(True)
    try:
        yield
    finally:
        _is_lifted.reset(token)


def why(row: Any, member: str = "") -> str:
    """Return a sentence if files own the row, or the row that it belongs to; else an empty one. `member`: only if files
    have this one."""
    thing = None if _is_lifted.get() else thing_of(row)
    if thing is None:
        return ""
    table, whole = thing
    owned = OwnedThing.objects.filter(kind=table.kind, name=key_text(table.name_of(whole))).first()
    if owned is None or member in owned.left_out:
        return ""
    text = _("The file %(file)s owns this: change it there, or have an administrator release it.")
    return text % {"file": owned.file}


def thing_of(row: Any) -> tuple[Table, Any] | None:
    """Return the kind and the row of the thing to which a row belongs."""
    for table in tables().values():
        if isinstance(row, table.model):
            return (table, row) if row.pk is not None else None
        if table.versions is not None and isinstance(row, table.versions.model):
            return table, table.versions.whole(row)
        for part in table.parts.values():
            if isinstance(row, part.model):
                return thing_of(getattr(row, part.key.name))
    return None


# --- guards -----------------------------------------------------------------------------------------------------------
def refuse_changes() -> None:
    """Connect the guards to all models whose rows can be in files. They raise RowIsFixed."""
    for table in tables().values():
        for members in (table, *table.parts.values()):
            pre_save.connect(_Saving(members), sender=members.model, weak=False)
            post_save.connect(_check_again, sender=members.model)
            pre_delete.connect(_check_removal, sender=members.model)
        for column in table.columns.values():
            if isinstance(column, RowsColumn):
                through = getattr(table.model, column.name).through
                m2m_changed.connect(_Choosing(table.model, column.name), sender=through, weak=False)


def _check(row: Any, member: str = "") -> None:
    if sentence := why(row, member):
        raise RowIsFixed(sentence)


def _check_removal(sender: object, instance: Any, **_more: object) -> None:
    _check(instance)


class _Saving:
    """Refuses a save that changes a field of files. Other fields, such as the state of an engine, are not in files."""

    def __init__(self, members: Members) -> None:
        names = [name for name, column in members.columns.items() if not isinstance(column, RowsColumn)]
        names += members.naming.key if isinstance(members, Table) else ()
        names += [members.key.name] if isinstance(members, Part) else ()
        fields: list[Any] = [members.model._meta.get_field(name) for name in names]
        self.names = [field.attname for field in fields]

    def __call__(self, sender: Any, instance: Any, update_fields: Collection[str] | None, **_more: object) -> None:
        instance._changes_files = False
        if _is_lifted.get() or (update_fields is not None and not self._named(update_fields)):
            return
        rows = sender._base_manager.filter(pk=instance.pk)
        stored = rows.values(*self.names).first() if instance.pk else None
        instance._changes_files = stored != {name: getattr(instance, name) for name in self.names}
        if instance._changes_files:
            for row in (instance, *(rows if stored else ())):  # it may have had another name, or been another row's
                _check(row)

    def _named(self, fields: Collection[str]) -> bool:
        return any(name in fields or name.removesuffix("_id") in fields for name in self.names)


def _check_again(sender: object, instance: Any, **_more: object) -> None:
    """Check after the row is locked: files may have taken it over since."""
    if getattr(instance, "_changes_files", False):
        _check(instance)


class _Choosing:
    """Refuses a change of a many-to-many field of files, from either side."""

    def __init__(self, model: Any, member: str) -> None:
        self.model, self.member = model, member

    def __call__(
        self, sender: Any, instance: Any, action: str, pk_set: Collection[Any] | None, **_more: object
    ) -> None:
        if _is_lifted.get() or pk_set == set() or not action.startswith(("pre_", "post_")):
            return
        rows = [instance] if isinstance(instance, self.model) else self._rows_of(sender, instance, pk_set)
        for row in rows:
            _check(row, self.member)

    def _rows_of(self, through: Any, other: Any, pks: Collection[Any] | None) -> Collection[Any]:
        """Return the rows that are chosen on the page of the other side; all of its rows if it is cleared."""
        if pks is None:
            here, there = self._names(through)
            pks = through.objects.filter(**{there: other.pk}).values_list(here, flat=True)
        return list(self.model._default_manager.filter(pk__in=pks))

    def _names(self, through: Any) -> tuple[str, str]:
        keys = [field for field in through._meta.fields if field.is_relation]
        here = next(field for field in keys if field.related_model is self.model)
        return here.attname, next(field.attname for field in keys if field is not here)
