"""Tables as CSV and XLSX files: written so that spreadsheets run nothing, read so that no file can do harm."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

import openpyxl
import tablib
from django.utils.translation import gettext as _

from wfpush import csv_export

MOST_BYTES = 1_000_000
"""Maximum size of a file. The server cuts larger bodies before they are read (wfpush/web/bodylimit.py)."""
MOST_UNPACKED = 24 * 1024 * 1024
MOST_PARTS = 500
"""Maximum number of files in the archive of an XLSX file."""
MOST_TAGS, MOST_TAGS_OF_ROW = 1_500_000, 50_000
"""Maximum number of tags in a large part, and in one row. openpyxl keeps a whole row in memory, 300 bytes a tag."""
MOST_TAGS_BESIDE = 100_000
"""Maximum number of tags in a part that is neither a sheet nor its texts, such as its styles."""
LARGE_PARTS = ("xl/worksheets/", "xl/sharedStrings.xml")
DEPTH_OF_ROWS = 3
MOST_ROWS, MOST_COLUMNS, MOST_CHARACTERS = 20_000, 50, 4_000

KINDS = {
    "csv": csv_export.CONTENT_TYPE,
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class BadFile(Exception):
    """Raised for a file that cannot be read. The message says why, and what to do."""


@dataclass(frozen=True)
class Sheet:
    """The rows of a file that are not empty. `numbers`: their numbers in a spreadsheet program."""

    data: tablib.Dataset
    numbers: Sequence[int]


# --- writing ----------------------------------------------------------------------------------------------------------
def unescape(text: str) -> str:
    """Return the text that was passed to `csv_export.escape`."""
    return text[1:] if text.startswith("'") and csv_export.FORMULA.match(text) else text


def write(data: tablib.Dataset, kind: str) -> bytes:
    """Return the content of a file. `kind`: "csv" or "xlsx"."""
    if kind == "csv":
        return csv_export.write(data.headers, data)
    rows = [data.headers, *([csv_export.escape(str(cell)) for cell in row] for row in data)]
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet()
    for row in rows:
        page.append([_text_cell(page, cell) for cell in row])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _text_cell(page: Any, text: str) -> Any:
    """Return a cell of type text, whatever the text looks like: refs keep their zeros."""
    cell = openpyxl.cell.WriteOnlyCell(page, openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE.sub("", text))
    cell.data_type, cell.number_format = "s", "@"
    return cell


# --- reading ----------------------------------------------------------------------------------------------------------
def read(name: str, content: bytes) -> Sheet:
    """Return the rows of a CSV or XLSX file. Raise BadFile."""
    if len(content) > MOST_BYTES:
        raise BadFile(_("The file is larger than 1 MB. Split it."))
    is_xlsx = content.startswith(b"PK")
    if not is_xlsx and name.lower().endswith((".xls", ".xlsx", ".xlsm", ".ods")):
        raise BadFile(_("This is not an XLSX file. Save it as “Excel workbook (.xlsx)” or as “CSV UTF-8”."))
    return _sheet(_rows_of_xlsx(content) if is_xlsx else _rows_of_csv(content))


Row = tuple[int, list[str]]
"""The number and the cells of a row."""


def _sheet(rows: Iterator[Row]) -> Sheet:
    headers: list[str] = []
    numbers: list[int] = []
    data = tablib.Dataset()
    for number, cells in rows:
        if not any(cells):
            continue
        if not headers:
            headers = _headers(cells)
            data.headers = headers
            continue
        if any(cells[len(headers) :]):
            raise BadFile(_("Row %(row)d has more cells than the first row has names.") % {"row": number})
        if len(numbers) == MOST_ROWS:
            raise BadFile(_("The file has more than %(most)d rows. Split it.") % {"most": MOST_ROWS})
        data.append([unescape(cell) for cell in [*cells, *[""] * len(headers)][: len(headers)]])
        numbers.append(number)
    if not headers:
        raise BadFile(_("The file is empty. Its first row has the names of the columns."))
    return Sheet(data, numbers)


def _headers(cells: Sequence[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > MOST_COLUMNS:
        raise BadFile(_("The file has more than %(most)d columns.") % {"most": MOST_COLUMNS})
    if "" in names:
        column = names.index("") + 1
        raise BadFile(_("Column %(column)d has no name in the first row.") % {"column": column})
    duplicate = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if duplicate is not None:
        raise BadFile(_("Two columns are called “%(name)s”. Remove one of them.") % {"name": duplicate[:60]})
    return names


def _cells(cells: Iterable[str], number: int) -> list[str]:
    row_cells = list(cells)
    if any(len(cell) > MOST_CHARACTERS for cell in row_cells):
        arguments = {"row": number, "most": MOST_CHARACTERS}
        raise BadFile(_("A cell of row %(row)d has more than %(most)d characters.") % arguments)
    if any("\0" in cell for cell in row_cells):
        raise BadFile(_("Row %(row)d has invalid characters.") % {"row": number})
    return row_cells


# --- CSV
def _rows_of_csv(content: bytes) -> Iterator[Row]:
    text = _decoded(content)
    mark = re.match(r"sep=(.)\r?\n", text)
    first = text[mark.end() if mark else 0 :].lstrip("\r\n").partition("\n")[0]
    separator = mark[1] if mark else max(";,\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            if not (mark and number == 1):
                yield number, _cells(cells, number)
    except (csv.Error, ValueError, TypeError) as fault:  # ValueError and TypeError: no valid separator
        text = _("Row %(row)d cannot be read. Is a quotation mark missing?")
        raise BadFile(text % {"row": number + 1}) from fault


def _decoded(content: bytes) -> str:
    """Decode UTF-8, or UTF-16 as Excel's “Unicode text”. Other encodings cannot be told from each other."""
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        row = content[: fault.start].count(b"\n") + 1
        text = _("The file is not in UTF-8 (line %(row)d). In Excel, save it as “CSV UTF-8” or as XLSX.")
        raise BadFile(text % {"row": row}) from fault


