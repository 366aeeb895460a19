"""Writes changes in the caller's transaction, through the checks of the models and of the desk's forms.

Rows of parts stay the same rows where they can: clocks and messages refer to them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import DO_NOTHING, SET_NULL
from django.utils.text import capfirst

from notifications.config_files.changes import Change, pairs
from notifications.config_files.columns import SECRET_PREFIX, Missing, RowsColumn, title_of
from notifications.config_files.desk_checks import desk_faults
from notifications.config_files.fixed import thing_of
from notifications.config_files.kinds import Body, Part, Table, Thing, tables
from notifications.config_files.nodes import Mistake, Mistakes, Place
from notifications.models.history import as_one, newest_record
from notifications.wording.template_versions import CannotPublish


@dataclass
class Writer:
    """Writes changes. `reason` and `by` (a user or None) are for the history. Secrets come from `environment`."""

    reason: str
    by: Any
    environment: Mapping[str, str]
    mistakes: list[Mistake] = field(default_factory=list)
    rows: dict[tuple[str, str], Any] = field(default_factory=dict)
    """The changed rows, by kind and name."""
    _since: dict[tuple[str, str], int] = field(default_factory=dict)
    _later: list[Callable[[], None]] = field(default_factory=list)

    def write(self, changes: Iterable[Change]) -> None:
        """Write all changes. Raises Mistakes with all that was found; the caller's transaction must be rolled back."""
        order = {kind: place for place, kind in enumerate(tables())}
        changes = sorted(changes, key=lambda change: order[change.thing.table.kind])
        written = [change for change in changes if change.after is not None]
        removed = [change for change in reversed(changes) if change.after is None]
        for change in changes:
            if change.before is not None:
                self._find(change)
        # A new thing may need the unique values of a removed one, which may be used until the others are written.
        removed = [change for change in removed if not self._remove(change)]
        for change in written:
            self._write_row(change)
        self._stop_at_mistakes()
        for change in written:
            self._write_rest(change)
        self._stop_at_mistakes()
        for change in removed:
            if not self._remove(change):
                self._say_users(change)
        self._stop_at_mistakes()
        for change in written:
            self._check(change)
        self._stop_at_mistakes()

    def _stop_at_mistakes(self) -> None:
        if self.mistakes:
            raise Mistakes(self.mistakes)

    def _find(self, change: Change) -> None:
        """Find the row of a thing, and delete its parts that do not stay: other things may get their unique values."""
        thing = change.thing
        row = thing.table.naming.find(thing.name)
        row = thing.table.model._base_manager.select_for_update(of=("self",), no_key=True).get(pk=row.pk)
        self.rows[thing.id] = row
        if hasattr(row, "history"):
            self._since[thing.id] = newest_record(row)
        if change.after is not None and not thing.table.versions:
            for name, part in thing.table.parts.items():
                self._later += self._part_work(change, row, part, part.bodies_of(change.after.get(name)))

    def _part_work(self, change: Change, whole: Any, part: Part, bodies: list[Body]) -> Iterator[Callable[[], None]]:
        """Delete rows, and yield what writes the others later."""
        rows = [(part.plain(row), row) for row in part.rows(whole)]
        bodies, missing = list(bodies), []
        has_secrets = any(path[0] == part.name for path in change.thing.secrets)
        for old, row in rows:
            if old in bodies and not has_secrets:
                bodies.remove(old)
            else:
                missing.append((old, row))
        for before, after in list(pairs(part, [old for old, _row in missing], bodies)):
            row = next((row for old, row in missing if old is before), None)
            missing = [(old, each) for old, each in missing if each is not row]
            if after is None and row is not None:
                row.delete()
            elif after is not None:
                yield self._part_writer(change, whole, part, row, after)

    def _part_writer(self, change: Change, whole: Any, part: Part, row: Any, body: Body) -> Callable[[], None]:
        def write() -> None:
            path: tuple[Any, ...] = (part.name,)
            if not part.is_one and body in (bodies := part.bodies_of((change.after or {}).get(part.name))):
                path = (part.name, bodies.index(body))
            new = row if row is not None else part.model(**{part.key.name: whole})
            if self._fill(change, part.columns, new, body, path):
                self._save(change, new, path, exclude=[part.key.name])

        return write

    # --- rows ---------------------------------------------------------------------------------------------------------
    def _write_row(self, change: Change) -> None:
        thing, body = change.thing, change.after or {}
        row: Any = self.rows.get(thing.id)
        if row is None:
            row = thing.table.model()
            name = thing.name if isinstance(thing.name, dict) else {thing.table.naming.key[0]: thing.name}
            if not self._fill(change, thing.table.key_columns.columns, row, name, ()):
                return
        if self._fill(change, thing.table.columns, row, body, ()):
            row._change_reason, row._history_user = self.reason, self.by
            if self._save(change, row, ()):
                self.rows[thing.id] = row
                self._since.setdefault(thing.id, 0)

    def _write_rest(self, change: Change) -> None:
        thing, body = change.thing, change.after or {}
        row = self.rows[thing.id]
        for name, column in thing.table.columns.items():
            if isinstance(column, RowsColumn) and (change.before or {}).get(name) != body.get(name):
                self._try(change, (name,), partial(column.to_row, body.get(name, column.default), row))
        if thing.table.versions:
            self._publish(change, row)
        elif change.before is None:
            for name, part in thing.table.parts.items():
                self._later += self._part_work(change, row, part, part.bodies_of(body.get(name)))
        for write in self._later:
            write()
        self._later.clear()

    def _publish(self, change: Change, row: Any) -> None:
        """Publish a version with the parts, if they differ from those of the published one."""
        table, body = change.thing.table, change.after or {}
        if all((change.before or {}).get(name) == body.get(name) for name in table.parts):
            return
        try:
            version = table.versions.begin(row, self.reason)
            for name, part in table.parts.items():
                for each in part.bodies_of(body.get(name)):
                    self._part_writer(change, version, part, None, each)()
            for path, text in desk_faults(version, {}, table.parts.values()):
                self._add(change, path, text)
            if not self.mistakes:
                table.versions.end(version, self.by)
        except CannotPublish as fault:
            details = [f"{each.where}: {each.message}" for each in fault.problems] or [fault.detail]
            self._add(change, ("texts",), *details)

    def _fill(self, change: Change, columns: Mapping[str, Any], row: Any, body: Body, path: tuple[Any, ...]) -> bool:
        """Set the values of a row, and return whether that worked."""
        count = len(self.mistakes)
        for name, column in columns.items():
            if isinstance(column, RowsColumn):
                continue
            secret = change.thing.secrets.get((*path, name))
            if secret is not None:
                self._set_secret(change, row, (*path, name), secret)
            elif column.is_kept:
                continue
            elif name in body or not column.is_required:
                value = body.get(name, column.default)
                self._try(change, (*path, name), partial(column.to_row, value, row))
        return len(self.mistakes) == count

    def _set_secret(self, change: Change, row: Any, path: tuple[Any, ...], name: str) -> None:
        value = self.environment.get(f"{SECRET_PREFIX}{name}")
        if value:
            setattr(row, path[-1], value)
        elif not getattr(row, path[-1]):  # a stored one stays
            text = "The environment has no %(name)s. Set it for this process, or leave out the member."
            if self.by is not None:
                text = "The API sets no secrets. Apply this on the machine with %(name)s, or leave out the member."
            self._add(change, path, text % {"name": f"{SECRET_PREFIX}{name}"})

    def _save(self, change: Change, row: Any, path: tuple[Any, ...], exclude: Iterable[str] = ()) -> bool:
        def save() -> None:
            row.full_clean(exclude=set(exclude))
            row.save()

        return self._try(change, path, save)

    def _try(self, change: Change, path: tuple[Any, ...], do: Callable[[], None]) -> bool:
        """Do something and return whether it worked. What does not is a mistake at the member."""
        try:
            with transaction.atomic():
                do()
        except ValidationError as fault:
            for name, texts in getattr(fault, "message_dict", {"": fault.messages}).items():
                member = (*path, name) if name else path
                self._add(
                    change, member, *(f"{name}: {text}" if name and name != "__all__" else text for text in texts)
                )
        except Missing as fault:
            self._add(change, path, f"{path[-1]}: {fault}")
        except IntegrityError:
            self._add(change, path, ("Something else has its place or name."))
        else:
            return True
        return False

    def _add(self, change: Change, path: tuple[Any, ...], *texts: str) -> None:
        place = change.thing.place_of(*path)
        self.mistakes += [Mistake(place, f"{change.title}: {text}") for text in texts]

    # --- the end ------------------------------------------------------------------------------------------------------
    def _remove(self, change: Change) -> bool:
        """Remove the row of a thing, and return whether nothing uses it."""
        row = self.rows[change.thing.id]
        if next(users_of(change.thing.table, row), None) is not None:
            return False
        row._change_reason, row._history_user = self.reason, self.by
        row.delete()
        del self.rows[change.thing.id]
        return True

    def _say_users(self, change: Change) -> None:
        names = ", ".join(islice(users_of(change.thing.table, self.rows[change.thing.id]), 5))
        text = "It cannot be removed, because it is used by: %(names)s. Keep it in its file; disable it if you can."
        self._add(change, (), text % {"names": names})

    def _check(self, change: Change) -> None:
        thing = change.thing
        row = self.rows[thing.id]
        if hasattr(row, "history"):
            as_one(row, self._since.get(thing.id, 0))
        row = type(row)._default_manager.get(pk=row.pk)
        if thing.table.hooks is not None:
            given = [path for path, name in thing.secrets.items() if self.environment.get(f"{SECRET_PREFIX}{name}")]
            for path, text in thing.table.hooks.faults(row, change.before, change.after, given):
                self._add(change, path, text)
            thing.table.hooks.after_change(row, change.before, change.after)
        if thing.table.versions is None:
            for path, text in desk_faults(row, thing.table.columns, thing.table.parts.values()):
                self._add(change, path, text)


