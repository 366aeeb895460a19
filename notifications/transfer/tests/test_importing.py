"""People and teams as files: what an import would change is shown first, and a bad row changes nothing."""

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from notifications.models import Brand, Recipient, RecipientToken, Team
from notifications.transfer import admin as importing
from notifications.transfer import sheets
from tests.admin.conftest import signed_in
from tests.admin.pages import list_of, page_of, text_of
from tests.admin.world import World
from tests.soak.installation import LONG
from tests.support.length import some
from wfpush import csv_export

pytestmark = [pytest.mark.django_db, pytest.mark.soak]

MANAGED = 1_960 if LONG else 360
"""People who report to one of 40 others."""
IMPORT = "admin:notifications_{}_import_rows"


def sent(client: Client, content: bytes | str, name: str = "people.csv", what: str = "recipient") -> Any:
    """The page that follows the choice of a file: its preview, or the form with what is wrong."""
    data = content.encode() if isinstance(content, str) else content
    return client.post(reverse(IMPORT.format(what)), {"file": SimpleUploadedFile(name, data)}, follow=True)


def confirmed(client: Client, preview: Any) -> Any:
    """Press the button of the preview."""
    address = preview.redirect_chain[-1][0]
    return client.post(address, {"digest": preview.context["plan"].digest}, follow=True)


def imported(client: Client, content: bytes | str, name: str = "people.csv", what: str = "recipient") -> str:
    preview = sent(client, content, name, what)
    assert preview.context["plan"].faults == []
    return text_of(confirmed(client, preview))


def faults(client: Client, content: bytes | str, what: str = "recipient") -> list[tuple[int, str, str]]:
    before = people()
    preview = sent(client, content, what=what)
    found = [(fault.row, fault.column, fault.says) for fault in preview.context["plan"].faults]
    assert all(says in text_of(preview) for _row, _column, says in found)
    assert "desk-button" in preview.content.decode() and ">Import</button>" not in preview.content.decode()
    confirmed(client, preview)
    assert people() == before, "a bad row changes nothing, whatever is pressed"
    return found


def people() -> list[tuple[Any, ...]]:
    return list(Recipient.objects.order_by("pk").values_list("ref", "name", "email", "manager__ref", "active"))


def xlsx(*rows: list[Any]) -> bytes:
    book, content = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(content)
    return content.getvalue()


def exported(client: Client, kind: str, what: str = "recipient") -> bytes:
    answer = client.get(reverse(f"admin:notifications_{what}_export_rows"), {"kind": kind})
    assert f'.{kind}"' in answer["Content-Disposition"]
    content: bytes = answer.content
    return content


# --- what a file changes --------------------------------------------------------------------------------------------
def test_new_and_changed_people_are_shown_and_then_written(world: World, root: Client) -> None:
    file = (
        "ref,name,email,email_verified,language,time_zone,manager,teams\n"
        "dora,Dora Diaz,dora@acme.example,yes,de,Europe/Berlin,erik,finance\n"
        "erik,Erik Erlen,,no,en,,carol,\n"
        "bob,Bob B. Bauer,bob@acme.example,yes,de,,carol,finance\n"
        "alice,Alice Adams,alice@acme.example,yes,en,,carol,finance\n"
    )
    preview = sent(root, file)
    assert preview.context["summary"] == "2 new, 1 changed, 1 unchanged"
    assert "name Bob B. Bauer" in text_of(preview) and "email Bob" not in text_of(preview)
    assert Recipient.objects.filter(ref="dora").count() == 0, "it is shown first"

    assert "2 new, 1 changed, 1 unchanged" in text_of(confirmed(root, preview))

    dora = Recipient.objects.get(ref="dora")
    assert (dora.name, dora.locale, dora.timezone, dora.email_verified) == ("Dora Diaz", "de", "Europe/Berlin", True)
    assert dora.manager is not None and dora.manager.ref == "erik", "who stands later in the file"
    assert dora.manager.manager == world.carol
    assert set(world.team.members.values_list("ref", flat=True)) == {"alice", "bob", "dora"}
    assert Recipient.objects.get(ref="bob").name == "Bob B. Bauer"


