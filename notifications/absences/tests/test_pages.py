"""The page of absence: Bob says when he is away and that Carol stands in; Carol, his manager, may say so for him."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from notifications.absences import entering
from notifications.absences.entering import AbsenceEntry
from notifications.models import Absence, Case, Category, Notification, Recipient
from tests.factories import RecipientFactory, TeamFactory
from tests.inbox.browser import Page, get, signed_in
from tests.support.length import some
from tests.support.story import Story

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def on_monday() -> object:
    with time_machine.travel(MONDAY, tick=True):
        yield


def in_berlin(person: Recipient) -> None:
    Recipient.objects.filter(pk=person.pk).update(timezone="Europe/Berlin")


def away(person: Recipient, delegate: Recipient | None, begins_at: datetime, ends_at: datetime) -> Absence:
    return Absence.objects.create(recipient=person, delegate=delegate, begins_at=begins_at, ends_at=ends_at)


def filled(page: Page, begins_at: str, ends_at: str, delegate: str = "") -> Page:
    return page.press("Save", begins_at=begins_at, ends_at=ends_at, delegate=delegate)


def test_bob_goes_and_carol_stands_in(story: Story) -> None:
    in_berlin(story.bob)
    page = get(signed_in(story.bob), "/").follow("Absence")
    assert page.title == "When you are away · wfpush"
    assert "In the time zone Europe/Berlin." in page.text

    page = filled(page, "2026-11-04T17:00", "2026-11-16T08:30", "Carol (carol)")

    assert "Saved." in page.text
    assert (
        "You are away from Wednesday, 4 November, 17:00 until Monday, 16 November, 08:30. Carol stands in." in page.text
    )
    row = Absence.objects.get(recipient=story.bob)
    assert row.begins_at == datetime(2026, 11, 4, 16, tzinfo=UTC)
    assert (row.ends_at, row.delegate) == (datetime(2026, 11, 16, 7, 30, tzinfo=UTC), story.carol)
    assert Absence.history.get().history_user == story.bob.user


def test_the_form_holds_what_is_set(story: Story) -> None:
    in_berlin(story.bob)
    away(story.bob, story.carol, MONDAY - DAY, MONDAY + DAY)

    page = get(signed_in(story.bob), "/absence")

    assert "You are away until Tuesday, 3 November, 10:00. Carol stands in." in page.text
    values = {field.get("name"): field.get("value") for field in page.tree.xpath("//form[@class='stacked']//input")}
    assert (values["begins_at"], values["ends_at"]) == ("2026-11-01T10:00", "2026-11-03T10:00")
    assert values["delegate"] == "Carol (carol)"


@pytest.mark.parametrize(("begins_at", "button"), [(MONDAY - DAY, "I am back"), (MONDAY + DAY, "Remove")])
def test_bob_is_back_or_does_not_go_after_all(story: Story, begins_at: datetime, button: str) -> None:
    away(story.bob, story.carol, begins_at, MONDAY + 2 * DAY)

    page = get(signed_in(story.bob), "/absence").press(button)

    assert "Removed: messages come as usual." in page.text
    assert not Absence.objects.exists()
    assert Absence.history.filter(history_type="-").get().history_user == story.bob.user


def test_bob_names_somebody_else_for_a_category(story: Story) -> None:
    approvals = Category.objects.get(slug="approvals")
    Case.objects.create(engine=story.engine, case_id="C-1", type="claim")
    page = get(signed_in(story.bob), "/absence")
    times = {"begins_at": "2026-11-04T17:00", "ends_at": "2026-11-16T08:30"}
    rows = {
        "part-0-about": f"category:{approvals.pk}",
        "part-0-delegate": "Alice",
        "part-1-about": "kind:claim",
        "part-1-delegate": "",
    }

    wrong = page.press("Save", **times, **{**rows, "part-0-delegate": "Bob"})
    assert "People cannot stand in for themselves." in wrong.text
    assert "There is nobody with this name." in page.press("Save", **times, **{**rows, "part-1-delegate": "Zoe"}).text
    lost = page.press("Save", **times, **{"part-0-about": "", "part-0-delegate": "Alice"})
    assert "Choose what this applies to." in lost.text
    assert not Absence.objects.exists()
    page = page.press("Save", **times, **rows, delegate="Carol", open_items="stay", give_back="on")

    assert "Alice stands in for Approvals and tasks. Nobody stands in for claim. Carol stands in." in page.text
    row = Absence.objects.get()
    assert (row.open_items, row.give_back) == ("stay", True)
    assert [(part.named, part.delegate) for part in row.parts.all()] == [
        ("Approvals and tasks", story.alice),
        ("claim", None),
    ]
    page.press("Save", **times, **{**rows, "part-0-about": "", "part-0-delegate": ""})
    assert [part.named for part in row.parts.all()] == ["claim"]


def test_what_is_over_is_not_shown(story: Story) -> None:
    away(story.bob, story.carol, MONDAY - 2 * DAY, MONDAY - DAY)

    page = get(signed_in(story.bob), "/absence")

    assert "stands in." not in page.text
    assert not page.tree.xpath("//button[@name='back']")


@pytest.mark.parametrize(
    "typed", some(["Carol (carol)", "carol", "CAROL", "Car", " carol ", "carol@example.org", "Carol@Example.org"], 3)
)
def test_whoever_stands_in_is_named_as_one_knows_them(story: Story, typed: str) -> None:
    filled(get(signed_in(story.bob), "/absence"), "2026-11-04T17:00", "2026-11-05T17:00", typed)

    assert Absence.objects.get().delegate == story.carol


def test_a_ref_wins_over_a_name_and_brackets_belong_to_both(story: Story) -> None:
    twin = RecipientFactory(ref="carol (2)", name="Carol (from sales)")
    RecipientFactory(ref="x", name="carol (2)")
    page = get(signed_in(story.bob), "/absence")

    assert "Carol (from sales) (carol (2))" in page.tree.xpath("//datalist/option/@value")
    for typed in ("Carol (from sales) (carol (2))", "carol (2)", "from sales"):
        filled(page, "2026-11-04T17:00", "2026-11-05T17:00", typed)
        assert Absence.objects.get().delegate == twin


@pytest.mark.parametrize(
    ("begins_at", "ends_at", "delegate", "field", "sentence"),
    some(
        [
            ("", "2026-11-05T17:00", "", "begins_at", "Enter the dates."),
            ("2026-11-04T17:00", "soon", "", "ends_at", "Enter a date and a time, such as 2026-12-24 17:00."),
            ("2026-11-04T17:00", "0001-01-01T00:00", "", "ends_at", "Enter a date and a time"),
            ("2026-11-04T17:00", "9999-12-31T23:59", "", "ends_at", "Enter a date and a time"),
            ("2026-11-04T17:00", "2026-11-04T17:00", "", "ends_at", "The absence must end after it starts."),
            ("2026-10-04T17:00", "2026-11-01T17:00", "", "ends_at", "This is in the past."),
            ("2026-11-04T17:00", "2029-11-05T17:00", "", "ends_at", "An absence is at most two years long."),
            ("2026-11-04T17:00", "2026-11-05T17:00", "Zoe", "delegate", "There is nobody with this name."),
            ("2026-11-04T17:00", "2026-11-05T17:00", "x" * 501, "delegate", "There is nobody with this name."),
            ("2026-11-04T17:00", "2026-11-05T17:00", "bob", "delegate", "People cannot stand in for themselves."),
            ("2026-11-04T17:00", "2026-11-05T17:00", "Erin", "delegate", "There is nobody with this name."),
            ("2026-11-04T17:00", "2026-11-05T17:00", "o", "delegate", "That may be several people: Bob (bob), Carol"),
        ],
        5,
    ),
)
def test_what_makes_no_sense_is_said_at_its_field_and_kept(
    story: Story, begins_at: str, ends_at: str, delegate: str, field: str, sentence: str
) -> None:
    RecipientFactory(ref="C-9", name="Erin", engine=story.engine)
    page = filled(get(signed_in(story.bob), "/absence"), begins_at, ends_at, delegate)

    assert page.status == 422
    (said,) = page.tree.xpath(f"//*[@id='{field}-fault']")
    assert said.text.startswith(sentence)
    (shown,) = page.tree.xpath(f"//input[@name='{field}']")
    assert f"{field}-fault" in shown.get("aria-describedby")
    assert shown.get("aria-invalid") == "true"
    (kept,) = page.tree.xpath("//input[@name='begins_at']")
    assert kept.get("value") == begins_at
    assert not Absence.objects.exists()


def test_a_time_may_be_typed_where_a_browser_has_no_such_field(story: Story) -> None:
    filled(get(signed_in(story.bob), "/absence"), "2026-11-04 17:00", "2026-11-05T17:00:30")

    row = Absence.objects.get()
    assert (row.begins_at, row.ends_at) == (
        datetime(2026, 11, 4, 17, tzinfo=UTC),
        datetime(2026, 11, 5, 17, 0, 30, tzinfo=UTC),
    )


def test_of_an_hour_that_comes_twice_all_is_meant_and_one_that_never_comes_is_no_fault(story: Story) -> None:
    in_berlin(story.bob)
    page = get(signed_in(story.bob), "/absence")

    filled(page, "2027-03-28T02:30", "2027-10-31T02:30")

    row = Absence.objects.get()
    assert row.begins_at == datetime(2027, 3, 28, 1, tzinfo=UTC)
    assert row.ends_at == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)


def test_a_delegate_who_cannot_stand_in_is_warned_of(story: Story) -> None:
    away(story.carol, None, MONDAY, MONDAY + 9 * DAY)

    page = filled(get(signed_in(story.bob), "/absence"), "2026-11-04T17:00", "2026-11-05T17:00", "carol")

    assert "Carol cannot stand in: they are away then, too. So messages still come to you." in page.text


def test_the_field_proposes_colleagues_before_all_others(story: Story) -> None:
    RecipientFactory(ref="aaron", name="Aaron")
    RecipientFactory(ref="C-9", name="Erin", engine=story.engine)
    RecipientFactory(ref="gone", active=False)

    page = get(signed_in(story.bob), "/absence")

    assert page.tree.xpath("//datalist/option/@value") == ["Alice (alice)", "Carol (carol)", "Aaron (aaron)"]


# --- managers -------------------------------------------------------------------------------------
def test_carol_sees_who_reports_to_her_and_sets_an_absence_for_bob(story: Story) -> None:
    in_berlin(story.bob)
    dave = RecipientFactory(ref="dave", name="Dave", manager=story.carol)
    away(dave, story.alice, MONDAY - DAY, MONDAY + DAY)
    page = get(signed_in(story.carol), "/absence")
    assert "Dave Away until Tuesday, 3 November, 09:00. Alice stands in." in page.text

    page = page.follow("Change: Bob")
    assert page.title == "When Bob is away · wfpush"
    assert "In the time zone Europe/Berlin." in page.text
    page = filled(page, "2026-11-02T08:00", "2026-11-16T08:30", "alice")

    assert "Away until Monday, 16 November, 08:30. Alice stands in." in page.text
    row = Absence.objects.get(recipient=story.bob)
    assert row.begins_at == datetime(2026, 11, 2, 7, tzinfo=UTC)
    assert Absence.history.filter(recipient=story.bob).get().history_user == story.carol.user
    page.press("Bob is back")
    assert not Absence.objects.filter(recipient=story.bob).exists()


@pytest.mark.parametrize("ref", ["alice", "carol", "nobody", "C-9", "former"])
def test_nobody_sets_an_absence_for_who_does_not_report_to_them(story: Story, ref: str) -> None:
    """Bob manages Alice; here Carol tries, whose reports are Bob's and not hers."""
    RecipientFactory(ref="C-9", engine=story.engine)
    RecipientFactory(ref="former", active=False, manager=story.carol)
    client = signed_in(story.carol if ref != "carol" else story.bob)
    client.handler.enforce_csrf_checks = False

    assert client.get(f"/absence?for={ref}").status_code == 404
    said = {"begins_at": "2026-11-04T17:00", "ends_at": "2026-11-05T17:00"}
    assert client.post(f"/absence?for={ref}", said).status_code == 404
    assert client.post(f"/absence?for={ref}", {"back": "1"}).status_code == 404
    assert not Absence.objects.exists()


