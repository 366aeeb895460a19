"""The documents that the processes' tasks link to, made from each instance's own data: one-page PDFs (PDF 1.4) of lines
of text and rectangles, and a text file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from demo.records import InstanceRecord

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
        return b"%.1f w %.1f %.1f %.1f %.1f re S\n" % (self.line, self.x, self.y, self.width, self.height)


def pdf(title: str, drawing: Sequence[Words | Box]) -> bytes:
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


# --- the documents ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Document:
    content_type: str
    content: bytes


def invoice(data: dict[str, Any]) -> Document:
    supplier = data["supplier"]
    amount = f"{data['amount']:,.2f} {data['currency']}"
    drawing: list[Words | Box] = [
        Words(60, 770, supplier["name"], 20, bold=True),
        Words(60, 750, supplier["email"], 10),
        Words(60, 690, f"Invoice {data['number']}", 16, bold=True),
        Words(60, 660, f"Purchase order: {data['purchase_order'] or 'not given'}"),
        Words(60, 642, f"Cost centre: {data['cost_center'] or 'not given'}"),
        Box(60, 540, 475, 70),
        Words(75, 585, "Goods and services as agreed"),
        Words(75, 555, "Total", 13, bold=True),
        Words(400, 555, amount, 13, bold=True),
        Words(60, 500, "Payable within 30 days.", 10),
    ]
    return Document("application/pdf", pdf(f"Invoice {data['number']}", drawing))


def work_order(data: dict[str, Any]) -> Document:
    """What the inspector is asked to do, where and for whom."""
    customer, place = data["customer"], data["location"]
    drawing: list[Words | Box] = [
        Words(60, 770, f"Work order {data['number']}", 20, bold=True),
        Words(60, 730, f"Inspect {data['subject']}", 14),
        Box(60, 600, 475, 100),
        Words(75, 675, place["address"], 12, bold=True),
        Words(75, 655, f"{place['lat']:.4f}, {place['lon']:.4f}", 10),
        Words(75, 630, customer["name"]),
        Words(75, 612, customer["phone"]),
        Words(60, 560, "Call before you arrive. Photograph every defect. Report from the site."),
    ]
    return Document("application/pdf", pdf(f"Work order {data['number']}", drawing))


def floor_plan(data: dict[str, Any]) -> Document:
    """A sketch of the top floor."""
    drawing: list[Words | Box] = [
        Words(60, 770, "Floor plan, top floor", 20, bold=True),
        Words(60, 748, data["location"]["address"], 10),
        Box(80, 300, 440, 400, line=3),
        Box(80, 520, 200, 180),
        Box(280, 520, 240, 180),
        Box(80, 300, 280, 220),
        Box(360, 300, 160, 220),
        Words(130, 605, "Office 5.1", 12),
        Words(350, 605, "Meeting room", 12),
        Words(170, 405, "Attic, hatch to the roof", 12),
        Words(400, 405, "Stairs", 12),
        Words(80, 275, "Scale 1:100", 9),
    ]
    return Document("application/pdf", pdf("Floor plan", drawing))


def safety_checklist(_data: dict[str, Any]) -> Document:
    """What to check before going up."""
    lines = [
        "Safety checklist for work on roofs",
        "",
        "[ ] Somebody knows that you are up there, and until when",
        "[ ] Harness, rope and anchor point checked",
        "[ ] Wind below 40 km/h, no thunderstorm near, surface dry",
        "[ ] Area below closed off",
        "[ ] Phone charged; emergency number 112",
        "",
    ]
    return Document("text/plain", "\n".join(lines).encode())


_DOCUMENTS: dict[str, dict[str, Callable[[dict[str, Any]], Document]]] = {
    "invoice_approval": {"invoice.pdf": invoice},
    "site_inspection": {
        "work-order.pdf": work_order,
        "floor-plan.pdf": floor_plan,
        "safety-checklist.txt": safety_checklist,
    },
}


def document(record: InstanceRecord, name: str) -> Document:
    """The instance's document of that name. Raises KeyError."""
    return _DOCUMENTS[record.process][name](record.data)
