"""A page of the desk as it is sent: nothing that engines or people wrote may hide on it or turn its words round."""

import re

from notifications.wording.plaintext import revealed

_AS_IT_IS = re.compile(r"(?is)(<textarea\b.*?</textarea>|<input\b[^>]*>|<script\b.*?</script>)")
"""What is sent back, or run, must stay what it is."""


def visible(html: str) -> str:
    """The page with controls and zero-width characters written out (`\\u202e`), except inside the fields of forms."""
    parts = _AS_IT_IS.split(html)
    return "".join(part if place % 2 else revealed(part) for place, part in enumerate(parts))