# --- XLSX
def _rows_of_xlsx(content: bytes) -> Iterator[Row]:
    """Yield the rows of the first sheet."""
    _refuse_bombs(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        page = book.worksheets[0]
        page.reset_dimensions()  # the size in the file is not always true
        for number, row in enumerate(page.iter_rows(max_row=MOST_ROWS + 2, max_col=MOST_COLUMNS + 1), 1):
            yield number, _cells((_text_of(cell, number) for cell in row), number)
    except (BadFile, MemoryError):
        raise
    except Exception as fault:  # broken archives and XML break openpyxl in many ways
        raise BadFile(_("This XLSX file is broken. Open it in a spreadsheet program and save it again.")) from fault


def _refuse_bombs(content: bytes) -> None:
    """Refuse a file that unpacks to too much, before openpyxl loads any of it. Raise BadFile."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        parts = archive.infolist()
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
            raise TooManyTags
        for part in parts:
            _Tags(MOST_TAGS if part.filename.startswith(LARGE_PARTS) else MOST_TAGS_BESIDE).count(archive.open(part))
    except TooManyTags as fault:
        raise BadFile(_("This XLSX file is too large when unpacked. Save the list by itself.")) from fault
    except Exception as fault:  # a broken archive
        raise BadFile(_("This XLSX file is broken. Open it in a spreadsheet program and save it again.")) from fault


class TooManyTags(Exception):
    pass


class _Tags:
    """Counts the tags of a part. Raises TooManyTags as soon as there are too many."""

    def __init__(self, most: int) -> None:
        self.most, self.all, self.in_row, self.depth = most, 0, 0, 0

    def count(self, part: Any) -> None:
        parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        try:
            parser.ParseFile(part)
        except expat.ExpatError:
            return  # a picture, or a part that openpyxl will report as broken

    def _start(self, _name: str, _attributes: Any) -> None:
        self.depth += 1
        self.all += 1
        self.in_row = self.in_row + 1 if self.depth > DEPTH_OF_ROWS else 0
        if self.all > self.most or self.in_row > MOST_TAGS_OF_ROW:
            raise TooManyTags

    def _end(self, _name: str) -> None:
        self.depth -= 1


def _text_of(cell: Any, number: int) -> str:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        raise BadFile(_("Row %(row)d has a formula. Paste its values instead.") % {"row": number})
    if cell.data_type == "e":
        raise BadFile(_("Row %(row)d has a cell with an error of the spreadsheet.") % {"row": number})
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
