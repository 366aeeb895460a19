"""Under which names django-allauth stores identities: the key of a provider, and a subject."""

from typing import Any

MAX_SUBJECT = 191
"""Characters of django-allauth's column."""


class StoredByKey:
    """A provider of django-allauth whose identities and states are stored under the key of its row."""

    app: Any

    @property
    def sub_id(self) -> str:
        return str(self.app.row.identity_key)
