"""The pages' scripts as two files: `static('wfpush/pages.js')`, and `later.js` with what only some pages need.

They are ES modules in static/wfpush/, which browsers would load one by one: twenty requests for a page, and again when
the service worker keeps them. Here each becomes a function that makes its exports when something first needs them. The
second file has what is loaded after a press, or where a task has a form (`import("./forms.js")`). Comments are left
out, a fifth of what would be sent: those that have lines of their own, and those after two spaces. There is no build
step: the files are made when web starts, and with DEBUG for every request.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

from wfpush.web.made_files import made_file

FOLDER = settings.BASE_DIR / "static" / "wfpush"
NAME, LATER_NAME = "pages.js", "later.js"
PATHS = {f"wfpush/{name}": name for name in (NAME, LATER_NAME)}
"""What `static` is asked for."""
ENTRIES = ("customer.js", "devices.js", "inbox.js", "settings.js", "several.js", "signout.js", "told_later.js")
"""Modules that pages begin with. A page says which: `<script data-modules="signout inbox">`."""
SOON = ("keys.js",)
"""Small modules that are loaded later, but on most pages."""

NAMED = re.compile(r'^import \{([^}]+)\} from "\./([\w-]+\.js)";$', re.MULTILINE)
WHOLE = re.compile(r'^import \* as (\w+) from "\./([\w-]+\.js)";$', re.MULTILINE)
LATER = re.compile(r'\bimport\("\./([\w-]+\.js)"\)')
EXPORT = re.compile(r"^export (?=(?:const|function|async function) (?:\{([\w, ]+)\}|(\w+)))", re.MULTILINE)
COMMENT = re.compile(r"^[ \t]*(?://.*|/\*\*(?:[^*]|\*(?!/))*\*/)[ \t]*\n", re.MULTILINE)
REMARK = re.compile(r" {2,}// .*$", re.MULTILINE)
"""At the end of a line: no string and no pattern of the modules has that."""
STATEMENT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)

HEAD = """const OF = "{version}";
const loadedModules = {{}};
let later = null;
const loadModule = (name) => loadedModules[name] ??= pageModules[name]();
const loadModuleLater = async (name) => {{
  if (!(name in pageModules)) await (later ??= loadOthers().catch((fault) => {{
    later = null;
    throw fault;
  }}));
  return loadModule(name);
}};
async function loadOthers() {{
  const others = await import(document.querySelector("script[data-later]").dataset.later);
  if (others.OF !== OF) throw new Error("The server has another version of the scripts by now.");
  Object.assign(pageModules, others.modulesWith(loadModule, loadModuleLater));
}}
const pageModules = {{
"""
TAIL = """};
const begun = document.querySelector("script[data-modules]").dataset.modules.split(" ");
for (const name of begun) pageModules[`${name}.js`]();
"""
LATER_HEAD = """export const OF = "{version}";
export const modulesWith = (loadModule, loadModuleLater) => ({{
"""
LATER_TAIL = "});\n"


class NotAModule(ValueError):
    """A module says something that this does not read."""


def assembled() -> dict[str, str]:
    """The two scripts, by name. Raises NotAModule, with its name and line, for what is written in another way than the
    modules are."""
    first, others = reachable()
    code = {path.name: _function(path.name, path.read_text("utf-8")) for path in (*first, *others)}
    version = hashlib.sha256("".join(code.values()).encode()).hexdigest()[:16]

    def listed(paths: Sequence[Path]) -> str:
        return "".join(f'"{path.name}": {code[path.name]},\n' for path in paths)

    return {
        NAME: HEAD.format(version=version) + listed(first) + TAIL,
        LATER_NAME: LATER_HEAD.format(version=version) + listed(others) + LATER_TAIL,
    }


def reachable() -> tuple[list[Path], list[Path]]:
    """The modules of pages and all that these import, and those that only a press loads."""
    first = _closure([*ENTRIES, *SOON], _needed_by)
    every = _closure(ENTRIES, lambda source: (*_needed_by(source), *_needed_later(source)))
    return sorted(first), sorted(every - first)


def _closure(entries: Iterable[str], needed: Callable[[str], Iterable[str]]) -> set[Path]:
    found: set[Path] = set()
    due = [FOLDER / name for name in entries]
    while due:
        path = due.pop()
        if path not in found:
            found.add(path)
            due += [FOLDER / name for name in needed(path.read_text("utf-8"))]
    return found


def _needed_by(source: str) -> Iterator[str]:
    for pattern in (NAMED, WHOLE):
        yield from (match[2] for match in pattern.finditer(source))


def _needed_later(source: str) -> Iterator[str]:
    yield from (match[1] for match in LATER.finditer(source))


def _function(name: str, source: str) -> str:
    """An entry may wait for what it begins with (`await` at its top); others are there at once."""
    exports = ", ".join((match[1] or match[2]).strip() for match in EXPORT.finditer(source))
    body = NAMED.sub(lambda match: f'const {{{match[1].replace(" as ", ": ")}}} = loadModule("{match[2]}");', source)
    body = WHOLE.sub(r'const \1 = loadModule("\2");', body)
    body = REMARK.sub("", COMMENT.sub("", EXPORT.sub("", LATER.sub(r'loadModuleLater("\1")', body))))
    if unread := STATEMENT.search(body):
        raise NotAModule(f"{name}: {unread[0]!r} is no import or export that pages can be made of")
    waits = "async " if name in ENTRIES else ""
    return f"{waits}() => {{\n{body}return {{ {exports} }};\n}}"


def page_scripts() -> dict[str, str]:
    """By name."""
    return assembled() if settings.DEBUG else _assembled_once()


_assembled_once = cache(assembled)


class PageScripts(BaseFinder):
    """For STATICFILES_FINDERS, so that it is served and collected as files are."""

    def check(self, **options: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **options: Any) -> Any:
        if path not in PATHS:
            return []
        return [str(_file(PATHS[path]))] if find_all else str(_file(PATHS[path]))

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, FileSystemStorage]]:
        yield from ((path, _Made()) for path in PATHS)


class _Made(FileSystemStorage):
    def path(self, name: str) -> str:
        return str(_file(PATHS[name]))


def _file(script: str) -> Path:
    """Where it is. Another version is another file: processes that still run with the last one go on with that."""
    content = page_scripts()[script].encode()
    name = f"{script.removesuffix('.js')}-{hashlib.sha256(content).hexdigest()[:32]}.js"
    return made_file(name, lambda: content)
