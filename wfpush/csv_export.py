"""CSV files that are written so that spreadsheets run nothing."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
"""Texts that a spreadsheet may take for a formula (OWASP, “CSV Injection”), behind any number of our apostrophes."""
CONTENT_TYPE = "text/csv; charset=utf-8"


def escape(text: str) -> str:
    """Return a text with an apostrophe before anything that a spreadsheet would compute."""
    return f"'{text}" if FORMULA.match(text) else text


def write(headers: Sequence[str], rows: Iterable[Iterable[object]]) -> bytes:
    """Return the content of a file in UTF-8 with a byte order mark, by which Excel knows it."""
    text = io.StringIO()
    csv.writer(text).writerows([headers, *([escape(str(cell)) for cell in row] for row in rows)])
    return text.getvalue().encode("utf-8-sig")
