"""The media types of files, decided by content: the sender's name for a file counts for nothing.

Only kinds are accepted that no browser runs scripts of, and that people open in programs they have. Nothing is rendered
here: of a picture the head is read, of an office document the names of its parts. Of its archive only
`[Content_Types].xml` is read, up to a bound: programs go by the types there, not by the parts' names.
"""

import codecs
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO, Self

HEAD = 1024 * 1024
"""Bytes at the beginning of a picture in which its size must be found."""
MOST_PIXELS = 100_000_000
"""Pixels of a picture. A browser needs four bytes for each, however small the file is."""

JPEG, PNG, GIF, WEBP, HEIC = "image/jpeg", "image/png", "image/gif", "image/webp", "image/heic"
PDF, TEXT = "application/pdf", "text/plain"
_OOXML, _ODF = "application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument."

EXTENSIONS: dict[str, tuple[str, ...]] = {
    JPEG: (".jpg", ".jpeg"),
    PNG: (".png",),
    GIF: (".gif",),
    WEBP: (".webp",),
    HEIC: (".heic", ".heif"),
    PDF: (".pdf",),
    TEXT: (".txt", ".csv", ".md", ".log"),
    f"{_OOXML}wordprocessingml.document": (".docx",),
    f"{_OOXML}spreadsheetml.sheet": (".xlsx",),
    f"{_OOXML}presentationml.presentation": (".pptx",),
    f"{_ODF}text": (".odt",),
    f"{_ODF}spreadsheet": (".ods",),
    f"{_ODF}presentation": (".odp",),
}
"""The accepted kinds and their file extensions. The first one is added to a name without any of them."""

PICTURES = frozenset({JPEG, PNG, GIF, WEBP})
"""The kinds that all browsers render, so that pages show previews."""
INLINE = PICTURES | {PDF}
"""The kinds that open in the browser; all others are downloaded."""
ACCEPT = ",".join(["image/*", *(end for kind, ends in EXTENSIONS.items() if kind not in PICTURES for end in ends)])
"""The types that the file field of a page offers."""

_ARCHIVE = b"PK\x03\x04"
_MACROS = (b"vbaproject", b"vbadata", b"xl/macrosheets/")
"""Names of Office parts with macros, compared without regard to case (ISO/IEC 29500-2, 6.2.2.3)."""
_BASIC = re.compile(rb"pk(?:\x03\x04.{26}|\x01\x02.{42})(?:basic|scripts)/", re.DOTALL)
"""Folders of OpenDocument with macros, where an entry of the archive begins."""
_LISTED = b"pk\x01\x02"
_LONGEST = 64
"""Bytes at the end of a piece in which one of these names may begin."""
_MIMETYPE = b"mimetype"  # the first file of an OpenDocument archive, stored as it is (ODF 1.3, part 2, 3.3)
_HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG's SOF markers, with height and width


class Look:
    """Finds the media type of a file that comes in pieces. A context manager, since an archive is copied to disk."""

    def __init__(self) -> None:
        self._head = b""
        self._tail = b""
        self._archive: IO[bytes] | None = None
        self._parts = 0
        self._has_macros = False
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._is_text = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._archive is not None:
            self._archive.close()

    def feed(self, piece: bytes) -> None:
        self._head += piece[: HEAD - len(self._head)]
        if self._head.startswith(_ARCHIVE):
            if self._archive is None:
                self._archive, piece = TemporaryFile(), self._head  # noqa: SIM115 - closed with this
            self._look_into(self._archive, piece)
        elif self._is_text:
            self._is_text = self._reads(piece)

    def _look_into(self, archive: IO[bytes], piece: bytes) -> None:
        """Search a piece for macros. An archive has its names twice, and programs differ in which place counts."""
        archive.write(piece)
        seen = (self._tail + piece).lower()
        self._parts += seen.count(_LISTED) - self._tail.lower().count(_LISTED)
        self._has_macros = self._has_macros or any(name in seen for name in _MACROS) or bool(_BASIC.search(seen))
        self._tail = seen[-_LONGEST:]

    def _reads(self, piece: bytes, *, last: bool = False) -> bool:
        try:
            return not _CONTROLS.search(self._decoder.decode(piece, last))
        except UnicodeDecodeError:
            return False

    def kind(self) -> str:
        """Return the media type of a file that was fed completely; empty if none is accepted."""
        if self._archive is not None:
            return self._office(self._archive)
        media_type = _kind_of_head(self._head)
        if media_type in PICTURES:
            return media_type if 0 < pixels_of(self._head, media_type) <= MOST_PIXELS else ""
        if media_type or not self._is_text or not self._reads(b"", last=True):
            return media_type
        markup = self._head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<")  # HTML, SVG and XML run in browsers
        return "" if markup else TEXT

    def _office(self, archive: IO[bytes]) -> str:
        """Return the media type of an office document; empty if it has macros or too many parts."""
        if self._has_macros or self._parts > MAX_PARTS:
            return ""
        size, extra = struct.unpack("<HH", self._head[26:30]) if len(self._head) > 30 else (0, 0)
        if self._head[30 : 30 + size] == _MIMETYPE:
            mimetype = self._head[30 + size + extra :]
            whole = (
                kind for kind in EXTENSIONS if kind.startswith(_ODF) and mimetype.startswith(kind.encode() + b"PK")
            )
            return next(whole, "")
        return _office_kind(archive)


