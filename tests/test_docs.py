"""The documentation says what there is: settings, commands, links and pictures are compared."""

import ast
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import DjangoHelpFormatter

from tests.support.documentation import FENCED, PAGES, ROOT, code, first_words, name_of, read, rows, section

OURS = {"wfpush", "notifications", "escalations"}


# --- settings -------------------------------------------------------------------------------------
TYPES = {
    "text": "text",
    "token": "text",
    "flag": "yes or no",
    "integer": "whole number",
    "choice": "word",
    "words": "list",
    "features": "list",
    "hosts": "list",
    "sender": "text",
    "url": "address",
    "networks": "networks",
    "secret": "secret",
    "secrets": "secrets",
    "signing_keys": "keys",
    "contact": "contact",
}
"""How the page calls what each method of `Environment` reads."""


def read_settings() -> dict[str, tuple[str, str | None]]:
    """Name to type and default, as settings.py, env.py and the channels read them."""
    found: dict[str, tuple[str, str | None]] = {}
    of_channels = [str(file.relative_to(ROOT)) for file in ROOT.glob("notifications/channels/*/config.py")]
    for module in ("wfpush/settings.py", "wfpush/config/env.py", *of_channels):
        for call in (node for node in ast.walk(ast.parse(read(module))) if isinstance(node, ast.Call)):
            if not isinstance(call.func, ast.Attribute) or call.func.attr not in TYPES or not call.args:
                continue
            name = call.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str) and name.value.isupper():
                found.setdefault(name.value, (TYPES[call.func.attr], default_of(call)))
    return found


def default_of(call: ast.Call) -> str | None:
    """As the page writes it; None: there is none, or it is required."""
    default = next((keyword.value for keyword in call.keywords if keyword.arg == "default"), None)
    value = ast.literal_eval(default) if default is not None else None
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value) if value not in (None, "") else None


def documented_settings() -> dict[str, list[str]]:
    text = section("docs/settings.md", "Settings")
    return {name: cells for name, cells in first_words(text).items() if len(cells) == 3}


def test_every_setting_is_documented_with_its_type_and_default() -> None:
    documented = documented_settings()

    assert set(read_settings()) | {"WFPUSH_DATA"} == set(documented)
    for name, (kind, default) in read_settings().items():
        assert documented[name][0] == kind, name
        assert code(documented[name][1])[:1] == ([default] if default else []), name


def test_every_setting_of_the_demo_is_documented() -> None:
    table = first_words(section("docs/settings.md", "Settings"))
    documented = {name for name, cells in table.items() if len(cells) == 2}
    in_code = set(re.findall(r'environ, "([A-Z_]+)"', read("demo/config.py")))

    assert documented == in_code


def test_the_reason_of_every_setting_of_django_q2_is_documented() -> None:
    assert set(first_words(section("docs/architecture", "django-q2"))) - {"CLUSTER_WORKERS"} == set(settings.Q_CLUSTER)


# --- commands -------------------------------------------------------------------------------------
def our_commands() -> dict[str, Any]:
    found = {name: app for name, app in get_commands().items() if str(app).split(".")[0] in OURS}
    return {name: load_command_class(app, name) for name, app in found.items()}


def own_options(command: Any) -> set[str]:
    """Options that the command adds to Django's own."""
    parser = command.create_parser("manage.py", "command")
    assert issubclass(parser.formatter_class, DjangoHelpFormatter)
    late = DjangoHelpFormatter.show_last
    flags = {flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")}
    return flags - late - {"--help"}


def test_every_command_is_documented_with_its_options() -> None:
    headings = re.findall(r"^### (`manage\.py .+)$", read("docs/settings.md"), re.M)
    documented = {name: heading for heading in headings for name in re.findall(r"`manage\.py (\w+)", heading)}

    assert set(documented) == set(our_commands())
    for name, command in our_commands().items():
        text = section("docs/settings.md", documented[name])
        options = {option for row in rows(text) for option in re.findall(r"--[a-z-]+", row[0])}
        assert options == own_options(command), name


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_a_command_that_is_not_there(page: Path) -> None:
    named = re.findall(r"manage\.py ([a-z_]+)((?: --[a-z-]+)*)", page.read_text(encoding="utf-8"))

    for name, options in named:
        assert name in get_commands(), name
        if name in our_commands():
            assert set(options.split()) <= own_options(our_commands()[name]), name


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_module_that_a_page_runs_is_there(page: Path) -> None:
    for name in re.findall(r"python -m ([a-z_.]+)", page.read_text(encoding="utf-8")):
        assert find_spec(name), name


def test_make_has_the_targets_that_are_documented_and_no_others() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.M)) - {"lint test bench soak"}
    documented = {name.removeprefix("make ") for name in first_words(section("docs/settings.md", "Make"))}
    named = {name for page in PAGES for name in re.findall(r"`?\bmake ([a-z]+(?:-[a-z]+)*)`", page.read_text("utf-8"))}
    in_readme = set(re.findall(r"\bmake ([a-z-]+)[`\n]", read("README.md")))

    assert documented == targets
    assert named <= targets
    assert {"run", "test"} <= in_readme <= targets


# --- links and pictures ---------------------------------------------------------------------------
def anchors(page: Path) -> set[str]:
    """The anchors that headings get: small letters, hyphens for spaces, without other marks."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_leads_to_every_page_in_two_steps() -> None:
    pages = {ROOT / "README.md"}
    for _ in range(2):
        pages |= {
            (page.parent / link.partition("#")[0]).resolve() for page in pages & set(PAGES) for link in links(page)
        }

    assert [name_of(page) for page in PAGES if page not in pages] == []


def test_the_concepts_fit_a_short_page() -> None:
    terms = "engine event task case rule template recipient channel delivery answer step digest rota category brand"
    explained = re.findall(r"^\*\*(.+?)\*\*", read("docs/concepts.md"), re.M)

    assert len(read("docs/concepts.md").split()) <= 900
    assert {*terms.split(), "quiet hours", "sla policy"} <= {term.lower() for term in explained}


def test_every_picture_is_shown_and_small() -> None:
    shown = {(page.parent / link).resolve() for page in PAGES for link in links(page) if link.endswith(".png")}
    there = set((ROOT / "docs" / "images").iterdir())

    assert shown == there
    assert all(picture.stat().st_size < 150_000 for picture in there)
