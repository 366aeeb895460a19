"""The list as it opens, and what of it is asked for by its address."""

import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.inbox.list_query import Finding, finding_of
from notifications.inbox.listing import GROUP_SHOWN, PAGE, Listing, filters_of, listing, of_tab
from notifications.models import Notification, Recipient, Team
from tests.factories import NotificationFactory, RecipientFactory, TaskFactory
from tests.inbox.browser import Page, get, signed_in
from tests.support.length import some

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def titles(found: Listing) -> dict[str, list[str]]:
    """Group to what stands in it."""
    return {group.due: [card.notification.title for card in group.cards] for group in found.groups if group.count}


def asked(reader: Recipient, address: str, now: datetime = NOON) -> list[str]:
    """The titles of the page at an address such as `?tab=done`."""
    found = listing(reader, now, finding_of(QueryDict(address.lstrip("?")))).matches
    assert found is not None
    return [card.notification.title for card in found.cards]


def many(reader: Recipient, count: int, **values: Any) -> None:
    """As many open items as quickly as the database takes them."""
    reader.refresh_from_db()
    first = NotificationFactory(recipient=reader, task=TaskFactory(), **values)
    seq = reader.inbox_seq
    copies = []
    for number in range(1, count):
        copy = Notification.objects.get(pk=first.pk)
        copy.pk, copy.task, copy.seq, copy.title = None, None, seq + number, f"{first.title} {number}"  # type: ignore[assignment]
        copy.id = Notification._meta.pk.get_default()
        copy.created_at += timedelta(seconds=number)
        copies.append(copy)
    Notification.objects.bulk_create(copies)
    Recipient.objects.filter(pk=reader.pk).update(inbox_seq=seq + count - 1)


def test_what_is_overdue_stands_before_what_is_urgent() -> None:
    bob = RecipientFactory(ref="bob")
    for title, priority, due in [
        ("whenever", "normal", None),
        ("this evening", "low", NOON + timedelta(hours=6)),
        ("in an hour", "normal", NOON + timedelta(hours=1)),
        ("long ago", "low", NOON - timedelta(days=9)),
        ("yesterday", "urgent", NOON - timedelta(days=1)),
        ("at once", "urgent", None),
        ("next month", "high", NOON + timedelta(days=30)),
    ]:
        NotificationFactory(recipient=bob, title=title, priority=priority, due_at=due)

    found = listing(bob, NOON)

    assert titles(found) == {
        "overdue": ["long ago", "yesterday"],
        "today": ["in an hour", "this evening"],
        "later": ["next month", "at once", "whenever"],
    }
    assert found.waiting == 7


def test_today_is_the_readers() -> None:
    bob = RecipientFactory(ref="bob")
    NotificationFactory(recipient=bob, title="by noon in Tokyo", due_at=NOON + timedelta(hours=15))

    with timezone.override("Asia/Tokyo"):  # where NOON is 21:00
        assert titles(listing(bob, NOON)) == {"later": ["by noon in Tokyo"]}
        assert titles(listing(bob, NOON + timedelta(hours=4))) == {"today": ["by noon in Tokyo"]}


def test_updates_are_newest_first_and_what_is_over_is_done() -> None:
    bob, now = RecipientFactory(ref="bob"), timezone.now()
    NotificationFactory(recipient=bob, task=None, title="received", created_at=now - timedelta(hours=2))
    NotificationFactory(recipient=bob, task=None, title="under review", created_at=now - timedelta(hours=1))
    for state in ("answered", "withdrawn", "expired"):
        NotificationFactory(recipient=bob, state=state, title=state)

    found = listing(bob, now)

    assert [each.notification.title for each in found.updates] == ["under review", "received"]
    assert [each.notification.title for each in found.done] == ["expired", "withdrawn", "answered"]
    assert found.waiting == 0


def test_somebody_elses_items_are_nowhere() -> None:
    NotificationFactory(recipient=RecipientFactory(ref="carol"), title="Carol's", due_at=NOON)
    bob = RecipientFactory(ref="bob")

    found = listing(bob, NOON)

    assert (found.waiting, found.unread, found.seq, titles(found)) == (0, 0, 0, {})
    for address in ("?tab=all", "?q=carol", "?due=today", "?unread", "?urgent"):
        assert asked(bob, address) == []


