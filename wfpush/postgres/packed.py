"""JSON that is stored in few bytes: columns of large tables that no statement looks into.

PostgreSQL compresses rows of more than 2 kB only, and each by itself. Here a value is deflated (RFC 1951) after a text
that has the words most values repeat, and stored as a JSON string of base64. A mark before it names that text. Values
that are not worth it, and those of rows that were written before, are stored as they are.
"""

import zlib
from base64 import b64decode, b64encode
from functools import cached_property
from typing import Any

import msgspec
from django.db import models

WINDOW = -13
"""8 kB, without zlib's header and checksum: more than a repeated text and the usual value."""
MEMORY = 5
"""zlib's memLevel: small tables, which take less time to make than larger ones save."""
LEVEL = 6
LEAST = 100
"""Bytes of JSON that are worth packing."""


class Words:
    """A text that values repeat. `mark` is stored with each value, so neither it nor the text is ever changed; better
    words get another mark, and the old ones stay in `before`.

    What is repeated most stands at the end, where it is found by the shortest codes.
    """

    def __init__(self, mark: str, text: str, before: "tuple[Words, ...]" = ()) -> None:
        self.mark = f"{mark}:"
        self.text = text.encode()
        self.before = before
        self._known = {each.mark: each for each in (self, *before)}

    @cached_property
    def _ready(self) -> Any:
        """Copied for each value: reading the text takes longer than deflating a value."""
        return zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW, MEMORY, zlib.Z_DEFAULT_STRATEGY, self.text)

    def packed(self, value: Any) -> Any:
        """The value as it is to be stored."""
        said = msgspec.json.encode(value)
        if len(said) < LEAST:
            return value
        deflate = self._ready.copy()
        packed = self.mark + b64encode(deflate.compress(said) + deflate.flush()).decode()
        return packed if len(packed) < len(said) else value

    def unpacked(self, stored: Any) -> Any:
        """The value that was stored as this."""
        return msgspec.json.decode(self._inflated(stored)) if isinstance(stored, str) else stored

    def unpacked_text(self, stored: str) -> str:
        """The JSON of what the column has as JSON text, packed or not."""
        return self._inflated(msgspec.json.decode(stored)).decode() if stored.startswith('"') else stored

    def _inflated(self, stored: str) -> bytes:
        mark, colon, packed = stored.partition(":")
        inflate = zlib.decompressobj(WINDOW, self._known[mark + colon].text)
        return inflate.decompress(b64decode(packed))


class PackedJSONField(models.JSONField):
    """Objects and arrays, stored packed. In lookups it can be compared with empty ones only."""

    def __init__(self, *arguments: Any, words: Words | None = None, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.words = words

    def deconstruct(self) -> Any:
        """A JSONField to migrations, for the column is one."""
        name, _path, arguments, keywords = super().deconstruct()
        return name, "django.db.models.JSONField", arguments, keywords

    def get_prep_value(self, value: Any) -> Any:
        return self.words.packed(value) if self.words and isinstance(value, dict | list) else value

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        stored = super().from_db_value(value, expression, connection)
        return self.words.unpacked(stored) if self.words else stored
