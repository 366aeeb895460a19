"""Test modules that tell of a feature that is not installed (`FEATURES`): they import it, or something that does."""

import ast
from functools import cache
from pathlib import Path

from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]


def misnamed(found: set[str], names: set[str]) -> set[str]:
    """What a test has found and does not name; if all features are installed, also what it names in vain."""
    return found ^ names if settings.FEATURES == settings.FEATURE_PACKAGES else found - names


def tells_of_what_is_missing(path: Path) -> bool:
    missing = [package for name, package in settings.FEATURE_PACKAGES.items() if name not in settings.FEATURES]
    return bool(missing) and any(package in _reached(path) for package in missing)


@cache
def _reached(path: Path) -> frozenset[str]:
    """The packages of features that a module of the tests is of, or imports, by way of other modules, too."""
    found, known, left = set[str](), {path}, [path]
    while left:
        module = left.pop()
        name = ".".join(module.relative_to(ROOT).with_suffix("").parts)
        for imported in {name, *_imported(module)}:
            found |= {each for each in settings.FEATURE_PACKAGES.values() if f"{imported}.".startswith(f"{each}.")}
            if (file := _file(imported)) is not None and file not in known:
                known.add(file)
                left.append(file)
    return frozenset(found)


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
        elif isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
    return names


def _file(name: str) -> Path | None:
    """The source of a module of the tests."""
    if "tests" not in name.split("."):
        return None
    file = ROOT.joinpath(*name.split(".")).with_suffix(".py")
    return file if file.is_file() else None
