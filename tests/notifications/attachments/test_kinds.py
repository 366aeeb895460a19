"""What a file is, by its content alone, and what is not taken."""

import struct

import pytest

from notifications.attachments.kinds import GIF, HEIC, JPEG, PDF, PNG, TEXT, WEBP, Look
from notifications.attachments.storage import kept_name
from tests.support.files import (
    CONTENT_TYPES,
    archive,
    bomb,
    content_types,
    docx,
    gif,
    jpeg,
    odt,
    pdf,
    png,
    webp,
)

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
VP8L = b"RIFF" + struct.pack("<I", 20) + b"WEBPVP8L" + struct.pack("<I", 8) + b"\x2f\x0f\xc0\x03\x00\x00\x00\x00"
VP8 = (
    b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8 " + struct.pack("<I", 10) + b"\x00\x00\x00\x9d\x01\x2a\x10\x00\x10\x00"
)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


MACRO_TYPES = [
    "application/vnd.ms-office.vbaProject",
    "application/vnd.ms-word.document.macroEnabled.main+xml",
    "application/vnd.ms-excel.addin.MacroEnabled.main+xml",
    "application/vnd.ms-excel.macrosheet+xml",
    "application/vnd.ms-excel.intlmacrosheet+xml",
]


def typed(**more: str) -> bytes:
    """A document whose parts have any name, and say by their types what they are."""
    return archive(CONTENT_TYPES, "word/document.xml", *more, types=content_types("word/document.xml", **more))


def kind(content: bytes, piece: int = 100) -> str:
    with Look() as look:
        for at in range(0, len(content), piece):
            look.feed(content[at : at + piece])
        return look.kind()


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (png(), PNG),
        (jpeg(), JPEG),
        (jpeg(before=b"\xff\xe1" + struct.pack(">H", 60_000) + b"\x00" * 59_998), JPEG),
        (gif(), GIF),
        (webp(), WEBP),
        (VP8L, WEBP),
        (VP8, WEBP),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", HEIC),
        (pdf(), PDF),
        ("Zählerstand 4711\r\n".encode(), TEXT),
        (b"\xef\xbb\xbfwith a mark", TEXT),
        (docx(), WORD),
        (typed(**{"word/media/image1.png": PNG}), WORD),
        (archive("[Content_Types].xml", *[f"word/media/{n}.png" for n in range(50)], "word/document.xml"), WORD),
        (archive("[Content_Types].xml", "xl/workbook.xml"), EXCEL),
        (odt(), "application/vnd.oasis.opendocument.text"),
        (odt("Pictures/Scripts/1.png", "Basic.xml"), "application/vnd.oasis.opendocument.text"),
    ],
)  # fmt: skip
def test_kinds_that_are_taken(content: bytes, wanted: str) -> None:
    assert kind(content) == kind(content, 3) == kind(content, len(content)) == wanted


@pytest.mark.parametrize(
    "content",
    [
        SVG,
        b"\xef\xbb\xbf \n" + SVG,
        b"<!DOCTYPE html><script>alert(1)</script>",
        bomb(),
        archive("readme.txt"),
        docx("word/vbaProject.bin"),
        docx("word/VbaProject.BIN"),
        docx("WORD/VBAPROJECT.bin"),
        docx("word/vbaData.xml"),
        archive("[Content_Types].xml", "xl/workbook.xml", "xl/macroSheets/sheet1.xml"),
        *(typed(**{"word/m.bin": kind}) for kind in MACRO_TYPES),
        typed(**{"word/m.bin": "application/vnd.ms-office.&#118;baProject"}),
        archive(CONTENT_TYPES, "word/document.xml", types="<Types/>"),
        archive(CONTENT_TYPES, "word/document.xml", types=content_types("word/document.xml") + " " * 1_000_000),
        archive(
            CONTENT_TYPES,
            "word/document.xml",
            types=content_types("word/document.xml").encode("utf-16").decode("latin-1"),
        ),
        archive(CONTENT_TYPES, "word/document.xml", CONTENT_TYPES.upper()),
        archive(CONTENT_TYPES, "word/document.xml", *(f"{number}" for number in range(20_000))),
        docx()[:-30],
        odt("Basic/Standard/Module1.xml"),
        odt("Scripts/python/run.py"),
        archive("content.xml", stored={"mimetype": b"application/vnd.oasis.opendocument.text-master"}),
        b"PK\x03\x04",
        b"MZ\x90\x00\x03",
        b"\x7fELF",
        b"#!/bin/sh\x00",
        b"caf\xe9",
        "cut in the middle of a letter é".encode()[:-1],
        b"{\\rtf1 \x1f}",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        png(60_000, 60_000),
        gif(65_535, 65_535),
        webp(16_000, 16_000),
        jpeg(65_535, 65_535),
        png()[:14],
        jpeg()[:12],
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"RIFF\x00\x00\x00\x00WEBP",
        b"RIFF\x00\x00\x00\x00AVI ",
        b"\xff\xd8\xff" + b"\xff" * 3_000,
        b" %PDF-1.4 not at its beginning \x00",
    ],
)
def test_kinds_that_are_not_taken(content: bytes) -> None:
    assert kind(content) == kind(content, len(content)) == ""


@pytest.mark.parametrize(
    ("given", "of", "kept"),
    [
        ("IMG_1.JPG", JPEG, "IMG_1.JPG"),
        ("bill.pdf.exe", PDF, "bill.pdf.exe.pdf"),
        ("setup.bat", TEXT, "setup.bat.txt"),
        ("table.csv", TEXT, "table.csv"),
        ("../../etc/passwd", TEXT, "passwd.txt"),
        ("C:\\Users\\me\\plan.png", PNG, "plan.png"),
        ("two\nlines\r\n.png", PNG, "two lines.png"),
        ("a\x00b.png", PNG, "ab.png"),
        ("invoice\u202egnp.exe", PNG, "invoicegnp.exe.png"),
        ("", PNG, "file.png"),
        (".png", PNG, "png.png"),
        ("...", PDF, "file.pdf"),
        ("x" * 500 + ".png", PNG, "x" * 119 + "….png"),
        ('a"b<c>.pdf', PDF, "a_b_c_.pdf"),
        ("Прейскурант.pdf", PDF, "Прейскурант.pdf"),
    ],
)
def test_names(given: str, of: str, kept: str) -> None:
    assert kept_name(given, of) == kept
