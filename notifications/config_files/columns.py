"""How a field of a model reads in files, by its type: values are those of JSON, and rows are named by their key.

A default is left out of files, except for values of a key.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from difflib import get_close_matches
from functools import cached_property
from itertools import islice
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models

from notifications.additions import ConfigName
from notifications.config_files.nodes import Mistake, Node
from notifications.feature_targets import RefField, feature_targets
from wfpush import features
from wfpush.crypto import EncryptedTextField

SECRET = "secret"  # the member that names a secret
SECRET_PREFIX = "CONFIG_SECRET_"
"""Prefix of environment variables that files can name: no file can read others."""


MAX_OPTIONS = 1_000
MAX_TEXT = 100
"""Options and characters that are compared for a proposal: it takes the square of their length."""


class Missing(Exception):
    """Raised for a name without a row."""

    def __init__(self, model: type[models.Model], name: Any) -> None:
        text = "There is no %(model)s “%(name)s”."
        super().__init__(text % {"model": model._meta.verbose_name, "name": title_of(name)})


def near(text: str, options: Any) -> str:
    """Return a sentence that proposes the nearest option; empty without one."""
    matches = get_close_matches(text[:MAX_TEXT], [str(each) for each in islice(options, MAX_OPTIONS)], n=1, cutoff=0.6)
    return " " + (f"Did you mean “{matches[0]}”?") if matches else ""


@dataclass(frozen=True)
class Naming:
    """How files name the rows of a model: by one value, or by several members if the others are not empty."""

    model: type[models.Model]
    key: tuple[str, ...]

    def of(self, row: Any) -> Any:
        values = {name: self._part(row, name) for name in self.key}
        rest = {name: value for name, value in values.items() if value not in (None, "")}
        first = self.key[0]
        return values[first] if set(rest) <= {first} else rest

    def _part(self, row: Any, name: str) -> Any:
        value = getattr(row, name)
        return naming(type(value)).of(value) if isinstance(value, models.Model) else value

    def find(self, name: Any) -> Any:
        """Return the row of this name. Raises Missing."""
        values = name if isinstance(name, dict) else {self.key[0]: name}
        lookups = {}
        for part in self.key:
            field: Any = self.model._meta.get_field(part)
            value = values.get(part)
            lookups[part] = naming(field.related_model).find(value) if field.is_relation and value else value
        row = self.model._default_manager.filter(**lookups).first()
        if row is None:
            raise Missing(self.model, name)
        return row

    def find_all(self, names: list[Any]) -> list[Any]:
        """Return the rows of these names. Raises Missing."""
        first, *others = self.key
        texts = [name for name in names if isinstance(name, str)]
        rows = self.model._default_manager.filter(**{f"{first}__in": texts}, **dict.fromkeys(others))
        by_name = {getattr(row, first): row for row in rows}
        return [by_name[name] if isinstance(name, str) and name in by_name else self.find(name) for name in names]

    def read(self, node: Node, mistakes: list[Mistake]) -> Any:
        """Return a name; None with a mistake."""
        if isinstance(node.value, dict) and len(self.key) > 1:
            unknown = [each for each in node.value if each not in self.key]
            if not unknown and all(isinstance(each.value, str | int) for each in node.value.values()):
                return {name: each.text for name, each in node.value.items()}
        elif node.value is not None and not isinstance(node.value, list | dict):
            return node.text
        text = "Enter the name of the %(model)s."
        mistakes.append(Mistake(node.place, text % {"model": self.model._meta.verbose_name}))
        return None


def title_of(name: Any) -> str:
    return " · ".join(str(each) for each in name.values()) if isinstance(name, dict) else str(name or "")


_NAMINGS: dict[type[models.Model], Naming] = {}


def naming(model: type[models.Model]) -> Naming:
    if not _NAMINGS:
        for each in features.added(ConfigName):
            named = apps.get_model(each.model)
            _NAMINGS[named] = Naming(named, tuple(each.key.split()))
    return _NAMINGS[model._meta.concrete_model or model]


class Column:
    """A field in files."""

    is_kept = False
    """Whether the stored value stays without the member."""
    is_always = False
    """Whether files have the member even if it is the default: it tells rows apart."""

    def __init__(self, field: Any) -> None:
        self.field = field
        self.name: str = field.name
        if callable(field.default) and field.default not in (dict, list):
            self.is_always = True  # the default differs between installations

    @property
    def label(self) -> Any:
        return self.field.verbose_name

    @cached_property
    def is_required(self) -> bool:
        return not (self.field.blank or self.field.null or self.field.has_default())

    @cached_property
    def default(self) -> Any:
        """The value of a file without the member."""
        if self.is_required:
            return None
        return self.plain_value(self.field.get_default())

    def is_left_out(self, value: Any) -> bool:
        """Return whether files leave out the member with this value."""
        if self.is_required or value != self.default:
            return False
        return not self.is_always or value in (None, "")

    # --- rows to files ------------------------------------------------------------------------------------------------
    def plain(self, row: Any) -> Any:
        return self.plain_value(self.field.value_from_object(row))

    def plain_value(self, value: Any) -> Any:
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, time):
            return value.isoformat("minutes" if not value.second else "auto")
        if isinstance(value, list) and isinstance(self.field, ArrayField):
            return [self.plain_value(each) for each in value]
        return value

    # --- files to rows ------------------------------------------------------------------------------------------------
    def read(self, node: Node, mistakes: list[Mistake]) -> Any:
        """Return the value of a node, as `plain` has it. Mistakes are added to the list."""
        try:
            value = self._typed(node)
            cleaned = self.field.clean(value, None)
            return self.plain_value(cleaned)
        except ValidationError as fault:
            for text in fault.messages:
                mistakes.append(Mistake(node.place, self._reason(text, node)))
        return None

    def _reason(self, text: str, node: Node) -> str:
        options = [str(value) for value, _label in self.field.flatchoices or ()]
        if options and node.text not in options:
            text = ("“{value}” is none of: {options}.").format(value=node.text, options=", ".join(options))
            text += near(node.text, options)
        return f"{self.name}: {text}"

    def _typed(self, node: Node) -> Any:
        field, value = self.field, node.value
        if isinstance(field, models.JSONField):
            return node.plain
        if isinstance(field, ArrayField):
            if not isinstance(value, list):
                raise ValidationError("Enter a list, such as [a, b].")
            return [_scalar_of(field.base_field, each) for each in value]
        return _scalar_of(field, node)

    def to_row(self, value: Any, row: Any) -> None:
        setattr(row, self.field.attname, self.field.to_python(value))


def _scalar_of(field: Any, node: Node) -> Any:
    value = node.value
    if value is None and field.null:
        return None
    if isinstance(value, list | dict) or value is None:
        raise ValidationError("Enter one value, not a list or mapping.")
    if isinstance(field, models.BooleanField):
        if not isinstance(value, bool):
            raise ValidationError("Enter true or false.")
        return value
    if isinstance(field, models.IntegerField):
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError("Enter a whole number.")
        return value
    return node.text


class RowColumn(Column):
    """A foreign key."""

    @cached_property
    def target(self) -> Naming:
        return naming(self.field.related_model)

    @cached_property
    def default(self) -> Any:
        return None

    def plain(self, row: Any) -> Any:
        value = getattr(row, self.name)
        return None if value is None else self.target.of(value)

    def read(self, node: Node, mistakes: list[Mistake]) -> Any:
        if node.value is None and self.field.null:
            return None
        return self.target.read(node, mistakes)

    def to_row(self, value: Any, row: Any) -> None:
        setattr(row, self.name, None if value is None else self.target.find(value))

    def names_in(self, value: Any, row: Mapping[str, Any]) -> list[tuple[type[models.Model], Any]]:
        """Return the models and names of the rows that a value names."""
        return [] if value is None else [(self.target.model, value)]


class RowsColumn(RowColumn):
    """A many-to-many field: names without an order. It is written after the row."""

    @cached_property
    def default(self) -> Any:
        return []

    def plain(self, row: Any) -> Any:
        return sorted((self.target.of(each) for each in getattr(row, self.name).all()), key=repr)

    def read(self, node: Node, mistakes: list[Mistake]) -> Any:
        if not isinstance(node.value, list):
            mistakes.append(Mistake(node.place, f"{self.name}: " + ("Enter a list, such as [a, b].")))
            return None
        names = [self.target.read(each, mistakes) for each in node.value]
        seen = set[str]()
        for item, name in zip(node.value, names, strict=True):
            if name is not None and repr(name) in seen:
                text = f"“{title_of(name)}” is there twice. Remove one of them."
                mistakes.append(Mistake(item.place, f"{self.name}: {text}"))
            seen.add(repr(name))
        return sorted(names, key=repr)

    def to_row(self, value: Any, row: Any) -> None:
        getattr(row, self.name).set(self.target.find_all(value))

    def names_in(self, value: Any, row: Mapping[str, Any]) -> list[tuple[type[models.Model], Any]]:
        return [(self.target.model, name) for name in value or ()]


class RefColumn(Column):
    """The row of a feature that a target names. Its kind says which model."""

    field: RefField

    def plain(self, row: Any) -> Any:
        value = getattr(row, self.name)
        target = feature_targets().get(getattr(row, self.field.kind_field))
        named = target.row(value) if target is not None and value else None
        return value if named is None else naming(type(named)).of(named)

    def read(self, node: Node, mistakes: list[Mistake]) -> Any:
        return node.text if isinstance(node.value, str | int) else super().read(node, mistakes)

    def to_row(self, value: Any, row: Any) -> None:
        target = feature_targets().get(getattr(row, self.field.kind_field))
        if value and target is not None:
            value = str(naming(apps.get_model(target.model)).find(value).pk)
        setattr(row, self.name, value)

    def names_in(self, value: Any, row: Mapping[str, Any]) -> list[tuple[type[models.Model], Any]]:
        target = feature_targets().get(row.get(self.field.kind_field, ""))
        return [(apps.get_model(target.model), value)] if target is not None and value else []


class SecretColumn(Column):
    """A secret. Files name the environment variable that has it. Without the member or the variable, the stored secret
    stays."""

    is_kept = True

    @cached_property
    def default(self) -> Any:
        return None

    def plain(self, row: Any) -> Any:
        return None

    def read(self, node: Node, mistakes: list[Mistake]) -> Any:
        name = node.value.get(SECRET) if isinstance(node.value, dict) and len(node.value) == 1 else None
        if name is None or not isinstance(name.value, str) or not re.fullmatch(r"\w+", name.value, re.ASCII):
            text = "Secrets are not in files. Name an environment variable, such as {secret: INVOICES}."
            mistakes.append(Mistake(node.place, f"{self.name}: {text}"))
            return None
        return {SECRET: name.value}


class PermissionsColumn(RowsColumn):
    """The permissions of a role: the label of a model, and what its members may do with its rows."""

    target = None  # type: ignore[assignment]  # permissions have no name of their own

    @cached_property
    def default(self) -> Any:
        return {}

    def plain(self, row: Any) -> Any:
        rows = row.permissions.values_list("content_type__app_label", "content_type__model", "codename")
        verbs: dict[str, list[str]] = {}
        for app, model, codename in sorted(rows):
            label, verb = _verb(app, model, codename)
            if verb in _verbs_of(label):  # others are of features that are not installed
                verbs.setdefault(label, []).append(verb)
        return {label: sorted(names) for label, names in verbs.items()}

    def read(self, node: Node, mistakes: list[Mistake]) -> Any:
        if not isinstance(node.value, dict):
            text = "Enter models with verbs, such as “notifications.route: [view, change]”."
            mistakes.append(Mistake(node.place, f"{self.name}: {text}"))
            return {}
        permissions = {}
        for label, verbs in node.value.items():
            known = _verbs_of(label)
            if not known:
                text = f"There is no model “{label}”."
                every = [model._meta.label_lower for model in apps.get_models()]
                mistakes.append(Mistake(verbs.place, f"{self.name}: {text}{near(label, every)}"))
            elif not isinstance(verbs.value, list):
                mistakes.append(Mistake(verbs.place, f"{self.name}: " + ("Enter a list, such as [a, b].")))
            else:
                permissions[label] = sorted(each.text for each in verbs.value)
                for each in verbs.value:
                    if each.text not in known:
                        text = "“%(value)s” is none of: %(options)s."
                        text %= {"value": each.text, "options": ", ".join(sorted(known))}
                        mistakes.append(Mistake(each.place, f"{self.name}: {text}{near(each.text, known)}"))
        return dict(sorted(permissions.items()))

    def to_row(self, value: Any, row: Any) -> None:
        permissions = []
        for each in row.permissions.select_related("content_type"):
            label, verb = _verb(each.content_type.app_label, each.content_type.model, each.codename)
            if verb not in _verbs_of(label):  # files cannot name it
                permissions.append(each)
        for label, verbs in value.items():
            app, _dot, model = label.partition(".")
            codenames = [verb if _is_whole(label, verb) else f"{verb}_{model}" for verb in verbs]
            of_model = Permission.objects.filter(content_type__app_label=app, content_type__model=model)
            rows = list(of_model.filter(codename__in=codenames))
            if len(rows) < len(codenames):
                raise Missing(Permission, label)
            permissions += rows
        row.permissions.set(permissions)

    def names_in(self, value: Any, row: Mapping[str, Any]) -> list[tuple[type[models.Model], Any]]:
        return []


def _verb(app: str, model: str, codename: str) -> tuple[str, str]:
    """Return the label of a permission's model, and the verb."""
    label = f"{app}.{model}"
    return label, codename if _is_whole(label, codename) else codename.removesuffix(f"_{model}")


def _verbs_of(label: str) -> set[str]:
    try:
        options = apps.get_model(label)._meta
    except (LookupError, ValueError):
        return set()
    return {*options.default_permissions, *(codename for codename, _label in options.permissions)} or {"view"}


def _is_whole(label: str, verb: str) -> bool:
    try:
        return verb in {codename for codename, _label in apps.get_model(label)._meta.permissions}
    except LookupError:
        return False


def column_of(model: type[models.Model], name: str) -> Column:
    field: Any = model._meta.get_field(name)
    if field.many_to_many:
        return (PermissionsColumn if field.related_model is Permission else RowsColumn)(field)
    if field.is_relation:
        return RowColumn(field)
    if isinstance(field, RefField):
        return RefColumn(field)
    if isinstance(field, EncryptedTextField):
        return SecretColumn(field)
    return Column(field)
