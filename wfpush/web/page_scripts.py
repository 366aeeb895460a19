"""The pages' scripts as two files: `static('wfpush/pages.js')`, and `later.js` with modules for some pages only.

They are bundles of the ES modules in static/wfpush/, here and in features, which browsers would load one by one: twenty
requests for a page, and again when the service worker keeps them. The second file has the modules that are loaded after
a press, for single pages, or where a task has a form (`import("./forms.js")`). There is no build step: the files are
made when web starts, and with DEBUG for every request.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

from wfpush import features
from wfpush.web.javascript import LOADER, bundle, imported_modules, read_modules
from wfpush.web.static_files import made_file

IN_FEATURES = "static/wfpush"
FOLDER = settings.BASE_DIR / IN_FEATURES
NAME, LATER_NAME = "pages.js", "later.js"
PATHS = {f"wfpush/{name}": name for name in (NAME, LATER_NAME)}
"""Arguments of the template tag `static`, with the scripts' names."""
ENTRIES = ("inbox.js", "signout.js", "sign_out_pending.js")
"""Modules that pages begin with. A page names its own: `<script data-modules="inbox">`."""
LATER_ENTRIES = ("devices.js", "settings.js", "several.js")
"""Those of single pages, as the modules of features are: the pages work without them."""
SOON = ("keys.js", "push.js")
"""Small modules that are loaded later, but on most pages."""

PAGES_LOADER = """let others = null;
const loadOthers = () => others ??= import(document.querySelector("script[data-later]").dataset.later).then((later) => {
  if (later.OF !== OF) throw new Error("The server has another version of the scripts by now.");
  Object.assign(modules, later.modulesWith(loadModule, loadModuleLater));
}).catch((error) => {
  others = null;
  throw error;
});
const { modules: names } = document.querySelector("script[data-modules]").dataset;
for (const name of names.split(" ")) loadModuleLater(`${name}.js`);
"""


def folders() -> list[Path]:
    """Return the folders of the pages' files: that of the core, and those of features."""
    return [FOLDER, *features.folders(IN_FEATURES)]


def assembled() -> dict[str, str]:
    """Return the two scripts, by name. Raises UnsupportedSyntax."""
    of_features = (path.name for folder in features.folders(IN_FEATURES) for path in folder.glob("*.js"))
    modules = read_modules(folders(), [*ENTRIES, *LATER_ENTRIES, *of_features])
    first = imported_modules(modules, [*ENTRIES, *SOON])
    version = f'const OF = "{hashlib.sha256(bundle(modules).encode()).hexdigest()[:16]}";\n'
    pages = bundle({name: module for name, module in modules.items() if name in first})
    later = bundle({name: module for name, module in modules.items() if name not in first})
    return {
        NAME: f"{version}{LOADER}{pages};\n{PAGES_LOADER}",
        LATER_NAME: f"export {version}export const modulesWith = (loadModule, loadModuleLater) => ({later});\n",
    }


def page_scripts() -> dict[str, str]:
    """Return the two scripts by name, read again for each call with DEBUG."""
    return assembled() if settings.DEBUG else _assembled_once()


_assembled_once = cache(assembled)


class PageScripts(BaseFinder):
    """A finder for STATICFILES_FINDERS, so that the scripts are served and collected as files are."""

    def check(self, **options: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **options: Any) -> Any:
        if path not in PATHS:
            return []
        return [str(_file(PATHS[path]))] if find_all else str(_file(PATHS[path]))

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, FileSystemStorage]]:
        yield from ((path, _ScriptStorage()) for path in PATHS)


class _ScriptStorage(FileSystemStorage):
    def path(self, name: str) -> str:
        return str(_file(PATHS[name]))


def _file(script: str) -> Path:
    """Return the script's file. Another version is another file: processes with the last version go on with theirs."""
    content = page_scripts()[script].encode()
    name = f"{script.removesuffix('.js')}-{hashlib.sha256(content).hexdigest()[:32]}.js"
    return made_file(name, lambda: content)
