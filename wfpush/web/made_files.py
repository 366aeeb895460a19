"""Files that are made of others to be served, in the data folder. What a name stands for never changes."""

import os
from collections.abc import Callable
from pathlib import Path

from django.conf import settings


def made_file(name: str, make: Callable[[], bytes], folder: Path | None = None) -> Path:
    """The file of that name, made if it is not there yet; in the data folder if none is given.

    Raises OSError where no file can be written.
    """
    path = (folder or Path(settings.DATA_DIR) / "static") / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        begun = path.with_suffix(f".{os.getpid()}")
        begun.write_bytes(make())
        begun.replace(path)  # whole, or not there
    return path
