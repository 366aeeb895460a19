"""The kinds of configuration in files: how a row with its parts is read from a file and from the database.

The declarations are in `feature.py` of the core and of features (`ConfigTable` of notifications/additions.py).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from hashlib import sha256
from typing import Any

from django.apps import apps
from django.db import models
from django.utils.module_loading import import_string

from notifications.additions import ConfigPart, ConfigTable
from notifications.config_files.columns import (
    Column,
    RefColumn,
    RowColumn,
    RowsColumn,
    SecretColumn,
    column_of,
    naming,
    near,
    title_of,
)
from notifications.config_files.nodes import Mistake, Node, Place
from notifications.models.history import part_relation
from wfpush import features

NOWHERE = Place()

Body = dict[str, Any]
"""The members of a thing in its file, without defaults: values of JSON, with names of rows."""
SecretNames = dict[tuple[str, ...], str]
"""The names of environment variables, by part (empty: none) and field."""


@dataclass
class Thing:
    """One thing in files. `places`: where its members are written, by their path: names and indexes."""

    table: "Table"
    name: Any
    body: Body
    place: Place = NOWHERE
    places: dict[tuple[Any, ...], Place] = field(default_factory=dict)
    secrets: SecretNames = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    """Members that stay as they are, because the file does not have them."""

    @property
    def id(self) -> tuple[str, str]:
        return self.table.kind, key_text(self.name)

    @property
    def title(self) -> str:
        return title_of(self.name) or "all others"

    def place_of(self, *path: Any) -> Place:
        """Return the place of a member, or of the nearest one around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return self.place


def key_text(name: Any) -> str:
    """Return a name as text: that of a thing with one member in its key is its value."""
    return name if isinstance(name, str) else canonical(name or {})


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


class Members:
    """The columns of a row in files."""

    def __init__(self, model: type[models.Model], names: Iterable[str]) -> None:
        self.model = model
        self.columns = {name: column_of(model, name) for name in names}

    def plain(self, row: Any) -> Body:
        values = {name: column.plain(row) for name, column in self.columns.items()}
        return {name: value for name, value in values.items() if not self.columns[name].is_left_out(value)}

    def read(self, node: Node, reading: "Reading", path: tuple[Any, ...], others: Iterable[str] = ()) -> Body:
        """Return the values of a mapping. `others`: its members that are read elsewhere."""
        members = reading.members(node, [*self.columns, *others])
        body = {}
        for name, column in self.columns.items():
            if name not in members:
                if column.is_required:
                    reading.add(node.place, (f"“{name}” is missing. Add it."))
                elif not column.is_left_out(column.default):
                    body[name] = column.default
                continue
            reading.thing.places[(*path, name)] = members[name].place
            value = column.read(members[name], reading.mistakes)
            if isinstance(column, SecretColumn):
                if value is not None:
                    reading.thing.secrets[(*path, name)] = value["secret"]
            elif not column.is_left_out(value):
                body[name] = value
        return body


