"""Loads libraries without packages that they take along if these are installed, for functions that wfpush does not use.

Every process of ours would load them at its start: rich, of which structlog makes colourful tracebacks, and requests,
with which Django REST framework has a client for tests, took a fifth of it; YAML of that framework and the metrics that
django-q2 would share between processes a twentieth.
"""

import sys
from importlib import import_module

UNUSED = {
    "structlog": ("rich", "twisted"),
    "rest_framework.compat": ("requests", "yaml", "pygments"),
    "django_q.conf": ("prometheus_client",),
}
"""By library, the packages that it need not find."""


def load(library: str) -> None:
    """Import `library` as if those packages were missing. Whoever imports one of them later gets it."""
    hidden = [package for package in UNUSED[library] if package not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None makes an import fail
    try:
        import_module(library)
    finally:
        for package in hidden:
            del sys.modules[package]
