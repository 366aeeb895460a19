"""Loads libraries without packages that they import only if installed, for functions that wfpush does not use.

Every process would load these packages at its start. A fifth of the time was for rich, structlog's colourful
tracebacks, and requests, a test client of Django REST framework. A twentieth was for that framework's YAML and
django-q2's metrics.
"""

import sys
from importlib import import_module

UNUSED = {
    "structlog": ("rich", "twisted"),
    "rest_framework.compat": ("requests", "yaml", "pygments"),
    "django_q.conf": ("prometheus_client",),
}
"""The packages that are hidden from a library while it is imported."""


def load(library: str) -> None:
    """Import `library` as if those packages were missing. Later imports of the packages find them."""
    hidden = [package for package in UNUSED[library] if package not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None makes an import fail
    try:
        import_module(library)
    finally:
        for package in hidden:
            del sys.modules[package]
