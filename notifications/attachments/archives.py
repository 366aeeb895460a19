"""What an office document of Office Open XML is, as its archive says (ISO/IEC 29500-2), and whether it has macros.

Of all parts only `[Content_Types].xml` is unpacked, up to a bound: programs go by the types that it names, whatever
the parts are called.
"""

import re
import zipfile
import zlib
from typing import IO

MAX_PARTS = 10_000
"""Parts of a document. An archive lists its files in 46 bytes each, and costs memory for each."""
MAX_TYPES = 256 * 1024
"""Bytes of the file with the types of the parts."""
CONTENT_TYPES = "[Content_Types].xml"

_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Those of office documents (ISO/IEC 29500-2, annex B). zipfile bounds what it unpacks of these alone."""
_OOXML = "application/vnd.openxmlformats-officedocument."
_MAIN_TYPES = {
    f"{_OOXML}wordprocessingml.document": rb"wordprocessingml\.(document|template)\.main\+xml",
    f"{_OOXML}spreadsheetml.sheet": rb"spreadsheetml\.(sheet|template)\.main\+xml",
    f"{_OOXML}presentationml.presentation": rb"presentationml\.(presentation|slideshow|template)\.main\+xml",
}
_MACRO_TYPES = re.compile(rb"macroenabled|vbaproject|vbadata|macrosheet", re.IGNORECASE)
_HIDING = re.compile(rb"&#|<!", re.IGNORECASE)
"""Ways to write a type so that it is not found. No program writes its types like this."""


class Damaged(Exception):
    """It is no archive, or one of a kind that is not read."""


def office_kind(file: IO[bytes]) -> str:
    """The media type of a document without macros; empty for all else."""
    try:
        types = _content_types(file)
    except Damaged:
        return ""
    if _MACRO_TYPES.search(types) or _HIDING.search(types):
        return ""
    return next((kind for kind, main in _MAIN_TYPES.items() if re.search(main, types)), "")


def _content_types(file: IO[bytes]) -> bytes:
    """Raises Damaged."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if len({name.lower() for name in names}) < len(names):  # programs differ in which of them they read
                raise Damaged("Two parts have one name.")
            if archive.getinfo(CONTENT_TYPES).compress_type not in _COMPRESSIONS:
                raise Damaged("Its types are not compressed as office documents are.")
            with archive.open(CONTENT_TYPES) as part:
                types = part.read(MAX_TYPES + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, KeyError, ValueError, RuntimeError) as error:
        raise Damaged(str(error)) from error
    if len(types) > MAX_TYPES:
        raise Damaged("Its types are too many.")
    return types
