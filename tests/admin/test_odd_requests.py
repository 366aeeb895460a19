"""Requests that no page of the desk makes, and files that no spreadsheet program writes: nothing comes of them."""

import io
import zipfile
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from notifications.admin import sheets
from notifications.admin.roster_tables import PeopleRoster
from notifications.models import Absence, Brand, Engine, EngineAccess, Recipient
from tests.admin.pages import list_of, text_of
from tests.admin.test_history import newest, restoring
from tests.admin.test_importing import imported, sent, xlsx
from tests.admin.world import World

pytestmark = pytest.mark.django_db

SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
STYLES = b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs>'


# --- lists ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", ["9999-12-31", "9999-12-30", "0001-01-01", "x"])
def test_the_audit_list_takes_odd_days(day: World, root: Client, value: str) -> None:
    assert root.get(list_of(LogEntry, f"day={value}")).status_code == 200


# --- files ----------------------------------------------------------------------------------------------------------
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
    with pytest.raises(sheets.BadFile, match="unpacks to far more than a list of people"):
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
    before = queries()
    people = [Recipient(ref=f"p{n}", manager=world.carol, brand=brand) for n in range(40)]
    world.team.members.add(*Recipient.objects.bulk_create(people))
    assert queries() == before


# --- history --------------------------------------------------------------------------------------------------------
def test_a_restored_manager_makes_no_circle_and_a_restored_address_is_nobody_elses(world: World, root: Client) -> None:
    alice, bob = world.alice, world.bob
    alice.manager, alice.email = bob, "front@acme.example"
    alice.save()
    old = newest(alice)
    alice.manager, alice.email = None, "alice@acme.example"
    alice.save()
    bob.manager, bob.email = alice, "front@acme.example"
    bob.save()
    said = text_of(root.post(restoring(alice, old), follow=True))
    assert "This goes in a circle" in said
    assert "Bob Bauer has this verified address already" in said
    alice.refresh_from_db()
    assert (alice.manager, alice.email) == (None, "alice@acme.example")


def test_two_who_are_away_are_not_restored_to_stand_in_for_each_other(world: World, root: Client) -> None:
    now, soon = timezone.now(), timezone.now() + timedelta(days=2)
    away = Absence.objects.create(recipient=world.bob, delegate=world.carol, begins_at=now, ends_at=soon)
    old = newest(away)
    away.delegate = None
    away.save()
    Absence.objects.create(recipient=world.carol, delegate=world.bob, begins_at=now, ends_at=soon)
    assert "This goes in a circle" in text_of(root.post(restoring(away, old), follow=True))
    away.refresh_from_db()
    assert away.delegate is None


def test_a_stored_secret_follows_no_restored_address(world: World, root: Client) -> None:
    engine = Engine.objects.create(slug="old", name="Old", kind="flowable", callback_url="https://old.example/rest")
    old = engine.history.get()
    engine.callback_url = "https://new.example/rest"
    engine.save()
    access = EngineAccess.objects.create(engine=engine, auth="basic", name="svc", secret="hunter2")
    said = text_of(root.post(restoring(engine, old), follow=True))
    assert "The sign-in would go to another host now" in said
    engine.refresh_from_db()
    assert engine.callback_url == "https://new.example/rest"

    access.delete()
    root.post(restoring(engine, old))
    engine.refresh_from_db()
    assert engine.callback_url == "https://old.example/rest"
