"""The product's modules, and which of them each one names: by imports, and in strings that Django resolves later."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from django.apps import apps

from tests.support.documentation import ROOT

OURS = ["wfpush", "notifications", "escalations"]
SIGNALS = {"receiver", "Signal"}
MESSAGES = "wfpush.tasks."
"""Names of tasks for django-q2: messages to other processes, which stay the same (tests/test_lasting_names.py)."""
NAME = re.compile(rf"({'|'.join(OURS)})(\.\w+)+")


@dataclass(frozen=True)
class App:
    """A Django app: its package, and the names of its models in small letters."""

    package: str
    models: frozenset[str]

    def has(self, sign: str, word: str) -> bool:
        """Whether a label with this sign and word behind it is a name of the app: of a model or permission (`.`), of a
        page (`:`), of a table or a page of the desk (`_`)."""
        return sign != "_" or any(f"{word}_".startswith(f"{model}_") for model in self.models)


@cache
def our_apps() -> Mapping[str, App]:
    """By label."""
    configs = [config for config in apps.get_app_configs() if config.name.partition(".")[0] in OURS]
    return {
        config.label: App(
            config.name,
            frozenset(model._meta.model_name or "" for model in config.get_models(include_auto_created=True)),
        )
        for config in configs
    }


@cache
def _labelled() -> re.Pattern[str]:
    return re.compile(rf"(?<![\w./])({'|'.join(our_apps())})([.:_])(\w+)")


class Module:
    """One source file: its dotted name and what it imports."""

    def __init__(self, name: str, source: str, is_package: bool = False) -> None:
        self.name = name
        self.package = name if is_package else name.rpartition(".")[0]
        self.tree = ast.parse(source)

    def imported(self) -> Iterator[tuple[str, str]]:
        """(module, name taken from it or "") for every import, relative ones resolved, those for typing included."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, "") for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((self._absolute(node), alias.name) for alias in node.names)

    def named(self, known: Iterable[str]) -> Iterator[str]:
        """The modules that strings name by their own name, or by that of something in them; and the `models` of an app
        whose label they have, with a model, permission, table or page."""
        for text in self._strings():
            if text.startswith(MESSAGES):
                continue
            if NAME.fullmatch(text) and (module := _module_of(text, known)):
                yield module
                continue
            for label, sign, word in _labelled().findall(text):
                if our_apps()[label].has(sign, word):
                    yield from self._of_another(label)
        for label in self._labels():
            yield from self._of_another(label)

    def _of_another(self, label: str) -> Iterator[str]:
        """Models name each other by label within their room, too."""
        models = f"{our_apps()[label].package}.models"
        if room_of(models) != room_of(self.name):
            yield models

    def _strings(self) -> Iterator[str]:
        """All but those that only stand there, as docstrings do."""
        prose = {id(node.value) for node in ast.walk(self.tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                yield node.value

    def _labels(self) -> Iterator[str]:
        """Labels alone: the first argument of `get_model`, and every argument called `app` or `app_label`."""
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.Call):
                continue
            named = [
                each.value for each in node.keywords if (each.arg or "").rpartition("__")[2] in ("app", "app_label")
            ]
            first = node.args[:1] if isinstance(node.func, ast.Attribute) and node.func.attr == "get_model" else []
            for value in [*named, *first]:
                if isinstance(value, ast.Constant) and value.value in our_apps():
                    yield str(value.value)

    def _absolute(self, node: ast.ImportFrom) -> str:
        base = self.package.split(".")[: len(self.package.split(".")) - node.level + 1] if node.level else []
        return ".".join([*base, *([node.module] if node.module else [])])

    def imports_inside_functions(self) -> list[int]:
        """Line numbers."""
        functions = [node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        inner = [node for function in functions for node in ast.walk(function)]
        return sorted({node.lineno for node in inner if isinstance(node, ast.Import | ast.ImportFrom)})

    def signals(self) -> list[str]:
        return [
            f"{module}.{name}".rstrip(".")
            for module, name in self.imported()
            if module.rpartition(".")[2] == "signals" or name == "signals" or name in SIGNALS
        ]


def _module_of(name: str, known: Iterable[str]) -> str:
    """The module that is the beginning of a dotted name; empty if only the app is."""
    while name not in known:
        name = name.rpartition(".")[0]
    return name if "." in name else ""


def room_of(module: str) -> str:
    """`app.room`; the app itself for its own `__init__.py`."""
    return ".".join(module.split(".")[:2])


def modules(packages: list[str]) -> dict[str, Module]:
    found = {}
    for package in packages:
        for file in sorted((ROOT / package).rglob("*.py")):
            parts = list(file.relative_to(ROOT).with_suffix("").parts)
            if "migrations" in parts or (package in OURS and "tests" in parts):
                continue
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            found[name] = Module(name, file.read_text(encoding="utf-8"), is_package)
    return found