def test_each_group_says_how_much_more_there_is_and_leads_to_all_of_it() -> None:
    bob = RecipientFactory(ref="bob")
    many(bob, GROUP_SHOWN + 12, title="late", due_at=NOON - timedelta(days=1))
    many(bob, 3, title="whenever")
    bob.refresh_from_db()

    found = listing(bob, NOON)
    back, overdue, today, later = found.groups
    assert back.count == 0

    assert (overdue.count, len(overdue.cards), overdue.more) == (GROUP_SHOWN + 12, GROUP_SHOWN, 12)
    assert (today.count, later.count, later.more) == (0, 3, 0)
    assert found.waiting == GROUP_SHOWN + 15
    assert len(asked(bob, overdue.suffix)) == GROUP_SHOWN + 12


def test_pages_go_back_to_the_first_day() -> None:
    bob = RecipientFactory(ref="bob")
    many(bob, 2 * PAGE + 7, title="news", state="info", created_at=NOON - timedelta(days=400))
    everything: list[str] = []
    client, address = signed_in(bob), "/?tab=updates"
    while address:
        page = get(client, address)
        everything += page.titles("found")
        says = page.text
        address = page.link("Next page") if "Next page" in says else ""

    assert len(everything) == len(set(everything)) == 2 * PAGE + 7
    assert everything[-1] == "news"
    assert "101 to 107 of 107" in says
    assert "Previous page" in says


def test_a_page_that_is_no_longer_there_says_so() -> None:
    page = get(signed_in(RecipientFactory(ref="bob")), "/?tab=done&page=9")

    assert "There is nothing on this page any more." in page.text


@pytest.fixture
def bobs() -> Recipient:
    """Bob's items: of two kinds, engines, teams and senders."""
    bob = RecipientFactory(ref="bob")
    finance = Team.objects.create(slug="finance", name="Finance")
    alice = RecipientFactory(ref="alice", name="Alice")
    invoice = TaskFactory(kind="approval", initiator=alice)
    invoice.teams.add(finance)
    NotificationFactory(recipient=bob, task=invoice, title="invoice", priority="urgent")
    NotificationFactory(recipient=bob, task=TaskFactory(kind="field"), title="roof", escalated=True, read_at=NOON)
    NotificationFactory(recipient=bob, state="answered", title="old roof", task=TaskFactory(kind="field"))
    return Recipient.objects.get(pk=bob.pk)


def test_filters_show_what_they_say(bobs: Recipient) -> None:
    task = Notification.objects.get(title="invoice").task
    assert task is not None
    assert asked(bobs, "?urgent") == ["invoice"]
    assert asked(bobs, "?escalated") == ["roof"]
    assert asked(bobs, "?kind=field") == ["roof"]
    assert asked(bobs, "?kind=field&tab=all") == ["old roof", "roof"]
    assert asked(bobs, f"?engine={task.engine.slug}") == ["invoice"]
    assert asked(bobs, "?team=finance") == ["invoice"]
    assert asked(bobs, f"?from={task.initiator_id}") == ["invoice"]
    assert asked(bobs, f"?case={task.case_id}&tab=all") == ["invoice"]
    assert asked(bobs, "?tab=all&unread") == ["old roof", "invoice"]
    assert asked(bobs, "?sort=oldest") == ["invoice", "roof"]


def test_filters_offer_what_there_is(bobs: Recipient) -> None:
    page = get(signed_in(bobs), "/").follow("More filters")

    offered = [option.text_content() for option in page.tree.xpath("//select/option")]
    assert {"approval", "field", "Alice", "Finance"} <= set(offered)


def test_the_address_keeps_everything() -> None:
    everything: dict[str, Any] = {"tab": "waiting", "words": "acme gmbh", "due": "today", "sort": "oldest", "page": 3}
    everything |= {"kind": "field", "engine": "invoices", "team": "finance", "sender": "7", "case": "9"}
    everything |= {"fact": "Acme GmbH", "least": "1.000", "most": "2.000"}
    everything |= dict.fromkeys(("urgent", "escalated", "unread", "snoozed", "choosing", "selecting"), True)
    finding = Finding(**everything)
    assert {field.name for field in fields(Finding)} == set(everything)

    assert finding_of(QueryDict(finding.query)) == finding
    assert finding_of(QueryDict(Finding(due="today").query)) == Finding(due="today")
    assert Finding().query == ""


