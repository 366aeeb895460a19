"""A feature is added as CONTRIBUTING.md says: a folder (tests/features/bells) and a line of the settings."""

import re
from pathlib import Path

import pytest

from tests.features.running import ROOT, run
from tests.support.documentation import read, section

FOLDER = ROOT / "tests/features/bells"


@pytest.mark.ci
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
