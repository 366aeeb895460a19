"""Numbers in the reader's language."""

from django.utils import formats


def number(value: float) -> str:
    """Return a whole number as text, with its digits grouped as in the reader's language."""
    return formats.number_format(round(value), use_l10n=True, force_grouping=True)
