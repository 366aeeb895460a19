"""`manage.py config` as an operator uses it."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db.migrations.recorder import MigrationRecorder

from notifications.config_files.models import ConfigApply
from notifications.models import Route
from tests.support.story import Story

ROOT = Path(__file__).resolve().parents[3]
RULE = "rules:\n  Invoices:\n    event_types: [task.assigned]\n    category: approvals\n    template: task\n"


def run(*arguments: str) -> tuple[int, str]:
    """Return the exit code and the output."""
    out = StringIO()
    try:
        call_command("config", *arguments, stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    except CommandError as fault:
        return 1, str(fault)
    return 0, out.getvalue()


@pytest.mark.django_db
def test_a_folder_is_exported_planned_applied_and_undone(tmp_path: Path, story: Story) -> None:
    assert run("export", str(tmp_path))[0] == 0
    assert run("check", str(tmp_path))[1].startswith("No mistakes in ")
    assert run("plan", str(tmp_path))[0] == 0

    (tmp_path / "rules" / "invoices.yaml").write_text(RULE)
    code, text = run("plan", str(tmp_path))
    assert (code, text.splitlines()[0]) == (2, "Rule “Invoices” is new:")
    digest = text.split()[-1]

    code, text = run("apply", str(tmp_path), "--plan", digest)
    assert code == 0
    assert "1 new, 0 changed, 0 removed." in text
    assert Route.objects.filter(name="Invoices").exists()
    assert ConfigApply.objects.get().source == str(tmp_path)

    assert run("apply", str(tmp_path))[1].strip() == "Nothing to change."
    assert run("undo")[0] == 0
    assert not Route.objects.filter(name="Invoices").exists()


@pytest.mark.django_db
def test_an_export_is_the_same_each_time(tmp_path: Path, story: Story) -> None:
    run("export", str(tmp_path / "a"))
    run("export", str(tmp_path / "b"))

    texts = [{path.name: path.read_text() for path in (tmp_path / name).rglob("*.yaml")} for name in "ab"]
    assert texts[0] == texts[1]


@pytest.mark.django_db
def test_mistakes_end_with_1_and_all_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(RULE.replace("approvals", "aprovals") + "    prio: 1\n")
    (tmp_path / "b.yaml").write_text("categories:\n  approvals: {}\n")
    code, text = run("check", str(tmp_path))

    assert code == 1
    assert text.splitlines() == [
        "a.yaml:4: category: there is no category “aprovals”. Did you mean “approvals”?",
        "a.yaml:6: “prio” is not known here. Did you mean “priority”?",
        "b.yaml:2: “name” is missing. Add it.",
        "3 mistakes. Nothing was changed.",
    ]
    code, text = run("plan", str(tmp_path), "--json")
    assert code == 1
    assert [(each["file"], each["line"]) for each in json.loads(text)["mistakes"]] == [("a.yaml", 6), ("b.yaml", 2)]


@pytest.mark.django_db
def test_a_plan_as_json_has_its_changes_and_its_digest(tmp_path: Path, story: Story) -> None:
    (tmp_path / "a.yaml").write_text(RULE)
    code, text = run("plan", str(tmp_path), "--json")
    planned = json.loads(text)

    assert code == 2
    assert [(each["kind"], each["name"], each["change"]) for each in planned["changes"]] == [
        ("rules", "Invoices", "add")
    ]
    assert planned["taken_over"] == [["rules", "Invoices", "a.yaml"]]
    assert len(planned["digest"]) == 64


@pytest.mark.django_db
def test_a_folder_is_compared_with_this_installation(tmp_path: Path, story: Story) -> None:
    run("export", str(tmp_path))
    assert run("compare", str(tmp_path)) == (0, "No differences.\n")

    Route.objects.filter(name="Tasks").update(priority=3)
    Route.objects.filter(name="Exceptions").delete()
    code, text = run("compare", str(tmp_path))
    assert code == 2
    assert text.splitlines() == [
        "Here → there:",
        "Rule “Exceptions” is new:",
        "  Position: 950",
        "  Stop here: yes",
        "  Event types: exception.raised",
        "  Template: exception-raised",
        "  Category: incidents",
        "  Target added:",
        "    Kind: the event's recipients",
        "  Target added:",
        "    Kind: the members of the event's teams",
        "Rule “Tasks” changes:",
        "  Position: 3 → 920",
        "1 new, 1 changed, 0 removed.",
    ]


@pytest.mark.ci
def test_files_are_checked_without_a_database(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(RULE)
    """It needs no settings either."""
    environment = {"PATH": os.environ["PATH"], "WFPUSH_DATA": str(tmp_path / "data")}
    checked = subprocess.run(
        [sys.executable, ROOT / "manage.py", "config", "check", tmp_path],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert checked.stdout == "No mistakes in 1 things.\n", checked.stderr


@pytest.mark.django_db
def test_after_an_upgrade_the_database_is_migrated_first(tmp_path: Path, story: Story) -> None:
    MigrationRecorder.Migration.objects.filter(app="config_files").delete()
    code, text = run("plan", str(tmp_path))

    assert code == 1
    assert "The database does not fit this version" in text