def _kind_of_head(head: bytes) -> str:
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WEBP
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        return HEIC
    return PDF if head.startswith(b"%PDF-") else ""


# --- the kind of an office document, from its archive (ISO/IEC 29500-2) -----------------------------------------------
MAX_PARTS = 10_000
"""Parts of a document. An archive lists its files in 46 bytes each, and costs memory for each."""
MAX_TYPES = 256 * 1024
"""Bytes of the file with the types of the parts."""
CONTENT_TYPES = "[Content_Types].xml"

_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The compressions of office documents (ISO/IEC 29500-2, annex B), the only ones whose output zipfile bounds."""
_MAIN_TYPES = {
    f"{_OOXML}wordprocessingml.document": rb"wordprocessingml\.(document|template)\.main\+xml",
    f"{_OOXML}spreadsheetml.sheet": rb"spreadsheetml\.(sheet|template)\.main\+xml",
    f"{_OOXML}presentationml.presentation": rb"presentationml\.(presentation|slideshow|template)\.main\+xml",
}
_MACRO_TYPES = re.compile(rb"macroenabled|vbaproject|vbadata|macrosheet", re.IGNORECASE)
_HIDING = re.compile(rb"&#|<!", re.IGNORECASE)
"""Markup that could hide a type from the search. No program writes its types like this."""


class Damaged(Exception):
    """The file is no archive, or one of an unsupported kind."""


def _office_kind(file: IO[bytes]) -> str:
    """Return the media type of a document without macros; empty for all other files."""
    try:
        types = _content_types(file)
    except Damaged:
        return ""
    if _MACRO_TYPES.search(types) or _HIDING.search(types):
        return ""
    return next((kind for kind, main in _MAIN_TYPES.items() if re.search(main, types)), "")


def _content_types(file: IO[bytes]) -> bytes:
    """Return the content of the file with the types of the parts. Raises Damaged."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if len({name.lower() for name in names}) < len(names):  # programs differ in which part they read
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


# --- the size of pictures ---------------------------------------------------------------------------------------------
def pixels_of(head: bytes, kind: str) -> int:
    """Return the number of pixels that the picture's head states; 0 if it cannot be read."""
    try:
        return next(_SIZES[kind](head), 0)
    except (struct.error, IndexError):
        return 0


def _png(head: bytes) -> Iterator[int]:
    width, height = struct.unpack(">II", head[16:24])
    if head[12:16] == b"IHDR":
        yield width * height


def _gif(head: bytes) -> Iterator[int]:
    width, height = struct.unpack("<HH", head[6:10])
    yield width * height


def _webp(head: bytes) -> Iterator[int]:
    """Yield the pixels (https://developers.google.com/speed/webp/docs/riff_container and RFC 6386, 9.1)."""
    chunk = head[12:16]
    if chunk == b"VP8X":
        yield (1 + int.from_bytes(head[24:27], "little")) * (1 + int.from_bytes(head[27:30], "little"))
    elif chunk == b"VP8L" and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        yield ((bits & 0x3FFF) + 1) * ((bits >> 14 & 0x3FFF) + 1)
    elif chunk == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", head[26:30])
        yield (width & 0x3FFF) * (height & 0x3FFF)


def _jpeg(head: bytes) -> Iterator[int]:
    """Go from segment to segment up to the frame's, and yield its pixels (ITU-T T.81, B.1)."""
    at = 2
    while head[at] == 0xFF:
        marker = head[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        (length,) = struct.unpack(">H", head[at + 2 : at + 4])
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", head[at + 5 : at + 9])
            yield height * width
            return
        at += 2 + length


_SIZES = {PNG: _png, GIF: _gif, WEBP: _webp, JPEG: _jpeg}
