"""One-page PDFs from lines of text and rectangles (PDF 1.4): real files for the documents that tasks link to."""

from collections.abc import Sequence
from dataclasses import dataclass

# A4 in points; y counts from the bottom.
WIDTH, HEIGHT = 595, 842


@dataclass(frozen=True)
class Words:
    """Text with its left end on a point; Helvetica, in Windows-1252."""

    x: float
    y: float
    text: str
    size: float = 11
    bold: bool = False

    def draw(self) -> bytes:
        """The drawing operators."""
        content = self.text.encode("cp1252", "replace")
        for special in (b"\\", b"(", b")"):
            content = content.replace(special, b"\\" + special)
        font = b"F2" if self.bold else b"F1"
        return b"BT /%s %.1f Tf %.1f %.1f Td (%s) Tj ET\n" % (font, self.size, self.x, self.y, content)


@dataclass(frozen=True)
class Box:
    """The outline of a rectangle, from its lower left corner."""

    x: float
    y: float
    width: float
    height: float
    line: float = 1

    def draw(self) -> bytes:
        """The drawing operators."""
        return b"%.1f w %.1f %.1f %.1f %.1f re S\n" % (self.line, self.x, self.y, self.width, self.height)


def pdf(title: str, drawing: Sequence[Words | Box]) -> bytes:
    """The file."""
    content = b"".join(part.draw() for part in drawing)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>" % (WIDTH, HEIGHT),
        b"<< /Length %d >>\nstream\n%sendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
        b"<< /Title <FEFF%s> >>" % title.encode("utf-16-be").hex().encode(),
    ]
    return _file(objects)


def _file(objects: Sequence[bytes]) -> bytes:
    """The objects with the table of where each begins; the last one is the document's information."""
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\n" % (len(objects) + 1, len(objects))
    out += b"startxref\n%d\n%%%%EOF\n" % table
    return bytes(out)
