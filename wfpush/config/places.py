"""The folders of the project, in a checkout and where the package is installed."""

from pathlib import Path

PACKAGES = Path(__file__).resolve().parents[2]
"""The folder of the Python packages."""

_CHECKOUT = (PACKAGES / "manage.py").is_file()

FILES = PACKAGES if _CHECKOUT else PACKAGES / "wfpush" / "files"
"""The folder of `templates`, `static` and `locale`."""

HOME = PACKAGES if _CHECKOUT else Path.cwd()
"""The folder in which `.env` is looked up, and to which a relative `WFPUSH_DATA` belongs."""

MANAGE = (str(PACKAGES / "manage.py"),) if _CHECKOUT else ("-m", "wfpush")
"""The arguments with which Python runs a command of the project."""
