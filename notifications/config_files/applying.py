"""Plans and applies configuration: all or nothing, one at a time, and refused if something changed since the plan.

A plan is an application that is rolled back. So it finds all that applying would refuse, and its effects are real.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import override

from notifications.additions import ConfigEffects
from notifications.config_files import rights
from notifications.config_files.changes import Change, Owned, Owner, compare, lines_of
from notifications.config_files.columns import Missing, near, title_of
from notifications.config_files.documents import Documents, Things
from notifications.config_files.fixed import lifted
from notifications.config_files.kinds import Body, Thing, canonical, references, tables
from notifications.config_files.models import ConfigApply, OwnedThing
from notifications.config_files.nodes import FoundMistakes, Mistake, Mistakes, Place
from notifications.config_files.writing import Writer, secrets_to_set, unexpected
from wfpush import features

LOCK_SECONDS = 10
MAX_CHANGES = 500
"""Changes of one request. Each takes about 50 ms."""


class Refused(Exception):
    """Raised for what cannot be done now. The message says what to do."""


class Outdated(Refused):
    """Raised for a plan that has become another one."""


@dataclass(frozen=True)
class Operator:
    """Who plans and applies: an account of the machine, or by the API a user of the desk, with the rights of this."""

    name: str
    user: Any = None

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the variables with secrets. By the API nobody has those of the server: a file could send them away."""
        return os.environ if self.user is None else {}

    @property
    def patience(self) -> int:
        """Return the seconds to wait for other plans. Requests that wait would keep the web process from others."""
        return LOCK_SECONDS if self.user is None else 1


@dataclass
class Plan:
    """What applying would do. `taken_over`: things that files own from then on, with their file; `effects`: sentences
    about open tasks and people."""

    changes: list[Change]
    taken_over: Owned
    effects: list[str] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """Return a SHA-256 of all that would change. Applying is refused if it has become another one."""
        changes = [[*each.thing.id, each.before, each.after, each.secrets] for each in self.changes]
        return sha256(canonical([changes, sorted(self.taken_over)]).encode()).hexdigest()

    @property
    def sentences(self) -> list[str]:
        return [line for each in self.changes for line in (each.sentence, *lines_of(each.differences))]

    @property
    def summary(self) -> str:
        new, changed, removed = (
            sum(each.verb == verb for each in self.changes) for verb in ("add", "change", "remove")
        )
        return f"{new} new, {changed} changed, {removed} removed."

    @property
    def note(self) -> str:
        """Return a sentence about things that become read-only at the desk; empty for none."""
        count = len(self.taken_over)
        return f"{things(count)} become{'s' * (count == 1)} read-only at the desk." if count else ""

    def as_json(self) -> dict[str, Any]:
        return {
            "digest": self.digest,
            "changes": [each.as_json() for each in self.changes],
            "taken_over": [[*key, owner.file] for key, owner in sorted(self.taken_over.items())],
            "effects": self.effects,
        }


def things(count: int) -> str:
    return f"{count} thing{'s' * (count != 1)}"


# --- the stored configuration -----------------------------------------------------------------------------------------
def current() -> Things:
    return {thing.id: thing for table in tables().values() for thing in table.things()}


def owned() -> Owned:
    rows = OwnedThing.objects.all()
    return {(row.kind, row.name): Owner(row.file, tuple(row.left_out)) for row in rows if row.kind in tables()}


# --- planning ---------------------------------------------------------------------------------------------------------
def plan(documents: Documents, operator: Operator) -> Plan:
    """Return what applying would do. Raises Mistakes, or Refused if others change something at the same time."""
    with _refusing_others(), override("en"), lifted(), _rolled_back(operator):
        planned, present = _compare(documents, operator)
        effects = [import_string(each.effects)(timezone.now()) for each in features.added(ConfigEffects)]
        writer = _write(planned, present, Writer("plan", operator.user, operator.environment))
        rows = list(writer.rows.values())
        planned.effects = [text for effect in effects for text in effect.sentences(rows)] if planned.changes else []
    return planned


@contextmanager
def _rolled_back(operator: Operator) -> Iterator[None]:
    with transaction.atomic():
        _wait_for_others(operator)
        yield
        transaction.set_rollback(True)


def _compare(documents: Documents, operator: Operator) -> tuple[Plan, Things]:
    if documents.mistakes:
        raise Mistakes(documents.mistakes)
    present, owners = current(), owned()
    changes = compare(present, documents.things, owners)
    _check_names(documents.things, present, {each.thing.id for each in changes if each.after is None})
    _add_secrets(changes, documents.things, present, operator.environment)
    files = {key: Owner(each.place.file, tuple(sorted(each.absent))) for key, each in documents.things.items()}
    planned = Plan(changes, {key: owner for key, owner in files.items() if owners.get(key) != owner})
    if operator.user is not None:
        _check_request(planned, operator)
    return planned, present


