"""The pages' scripts as one file, `static('wfpush/pages.js')`.

They are ES modules in static/wfpush/, which browsers would load one by one: twenty requests for a page, and again when
the service worker keeps them. Here each becomes a function that makes its exports when something first needs them; what
is loaded after a press (`import("./keys.js")`) is in the file, too. Comments are left out, a fifth of what would be
sent: those that have lines of their own, and those after two spaces. There is no build step: the file is made when web
starts, and with DEBUG for every request.
"""

import hashlib
import re
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

from wfpush.web.made_files import made_file

FOLDER = settings.BASE_DIR / "static" / "wfpush"
NAME = "pages.js"
PATH = f"wfpush/{NAME}"
"""What `static` is asked for."""
ENTRIES = ("customer.js", "devices.js", "inbox.js", "settings.js", "several.js", "signout.js", "told_later.js")
"""Modules that pages begin with. A page says which: `<script data-modules="signout inbox">`."""

NAMED = re.compile(r'^import \{([^}]+)\} from "\./([\w-]+\.js)";$', re.MULTILINE)
WHOLE = re.compile(r'^import \* as (\w+) from "\./([\w-]+\.js)";$', re.MULTILINE)
LATER = re.compile(r'\bimport\("\./([\w-]+\.js)"\)')
EXPORT = re.compile(r"^export (?=(?:const|function|async function) (?:\{([\w, ]+)\}|(\w+)))", re.MULTILINE)
COMMENT = re.compile(r"^[ \t]*(?://.*|/\*\*(?:[^*]|\*(?!/))*\*/)[ \t]*\n", re.MULTILINE)
REMARK = re.compile(r" {2,}// .*$", re.MULTILINE)
"""At the end of a line: no string and no pattern of the modules has that."""
STATEMENT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)

HEAD = """const loadedModules = {};
const loadModule = (name) => loadedModules[name] ??= pageModules[name]();
const loadModuleLater = async (name) => loadModule(name);
const pageModules = {
"""
TAIL = """};
const begun = document.querySelector("script[data-modules]").dataset.modules.split(" ");
for (const name of begun) pageModules[`${name}.js`]();
"""


class NotAModule(ValueError):
    """A module says something that this does not read."""


def assembled() -> str:
    """The script. Raises NotAModule, with its name and line, for what is written in another way than the modules
    are."""
    code = {path.name: path.read_text("utf-8") for path in reachable()}
    return HEAD + "".join(f'"{name}": {_function(name, source)},\n' for name, source in code.items()) + TAIL


def reachable() -> list[Path]:
    """The modules of pages, and all that these import."""
    found: dict[str, Path] = {}
    due = list(ENTRIES)
    while due:
        name = due.pop()
        if name not in found:
            found[name] = FOLDER / name
            due += _needed_by(found[name].read_text("utf-8"))
    return [found[name] for name in sorted(found)]


def _needed_by(source: str) -> Iterator[str]:
    for pattern in (NAMED, WHOLE):
        yield from (match[2] for match in pattern.finditer(source))
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


def page_script() -> str:
    return assembled() if settings.DEBUG else _assembled_once()


_assembled_once = cache(assembled)


class PageScripts(BaseFinder):
    """For STATICFILES_FINDERS, so that it is served and collected as files are."""

    def check(self, **options: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **options: Any) -> Any:
        if path != PATH:
            return []
        return [str(_file())] if find_all else str(_file())

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, FileSystemStorage]]:
        yield PATH, _Made()


class _Made(FileSystemStorage):
    def path(self, name: str) -> str:
        return str(_file())


def _file() -> Path:
    """Where it is. Another version is another file: processes that still run with the last one go on with that."""
    content = page_script().encode()
    name = f"pages-{hashlib.sha256(content).hexdigest()[:32]}.js"
    try:
        return made_file(name, lambda: content)
    except OSError:
        return made_file(name, lambda: content, _elsewhere())


@cache
def _elsewhere() -> Path:
    """For a data folder that takes no files: a folder of this process that nobody else can write to."""
    return Path(tempfile.mkdtemp())