@pytest.mark.parametrize(
    "address",
    [
        "tab=nothing&due=never&sort=up&page=-1&case=x&from=1.5",
        "page=99999999999999999999&case=99999999999999999999",
        "q=%00&kind=%00",
        "page=%C2%B2&case=%D9%A3",
    ],
)
def test_what_means_nothing_is_left_out(address: str) -> None:
    assert finding_of(QueryDict(address)).plain


def test_hostile_addresses_are_pages_like_others(bobs: Recipient) -> None:
    client = signed_in(bobs)
    for address in ("/?q=%27%22%3Cscript%3E&kind=%5C", "/?engine=%ff", "/?page=100000&tab=all", "/?case=999999999&q=a"):
        page = get(client, address)
        assert page.status == 200
        assert "<script>" not in page.response.content.decode()


def test_an_answer_in_a_list_that_was_asked_for_is_seen_with_the_list_beside_it(bobs: Recipient) -> None:
    page = get(signed_in(bobs), "/?urgent=1")

    after = page.press("Approve")

    assert re.fullmatch(r"/n/[0-9a-f-]{36}\?urgent=1", after.response.redirect_chain[-1][0])  # type: ignore[attr-defined]
    assert "Approved." in after.text
    assert "Nothing here matches." in after.text


def test_the_list_asks_the_database_the_same_few_questions_however_long_it_is() -> None:
    bob = RecipientFactory(ref="bob")

    def questions() -> int:
        with CaptureQueriesContext(connection) as queries:
            found = listing(Recipient.objects.select_related("brand").get(pk=bob.pk), timezone.now())
            cards = [card for group in found.groups for card in group.cards]
            assert all(each.notification.task.state and each.notification.category.slug for each in cards)
        return len(queries)

    NotificationFactory(recipient=bob)
    few = questions()
    for _ in range(5):
        NotificationFactory(recipient=bob)

    assert questions() == few
    assert few <= 13


def test_what_can_be_read_is_what_is_counted_as_unread() -> None:
    bob = RecipientFactory(ref="bob")
    many(bob, PAGE + 3, title="waits")
    bob.refresh_from_db()
    NotificationFactory(recipient=bob, state="withdrawn", title="gone")
    NotificationFactory(recipient=bob, state="info", task=None, title="news", read_at=NOON)

    page = get(signed_in(bob), "/")
    assert f"Unread {PAGE + 4}" in page.text
    unread = page.follow("Unread")
    found = unread.titles("found") + unread.follow("Next page").titles("found")

    assert len(found) == PAGE + 4
    assert "news" not in found


def test_tabs_keep_words_and_filters(bobs: Recipient) -> None:
    page: Page = get(signed_in(bobs), "/?q=roof&kind=field")

    assert page.titles("found") == ["roof"]
    assert "1 item" in page.text
    assert page.part("waiting-count") == "1" and page.part("unread-count") == ""  # of what is shown
    assert page.follow("Done").titles("found") == ["old roof"]
    assert page.follow("Search all items").titles("found") == ["old roof", "roof"]


def test_amounts_stay_on_the_way_from_waiting_to_done_and_no_further() -> None:
    bob = RecipientFactory(ref="bob")
    details = {"key_facts": [["Amount", "money", 1200, "EUR"]], "key_fact_labels": [{}]}
    NotificationFactory(recipient=bob, title="small", state="answered")
    NotificationFactory(recipient=bob, title="large", state="answered", details=details)

    page = get(signed_in(bob), "/?least=1000")

    done = page.follow("Done")
    assert done.titles("found") == ["large"]
    assert [field.get("value") for field in done.tree.xpath("//input[@name='least']")] == ["1000"]
    assert set(done.follow("All").titles("found")) == {"small", "large"}


def test_several_are_chosen_where_there_are_several(bobs: Recipient) -> None:
    client = signed_in(bobs)
    assert "Choose several" in get(client, "/").text
    for found in ("/?q=nothing", "/?q=roof", "/?tab=done"):
        assert "Choose several" not in get(client, found).text, found
    assert "Choose none" in get(client, "/?q=roof&select=1").text
    assert "Choose none" not in get(client, "/?q=nothing&select=1").text


@pytest.mark.parametrize(("tab", "index"), [("updates", "notification_news"), ("waiting", "notification_waiting")])
def test_who_has_none_among_many_others_is_told_so_at_once(tab: str, index: str) -> None:
    bob = RecipientFactory(ref="bob")
    many(bob, 300, title="gone")
    Notification.objects.update(state="withdrawn")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_notification")
        cursor.execute("SET LOCAL enable_seqscan = off")

    mine = Notification.objects.filter(recipient=bob)
    plan = of_tab(mine, tab).order_by("-created_at", "-id").values("pk")[:10].explain()

    assert index in plan, plan


