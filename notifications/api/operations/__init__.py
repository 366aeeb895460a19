"""The words of /api/docs: purpose (tag), summary, examples and codes of each operation.

In: the OpenAPI description that drf-spectacular makes from the views.
Out: the same with these words in it, by the operations' ids.
"""

from typing import Any

from notifications.api.operations.conversations import CONVERSATIONS, FILES
from notifications.api.operations.devices import DEVICES
from notifications.api.operations.events import EVENTS
from notifications.api.operations.inbox import INBOX
from notifications.api.operations.operation import Document, described
from notifications.api.operations.people import ABSENCES, PEOPLE, REACHED, SIGNING_IN

TAGS = [EVENTS, CONVERSATIONS, INBOX, FILES, PEOPLE, DEVICES, SIGNING_IN, ABSENCES, REACHED]
"""The tags in the order of the page."""


def describe(result: Document, generator: Any, request: Any, public: bool) -> Document:
    """Add the words to the description. A hook of drf-spectacular (SPECTACULAR_SETTINGS)."""
    return described(result, TAGS)