def test_an_import_is_in_the_history_and_in_the_log(world: World, root: Client) -> None:
    imported(root, "ref,name,teams\ndora,Dora,finance\nbob,Bobby,\nalice,Alice Adams,finance\n", "new people.csv")
    dora, bob = Recipient.objects.get(ref="dora"), Recipient.objects.get(ref="bob")
    made, changed = dora.history.get(), bob.history.latest()
    assert (made.history_type, made.history_change_reason) == ("+", "Imported from new people.csv")
    assert (changed.history_type, changed.name, changed.history_user.username) == ("~", "Bobby", "root")
    assert world.alice.history.count() == Recipient.objects.get(ref="carol").history.count(), "she is as she was"
    pages = [text_of(root.get(page_of(person, "history"))) for person in (dora, bob)]
    assert "Bobby" in pages[1] and "root" in pages[0]
    latest = world.team.history.latest()
    assert {member.recipient.ref for member in latest.members.all()} == {"alice", "dora"}
    entries = {entry.object_id: (entry.action_flag, entry.change_message) for entry in LogEntry.objects.all()}
    assert entries == {
        str(dora.pk): (ADDITION, "Imported from new people.csv"),
        str(bob.pk): (CHANGE, "Imported from new people.csv: name, teams"),
    }


def test_missing_columns_stay_and_empty_cells_empty(world: World, root: Client) -> None:
    imported(root, "ref,manager\nbob,\n")
    bob = Recipient.objects.get(ref="bob")
    assert (bob.name, bob.email, bob.manager) == ("Bob Bauer", "bob@acme.example", None)


def test_a_new_address_counts_as_verified_only_if_the_file_says_so(world: World, root: Client) -> None:
    imported(root, "ref,email\nbob,bob@new.example\n")
    assert not Recipient.objects.get(ref="bob").email_verified
    imported(root, "ref;email;email_verified\nbob;bob@newer.example;ja\n")
    assert Recipient.objects.get(ref="bob").email_verified


def test_who_is_switched_off_by_a_file_is_signed_out(world: World, root: Client) -> None:
    ends = world.now + timedelta(days=1)
    RecipientToken.objects.create(recipient=world.bob, label="app", digest="d" * 64, expires_at=ends)
    imported(root, "ref,active\nbob,no\n")
    assert not RecipientToken.objects.filter(recipient=world.bob, revoked_at=None).exists()


def test_external_people_are_known_by_their_engine(world: World, root: Client) -> None:
    assert "1 new, 1 changed" in imported(root, "ref,engine,name\nC-9,invoices,Erin E.\nC-9,,Another\n")
    assert Recipient.objects.get(ref="C-9", engine=world.engine).name == "Erin E."
    assert Recipient.objects.get(ref="C-9", engine=None).name == "Another"


def test_teams_and_their_leads_are_imported(world: World, root: Client) -> None:
    assert "1 new, 1 changed" in imported(root, "slug,name,lead\nfinance,Finances,bob\nfield,Field,\n", what="team")
    assert Team.objects.get(slug="finance").lead == world.bob
    assert Team.objects.get(slug="finance").members.count() == 2
    record = world.team.history.latest()
    assert (record.name, record.lead, record.members.count()) == ("Finances", world.bob, 2)
    assert record.history_change_reason == "Imported from people.csv"
    assert [fault[:2] for fault in faults(root, "slug,name,lead\nfin ance,X,nobody\n", "team")] == [
        (2, "lead"),
        (2, "slug"),
    ]


def test_the_same_file_again_changes_nothing(world: World, root: Client) -> None:
    file = exported(root, "csv")
    preview = sent(root, file)
    assert preview.context["summary"] == f"0 new, 0 changed, {Recipient.objects.count()} unchanged"
    assert "There is nothing to import" in text_of(preview)


def test_what_would_be_done_is_what_was_shown(world: World, root: Client) -> None:
    preview = sent(root, "ref,name\nbob,Bobby\n")
    Recipient.objects.filter(ref="bob").update(name="Bobby")
    answer = confirmed(root, preview)
    assert "Data changed meanwhile" in text_of(answer)
    assert answer.context["summary"] == "0 new, 0 changed, 1 unchanged"