def test_a_ref_may_be_anything(story: Story) -> None:
    RecipientFactory(ref="r&d/ä?", name="Dave", manager=story.carol)

    page = get(signed_in(story.carol), "/absence").follow("Change: Dave")

    assert page.title == "When Dave is away · wfpush"
    filled(page, "2026-11-04T17:00", "2026-11-05T17:00")
    assert Absence.objects.get().recipient.ref == "r&d/ä?"


# --- who else -------------------------------------------------------------------------------------
def test_customers_have_no_such_page(story: Story) -> None:
    client = signed_in(RecipientFactory(ref="C-9", engine=story.engine))

    assert client.get("/absence").status_code == 404
    assert "/absence" not in client.get("/").content.decode()


def test_strangers_sign_in_and_come_back(story: Story, client: Client) -> None:
    assert client.get("/absence?for=bob").url == "/sign-in?next=%2Fabsence%3Ffor%3Dbob"  # type: ignore[attr-defined]
    assert client.post("/absence?for=bob").url == "/sign-in?next=%2Fabsence%3Ffor%3Dbob"  # type: ignore[attr-defined]


def test_a_form_without_its_token_changes_nothing(story: Story) -> None:
    said = {"begins_at": "2026-11-04T17:00", "ends_at": "2026-11-05T17:00"}

    assert signed_in(story.bob).post("/absence", said).status_code == 403
    assert not Absence.objects.exists()