def _check_request(planned: Plan, operator: Operator) -> None:
    """Raise Mistakes or NotAllowed for what a request may not do, or not in its time."""
    if len(planned.changes) > MAX_CHANGES:
        text = f"The API makes at most {MAX_CHANGES} changes at once. Apply these files on the machine."
        raise Mistakes([Mistake(Place(), text)])
    rights.check_changes(operator.user, planned.changes, planned.taken_over)


def _check_names(things: Things, present: Things, removed: set[tuple[str, str]]) -> None:
    """Raise Mistakes for names that are neither in files nor in the database. Names of other rows are looked up when
    they are written."""
    kinds = {table.model: table for table in tables().values()}
    names = (present.keys() | things.keys()) - removed
    mistakes = FoundMistakes()
    for thing in things.values():
        for path, model, name in references(thing.table, thing.body):
            table = kinds.get(model)
            if table is not None and (table.kind, name) not in names:
                text = "%(member)s: there is no %(model)s “%(name)s”."
                text %= {"member": path[-1], "model": table.label, "name": title_of(name)}
                options = [key for kind, key in names if kind == table.kind]
                mistakes.append(Mistake(thing.place_of(*path), text + near(title_of(name), options)))
    if mistakes:
        raise Mistakes(mistakes)


def _add_secrets(changes: list[Change], things: Things, present: Things, environment: Mapping[str, str]) -> None:
    """Add the secrets that differ from the environment's, to changes of their own if nothing else changes."""
    by_key = {each.thing.id: each for each in changes}
    for key, thing in things.items():
        if thing.secrets:
            row = thing.table.naming.find(thing.name) if key in present else None
            if names := secrets_to_set(thing, row, environment):
                change = by_key.get(key) or Change(thing, present[key].body, present[key].body)
                change.secrets = names
                if key not in by_key:
                    changes.append(change)


def _write(planned: Plan, present: Things, writer: Writer) -> Writer:
    """Write the changes, and check that nothing else has changed with them. Raises Mistakes."""
    writer.write(planned.changes)
    expected: dict[tuple[str, str], Body] = {key: thing.body for key, thing in present.items()}
    for change in planned.changes:
        expected.pop(change.thing.id, None)
        if change.after is not None:
            expected[change.thing.id] = change.after
    if planned.changes and (mistakes := unexpected(expected, current())):
        raise Mistakes(mistakes)
    return writer


# --- applying ---------------------------------------------------------------------------------------------------------
def apply(documents: Documents, operator: Operator, source: str, digest: str = "") -> tuple[Plan, ConfigApply | None]:
    """Apply files, and return what was done; None for an application without effect. Raises Mistakes, or Refused if
    the plan has another `digest` by now."""
    with _alone(operator):
        planned, present = _compare(documents, operator)
        if digest and planned.digest != digest:
            raise Outdated("Something has changed since the plan. Make the plan again, and read it.")
        return planned, _store(planned, present, operator, source)


def _store(
    planned: Plan, present: Things, operator: Operator, source: str, undoes: ConfigApply | None = None
) -> ConfigApply | None:
    if not planned.changes and not planned.taken_over:
        return None
    owners = owned()
    keys = sorted({*planned.taken_over, *(each.thing.id for each in planned.changes)})
    record = ConfigApply.objects.create(
        at=timezone.now(),
        by=operator.user,
        by_name=operator.name[:200],
        source=source[:500],
        sentences=[*planned.sentences, planned.note] if planned.note else planned.sentences,
        before=[[*each.thing.id, each.before] for each in planned.changes],
        after=[[*each.thing.id, each.after] for each in planned.changes],
        owned=[[*key, owners.get(key)] for key in keys],
        undoes=undoes,
    )
    reason = f"Files, no. {record.pk}, by {operator.name}"[:100]
    _write(planned, present, Writer(reason, operator.user, operator.environment))
    removed = {each.thing.id for each in planned.changes if each.after is None}
    _own({**planned.taken_over, **dict.fromkeys(removed)})
    return record


def _own(owners: Mapping[tuple[str, str], Owner | None]) -> None:
    """Store the owner of each thing; None: no file owns it."""
    for (kind, name), owner in owners.items():
        if owner is None:
            OwnedThing.objects.filter(kind=kind, name=name).delete()
        else:
            values = {"file": owner.file[:500], "left_out": list(owner.left_out)}
            OwnedThing.objects.update_or_create(kind=kind, name=name, defaults=values)