def test_a_file_is_imported_once_and_by_who_chose_it(world: World, root: Client, administrator: Client) -> None:
    preview = sent(root, "ref,name\nbob,Bobby\n")
    address = preview.redirect_chain[-1][0]
    assert "its preview has expired" in text_of(administrator.get(address, follow=True))
    assert root.get(address).status_code == 200
    confirmed(root, preview)
    assert "was already imported, or its preview has expired" in text_of(confirmed(root, preview))


# --- bad rows -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("file", "row", "column", "sentence"),
    some(
        [
            ("ref,name\nbob,B\nbob,C\n", 3, "ref", "Row 2 has the same name: keep one of them."),
            ("ref,email\nbob,bob at acme\n", 2, "email", "Enter a valid email address."),
            ("ref,language\nbob,xx\n", 2, "language", "Enter one of: en, de, es, fr."),
            ("ref,time_zone\n\nbob,Mars/Base\n", 3, "time_zone", "Unknown time zone. Enter one such as Europe/Berlin."),
            ("ref,active\nbob,perhaps\n", 2, "active", "Enter “yes” or “no”."),
            ("ref,manager\nbob,zoe\n", 2, "manager", "Nobody internal has the ref “zoe”. Correct it, or add a row"),
            ("ref,manager\nbob,bob\n", 2, "manager", "Nobody is their own manager."),
            ("ref,manager\ncarol,bob\n", 2, "manager", "This goes in a circle: bob reports to this person."),
            ("ref,brand\nbob,none\n", 2, "brand", "There is no brand “none”."),
            ("ref,engine\nx,none\n", 2, "engine", "There is no engine “none”."),
            ("ref,teams\nbob,finance sales\n", 2, "teams", "There is no team “sales”."),
            ("ref,email,email_verified\nzoe,,yes\n", 2, "email_verified", "There is no address to verify."),
            (
                "ref,email,email_verified\nzoe,BOB@acme.example,yes\n",
                2,
                "email",
                "bob already has this verified address",
            ),
            ("ref,name\n,Nobody\n", 2, "ref", "This field cannot be blank."),
            (
                "ref,colour\nbob,red\n",
                1,
                "colour",
                "Unknown column. Remove or rename it; known columns: ref, engine",
            ),
            ("name\nBob\n", 1, "ref", "This column is missing"),
            ("ref,name\n", 1, "", "There are no rows below the column names."),
        ],
        8,
    ),
)
def test_a_bad_row_is_named_and_changes_nothing(
    world: World, root: Client, file: str, row: int, column: str, sentence: str
) -> None:
    ((found_row, found_column, says),) = faults(root, file)
    assert (found_row, found_column) == (row, column)
    assert says.startswith(sentence)


def test_faults_are_told_in_german_and_good_rows_beside_them_wait(world: World, root: Client) -> None:
    root.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    found = sent(root, "ref,name,manager\nzoe,Zoe,\nbob,Bob,nobody\n")
    assert "Intern hat niemand das Kürzel „nobody“" in text_of(found)
    assert not Recipient.objects.filter(ref="zoe").exists()


def test_all_that_is_wrong_with_a_row_is_told_at_once(world: World, root: Client) -> None:
    found = faults(root, "ref,language,manager,teams\nzoe,xx,nobody,sales\n")
    assert [(row, column) for row, column, _says in found] == [(2, "language"), (2, "manager"), (2, "teams")]


def test_managers_in_a_circle_among_new_people_are_refused(world: World, root: Client) -> None:
    found = faults(root, "ref,manager\nx,y\ny,z\nz,x\nw,x\n")
    assert {(row, column) for row, column, _says in found} == {(2, "manager"), (3, "manager"), (4, "manager")}