def test_the_page_obeys_its_policy_and_is_light(story: Story) -> None:
    for number in range(300):
        RecipientFactory(ref=f"person-{number:03}", name=f"Somebody Called {number}", user=None)
    response = signed_in(story.bob).get("/absence")
    content = response.content.decode()

    assert "unsafe" not in response["Content-Security-Policy"]
    assert " style=" not in content
    assert "<style" not in content
    assert content.partition("<datalist")[2].count("<option") == 200
    assert len(content) < 30_000


def test_a_team_lead_sees_the_members_on_a_page_of_their_own(story: Story) -> None:
    lead = RecipientFactory(ref="dora", name="Dora")
    TeamFactory(slug="claims", lead=lead, members=[story.bob, lead])
    away(story.bob, story.alice, MONDAY - DAY, MONDAY + DAY)

    page = get(signed_in(lead), "/absence").follow("My team")
    assert "Bob Away until Tuesday, 3 November, 09:00. Alice stands in." in page.text
    get(signed_in(lead), "/absence?for=bob").press("Bob is back")

    assert not Absence.objects.exists()
    assert Notification.objects.get(recipient=story.bob).title == "Dora has ended your absence"
    assert get(signed_in(story.alice), "/team").status == 404


def test_the_page_is_german(story: Story) -> None:
    Recipient.objects.filter(pk=story.carol.pk).update(locale="de")
    away(story.carol, story.alice, MONDAY - DAY, MONDAY + DAY)

    page = get(signed_in(story.carol), "/").follow("Abwesenheit")

    assert "Sie sind bis Dienstag, 3. November, 09:00 abwesend. Vertretung: Alice." in page.text
    assert page.tree.xpath("//html/@lang") == ["de"]


# --- what the stand-in sees -----------------------------------------------------------------------
def test_carols_card_and_item_say_that_they_are_for_bob(story: Story) -> None:
    entering.set_absence(story.bob, AbsenceEntry(MONDAY - DAY, MONDAY + 30 * DAY, story.carol), by=story.bob)
    story.assign()
    client = signed_in(story.carol)

    page = get(client, "/")
    assert page.part("lines") == "for Bob"
    item = page.follow("Approve invoice 4711")
    assert "for Bob Invoice 4711" in item.text
    item.press("Approve")
    (row,) = get(client, "/").tree.xpath("//ul[@id='done']/li")
    assert row.xpath(".//*[@data-slot='lines']/text()") == ["for Bob"]
