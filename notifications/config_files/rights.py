"""What the account of an operator's key may read and change: no more than at the desk."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.contrib.auth import get_permission_codename
from django.utils.translation import override

from notifications.config_files.changes import Change
from notifications.config_files.kinds import Table, tables
from notifications.errors import NotAllowed

Right = tuple[str, Any]
"""A verb and a model."""

USE = "config_files.add_operatorkey"
DECIDE_FOR_ALL = "notifications.change_recipient"
"""The right of those whose rules need no second person (notifications/admin/rules/second_person.py)."""


def check_use(user: Any) -> None:
    """Raise NotAllowed for an account that may not use keys, or not see all that an export has."""
    if not user.has_perm(USE):
        raise NotAllowed("The account of this key may no longer make or use operators' keys.")
    _check(user, (("view", model) for table in tables().values() for model in _models_of(table)))


def check_changes(user: Any, changes: Sequence[Change], taken_over: Iterable[tuple[str, str]]) -> None:
    """Raise NotAllowed for an account that could not make the changes at the desk. `taken_over`: things that others can
    no longer change there."""
    if not user.has_perm(DECIDE_FOR_ALL):
        raise NotAllowed("The account of this key may not change people, so its rules would need a second person.")
    added = {change.thing.id for change in changes if change.before is None}
    fixed = {("change", tables()[kind].model) for kind, name in taken_over if (kind, name) not in added}
    _check(user, [*(right for change in changes for right in _rights_of(change)), *fixed])


def _rights_of(change: Change) -> Iterator[Right]:
    table = change.thing.table
    yield {"remove": "delete"}.get(change.verb, change.verb), table.model
    before, after = change.before or {}, change.after or {}
    members = {name.partition(".")[0] for name in change.secrets}
    parts = [part for name, part in table.parts.items() if before.get(name) != after.get(name) or name in members]
    for part in parts:
        yield ("add" if change.before is None else "change"), part.model
    if parts and table.versions is not None:
        yield "change", table.versions.model


def _models_of(table: Table) -> Iterator[Any]:
    yield table.model
    for part in table.parts.values():
        yield part.model


@override("en")
def _check(user: Any, needed: Iterable[Right]) -> None:
    missing = {
        f"{verb} {model._meta.verbose_name}"
        for verb, model in dict.fromkeys(needed)
        if not user.has_perm(f"{model._meta.app_label}.{get_permission_codename(verb, model._meta)}")
    }
    if missing:
        names = ", ".join(sorted(missing)[:5])
        raise NotAllowed(f"The account of this key lacks permissions: {names}. Nothing was changed.")
