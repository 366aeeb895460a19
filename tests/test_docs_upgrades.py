"""What docs/operations and docs/architecture promise about upgrades, of every migration that is added."""

import inspect
import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently, ValidateConstraint
from django.db.migrations import Migration, RunPython, RunSQL, SeparateDatabaseAndState
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    AlterModelTable,
    AlterUniqueTogether,
    DeleteModel,
    RemoveField,
    RemoveIndex,
    RenameField,
    RenameModel,
)
from django.db.migrations.operations.base import Operation
from django.db.models import (
    BaseConstraint,
    BooleanField,
    CharField,
    CheckConstraint,
    Index,
    IntegerField,
    ManyToManyField,
    Q,
    TextField,
    UniqueConstraint,
)
from django.db.models.fields import NOT_PROVIDED

from tests.support.documentation import read
from tests.support.releases import FIRST_BESIDE_THE_NEXT, FOLDER, hash_lists, migrations, released
from wfpush import VERSION
from wfpush.postgres import resumable, schema
from wfpush.postgres.required_release import RequireRelease, numbers

RELEASED = {path: digest for each in hash_lists() for path, digest in released(each).items()}


@pytest.mark.parametrize("hash_list", hash_lists(), ids=lambda each: each.stem)
def test_no_migration_of_a_release_is_ever_changed_or_removed(hash_list: Path) -> None:
    now = migrations()
    changed = [path for path, digest in released(hash_list).items() if now.get(path) != digest]

    assert changed == [], (
        "Databases have applied these as they were and will not apply them again: put them back"
        f" (git checkout them), and add a new migration. Released as in {hash_list.name}."
    )


def test_the_version_is_the_same_everywhere() -> None:
    assert f'\nversion = "{VERSION}"\n' in read("pyproject.toml")


def test_every_release_of_the_changelog_has_its_migrations_and_a_database_kept() -> None:
    numbers = re.findall(r"^## \[(\d[^\]]*)\]", read("CHANGELOG.md"), re.M)
    without = [number for number in numbers for kind in ("sha256", "sql.gz") if not kept(number, kind)]

    assert without == [], "Make them: python -m tests.support.release"


def kept(number: str, kind: str) -> bool:
    return (FOLDER / f"{number}.{kind}").is_file()


# --- what a migration may do while processes of former releases run -----------------------------------------------
LARGE = {"event", "delivery", "task", "notification", "callback", "response", "stepdone"}
"""Models of which an installation has millions of rows."""
LARGE_TABLES = {f"{app}_{model}" for app in ("notifications", "escalations") for model in LARGE}
RESUMED = (
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    RequireRelease,
    RunPython,
    RunSQL,
    SeparateDatabaseAndState,
    ValidateConstraint,
    resumable.AddConstraintNotValid,
    resumable.AddField,
)
"""Operations that can be interrupted between two of their statements and run again. What is in those of SQL and Python
is tried by tests/wfpush/postgres/test_interrupted_migrations.py."""
HELD_BY_ALL = {"event_is_due_until_processed", "callback_is_due_until_ended"}
"""Constraints that the rows of all releases satisfy: they write both columns together."""
BUILDS_INDEX = re.compile(r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)[^;]*? ON (\w+)", re.I)
TAKES_AWAY = re.compile(r"\b(DROP (TABLE|COLUMN|DEFAULT)|RENAME|SET NOT NULL|(SET DATA |COLUMN \S+ )TYPE)\b", re.I)


@dataclass(frozen=True)
class Release:
    version: str
    models: dict[tuple[str, str], dict[str, Any]]
    """The fields by name of each model, by app and name."""
    tables: schema.Columns

    def field(self, app: str, model: str, name: str) -> Any:
        return self.models.get((app, model.lower()), {}).get(name)


@cache
def releases() -> list[Release]:
    """What each release knows of the database: the state after its migrations. Development versions are left out."""
    loader = MigrationLoader(None)
    found = [read_release(loader, each) for each in hash_lists() if "." in each.stem]
    return sorted(found, key=lambda each: numbers(each.version))


def label_of(path: str) -> str:
    """Return the label of the app of a migration: a feature's is the name of its folder."""
    return Path(path).parts[-3]


def read_release(loader: MigrationLoader, hash_list: Path) -> Release:
    keys = [(label_of(path), Path(path).stem) for path in released(hash_list)]
    state = loader.project_state([key for key in keys if key in loader.graph.nodes])
    models = {key: dict(model.fields) for key, model in state.models.items()}
    return Release(hash_list.stem, models, schema.expected(state.apps))