def users_of(table: Table, row: Any) -> Iterator[str]:
    """Yield the names of rows that would be removed with this one and are not its parts, that forbid its removal, or
    that would lose it as a choice of somebody. Rows of work have no history and may lose it."""
    own = {table.model, *(part.model for part in table.parts.values())}
    own |= {table.versions.model} if table.versions else set()
    yield from _users_of([row], own)


def _users_of(rows: Iterable[Any], own: set[Any]) -> Iterator[str]:
    rows = list(rows)
    for relation in type(rows[0])._meta.get_fields(include_hidden=True) if rows else ():
        if not (relation.auto_created and not relation.concrete and (relation.one_to_many or relation.one_to_one)):
            continue
        user = relation.related_model
        if relation.on_delete is DO_NOTHING or user._meta.auto_created in own:
            continue
        if relation.on_delete is SET_NULL and not hasattr(user, "history"):
            continue
        using = user._base_manager.filter(**{f"{relation.field.name}__in": rows})
        if user in own:
            yield from _users_of(using, own)
        elif things := [thing_of(each) for each in using[:5]]:
            named = {f"{capfirst(thing[0].label)} “{thing[1]}”" for thing in things if thing is not None}
            yield from sorted(named) or [str((user._meta.auto_created or user)._meta.verbose_name_plural)]


def stored(row: Any, path: tuple[str, ...]) -> Any:
    """Return the stored secret of a member; None if there is none."""
    for name in path[:-1]:
        row = getattr(row, name, None)
    return getattr(row, path[-1], None) if row is not None else None


def secrets_to_set(thing: Thing, row: Any, environment: Mapping[str, str]) -> list[str]:
    """Return the members whose secret is another one than the environment's."""
    values = {path: environment.get(f"{SECRET_PREFIX}{name}") for path, name in thing.secrets.items()}
    return [".".join(path) for path, value in values.items() if value and stored(row, path) != value]


def unexpected(expected: Mapping[tuple[str, str], Body], now: Mapping[tuple[str, str], Thing]) -> list[Mistake]:
    """Return a mistake for each thing that has changed though it should not, because another one was removed."""
    mistakes = []
    for key in expected.keys() | now.keys():
        if expected.get(key) != (now[key].body if key in now else None):
            kind, name = key
            text = "%(kind)s “%(name)s” would change as well, because something it names is removed. Change it first."
            title = title_of(now[key].name) if key in now else name
            mistakes.append(Mistake(Place(), text % {"kind": kind, "name": title}))
    return mistakes
