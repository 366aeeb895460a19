"""The beginning of `manage.py up`, before Django's settings exist: it claims the data folder, and checks the ports.

Each step that may take long is a line at the terminal, printed before it begins.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from wfpush.config import env
from wfpush.embedded import datafolder
from wfpush.net.ports import check_port

HOST = "127.0.0.1"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that decide the ports."""
    parser.add_argument("--port", type=int, default=8000, help="the demo engine takes the next one")
    parser.add_argument("--demo", action="store_true", help="with a demo engine, and people who can sign in")


def begin(base_dir: Path, arguments: Sequence[str]) -> None:
    """Prepare the data folder and claim it for this process.

    Raises DataFolderError with the address of another `manage.py up` that has claimed it, and PortTaken.
    """
    parser = argparse.ArgumentParser(prog="manage.py up", add_help=False)
    add_options(parser)
    options, _others = parser.parse_known_args(arguments)
    environment = env.prepare(base_dir)
    datafolder.claim(environment.data_dir, f"http://{HOST}:{options.port}")
    for port in (options.port, options.port + 1) if options.demo else (options.port,):
        check_port(HOST, port, "PORT=9000 make run, or --port 9000")
    if environment.uses_embedded_servers:
        show(f"Starting PostgreSQL and Valkey, whose data is in {environment.data_dir}")


def show(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