@pytest.mark.parametrize(
    "asked",
    some(
        [
            {"tab": "done"},
            {"tab": "all"},
            {"tab": "waiting", "unread": True},
            {"tab": "updates"},
            {"tab": "all", "sort": "oldest"},
        ],
        2,
    ),
)
def test_pages_from_the_end_go_on_where_those_from_the_start_are(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications.inbox.listing.PAGE", 3)
    bob = RecipientFactory(ref="bob")
    for number, state in enumerate(("open", "info", "answered", "withdrawn", "expired") * 4):
        due_at = NOON + timedelta(hours=number % 3) if number % 2 else None
        NotificationFactory(recipient=bob, task=None, state=state, title=f"{number}", due_at=due_at)
    mine = Notification.objects.filter(recipient=bob)
    one_by_one = [row.title for row in of_tab(mine, asked["tab"])]

    found = [page for number in range(1, 9) if (page := listing(bob, NOON, Finding(**asked, page=number)).matches)]
    shown = [[each.notification.title for each in page.cards] for page in found]

    flat = [title for page in shown for title in page]
    assert sorted(flat) == sorted(one_by_one), "each once"
    assert [len(page) for page in shown if page] == [3] * (len(flat) // 3) + [len(flat) % 3] * bool(len(flat) % 3)
    assert {page.count for page in found} == {len(flat)}
    monkeypatch.setattr("notifications.inbox.listing.PAGE", 100)
    whole = listing(bob, NOON, Finding(**asked)).matches
    assert whole is not None
    assert flat == [each.notification.title for each in whole.cards]


@pytest.mark.parametrize(
    ("address", "titles"),
    [
        ("?sort=largest", ["four", "three", "two", "none", "one"]),
        ("?sort=smallest", ["two", "three", "four", "none", "one"]),
        ("?least=1.000", ["three", "four"]),
        ("?least=1.000,50&most=20.000 €", ["three"]),
        ("?most=999,99", ["two"]),
        ("?least=much", ["two", "three", "four", "none", "one"]),
        ("?fact=Acme GmbH", ["two", "four"]),
        ("?fact=Acme GmbH&least=1.000&q=four", ["four"]),
        ("?fact=acme", []),
        ("?tab=all&sort=largest&least=1.000&fact=Acme GmbH", ["old three", "none", "four", "three", "two", "one"]),
        ("?tab=done&least=1.000", ["old three"]),
        ("?tab=done&most=999", []),
        ("?tab=done&sort=largest&fact=Acme GmbH", ["old three"]),
    ],
)
def test_items_are_filtered_and_sorted_by_their_key_facts(address: str, titles: list[str]) -> None:
    bob, labels = RecipientFactory(ref="bob", locale="de"), [{}, {"de": "Lieferant", "en": "Vendor"}, {}]
    for number, (title, *facts) in enumerate(
        [
            ("one",),
            ("two", ["Amount", "money", 999.99, "EUR"], ["Vendor", "text", "Acme GmbH"]),
            ("three", ["Amount", "money", "1000.5", "USD"], ["Vendor", "text", "Bahn AG"]),
            ("four", ["Amount", "money", 25000, "EUR"], ["Vendor", "text", "Acme GmbH"], ["Total", "money", 1, "EUR"]),
            ("none", ["Pieces", "number", 7], ["Vendor", "text", "acme ag"]),
        ]
    ):
        details = {"key_facts": facts, "key_fact_labels": labels[: len(facts)]} if facts else {}
        due = NOON + timedelta(hours=number or 9)
        NotificationFactory(recipient=bob, task=TaskFactory(), title=title, due_at=due, details=details)
    details = Notification.objects.get(title="three").details
    NotificationFactory(recipient=bob, title="old three", state="answered", details=details)

    assert asked(bob, address) == titles
    offered = {each.name: each for each in filters_of(bob, finding_of(QueryDict(address.lstrip("?"))))}
    if "tab=" in address:
        assert "fact" not in offered
    else:
        assert offered["fact"].label == "Lieferant"
        assert [value for value, _label in offered["fact"].choices] == ["acme ag", "Acme GmbH", "Bahn AG"]
