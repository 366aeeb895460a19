"""The words of /api/docs: purpose (tag), summary, examples and codes of each operation.

In: the OpenAPI description that drf-spectacular makes from the views.
Out: the same with these words in it, by the operations' ids.
"""

from dataclasses import replace
from importlib import import_module
from typing import Any

from notifications.additions import ApiPaths
from notifications.api.operations.devices import DEVICES
from notifications.api.operations.events import EVENTS
from notifications.api.operations.inbox import INBOX
from notifications.api.operations.operation import Document, Tag, described
from notifications.api.operations.people import PEOPLE, REACHED, SIGNING_IN
from notifications.api.operations.tasks import FILES, TASKS
from wfpush import features

CORE = [EVENTS, TASKS, INBOX, FILES, PEOPLE, DEVICES, SIGNING_IN, REACHED]
"""The tags in the order of the page."""


def tags() -> list[Tag]:
    """Return the tags with the operations that features add: to a tag of the same name, else behind the others."""
    by_name = {tag.name: tag for tag in CORE}
    for paths in features.added(ApiPaths):
        tag: Tag = import_module(paths.module).TAG
        first = by_name.setdefault(tag.name, tag)
        by_name[tag.name] = replace(first, operations={**first.operations, **tag.operations})
    return [*by_name.values()]


def describe(result: Document, generator: Any, request: Any, public: bool) -> Document:
    """Add the words to the description. A hook of drf-spectacular (SPECTACULAR_SETTINGS)."""
    return described(result, tags())