# --- hostile and foreign files --------------------------------------------------------------------------------------
def test_files_of_a_german_excel_are_read(world: World, root: Client) -> None:
    german = "ref;name;active\r\nbob;Bob Müller;ja\r\n"
    encoded = [german.encode(encoding) for encoding in ("utf-8-sig", "utf-8", "utf-16")]
    for content in (*encoded, f"sep=;\r\n{german}".encode()):
        Recipient.objects.filter(ref="bob").update(name="Bob")
        assert "1 changed" in imported(root, content)
        assert Recipient.objects.get(ref="bob").name == "Bob Müller"


def test_a_sheet_of_excel_is_read(world: World, root: Client) -> None:
    content = xlsx(
        ["ref", "name", "active", None], [4711, "Number", True, None], [None, None, None], ["007", "Zero", "no"]
    )
    assert "2 new" in imported(root, content, "people.xlsx")
    assert dict(Recipient.objects.filter(name__in=["Number", "Zero"]).values_list("ref", "active")) == {
        "4711": True,
        "007": False,
    }


def bomb() -> bytes:
    content = io.BytesIO(xlsx(["ref"], ["bob"]))
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet9.xml", b" " * (sheets.MOST_UNPACKED + 1))
    return content.getvalue()


@pytest.mark.parametrize(
    ("make", "name", "sentence"),
    some(
        [
            (bomb, "people.xlsx", "is too large when unpacked"),
            (lambda: b"PK\x03\x04 nothing", "people.xlsx", "This XLSX file is broken."),
            (lambda: xlsx(["ref", "name"], ["bob", "=1+1"]), "people.xlsx", "Row 2 has a formula. Paste its values"),
            (lambda: b"\xd0\xcf\x11\xe0 old", "people.xls", "This is not an XLSX file."),
            (lambda: "ref,name\nbob,Müller".encode("latin-1"), "people.csv", "is not in UTF-8 (line 2)"),
            (lambda: b"ref,name\nbob,\0", "people.csv", "Row 2 has invalid characters."),
            (lambda: b'ref,name\nbob,"Bob\n', "people.csv", "Is a quotation mark missing?"),
            (lambda: b"ref,ref\nbob,x\n", "people.csv", "Two columns are called “ref”."),
            (lambda: b"ref,,name\nbob,x,y\n", "people.csv", "Column 2 has no name"),
            (lambda: b"ref,name\nbob,x,y\n", "people.csv", "Row 2 has more cells"),
            (lambda: b"ref,name\nbob," + b"x" * 5000, "people.csv", "A cell of row 2 has more than 4000 characters."),
            (lambda: b"ref\n" + b"x\n" * 20_001, "people.csv", "The file has more than 20000 rows."),
            (lambda: b"x" * 1_000_001, "people.csv", "The file is larger than 1 MB."),
            (lambda: b"\n\n,,\n", "people.csv", "The file is empty."),
        ],
        6,
    ),
)
def test_a_file_that_cannot_be_read_says_why(
    world: World, root: Client, make: Callable[[], bytes], name: str, sentence: str
) -> None:
    answer = sent(root, make(), name)
    assert sentence in text_of(answer)
    assert not answer.redirect_chain, "it is not kept"


def test_without_redis_the_file_is_refused(world: World, root: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_arguments: object) -> None:
        raise OSError("away")

    monkeypatch.setattr(importing.cache, "set", away)
    assert "The file cannot be kept at the moment." in text_of(sent(root, "ref\nzoe\n"))


# --- export ---------------------------------------------------------------------------------------------------------
HOSTILE = ["=1+1", "+49 30 1", "-2", "@SUM(A1)", "\t=1", "'=1", "''+1", "'quoted", "a=b", "＝1"]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_escaped_comes_back_as_it_was(text: str) -> None:
    escaped = csv_export.escape(text)
    assert escaped[0] not in "=+-@\t\r＝"
    assert sheets.unescape(escaped) == text


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_runs_nothing_and_can_be_imported_again(world: World, root: Client, kind: str) -> None:
    Brand.objects.create(slug="other", name="Other")
    for number, text in enumerate(HOSTILE):
        Recipient.objects.create(ref=f"h{number}{text.strip()}", name=text.strip(), phone=text.strip()[:40])
    Recipient.objects.filter(ref="bob").update(brand=Brand.objects.get(slug="other"))
    before = people()
    content = exported(root, kind)
    cells = cells_of(content, kind)
    assert not [cell for row in cells for cell in row if cell and cell[0] in "=+-@\t\r＝"]
    row = dict(zip(cells[0], next(row for row in cells if row[0] == "bob"), strict=True))
    assert (row["manager"], row["brand"], row["teams"], row["active"]) == ("carol", "other", "finance", "yes")

    Recipient.objects.filter(ref__startswith="h").update(name="")
    preview = sent(root, content, f"people.{kind}")
    assert preview.context["plan"].faults == []
    confirmed(root, preview)
    assert people() == before


