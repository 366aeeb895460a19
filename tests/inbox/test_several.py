"""Several items answered with one press and one comment: each has an outcome of its own."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import translation

from notifications.answers import four_eyes
from notifications.inbox.bulk_answers import MAX_ITEMS
from notifications.items import undo_window
from notifications.models import FourEyesRule, Notification, Recipient, Response
from tests.factories import NotificationFactory, RecipientFactory, TaskFactory
from tests.inbox.browser import Page, get, signed_in
from tests.support.story import Story

pytestmark = pytest.mark.django_db


@pytest.fixture
def invoices(story: Story) -> list[Notification]:
    """Bob's three invoices, each of 1,200.50 EUR."""
    for number in (1, 2, 3):
        story.assign(f"T-{number}", name=f"Approve invoice {number}")
    return sorted(story.inbox(story.bob), key=lambda each: each.title)


def chosen(person: Recipient, *items: Notification) -> Page:
    query = "&".join(f"n={item.pk}" for item in items)
    return get(signed_in(person), f"/several?{query}")


def outcomes(page: Page) -> dict[str, str]:
    rows = page.tree.xpath("//*[@class='chosen']/li")
    return {
        row.find("a").text_content().strip(): " ".join(row.xpath(".//*[@class='outcome']")[0].text_content().split())
        for row in rows
    }


def test_items_are_ticked_and_answered_together(story: Story, invoices: list[Notification]) -> None:
    page = get(signed_in(story.bob), "/").follow("Choose several")

    assert len(page.tree.xpath("//input[@type='checkbox' and @form='several']")) == 3
    assert "Answer together…" in page.text

    page = chosen(story.bob, *invoices)
    assert "3 items" in page.text
    assert "€3,601.50" in page.text
    assert page.buttons() == []
    assert "Approve (3)" in page.text
    told = page.press("Approve", comment="All three are right.")

    assert outcomes(told) == {f"Approve invoice {n}": "Approved. Invoices has not confirmed it yet." for n in (1, 2, 3)}
    assert set(Response.objects.values_list("comment", flat=True)) == {"All three are right."}
    assert get(signed_in(story.bob), "/").part("nothing-waiting") == "Nothing is waiting for you. Show what is done"


def test_an_item_is_left_out_on_the_page_and_the_comment_stays(story: Story, invoices: list[Notification]) -> None:
    page = chosen(story.bob, *invoices).press("×Leave out: Approve invoice 2", comment="Both are right.")

    assert "2 items" in page.text and "€2,401.00" in page.text
    assert not Response.objects.exists()
    assert page.tree.xpath("//textarea")[0].text.strip() == "Both are right."
    told = page.press("×Leave out: Approve invoice 3").press("Approve")
    assert [*outcomes(told)] == ["Approve invoice 1"]
    assert [each.notification for each in Response.objects.all()] == invoices[:1]


def test_what_changed_before_another_item_was_left_out_is_not_answered(
    story: Story, invoices: list[Notification]
) -> None:
    page = chosen(story.bob, *invoices)
    story.happen("task.updated", {"task": {"id": "T-1"}, "variables": {"amount": 9_999}})

    told = outcomes(page.press("×Leave out: Approve invoice 2").press("Approve"))

    assert [each.notification for each in Response.objects.all()] == invoices[2:]
    assert "changed" in told["Approve invoice 1"]


def test_others_that_are_not_answered_here_stay_on_the_page(story: Story, invoices: list[Notification]) -> None:
    story.assign(
        "T-9", name="Approve invoice 9", form={"schema": {"type": "object", "properties": {"note": {"type": "string"}}}}
    )
    answered = invoices[0]
    story.answer(story.bob, "approve", task_id="T-1")
    page = chosen(story.bob, answered, *invoices[1:], story.copy(story.bob, "T-9"))
    assert "No longer to be answered" in page.text and "Open these to answer them" in page.text

    page = page.press("×Leave out: Approve invoice 2")

    assert "No longer to be answered" in page.text and "Open these to answer them" in page.text
    assert "1 item" in page.text


def test_the_last_item_and_items_of_others_are_not_left_out(story: Story, invoices: list[Notification]) -> None:
    assert "Leave out" not in chosen(story.bob, invoices[0]).text

    page = chosen(story.bob, *invoices[:2])
    assert "2 items" in page.press("×Leave out: Approve invoice 1", without="nonsense").text
    assert not Response.objects.exists()


def test_who_was_faster_and_what_needs_four_eyes_stop_none_of_the_others(
    story: Story, invoices: list[Notification]
) -> None:
    story.assign("T-9", name="Approve invoice 9", assignee=None, candidates=["bob", "carol"])
    story.assign("T-8", name="Approve invoice 8", initiator="bob")
    FourEyesRule.objects.create(name="Invoices", engine=story.engine)
    everything = sorted(story.inbox(story.bob), key=lambda each: each.title)
    page = chosen(story.bob, *everything)
    story.answer(story.carol, "approve", task_id="T-9")

    told = outcomes(page.press("Approve"))

    assert told["Approve invoice 1"] == told["Approve invoice 3"] == "Approved. Invoices has not confirmed it yet."
    assert told["Approve invoice 9"].startswith("Already approved by Carol")
    assert told["Approve invoice 8"] == four_eyes.WHY["initiator"].words()
    assert Notification.objects.get(recipient=story.bob, task__task_id="T-8").state == "open"


