"""`python -m tools.feature_nouns`: the files outside a feature's folder that name it.

The nouns of a feature are its name and its models, as classes and in snake_case. In Python, identifiers and single
words in strings count; in templates, scripts and styles everything but comments and texts for people. Tests, migrations
and the settings' list of features do not count.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
PRODUCT = ("notifications", "escalations", "wfpush", "templates", "static")
SUFFIXES = {".py", ".html", ".js", ".css"}
OTHER_FOLDERS = {"tests", "migrations", "__pycache__"}
SETTINGS = ROOT / "wfpush" / "settings.py"

COMMENT = re.compile(
    r"/\*.*?\*/|(?<![:\w])//[^\n]*|\{#.*?#\}|\{% translate [^%]*%\}|\{% blocktranslate.*?\{% endblocktranslate %\}",
    re.DOTALL,
)
"""Comments, and texts for people, of templates, scripts and styles."""


def feature_folders() -> dict[str, Path]:
    """Return the folders of all features, by name."""
    paths = (path.parent for app in PRODUCT[:2] for path in (ROOT / app).glob("*/feature.py"))
    return {path.name: path for path in sorted(paths)}


def nouns(folder: Path) -> set[str]:
    """Return the nouns of the feature in this folder. Proxies name rows of the core, so they are left out."""
    models = folder / "models.py"
    tree = ast.parse(models.read_text("utf-8")) if models.exists() else ast.Module([], [])
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef) and "proxy = True" not in ast.unparse(node))
    names = {node.name for node in classes}
    return {folder.name, *names, *(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() for name in names)}


def words(path: Path) -> set[str]:
    """Return the words of a file that count."""
    source = path.read_text("utf-8")
    if path.suffix != ".py":
        return set(re.findall(r"\w+", COMMENT.sub(" ", source)))
    return {word for text in _names(ast.parse(source)) for word in re.findall(r"\w+", text)}


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            yield node.value if isinstance(node.value, str) and not re.search(r"\s", node.value) else ""
        yield from (
            value
            for _field, value in ast.iter_fields(node)
            if isinstance(value, str) and node.__class__ is not ast.Constant
        )


def outside(files: Mapping[Path, set[str]], folder: Path) -> list[Path]:
    """Return the files outside the folder that have a noun of its feature. `files`: the words of each file."""
    own = nouns(folder)
    return [path for path, names in files.items() if folder not in path.parents and own & names]


def product_files() -> dict[Path, set[str]]:
    """Return the words of each file of the product."""
    paths = (path for name in PRODUCT for path in sorted((ROOT / name).rglob("*")) if path.suffix in SUFFIXES)
    return {path: words(path) for path in paths if path != SETTINGS and not OTHER_FOLDERS & set(path.parts)}


def main() -> None:
    files = product_files()
    for name, folder in feature_folders().items():
        paths = outside(files, folder)
        print(f"{name}: {len(paths)} files in {len({path.parent for path in paths})} folders")
        for path in paths:
            print("   ", path.relative_to(ROOT))


if __name__ == "__main__":
    main()
