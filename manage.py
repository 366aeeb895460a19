#!/usr/bin/env python3
"""The project's command line: `manage.py help` lists the commands."""

import gc
import importlib
import os
import sys
from pathlib import Path

gc.disable()  # until everything is loaded: looking for garbage meanwhile takes a quarter of the start

try:
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db.utils import OperationalError

    from wfpush.config import env
    from wfpush.embedded.datafolder import DataFolderError
    from wfpush.embedded.servers import EmbeddedError
    from wfpush.management import starting
    from wfpush.net.ports import PortTaken
except ModuleNotFoundError as fault:
    sys.exit(f"{fault}. Run `make setup` and start with .venv/bin/python, or install requirements.txt.")

BASE_DIR = Path(__file__).resolve().parent


def main(arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wfpush.settings")
    command = arguments[1] if len(arguments) > 1 else "help"
    try:
        needs_no_settings = command in ("help", "--help", "-h", "version", "--version")
        if needs_no_settings or {"--help", "-h"} & set(arguments[2:]) or arguments[1:] == ["vapid", "--new"]:
            env.stand_in(BASE_DIR)
        elif command == "up":
            starting.begin(BASE_DIR, arguments[2:])
        importlib.import_module("wfpush.settings")  # before Django does, which would hide what is wrong with them
        django.setup()
        gc.freeze()  # what is loaded stays, and is shared with forked processes
        gc.enable()
        execute_from_command_line(arguments)
    except (ImproperlyConfigured, DataFolderError, EmbeddedError, PortTaken) as fault:
        sys.exit(f"{Path(arguments[0]).name} {command}: {fault}")
    except KeyboardInterrupt:
        sys.exit(130)
    except OperationalError as fault:
        if "--traceback" in arguments:
            raise
        sys.exit(f"{Path(arguments[0]).name} {command}: the database does not answer: {str(fault).strip()}")


if __name__ == "__main__":
    main(sys.argv)