def stops_older_processes(operation: Operation, app: str, old: Release) -> str | None:
    """Why a process of that release could not work on what this operation does or leaves."""
    model = getattr(operation, "model_name", None) or getattr(operation, "name", "")
    if isinstance(operation, SeparateDatabaseAndState):
        return next(
            filter(None, (stops_older_processes(each, app, old) for each in operation.database_operations)), None
        )
    if isinstance(operation, RunSQL | RunPython):
        return takes_away(source(operation), old)
    if isinstance(operation, RenameModel):
        model = operation.old_name
    if (app, model.lower()) not in old.models:
        return None
    if isinstance(operation, RenameField | RenameModel | AlterModelTable):
        return "renames what they read: add the new one, fill both, and remove the old one in a later release"
    if isinstance(operation, DeleteModel):
        return "takes away a table that they use"
    if isinstance(operation, RemoveField):
        return "takes away a column that they use" if old.field(app, model, operation.name) else None
    if isinstance(operation, AddField | AlterField):
        former = old.field(app, model, operation.name)
        return demands(operation.field, former) or locks_large(operation, former)
    if isinstance(operation, AddConstraint):
        return constrains(operation.constraint, old.models[app, model.lower()]) or locks_large(operation)
    if isinstance(operation, AlterUniqueTogether):
        return "refuses rows that they may write" if operation.option_value else None
    return locks_large(operation)


def locks_large(operation: Operation, former: Any = None) -> str | None:
    """Why the operation, which is not one of those that work concurrently, keeps writers of a large table waiting.
    `former`: the field that it alters."""
    model = getattr(operation, "model_name", "").lower()
    if model not in LARGE:
        return None
    if type(operation) in (AddIndex, RemoveIndex):
        name = type(operation).__name__
        return f"locks a large table: {name}Concurrently, in a migration with atomic = False"
    if type(operation) is AddConstraint:
        return "locks a large table while its rows are read: AddConstraintNotValid, and ValidateConstraint after it"
    if isinstance(operation, AddField | AlterField) and is_indexed(operation.field) and not is_indexed(former):
        return "locks a large table while an index is built: db_index=False, and AddIndexConcurrently after it"
    return None


def is_indexed(field: Any) -> bool:
    return field is not None and not field.many_to_many and bool(field.db_index or field.unique)


def demands(field: Any, former: Any) -> str | None:
    """What is wrong with a column for those who write it as it was; `former` is None if they do not know it. Django
    takes `default` out of the database again once the rows that are there have it."""
    if field.many_to_many:
        return None
    is_filled = field.null or field.db_default is not NOT_PROVIDED
    if former is None:
        return (
            None
            if is_filled
            else "makes a column that refuses rows without it: give it db_default beside default, or null=True"
        )
    if former.null and not field.null:
        return "makes a column refuse the nulls that they write"
    if field.unique and not former.unique:
        return "makes a column refuse values that they may write twice"
    if former.db_default is not NOT_PROVIDED and not is_filled:
        return "takes away the default of a column that they leave to the database"
    if (former.db_column, kind(former)) != (field.db_column, kind(field)):
        return "changes the type of a column that they use"
    if (former.max_length or 0) > (field.max_length or float("inf")):
        return "makes a column too short for what they write"
    return None


def kind(field: Any) -> str:
    """Its type in the database, without its length: text takes whatever a shorter column takes."""
    internal = str(field.get_internal_type())
    return {"TextField": "CharField", "OneToOneField": "ForeignKey"}.get(internal, internal)


def constrains(constraint: BaseConstraint, fields: dict[str, Any]) -> str | None:
    """A constraint of columns that they write may refuse what they write."""
    words = set(re.findall(r"\w+", str(constraint.deconstruct())))
    if constraint.name in HELD_BY_ALL:
        return None
    return "refuses rows that they may write" if words & fields.keys() - {"id", "name"} else None


def takes_away(sql: str, old: Release) -> str | None:
    """Whether SQL takes away a table or a column of the release, as far as its words tell."""
    words, drops_table = set(re.findall(r"\w+", sql)), "DROP TABLE" in sql.upper()
    concerned = [name for name, columns in old.tables.items() if name in words and (drops_table or columns & words)]
    built = {match[2] for match in BUILDS_INDEX.finditer(sql)} & old.tables.keys() & LARGE_TABLES
    if built:
        return f"locks {', '.join(sorted(built))}, a large table: AddIndexConcurrently"
    return f"changes {concerned[0]}, which they use" if concerned and TAKES_AWAY.search(sql) else None


def source(operation: RunSQL | RunPython) -> str:
    if isinstance(operation, RunPython):
        return inspect.getsource(inspect.getmodule(operation.code) or operation.code)
    return operation.sql if isinstance(operation.sql, str) else "; ".join(map(str, operation.sql))


def new_migrations() -> dict[str, Migration]:
    """Those that no release has, by their path."""
    paths = sorted(set(migrations()) - set(RELEASED))
    return {path: import_module(path.removesuffix(".py").replace("/", ".")).Migration for path in paths}


def required_by(migration: Any) -> str:
    """The release that a migration requires when it takes something away: `RequireRelease` among its operations."""
    return max(
        (each.version for each in migration.operations if isinstance(each, RequireRelease)),
        key=numbers,
        default="0.0.0",
    )


def test_no_new_migration_stops_a_process_that_may_still_run() -> None:
    stopped = [
        f"{path}: {operation.describe()}: to processes of {old.version}, it {why}; see docs/architecture, Migrations"
        for path, migration in new_migrations().items()
        for operation in migration.operations
        for old in releases()
        if numbers(old.version) >= numbers(required_by(migration))
        if (why := stops_older_processes(operation, label_of(path), old))
    ]

    assert stopped == []


