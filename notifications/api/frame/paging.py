"""Pages of lists: the rows of one page, and the cursor of the next."""

import base64
import binascii
from collections.abc import Callable
from typing import TypeVar

from django.db.models import Model, QuerySet

from notifications.errors import Invalid

RowT = TypeVar("RowT", bound=Model)

MAX_ROWS = 200
"""Rows of a page."""

Page = tuple[list[RowT], str | None]
"""The rows of a page, and the cursor of the next one."""


def page(rows: QuerySet[RowT], limit: int, position: Callable[[RowT], str]) -> Page[RowT]:
    """Return the first `limit` rows and the next page's cursor, if any. `position` encodes a row for the cursor."""
    fetched = list(rows[: limit + 1])
    more = len(fetched) > limit
    shown = fetched[:limit]
    return shown, base64.urlsafe_b64encode(position(shown[-1]).encode()).decode() if more else None


def newest(rows: QuerySet[RowT], cursor: str | None, limit: int) -> Page[RowT]:
    """Return a page by descending keys, which are numbers. Raises Invalid."""
    if cursor is not None:
        rows = rows.filter(pk__lt=number_in(cursor))
    return page(rows.order_by("-pk"), min(limit, MAX_ROWS), lambda row: str(row.pk))


def decoded(cursor: str) -> str:
    """Return the decoded text of a cursor. Raises Invalid."""
    try:
        return base64.urlsafe_b64decode(cursor.encode("ascii")).decode("ascii")
    except (binascii.Error, UnicodeError):
        raise foreign_cursor() from None


def number_in(cursor: str) -> int:
    """Return the number in a cursor. Raises Invalid."""
    text = decoded(cursor)
    if not text.isdecimal() or len(text) > 18:
        raise foreign_cursor()
    return int(text)


def foreign_cursor() -> Invalid:
    return Invalid.at("/cursor", "Send the `next` of the page before, and the same other parameters.")
