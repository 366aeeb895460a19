"""Features: Django apps that add to the core, and that an installation can leave out (`settings.FEATURES`).

The module `feature` of each app has one `FEATURE` with all that it adds: objects of types that the core defines and
reads, such as due work, kinds of targets, pages and permissions. The core names no feature, and adds its own part in
the same way (`settings.CORE`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TypeVar

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")


@dataclass(frozen=True)
class Feature:
    """`name`: as in `settings.FEATURES`, and the app's label. `needs`: the names of other features that it uses."""

    name: str
    adds: Sequence[object]
    needs: Sequence[str] = ()


@cache
def installed() -> tuple[Feature, ...]:
    """Return what the core adds, and the installed features in the order of the settings. The models must be loaded.

    Raise ImproperlyConfigured if one needs a feature that is not installed.
    """
    packages = (*settings.CORE, *settings.FEATURES.values())
    features = tuple(import_module(f"{package}.feature").FEATURE for package in packages)
    for feature in features:
        for name in feature.needs:
            if name not in settings.FEATURES:
                raise ImproperlyConfigured(f"FEATURES: {feature.name} needs {name}. Add {name}, or leave out both.")
    return features


def added(kind: type[T]) -> tuple[T, ...]:
    """Return what the installed features add of this type."""
    return tuple(each for feature in installed() for each in feature.adds if isinstance(each, kind))


def folders(name: str) -> list[Path]:
    """Return the folders of this name, such as "static/wfpush", that installed features have."""
    paths = (Path(apps.get_app_config(feature).path, name) for feature in settings.FEATURES)
    return [path for path in paths if path.is_dir()]
