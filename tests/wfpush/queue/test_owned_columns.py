"""Nobody but the outbox writes the columns of due work, read from the sources themselves.

`due_at` is also a column of tasks, notifications and step runs: those are known by what stands before the name.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

from tests.support.documentation import ROOT
from wfpush.queue import outbox

LEASE = {"lease_until", "lease_token"}
OWNED = {"due_at", *LEASE}
WORK = {model.__name__ for model in apps.get_models() if issubclass(model, outbox.Work)}
TABLES = {model._meta.db_table for model in apps.get_models() if issubclass(model, outbox.Work)}

WRITE = {"update", "aupdate", "create", "acreate", "get_or_create", "update_or_create", "bulk_update", "setattr"}
READ = {"filter", "exclude", "Q", "get", "order_by", "alias", "annotate", "aggregate"}
WRITERS = [ROOT / "wfpush/queue/outbox.py", ROOT / "notifications/routing/entitlement_triggers.py"]
"""The outbox, and triggers that make work due."""
OF_OTHERS = {"task", "notification"}
"""Variables that hold rows with a `due_at` of their own."""
SET = re.compile(r"\bSET\b(.*?)(?:\bFROM unnest|\bWHERE\b|\bRETURNING\b|\Z)", re.S)
SET_IN_SQL = re.compile(rf"(?<![\w.])({'|'.join(OWNED)})\s*=")
INSERT = re.compile(r"INSERT INTO (\w+)\s*\(([^)]*)")


def sources() -> list[Path]:
    found = [path for app in ("wfpush", "notifications", "escalations") for path in (ROOT / app).rglob("*.py")]
    return [
        path
        for path in found
        if {"migrations", "tests"}.isdisjoint(path.relative_to(ROOT).parts) and path not in WRITERS
    ]


def writes(source: str) -> list[str]:
    """What it writes of the columns, as it stands there."""
    tree = ast.parse(source)
    found = {
        node.lineno: ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.expr | ast.stmt) and is_write(node)
    }
    return [f"{line}: {said[:100]}" for line, said in sorted(found.items())]


def is_write(node: ast.AST) -> bool:
    match node:
        case ast.Call():
            return writes_by_call(node)
        case ast.Dict():
            return any(writes_by_key(key, value) for key, value in zip(node.keys, node.values, strict=True))
        case ast.Assign() | ast.AugAssign() | ast.AnnAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            return any(is_owned_attribute(each) for target in targets for each in parts(target))
        case ast.Constant(value=str()) | ast.JoinedStr():
            return writes_by_sql(text_of(node))
    return False


def writes_by_call(node: ast.Call) -> bool:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    names = {each.arg for each in node.keywords} & OWNED
    if called in READ:
        return False
    if called in WRITE or called in WORK:
        given = {text_of(each) for argument in node.args for each in ast.walk(argument)}
        return bool(names or given & OWNED)
    saved = {text_of(each) for key in node.keywords if key.arg == "update_fields" for each in ast.walk(key.value)}
    return bool(names & LEASE or (saved & LEASE))


def writes_by_key(key: ast.expr | None, value: ast.expr) -> bool:
    """Other dictionaries with a `due_at` are JSON, or change a notification together with its task's deadline."""
    name = text_of(key)
    if name == "due_at":
        is_json = isinstance(value, ast.Constant) or (isinstance(value, ast.Call | ast.Name) and says_a_time(value))
        return not (is_json or (isinstance(value, ast.Attribute) and value.attr == "deadline"))
    return name in LEASE


def says_a_time(value: ast.Call | ast.Name) -> bool:
    return getattr(value.func if isinstance(value, ast.Call) else value, "id", "") in {"iso_utc", "_instant"}


def is_owned_attribute(target: ast.AST) -> bool:
    if not isinstance(target, ast.Attribute) or target.attr not in OWNED:
        return False
    return target.attr in LEASE or getattr(target.value, "id", "") not in OF_OTHERS


def parts(target: ast.expr) -> Iterator[ast.expr]:
    yield from target.elts if isinstance(target, ast.Tuple | ast.List) else [target]


def writes_by_sql(text: str) -> bool:
    changed = any(SET_IN_SQL.search(each) for each in SET.findall(text))
    return changed or any(
        table in TABLES and OWNED & set(re.findall(r"\w+", columns)) for table, columns in INSERT.findall(text)
    )


def text_of(node: ast.AST | None) -> str:
    """Of an f-string what stands in it, with a mark for each value."""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(each) if isinstance(each, ast.Constant) else "{…}" for each in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_nobody_else_writes_them() -> None:
    found = {str(path.relative_to(ROOT)): writes(path.read_text()) for path in sources()}

    assert {path: said for path, said in found.items() if said} == {}, "Call what wfpush/queue/outbox.py offers"


@pytest.mark.parametrize(
    "source",
    [
        "rows.update(due_at=now)",
        "rows.filter(pk=1).update(state='x', lease_token=None)",
        "Callback.objects.create(id=1, due_at=now)",
        "Farewell(device=1, due_at=now)",
        "clock.due_at = now",
        "clock.lease_token = clock.lease_until = None",
        "row.state, row.due_at = WAITING, now",
        "row.save(update_fields=['state', 'lease_token'])",
        "setattr(row, 'due_at', now)",
        "Event.objects.bulk_update(rows, ['due_at'])",
        "fields = {'turn': 1, 'due_at': None if turn else now}",
        "fields = {'lease_until': None}",
        "_END = '''UPDATE notifications_delivery d SET state = 'x', due_at = NULL WHERE id = 1'''",
        "_END = f'''UPDATE t SET lease_token = NULL, {more} FROM unnest(%s) AS said(id) WHERE t.id = said.id'''",
        "_NEW = '''INSERT INTO notifications_event (id, due_at) VALUES (1, now())'''",
    ],
)
def test_each_way_of_writing_them_is_found(source: str) -> None:
    assert writes(source)


@pytest.mark.parametrize(
    "source",
    [
        "rows.filter(lease_token=None, due_at__gt=now)",
        "rows.exclude(due_at=None)",
        "Q(lease_until=None, due_at=None)",
        "task.due_at = instant(said, 'due_at')",
        "shown = {'due_at': iso_utc(row.due_at)}",
        "run = StepRun(due_at=occurrence.at)",
        "_LOCK = '''SELECT id FROM notifications_delivery WHERE due_at IS NULL AND lease_token = 'x' FOR UPDATE'''",
        "_END = f'''UPDATE t SET {due} FROM unnest(%s) AS said(id) WHERE t.due_at = now()'''",
    ],
)
def test_reading_them_and_writing_others_is_not(source: str) -> None:
    assert writes(source) == []
