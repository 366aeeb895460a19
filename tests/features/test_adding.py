"""A feature is added as CONTRIBUTING.md says: a folder (tests/features/bells) and a line of the settings."""

import re
from pathlib import Path

import pytest
from django.db.migrations import CreateModel, Migration, RunPython
from django.db.migrations.loader import MigrationLoader

from notifications import roles
from notifications.additions import DeskList, Rights
from tests.features.running import ROOT, run
from tests.support.documentation import read, section
from wfpush import features

FOLDER = ROOT / "tests/features/bells"
GIVEN_WITH_THE_GROUPS = ("escalations", "0001_initial")
"""The migration whose tables get their rights when the core's migration makes the groups (`ensure_roles`)."""


@pytest.mark.long
@pytest.mark.processes
def test_what_it_adds_is_there(tmp_path: Path) -> None:
    run(tmp_path, "tests/features/added.py", WFPUSH_TESTS_SETTINGS="tests.features.settings")


def test_it_has_the_modules_and_adds_what_the_recipe_names() -> None:
    recipe = section("CONTRIBUTING.md", "Add a feature")
    named = set(re.findall(r"`(\w+\.py|migrations/0001_initial\.py)`", recipe)) - {"conftest.py", "roles.py"}
    assert {name for name in named if not (FOLDER / name).exists()} <= {"reasons.py"}
    added = set(re.findall(r"`([A-Z]\w+)`", recipe))
    assert {"FeatureTarget", "Pages", "MenuEntry", "DeskList", "ApiPaths", "Rights", "PersonalData"} <= added
    assert all(name in read("tests/features/bells/feature.py") for name in ("FeatureTarget", "Rights", "PersonalData"))


def test_the_recipe_of_a_page_names_what_its_example_has() -> None:
    recipe = section("CONTRIBUTING.md", "Add a page of the desk")
    example = re.search(r"`(\S+/)` is an example", recipe)
    assert example and (ROOT / example[1] / "admin/__init__.py").exists()
    for module, names in {
        "feature.py": ("DeskList", "Rights", "PersonalData"),
        "admin/replays.py": ("LedgerAdmin", "@admin.register"),
        "migrations/0001_initial.py": ("give_added_rights",),
    }.items():
        text = read(example[1] + module)
        assert all(name in recipe and name in text for name in names), module


def test_each_list_is_for_groups_that_get_their_rights_by_its_migration() -> None:
    rights = {label for each in features.added(Rights) for label in each.models}
    of_core = {f"{app}.{model}" for given in roles.CORE.values() for app, _verb, model in given()}
    lists = {each.model for each in features.added(DeskList)}
    assert lists <= rights | of_core, "Add `Rights` to the feature.py of the app."
    migrations = MigrationLoader(None).disk_migrations
    for label in rights:
        app, model = label.split(".")
        (creates,) = [each for each in migrations.values() if each.app_label == app and _creates(each, model)]
        if (app, creates.name) != GIVEN_WITH_THE_GROUPS:
            assert _gives_rights(creates), f"End the migration of {label} with `give_added_rights`."


def _creates(migration: Migration, model: str) -> bool:
    return any(isinstance(each, CreateModel) and each.name_lower == model for each in migration.operations)


def _gives_rights(migration: Migration) -> bool:
    codes = [each.code.__qualname__ for each in migration.operations if isinstance(each, RunPython)]
    return any(name.startswith("give_added_rights.") for name in codes)