def cells_of(content: bytes, kind: str) -> list[list[str]]:
    if kind == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    page = openpyxl.load_workbook(io.BytesIO(content)).active
    assert {cell.data_type for row in page.iter_rows() for cell in row} <= {"s", "n", "inlineStr"}
    return [[str(cell.value or "") for cell in row] for row in page.iter_rows()]


# --- many -----------------------------------------------------------------------------------------------------------
def test_a_company_with_managers_and_teams_takes_few_queries(world: World, root: Client) -> None:
    rows = [
        f"p{n},Person {n},p{n}@acme.example,yes,{f'p{n * 7 % 40 + MANAGED}' if n < MANAGED else ''},finance"
        for n in range(MANAGED + 40)
    ]
    file = "ref,name,email,email_verified,manager,teams\n" + "\n".join(rows) + "\n"
    preview = sent(root, file)
    assert preview.context["summary"] == f"{MANAGED + 40} new, 0 changed, 0 unchanged"
    with CaptureQueriesContext(connection) as queries:
        confirmed(root, preview)
    assert Recipient.objects.filter(ref__startswith="p", manager__isnull=False).count() == MANAGED
    assert world.team.members.count() == MANAGED + 42

    assert len(queries) < 120, "not one for each row"
    assert not [query for query in queries if "setval" in query["sql"]], "keys that others use stay ahead"


# --- who may --------------------------------------------------------------------------------------------------------
def test_export_needs_to_see_where_messages_go_and_import_to_change_people(world: World) -> None:
    export, imports = (reverse(f"admin:notifications_recipient_{page}_rows") for page in ("export", "import"))
    clerk = User.objects.create_user("clerk", is_staff=True)

    def may(*rights: str) -> Client:
        clerk.user_permissions.set(Permission.objects.filter(codename__in=rights))
        return signed_in(User.objects.get(pk=clerk.pk))

    client = may("view_engine")
    assert [client.get(page).status_code for page in (export, imports)] == [403, 403]
    client = may("view_recipient")
    assert [client.get(page).status_code for page in (export, imports)] == [403, 403], "who chooses of them for rules"
    client = may("view_recipient", "view_delivery")
    assert [client.get(page).status_code for page in (export, imports)] == [200, 403]
    client = may("view_recipient", "change_recipient")
    assert client.get(imports).status_code == 200
    assert "may change rows but not add any" in text_of(sent(client, "ref,name\nzoe,Zoe\n"))
    assert "who is in which team" in text_of(sent(client, "ref,teams\nbob,\n"))
    assert "1 changed" in imported(client, "ref,name\nbob,Bobby\n")


def test_an_export_leaves_an_entry(world: World, operator: Client) -> None:
    operator.get(list_of(Recipient) + "export/?kind=csv")
    made = LogEntry.objects.select_related("user").get()
    assert (made.user.username, made.object_repr, made.change_message) == (
        "member-of-operators",
        "People",
        "Exported as csv",
    )


def test_the_lists_lead_there(world: World, root: Client) -> None:
    for model, what in ((Recipient, "recipient"), (Team, "team")):
        page = root.get(list_of(model)).content.decode()
        assert reverse(IMPORT.format(what)) in page
        assert reverse(f"admin:notifications_{what}_export_rows") in page
    assert "XLSX" in text_of(root.get(reverse("admin:notifications_team_export_rows")))