def test_no_new_migration_requires_a_release_that_nobody_runs_yet() -> None:
    released_numbers = {"0.0.0", FIRST_BESIDE_THE_NEXT} | {each.version for each in releases()}
    too_new = [path for path, migration in new_migrations().items() if required_by(migration) not in released_numbers]

    assert too_new == [], "Web processes of the last release go on while this one is started."


def test_new_migrations_that_are_not_atomic_can_be_interrupted() -> None:
    found = [
        f"{path}: {operation.describe()}: put it into a migration of its own, which is atomic"
        for path, migration in new_migrations().items()
        if not migration.atomic
        for operation in migration.operations
        if not isinstance(operation, RESUMED)
    ]

    assert found == []
    unsafe = [path for path in new_migrations() if re.search(r"INDEX CONCURRENTLY (?!IF EXISTS)", read(path))]
    assert unsafe == [], (
        "Use AddIndexConcurrently or schema_editor.add_index: an interrupted build leaves an invalid index."
    )


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        (AddField("event", "owner", TextField(default="")), "makes a column that refuses"),
        (AddField("event", "owner", TextField(default="", db_default="")), None),
        (AddField("event", "owner", TextField(null=True)), None),
        (AddField("new", "owner", TextField(default="")), None),
        (AddField("task", "owners", ManyToManyField("notifications.Recipient")), None),
        (RemoveField("event", "error"), "takes away a column"),
        (RemoveField("event", "not_theirs"), None),
        (DeleteModel("Event"), "takes away a table"),
        (DeleteModel("New"), None),
        (AlterField("event", "processed_at", IntegerField(default=0)), "makes a column refuse the nulls"),
        (AlterField("event", "not_theirs", IntegerField(default=0)), "makes a column that refuses"),
        (AlterField("event", "type", CharField(max_length=100)), "makes a column too short"),
        (AlterField("event", "type", CharField(max_length=300)), None),
        (AlterField("event", "type", TextField()), None),
        (AlterField("event", "type", BooleanField()), "changes the type"),
        (AlterField("event", "type", CharField(max_length=200, db_column="kind")), "changes the type"),
        (AddConstraint("event", UniqueConstraint(fields=["subject"], name="a")), "refuses rows"),
        (AddConstraint("event", CheckConstraint(condition=Q(not_theirs=1), name="a")), "locks a large table"),
        (resumable.AddConstraintNotValid("event", CheckConstraint(condition=Q(not_theirs=1), name="a")), None),
        (AddConstraint("brand", CheckConstraint(condition=Q(not_theirs=1), name="a")), None),
        (RenameField("event", "type", "kind"), "renames what they read"),
        (RenameModel("Event", "Happening"), "renames what they read"),
        (AlterModelTable("event", "happening"), "renames what they read"),
        (AddIndex("event", Index(fields=["time"], name="a")), "locks a large table"),
        (RemoveIndex("event", "event_due"), "locks a large table"),
        (AddField("event", "owner", IntegerField(null=True, db_index=True)), "locks a large table"),
        (AddField("brand", "owner", IntegerField(null=True, db_index=True)), None),
        (AlterField("event", "type", CharField(max_length=200, unique=True)), "makes a column refuse values"),
        (AlterField("notification", "notice", CharField(max_length=300)), "takes away the default"),
        (AlterUniqueTogether("brand", {("name", "accent")}), "refuses rows"),
        (RunSQL("CREATE INDEX a ON notifications_event (time)"), "locks notifications_event"),
        (RunSQL("CREATE INDEX CONCURRENTLY IF NOT EXISTS a ON notifications_event (time)"), None),
        (AddIndexConcurrently("event", Index(fields=["time"], name="a")), None),
        (AddIndex("brand", Index(fields=["name"], name="a")), None),
        (RunSQL("ALTER TABLE notifications_event DROP COLUMN error"), "changes notifications_event"),
        (RunSQL(["ALTER TABLE notifications_event ALTER error SET NOT NULL"]), "changes notifications_event"),
        (RunSQL("ALTER TABLE notifications_event DROP COLUMN not_theirs"), None),
        (SeparateDatabaseAndState([DeleteModel("Event")], []), "takes away a table"),
        (SeparateDatabaseAndState([], [DeleteModel("Event")]), None),
    ],
)
def test_what_would_stop_them_is_recognised(operation: Operation, why: str | None) -> None:
    reason = stops_older_processes(operation, "notifications", releases()[-1])

    assert (reason or "").startswith(why or "") and (reason is None) is (why is None), reason


def test_a_column_may_be_dropped_once_no_release_that_may_run_reads_it() -> None:
    """`state_before` is in the database for 0.2.0 alone."""
    drop = RunSQL("ALTER TABLE notifications_task DROP COLUMN state_before")
    stopped = [each.version for each in releases() if stops_older_processes(drop, "notifications", each)]

    assert stopped == ["0.2.0"]