class Part(Members):
    """A list of rows below another one's."""

    def __init__(self, whole: type[models.Model], declared: ConfigPart) -> None:
        relation = part_relation(whole, declared.name)
        super().__init__(relation.related_model, declared.fields.split())
        self.name, self.is_one = declared.name, declared.is_one
        self.key = relation.field
        self.is_scalar = len(self.columns) == 1
        next(iter(self.columns.values())).is_always = not self.is_one

    @property
    def label(self) -> Any:
        return self.model._meta.verbose_name

    def rows(self, whole: Any) -> list[Any]:
        return self.rows_of([whole.pk])[whole.pk]

    def rows_of(self, wholes: Iterable[Any]) -> Mapping[Any, list[Any]]:
        """Return the rows by the key of the row that they belong to."""
        related = [name for name, column in self.columns.items() if type(column) is RowColumn]
        found: dict[Any, list[Any]] = {pk: [] for pk in wholes}
        rows = self.model._default_manager.filter(**{f"{self.key.attname}__in": list(found)})
        for row in rows.select_related(*related).order_by("pk"):
            found[getattr(row, self.key.attname)].append(row)
        return found

    def bodies(self, whole: Any) -> Any:
        return self.sorted(self.plain(row) for row in self.rows(whole))

    def sorted(self, bodies: Iterable[Body]) -> Any:
        """Return the rows as files have them: in the order of their values."""
        ordered = sorted(bodies, key=self._order)
        if self.is_one:
            return ordered[0] if ordered else None
        return [next(iter(body.values())) for body in ordered] if self.is_scalar else ordered

    def _order(self, body: Body) -> str:
        values = [body.get(name, column.default) for name, column in self.columns.items()]
        return json.dumps([f"{each + 10**12:013}" if type(each) is int else each for each in values], sort_keys=True)

    def bodies_of(self, value: Any) -> list[Body]:
        """Return the rows of a member: the reverse of `sorted`."""
        if self.is_one:
            return [] if value is None else [value]
        only = next(iter(self.columns))
        return [{only: each} for each in value or ()] if self.is_scalar else list(value or ())

    def read_all(self, node: Node, reading: "Reading") -> Any:
        path = (self.name,)
        if self.is_one:
            return None if node.value is None else self.read(node, reading, path)
        if not isinstance(node.value, list):
            reading.add(node.place, (f"“{self.name}” must be a list."))
            return []
        bodies: list[tuple[Body, Node]] = []
        for item in node.value:
            whole = Node({next(iter(self.columns)): item}, item.place) if self.is_scalar else item
            bodies.append((self.read(whole, reading, (*path, len(bodies))), item))
        bodies.sort(key=lambda each: self._order(each[0]))
        for index, (_body, item) in enumerate(bodies):
            reading.places_of_item((*path, index), item)
        return self.sorted(body for body, _item in bodies)


class Table(Members):
    """A kind of things."""

    def __init__(self, declared: ConfigTable) -> None:
        model = apps.get_model(declared.model)
        super().__init__(model, declared.fields.split())
        self.kind, self.is_list, self.own_files = declared.kind, declared.is_list, declared.own_files
        self.naming = naming(model)
        self.left_out = frozenset(declared.left_out.split())
        self.versions: Any = import_string(declared.versions) if declared.versions else None
        self._hooks = declared.hooks
        whole = self.versions.model if self.versions else model
        self.parts = {part.name: Part(whole, part) for part in declared.parts}
        self.key_columns = Members(model, self.naming.key)

    @property
    def label(self) -> Any:
        return self.model._meta.verbose_name

    @cached_property
    def hooks(self) -> Any:
        """See `ConfigTable`. They are loaded where files are applied: they may need the desk's forms."""
        return import_string(self._hooks) if self._hooks else None

    @cached_property
    def order(self) -> list[str]:
        """The members in the order of files."""
        return [*(self.key_columns.columns if self.is_list else ()), *self.columns, *self.parts]

    # --- from the database --------------------------------------------------------------------------------------------
    def things(self) -> Iterator[Thing]:
        related = [name for name, column in self.columns.items() if type(column) is RowColumn]
        many = [name for name, column in self.columns.items() if type(column) is RowsColumn]
        rows = self.model._default_manager.select_related(*related).prefetch_related(*many).order_by("pk")
        wholes = {row.pk: self.whole(row) for row in rows}
        keys = [whole.pk for whole in wholes.values() if whole is not None]
        parts = {name: part.rows_of(keys) for name, part in self.parts.items()}
        for row in rows:
            body = self.plain(row)
            whole = wholes[row.pk]
            for name, part in self.parts.items() if whole is not None else ():
                value = part.sorted(map(part.plain, parts[name][whole.pk]))
                if value not in (None, []):
                    body[name] = value
            yield Thing(self, self.name_of(row), body, secrets=self._stored_secrets(row))

    def _stored_secrets(self, row: Any) -> SecretNames:
        """Return the names by which an export refers to stored secrets."""
        found: SecretNames = {}
        title = title_of(self.name_of(row))
        prefix = re.sub(r"\W", "_", title, flags=re.ASCII)
        if not re.fullmatch(r"[a-z0-9-]*", title):  # another name may lead to the same prefix
            prefix += f"_{sha256(title.encode()).hexdigest()[:6]}"
        for part in self.parts.values():
            names = [name for name, column in part.columns.items() if isinstance(column, SecretColumn)]
            for each in part.rows(row) if names else ():
                stored = [name for name in names if each.__dict__[name]]  # without decrypting it
                found |= {(part.name, name): f"{prefix}_{name}".upper() for name in stored}
        return found

    def name_of(self, row: Any) -> Any:
        name = self.naming.of(row)
        return {} if name is None else {self.naming.key[0]: name} if self.is_list and type(name) is str else name

    def whole(self, row: Any) -> Any:
        """Return the row that has the parts; None if no version is published."""
        return self.versions.current(row) if self.versions else row

    # --- from files ---------------------------------------------------------------------------------------------------
    def read_things(self, node: Node, mistakes: list[Mistake]) -> list[Thing]:
        """Return the things of a kind in one file."""
        if self.is_list:
            if not isinstance(node.value, list):
                mistakes.append(Mistake(node.place, (f"“{self.kind}” must be a list.")))
                return []
            return [self._read_listed(item, mistakes) for item in node.value]
        if not isinstance(node.value, dict):
            mistakes.append(Mistake(node.place, (f"“{self.kind}” must have names with members.")))
            return []
        things = []
        for name, item in node.value.items():
            thing = Thing(self, name, {}, item.place)
            column = next(iter(self.key_columns.columns.values()))
            column.read(Node(name, item.place, name), mistakes)
            if name != name.strip():
                mistakes.append(Mistake(item.place, (f"Remove the blanks around the name “{name}”.")))
            things.append(self._read_body(thing, item, mistakes))
        return things

    def _read_listed(self, node: Node, mistakes: list[Mistake]) -> Thing:
        thing = Thing(self, {}, {}, node.place)
        reading = Reading(thing, mistakes)
        key = self.key_columns.read(node, reading, (), [*self.columns, *self.parts])
        thing.name = {name: value for name, value in key.items() if value not in (None, "")}
        return self._read_body(thing, node, mistakes, self.key_columns.columns)

    def _read_body(self, thing: Thing, node: Node, mistakes: list[Mistake], others: Iterable[str] = ()) -> Thing:
        reading = Reading(thing, mistakes)
        thing.body = self.read(node, reading, (), [*others, *self.parts])
        members = node.value if isinstance(node.value, dict) else {}
        for name, part in self.parts.items():
            if name in members:
                thing.places[(name,)] = members[name].place
                value = part.read_all(members[name], reading)
                if value not in (None, []):
                    thing.body[name] = value
        thing.absent = self.left_out - members.keys()
        return thing


