"""Makes invisible and direction-changing characters in pages of the desk visible, since engines and people wrote the
text."""

import re

from notifications.wording.plaintext import escape_hidden

_AS_IT_IS = re.compile(r"(?is)(<textarea\b.*?</textarea>|<input\b[^>]*>|<script\b.*?</script>)")
"""Elements whose content must not change, since it is sent back or executed."""


def show_hidden_characters(html: str) -> str:
    """The page with control and zero-width characters written out (`\\u202e`), except inside form fields."""
    parts = _AS_IT_IS.split(html)
    return "".join(part if place % 2 else escape_hidden(part) for place, part in enumerate(parts))
