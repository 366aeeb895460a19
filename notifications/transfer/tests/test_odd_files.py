"""Files that no spreadsheet program writes, and long ones: nothing comes of them, or no more than their rows."""

import io
import zipfile

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from notifications.models import Brand, Recipient
from notifications.transfer import sheets
from notifications.transfer.tables import PeopleRoster
from notifications.transfer.tests.test_importing import imported, sent, xlsx
from tests.admin.world import World

pytestmark = pytest.mark.django_db

SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
STYLES = b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs>'


def with_part(name: str, content: bytes) -> bytes:
    """A workbook with this part instead of its own."""
    book, made = zipfile.ZipFile(io.BytesIO(xlsx(["ref", "name"], ["bob", "Bob"]))), io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as parts:
        for part in book.namelist():
            parts.writestr(part, content if part == name else book.read(part))
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("xl/worksheets/sheet1.xml", SHEET + b"<row>" + b"<c/>" * 60_000 + b"</row></sheetData></worksheet>"),
        ("xl/worksheets/sheet1.xml", SHEET + b"<row/>" * 1_600_000 + b"</sheetData></worksheet>"),
        ("xl/styles.xml", STYLES + b"<xf/>" * 110_000 + b"</cellXfs></styleSheet>"),
    ],
    ids=["cells", "rows", "styles"],
)
def test_a_workbook_of_millions_of_tags_is_refused_before_it_is_read(name: str, content: bytes) -> None:
    with pytest.raises(sheets.BadFile, match="is too large when unpacked"):
        sheets.read("people.xlsx", with_part(name, content))


def test_wide_rows_of_empty_cells_are_read(world: World, root: Client) -> None:
    row = b'<row><c t="inlineStr"><is><t>%s</t></is></c>' + b"<c/>" * 16_383 + b"</row>"
    content = SHEET + row % b"ref" + row % b"zoe" + b"</sheetData></worksheet>"
    sheet = sheets.read("people.xlsx", with_part("xl/worksheets/sheet1.xml", content))
    assert (sheet.data.headers, list(sheet.data)) == (["ref"], [("zoe",)])


def test_refs_that_differ_by_nothing_that_is_seen_are_one_person(world: World, root: Client) -> None:
    before = Recipient.objects.count()
    assert "1 changed" in imported(root, "ref,name\nbo\u202eb,Robert\n")
    assert Recipient.objects.get(ref="bob", engine=None).name == "Robert"
    preview = sent(root, "ref,name\nbob,Bob\nbob\u200b,Robert\n")
    assert [fault.says for fault in preview.context["plan"].faults] == ["Row 2 has the same name: keep one of them."]
    assert Recipient.objects.count() == before


def test_a_long_line_into_a_circle_is_gone_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """p0 reports to p1, and so on; the last reports to p900."""
    steps = []
    manager = type(Recipient.manager)
    read = manager.__get__
    monkeypatch.setattr(manager, "__get__", lambda *arguments: steps.append(1) or read(*arguments))
    file = "ref,manager\n" + "".join(f"p{n},p{n + 1 if n < 999 else 900}\n" for n in range(1000))
    plan = PeopleRoster().plan(sheets.read("people.csv", file.encode()))
    assert [fault.row for fault in plan.faults] == [n + 2 for n in range(900, 1000)]
    assert {"p999", "p900"} <= {fault.says.split(": ")[1].split()[0] for fault in plan.faults}
    assert len(steps) < 20_000, "some for each row, not one for each pair of them"


def test_an_export_costs_no_query_for_each_row(world: World, root: Client) -> None:
    address = reverse("admin:notifications_recipient_export_rows")

    def queries() -> int:
        with CaptureQueriesContext(connection) as made:
            assert root.get(address, {"kind": "csv"}).status_code == 200
        return len(made)

    brand = Brand.objects.create(slug="other", name="Other")
    Recipient.objects.filter(pk=world.bob.pk).update(brand=brand)
    queries()  # the first request of a session notes where it is
    before = queries()
    people = [Recipient(ref=f"p{n}", manager=world.carol, brand=brand) for n in range(40)]
    world.team.members.add(*Recipient.objects.bulk_create(people))
    assert queries() == before
