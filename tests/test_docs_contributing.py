"""What CONTRIBUTING.md, .editorconfig, the hooks of git and the workflows of CI say is so."""

import re
import subprocess
from configparser import ConfigParser
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from notifications.connectors import CONNECTORS
from tests.support.documentation import ROOT, blocks, code, read
from wfpush.embedded import datafolder

PAGE = "CONTRIBUTING.md"


# --- CONTRIBUTING.md ----------------------------------------------------------------------------------------------
def named_paths() -> list[str]:
    """What is written as a path of this repository; <channel> and the like stand for a file that is to be made."""
    words = [word.rstrip("/") for word in code(read(PAGE)) if "/" in word or word.endswith((".py", ".md", ".js"))]
    return [word for word in words if re.fullmatch(r"[\w./-]+", word) and not word.startswith("/tmp")]


def test_every_path_it_names_is_there() -> None:
    roots = [ROOT, ROOT / "notifications/channels", ROOT / "notifications/connectors", ROOT / "notifications/rotas"]
    missing = [path for path in named_paths() if not any((root / path).exists() for root in roots)]

    assert len(named_paths()) > 30
    assert missing == []


@pytest.mark.parametrize(
    ("name", "file"),
    re.findall(r"`([A-Z]\w+)`(?:[^`.]| of )*? in\s+`([\w/]+\.py)`", read(PAGE)),
)
def test_every_name_it_says_is_in_a_file_is_there(name: str, file: str) -> None:
    assert re.search(rf"^(class )?{name}\b", read(file), re.M)


def test_what_the_debugger_is_asked_for_is_there() -> None:
    (walk,) = blocks(PAGE, "pycon", "debugger")
    names = re.findall(r"(?:break |runcall\()pipeline\.(\w+)", walk)

    assert names == ["drain", "advance", "_reach_people"]
    assert all(callable(getattr(import_module("notifications.routing.pipeline"), name)) for name in names)


def test_the_tests_it_runs_are_there() -> None:
    for path in re.findall(r"pytest (tests/\S+)", read(PAGE)):
        assert (ROOT / path).exists(), path


# --- .editorconfig ------------------------------------------------------------------------------------------------
IGNORED = {line.strip("/\n") for line in read(".gitignore").splitlines()} | {".git"}


def text_files() -> list[Path]:
    """Everything that git would keep and that is text."""
    found: list[Path] = []
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            name = str(path.relative_to(ROOT))
            if any(fnmatch(path.name, each) or name == each for each in IGNORED) or path.is_symlink():
                continue
            if path.is_dir():
                folders += [] if datafolder.was_made(path) else [path]
            elif b"\0" not in path.read_bytes()[:8000] and path.suffix != ".mo":
                found.append(path)
    return found


def rules() -> dict[str, dict[str, str]]:
    parser = ConfigParser()
    parser.read_string("[root]\n" + read(".editorconfig"))
    return {pattern: dict(parser[pattern]) for pattern in parser.sections() if pattern != "root"}


def rules_for(path: Path) -> dict[str, str]:
    """As https://spec.editorconfig.org has it: later sections win, a pattern without a slash means the name."""
    found: dict[str, str] = {}
    for pattern, wanted in rules().items():
        name = str(path.relative_to(ROOT)) if "/" in pattern else path.name
        if fnmatch(name, pattern):
            found |= wanted
    return found


def faults(path: Path) -> list[str]:
    content, wanted = path.read_bytes(), rules_for(path)
    found = []
    if b"\r" in content and wanted["end_of_line"] == "lf":
        found.append("has line ends of Windows")
    if wanted["insert_final_newline"] == "true" and content and not content.endswith(b"\n"):
        found.append("does not end with a line end")
    if wanted["trim_trailing_whitespace"] == "true" and re.search(rb"[ \t]$", content, re.M):
        found.append("has a line that ends with a space")
    if wanted["indent_style"] == "space" and re.search(rb"^ *\t", content, re.M):
        found.append("is indented with tabs")
    try:
        longest = max(map(len, content.decode(wanted["charset"]).split("\n")))
    except UnicodeDecodeError:
        found.append("is not UTF-8")
    else:
        if path.suffix != ".py" and longest > int(wanted.get("max_line_length", longest)):  # ruff looks at Python
            found.append(f"has a line of {longest} characters")
    return found


def test_every_file_is_as_editors_are_told() -> None:
    wrong = {str(path.relative_to(ROOT)): found for path in text_files() if (found := faults(path))}

    assert len(text_files()) > 500
    assert wrong == {}


def test_editors_and_ruff_agree_on_the_length_of_lines() -> None:
    assert f"line-length = {rules()['*.py']['max_line_length']}\n" in read("pyproject.toml")


# --- git's hooks --------------------------------------------------------------------------------------------------
def hooks() -> list[dict[str, Any]]:
    (local,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert local["repo"] == "local", "others are fetched from the net"
    found: list[dict[str, Any]] = local["hooks"]
    return found


def test_git_runs_what_make_lint_checks() -> None:
    recipe = re.search(r"^static: .*\n((?:\t.*\n)+)", read("Makefile"), re.M)
    assert recipe
    for hook in hooks():
        assert hook["language"] == "system"
        if hook["stages"] == ["pre-push"]:
            assert hook["entry"] == "make lint"
        else:
            command = re.sub(r" --force-exclude$", "", hook["entry"]).replace(".venv/bin/python", "$(PY)")
            assert f"\t{command} .\n" in recipe[1]
    assert [hook["stages"] for hook in hooks()] == [["pre-commit"], ["pre-commit"], ["pre-push"]]


# --- forms of issues ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("form", "without"), [("bug", ["none, or unknown"]), ("feature", [])])
def test_a_form_asks_for_the_kinds_of_engines_that_there_are(form: str, without: list[str]) -> None:
    fields = yaml.safe_load(read(f".github/ISSUE_TEMPLATE/{form}.yml"))["body"]
    (options,) = [field["attributes"]["options"] for field in fields if field.get("id") == "engine"]

    assert options == [*(str(connector.label) for connector in CONNECTORS.values()), *without]


# --- CI -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("workflow", "script"), [("ci", ".ci/run"), ("scheduled", ".ci/scheduled")])
def test_ci_runs_what_everybody_can_run(workflow: str, script: str) -> None:
    (job,) = yaml.safe_load(read(f".github/workflows/{workflow}.yml"))["jobs"].values()

    assert [step["run"] for step in job["steps"] if "run" in step] == [script]
    assert (ROOT / script).stat().st_mode & 0o111
    for step in job["steps"]:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step.get("uses", "a/b@" + "0" * 40)), "pinned by its commit"


def test_make_tries_what_it_would_do() -> None:
    """The recipes that people call by hand are read by make, with their variables."""
    for target, said in {
        "dev": "--under tools.restarting",
        "shell": "manage.py shell",
        "demo-event": "--port 9000",
    }.items():
        words = ["make", "--dry-run", target, "PORT=9000", "EVENT=task.updated"]
        done = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)
        assert said in done.stdout, target
