"""The words of /api/docs: purpose (tag), summary, examples and codes of each operation; one module for each tag.

In: the OpenAPI description that drf-spectacular makes from the views.
Out: the same with these words in it, by the operations' ids.
"""

from typing import Any

from notifications.api.operations import (
    absence,
    conversations,
    devices,
    events,
    files,
    inbox,
    people,
    preferences,
    signing_in,
)
from notifications.api.operations.operation import Document, described

TAGS = [
    events.TAG,
    conversations.TAG,
    inbox.TAG,
    files.TAG,
    people.TAG,
    devices.TAG,
    signing_in.TAG,
    absence.TAG,
    preferences.TAG,
]
"""As the page shows them."""


def describe(result: Document, generator: Any, request: Any, public: bool) -> Document:
    """A hook of drf-spectacular (SPECTACULAR_SETTINGS)."""
    return described(result, TAGS)
