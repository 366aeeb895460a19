"""The project's command line: `manage.py` in a checkout, `wfpush` where the package is installed. `help` lists the
commands."""

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

gc.disable()  # until everything is loaded: looking for garbage meanwhile takes a quarter of the start

import django  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.core.management import execute_from_command_line  # noqa: E402
from django.db.utils import OperationalError  # noqa: E402

from wfpush.config import env, places  # noqa: E402
from wfpush.embedded.datafolder import DataFolderError  # noqa: E402
from wfpush.embedded.servers import EmbeddedError  # noqa: E402
from wfpush.management import starting  # noqa: E402
from wfpush.net.ports import PortTaken  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command. `arguments`: the program's name and its arguments; by default, those of this process."""
    program, *words = arguments or sys.argv
    name = "wfpush" if program == __file__ else Path(program).name
    command = words[0] if words else "help"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wfpush.settings")
    try:
        checks_files = words[:2] == ["config", "check"]
        needs_no_settings = checks_files or command in ("conformance", "help", "--help", "-h", "version", "--version")
        if needs_no_settings or {"--help", "-h"} & set(words[1:]) or words == ["vapid", "--new"]:
            env.stand_in(places.HOME)
        elif command == "up":
            starting.begin(places.HOME, words[1:])
        importlib.import_module("wfpush.settings")  # before Django does, which would hide what is wrong with them
        django.setup()
        gc.freeze()  # what is loaded stays, and is shared with forked processes
        gc.enable()
        execute_from_command_line([name, *words])
    except (ImproperlyConfigured, DataFolderError, EmbeddedError, PortTaken) as fault:
        sys.exit(f"{name} {command}: {fault}")
    except KeyboardInterrupt:
        sys.exit(130)
    except OperationalError as fault:
        if "--traceback" in words:
            raise
        sys.exit(f"{name} {command}: the database does not answer: {str(fault).strip()}")


if __name__ == "__main__":
    main()