def test_a_comment_is_asked_for_where_one_of_them_needs_it(story: Story, invoices: list[Notification]) -> None:
    page = chosen(story.bob, *invoices).press("Reject", comment="  ")

    assert page.status == 422
    assert "Write a comment first." in page.text
    assert not Response.objects.exists()
    told = page.press("Reject", comment="Wrong year")
    assert set(outcomes(told).values()) == {"Rejected. Invoices has not confirmed it yet."}


def test_a_comment_that_is_too_long_is_given_back(story: Story, invoices: list[Notification]) -> None:
    page = chosen(story.bob, *invoices).press("Approve", comment="x" * 4_001)

    assert page.status == 422
    assert "Shorten it to 4,000 characters" in page.text
    assert page.tree.xpath("//textarea")[0].text == "x" * 4_001


def test_sent_twice_each_is_answered_once(story: Story, invoices: list[Notification]) -> None:
    page = chosen(story.bob, *invoices)

    first, second = page.press("Approve"), page.press("Approve")

    assert outcomes(first) == outcomes(second)
    assert Response.objects.count() == 3


def test_items_of_others_are_not_there(story: Story, invoices: list[Notification]) -> None:
    page = chosen(story.carol, *invoices)

    assert "invoice" not in page.text
    assert "None of these still waits for an answer." in page.text


def test_items_that_have_no_answer_in_common_say_so() -> None:
    bob, only = RecipientFactory(ref="bob"), {"effect": "final", "comment": "none"}
    items = [
        NotificationFactory(recipient=bob, task=TaskFactory(), actions=[{"action": name, "title": name, **only}])
        for name in ("pay", "ship")
    ]

    assert "These items have no answer in common." in chosen(bob, *items).text


def test_amounts_are_summed_by_currency_in_the_readers_language() -> None:
    bob = RecipientFactory(ref="bob", locale="de")
    facts: list[list[Any]] = [
        ["Betrag", "money", 1200.5, "EUR"], ["Betrag", "money", "99.5", "EUR"], ["Betrag", "money", 7, "USD"],
    ]  # fmt: skip
    items = [NotificationFactory(recipient=bob, task=TaskFactory(), details={"key_facts": [fact]}) for fact in facts]
    items.append(NotificationFactory(recipient=bob, task=TaskFactory(), details={}))

    with translation.override("de"):
        page = chosen(bob, *items)

    assert "1.300,00 €" in page.text
    assert "7,00 $" in page.text


@pytest.mark.parametrize("query", ["", "?n=", "?n=x", "?n=1&n=2"])
def test_without_a_choice_the_list_offers_one(query: str) -> None:
    page = get(signed_in(RecipientFactory(ref="bob")), f"/several{query}")

    assert page.url == "/"


def test_no_more_than_so_many_are_answered_at_once() -> None:
    bob, task = RecipientFactory(ref="bob"), TaskFactory()
    for number in range(MAX_ITEMS + 1):
        other = TaskFactory(engine=task.engine, case=task.case, name=f"Approve invoice {number}")
        NotificationFactory(recipient=bob, task=other)

    page = chosen(bob, *Notification.objects.filter(recipient=bob))

    assert f"{MAX_ITEMS} items" in page.text
    assert f"At most {MAX_ITEMS} items are answered at once." in page.text
    told = page.press("Approve")
    assert len(outcomes(told)) == MAX_ITEMS
    assert Notification.objects.filter(recipient=bob, state="open").count() == 1


def test_all_answers_can_be_taken_back_at_once(
    story: Story, invoices: list[Notification], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo_window, "HELD", timedelta(seconds=60))
    told = chosen(story.bob, *invoices).press("Approve")
    story.assign("T-9", name="Approve invoice 9", assignee="carol")
    foreign = story.inbox(story.carol)[0]

    undone = told.press("Undo all", n=[*(str(each.pk) for each in invoices), str(foreign.pk)])

    assert set(outcomes(undone).values()) == {"It still waits for an answer."}
    assert len(outcomes(undone)) == 3
    assert get(signed_in(story.bob), "/").titles("waiting") == [each.title for each in reversed(invoices)]


def test_the_list_of_what_is_done_adds_up_today_and_this_week(story: Story, invoices: list[Notification]) -> None:
    with time_machine.travel(datetime(2026, 11, 25, 9, tzinfo=UTC), tick=False):  # a Wednesday
        chosen(story.bob, *invoices[:2]).press("Approve")
    with time_machine.travel(datetime(2026, 11, 26, 9, tzinfo=UTC), tick=False):
        chosen(story.bob, invoices[2]).press("Approve")

        totals = get(signed_in(story.bob), "/?tab=done").tree.xpath("//*[@class='totals']/div")
        words = [" ".join(each.text_content().split()) for each in totals]
    assert words == ["Today1 answered · €1,200.50", "This week3 answered · €3,601.50"]
    with time_machine.travel(datetime(2026, 11, 30, 9, tzinfo=UTC), tick=False):
        assert get(signed_in(story.bob), "/?tab=done").tree.xpath("//*[@class='totals']") == []
