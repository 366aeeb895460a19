"""`python -m tools.restarting NAME COMMAND…`: run a command of this Python, and again whenever its files are saved.

`make dev` puts it between `manage.py up` and each of its processes. A process that ends by itself, as after a
mistake in what was saved, starts again with the next save.
"""

import os
import shlex
import sys
from pathlib import Path

from watchfiles import DefaultFilter, run_process
from watchfiles.main import FileChange

from wfpush.processes import lifeline

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 4
"""For a process to end in; less than the 5 after which `manage.py up` kills its children."""
MAX_NAMES = 3

APPS = ("wfpush", "notifications", "escalations")
FOLDERS = {
    "web": (*APPS, "locale", "templates", "static"),
    "worker": (*APPS, "locale", "templates/email"),
    "demo": ("demo",),
}
"""The folders of which a process is made, by the name that `manage.py up` gives it."""
IGNORED_FOLDERS = (*DefaultFilter.ignore_dirs, "tests")
IGNORED_FILES = (*DefaultFilter.ignore_entity_patterns, r"\.po$")
ONLY_WEB_FILES = r"^(urls|web|server)\.py$"
ONLY_WEB_PARTS = (
    *("admin/", "admin.py", "api/", "api.py", "inbox/", "pages.py"),
    *("calendar_page.py", "case_messages.py", "forward_page.py", "item_panel.py", "tables.py", "unsubscribing.py"),
)
"""The parts of a Django app, such as a feature, that are for pages and the API; then modules of features that only
these use."""
ONLY_WEB_PATHS = [
    f"{file.parent}/{part}" for app in APPS for file in (ROOT / app).rglob("feature.py") for part in ONLY_WEB_PARTS
]


def file_filter(name: str) -> DefaultFilter:
    """The files in the folders of a process of which it is made. The worker does without pages and API."""
    if name == "worker":
        ignored_files, ignored_paths = (*IGNORED_FILES, ONLY_WEB_FILES), ONLY_WEB_PATHS
    else:
        ignored_files, ignored_paths = IGNORED_FILES, []
    return DefaultFilter(ignore_dirs=IGNORED_FOLDERS, ignore_entity_patterns=ignored_files, ignore_paths=ignored_paths)


def print_changes(changes: set[FileChange]) -> None:
    names = sorted(str(Path(path).relative_to(ROOT)) for _, path in changes)
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    print(f"Saved: {', '.join(names[:MAX_NAMES])}{more}. Starting again.", flush=True)


def main(name: str, command: list[str]) -> None:
    """Return when this process is told to stop, or the process that started it is dead."""
    lifeline.watch(Path(os.environ[lifeline.VARIABLE]), lifeline.stop_this_process)
    run_process(
        *(ROOT / folder for folder in FOLDERS[name]),
        target=shlex.join([sys.executable, *command]),
        target_type="command",
        watch_filter=file_filter(name),
        callback=print_changes,
        sigint_timeout=STOP_SECONDS,
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