BUSY = {"55P03": "Somebody else is changing configuration now.", "40P01": "Somebody else changed it at the same time."}
"""Sentences by SQLSTATE (PostgreSQL, Appendix A): a lock that is not free, a deadlock."""


@contextmanager
def _refusing_others() -> Iterator[None]:
    """Raise Refused for what cannot be done because of others at the same time."""
    try:
        yield
    except Missing as fault:
        raise Refused(f"Something was removed meanwhile: {fault} Try again.") from fault
    except OperationalError as fault:
        sentence = BUSY.get(getattr(fault.__cause__, "sqlstate", None) or "")
        if sentence is None:
            raise
        raise Refused(f"{sentence} Nothing was applied: try again in a minute.") from fault


@contextmanager
def _alone(operator: Operator) -> Iterator[None]:
    """A transaction in which nobody else changes configuration. Raises Refused if others take too long."""
    models = [model for table in tables().values() for model in _models_of(table)]
    names = ", ".join(sorted({connection.ops.quote_name(model._meta.db_table) for model in models}))
    with _refusing_others(), override("en"), lifted(), transaction.atomic():
        _wait_for_others(operator)
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")
        yield


def _wait_for_others(operator: Operator) -> None:
    """Let one plan or application run at a time. Locks of tables and rows are waited for LOCK_SECONDS."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{operator.patience}s"])
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('wfpush config files', 0))")
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_SECONDS}s"])


def _models_of(table: Any) -> Iterator[Any]:
    yield table.model
    for part in table.parts.values():
        yield part.model
    for column in table.columns.values():
        if column.field.many_to_many:
            yield getattr(table.model, column.name).through


# --- undoing ----------------------------------------------------------------------------------------------------------
def undo(operator: Operator) -> ConfigApply:
    """Undo the last application, its secrets excepted. Raises Refused if something that it changed is different now."""
    with _alone(operator):
        last = ConfigApply.objects.order_by("-pk").first()
        if last is None or last.undoes_id is not None:
            raise Refused("There is nothing to undo: nothing was applied since the last undo.")
        present = current()
        changes, different = [], []
        for (kind, name, before), (_kind, _name, after) in zip(last.before, last.after, strict=True):
            now = present[kind, name].body if (kind, name) in present else None
            if not _is_as_applied(before, after, now):
                different.append(f"{kind} “{name}”")
            elif before != after:
                thing = Thing(tables()[kind], name_of(kind, name), {})  # without secrets: they stay as they are
                changes.append(Change(thing, now, _body_before(before, after, now)))
        if different:
            text = "This has changed since then: %(names)s. Correct the files, and apply them."
            raise Refused(text % {"names": ", ".join(different[:5])})
        owners = {(kind, name): Owner(*owner) if owner else None for kind, name, owner in last.owned}
        plan = Plan(changes, {key: owner or Owner("") for key, owner in owners.items()})
        record = _store(plan, present, operator, "undo", last)
        assert record is not None  # it has changes, or things that were taken over
        _own(owners)
        return record


def _changed(before: Body, after: Body) -> set[str]:
    return {name for name in before | after if before.get(name) != after.get(name)}


def _is_as_applied(before: Body | None, after: Body | None, now: Body | None) -> bool:
    """Return whether the members that were changed are still as they were applied."""
    if before is None or after is None or now is None:
        return now == after
    return all(now.get(name) == after.get(name) for name in _changed(before, after))


def _body_before(before: Body | None, after: Body | None, now: Body | None) -> Body | None:
    """Return the present body with the former values of the members that were changed."""
    if before is None or after is None or now is None:
        return before
    changed = _changed(before, after)
    kept = {name: value for name, value in now.items() if name not in changed}
    return kept | {name: before[name] for name in changed if name in before}


def name_of(kind: str, key: str) -> Any:
    """Return the name of a thing from its text (`Thing.id`)."""
    return json.loads(key) if tables()[kind].is_list else key


# --- releasing --------------------------------------------------------------------------------------------------------
def release(kind: str, name: str) -> None:
    """Let the desk change a thing that files own, until it is applied again. Raises Refused."""
    if not OwnedThing.objects.filter(kind=kind, name=name).delete()[0]:
        text = "No file owns %(kind)s “%(name)s”. See the list “Things in files” at the desk."
        raise Refused(text % {"kind": kind, "name": name})
