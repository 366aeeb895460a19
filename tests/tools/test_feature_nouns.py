"""A feature's nouns stay in its folder: few files elsewhere name it."""

import pytest

from tools import feature_nouns
from tools.feature_nouns import ROOT

MAX_FILES, MAX_FOLDERS = 6, 4
FOLDERS = feature_nouns.feature_folders()
CUSTOMERS = FOLDERS["customers"]


@pytest.fixture(scope="module")
def files() -> dict[feature_nouns.Path, set[str]]:
    return feature_nouns.product_files()


@pytest.mark.parametrize("name", FOLDERS)
def test_few_files_elsewhere_name_a_feature(files: dict[feature_nouns.Path, set[str]], name: str) -> None:
    outside = feature_nouns.outside(files, FOLDERS[name])

    assert len(outside) <= MAX_FILES, outside
    assert len({path.parent for path in outside}) <= MAX_FOLDERS, outside


def test_its_models_are_its_nouns_and_its_own_files_are_not_outside() -> None:
    files = {ROOT / "wfpush" / f"{word}.py": {word} for word in ("journey", "Journey", "customers", "customer")}
    files[CUSTOMERS / "pages.py"] = {"customers"}

    assert [path.stem for path in feature_nouns.outside(files, CUSTOMERS)] == ["journey", "Journey", "customers"]


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        ("a.py", '"""Of rotas."""\nduty = url("swaps:list", "All rotas")  # rotas', {"duty", "url", "swaps", "list"}),
        ("a.html", '{# rotas #}<p class="duty">{% translate "Words of rotas" %}</p>', {"p", "class", "duty"}),
        ("a.js", 'import("./rotas.js"); // duty', {"import", "rotas", "js"}),
    ],
)  # fmt: skip
def test_comments_and_texts_for_people_do_not_count(
    tmp_path: feature_nouns.Path, name: str, source: str, words: set[str]
) -> None:
    (tmp_path / name).write_text(source, "utf-8")

    assert feature_nouns.words(tmp_path / name) - {""} == words