@dataclass
class Reading:
    """The reading of one thing: mistakes are added to the list."""

    thing: Thing
    mistakes: list[Mistake]
    items: dict[tuple[Any, ...], dict[Any, Place]] = field(default_factory=dict)

    def add(self, place: Place, reason: str) -> None:
        self.mistakes.append(Mistake(place, reason))

    def members(self, node: Node, known: Iterable[str]) -> Mapping[str, Node]:
        if not isinstance(node.value, dict):
            if node.value is not None:
                self.add(node.place, ("Enter members, one a line, such as “name: Finance”."))
            return {}
        known = list(known)
        for name, value in node.value.items():
            if name not in known:
                text = f"“{name}” is not known here."
                self.add(value.place, text + near(name, known))
        return node.value

    def places_of_item(self, path: tuple[Any, ...], item: Node) -> None:
        """Note the places of an item of a list, which is sorted meanwhile."""
        self.thing.places[path] = item.place
        for name, node in item.value.items() if isinstance(item.value, dict) else ():
            self.thing.places[(*path, name)] = node.place


@cache
def tables() -> Mapping[str, Table]:
    """Return the kinds by their names, each behind those to which it refers."""
    return {each.kind: Table(each) for each in features.added(ConfigTable)}


def references(table: Table, body: Body) -> Iterator[tuple[tuple[Any, ...], type[models.Model], Any]]:
    """Yield the path, model and name of each row that a body names."""
    yield from _references(table.columns, body, ())
    for name, part in table.parts.items():
        for index, row in enumerate(part.bodies_of(body.get(name))):
            yield from _references(part.columns, row, (name,) if part.is_one else (name, index))


def _references(
    columns: Mapping[str, Column], body: Body, path: tuple[Any, ...]
) -> Iterator[tuple[tuple[Any, ...], type[models.Model], Any]]:
    for name, column in columns.items():
        if isinstance(column, RowColumn | RefColumn):
            for model, named in column.names_in(body.get(name), body):
                yield (*path, name), model, named
