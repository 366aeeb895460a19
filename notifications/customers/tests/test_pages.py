"""Erin, a customer, sees how far her case has come, what is wanted from her, and what was written to her."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from notifications.customers.models import Journey, Milestone
from notifications.models import Brand, Case, Engine, Notification, Recipient, TaskMessage
from notifications.wording.sentences import TEXTS, spoken
from tests.factories import BrandFactory, RecipientFactory
from tests.inbox.browser import Page, get, signed_in
from tests.inbox.test_files import BAD, links, photo, thumbnails
from tests.notifications.forms.invoice import ask
from tests.notifications.forms.rows import GIVEN, delivery_form
from tests.support.story import Story

ASKS = ["approve", "request_info"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(db: None) -> Brand:
    return BrandFactory(
        slug="acme",
        name="Acme",
        contact="Monday to Friday, 8–17",
        contact_phone="+49 89 (1234)",
        contact_email="help@acme.example",
        contact_address="Main Street 1, Munich",
    )


@pytest.fixture
def erin(story: Story, acme: Brand) -> Recipient:
    return RecipientFactory(ref="C-9", name="Erin", engine=story.engine, brand=acme, timezone="Europe/Berlin")


def request_is(story: Story, status: str, minute: float, **more: Any) -> None:
    case = {"id": "R-88", "title": "Broken heating", "type": "repair", "status": status}
    story.happen("request.status_changed", {"case": case, "customer": {"ref": "C-9"}, **more}, minute=minute)


def steps(page: Page) -> list[tuple[str, str]]:
    found = page.tree.xpath("//ol[@class='milestones']/li")
    return [(each.get("data-state"), each.findtext(".//strong")) for each in found]


# --- milestones ---------------------------------------------------------------------------------------------------
def test_erin_sees_how_far_her_request_has_come_and_whom_to_reach(story: Story, erin: Recipient) -> None:
    request_is(story, "received", 0)
    request_is(story, "assigned", 60)

    page = get(signed_in(erin), "/")

    assert steps(page) == [("done", "Received"), ("now", "In progress"), ("ahead", "Completed")]
    assert "Broken heating Number R-88" in page.part("case")
    assert "Somebody is taking care of it." in page.part("case")
    assert page.tree.xpath("//script/@data-modules") == ["signout inbox customer"]
    assert [each.get("title") for each in page.tree.xpath("//ol[@class='milestones']//time")] == [
        "Monday, 2 November 2026, 10:00 CET",
        "Monday, 2 November 2026, 11:00 CET",
    ]
    assert page.link("+49 89 (1234)") == "tel:+49891234"
    assert page.link("help@acme.example") == "mailto:help@acme.example"
    assert "Main Street 1, Munich" in page.text


def test_what_is_wanted_stands_above_it_and_the_messages_below(story: Story, erin: Recipient) -> None:
    request_is(story, "received", 0)
    story.assign(assignee="C-9")

    page = get(signed_in(erin), "/")

    heads = [each.text_content().strip() for each in page.tree.xpath("//section[@id='list']//h2")]
    assert heads[:4] == ["What we need from you", "Invoice 4711", "Contact us", "Messages"]
    assert "Broken heating" in page.text  # her other case
    assert "Search your items" not in page.text


def test_a_status_that_is_no_step_is_said_and_the_steps_stay(story: Story, erin: Recipient) -> None:
    request_is(story, "parked", 0)
    page = get(signed_in(erin), "/")
    assert steps(page) == []
    assert "Where it is: Parked" in page.part("case")

    request_is(story, "received", 1)
    request_is(story, "waiting_for_parts", 5)
    page = get(signed_in(erin), "/")
    assert steps(page)[0] == ("now", "Received")
    assert "Latest news: Waiting for parts" in page.part("case")


def test_steps_that_were_skipped_are_not_claimed_and_a_rejection_ends_the_way(story: Story, erin: Recipient) -> None:
    case = {"id": "5", "title": "Loan 5"}
    for minute, status in enumerate(["submitted", "rejected"]):
        said = {"case": {**case, "status": status}, "recipients": ["C-9"]}
        story.happen("case.status_changed", said, minute=minute)

    assert steps(get(signed_in(erin), "/")) == [("done", "Received"), ("now", "Rejected")]


def test_a_decision_that_lies_ahead_is_one_step(story: Story, erin: Recipient) -> None:
    said = {"case": {"id": "5", "title": "Loan 5", "status": "under_review"}, "recipients": ["C-9"]}
    story.happen("case.status_changed", said)

    assert steps(get(signed_in(erin), "/")) == [
        ("now", "Being reviewed"),
        ("ahead", "Decision"),
        ("ahead", "Completed"),
    ]


def test_a_case_that_goes_back_is_where_it_is_now(story: Story, erin: Recipient) -> None:
    for minute, status in enumerate(["received", "assigned", "received"]):
        request_is(story, status, minute)

    assert [state for state, _ in steps(get(signed_in(erin), "/"))] == ["now", "ahead", "ahead"]


def test_a_way_of_its_own_for_a_kind_of_case_goes_first(story: Story, erin: Recipient) -> None:
    way = Journey.objects.create(name="Repairs", engine=story.engine, case_type="repair")
    Milestone.objects.create(journey=way, position=1, statuses=["received"], labels={"en": "We know", "de": "Bekannt"})
    Milestone.objects.create(journey=way, position=2, statuses=["mended"], labels={"de": "Repariert"})
    request_is(story, "received", 0)

    assert steps(get(signed_in(erin), "/")) == [("now", "We know"), ("ahead", "Repariert")]

    Recipient.objects.filter(pk=erin.pk).update(locale="de-AT")
    assert steps(get(signed_in(erin), "/"))[0] == ("now", "Bekannt")


def test_she_is_spoken_to_in_german(story: Story, erin: Recipient) -> None:
    Recipient.objects.filter(pk=erin.pk).update(locale="de")
    request_is(story, "received", 0)

    page = get(signed_in(erin), "/")

    assert steps(page) == [("now", "Eingegangen"), ("ahead", "In Bearbeitung"), ("ahead", "Abgeschlossen")]
    assert "Was wir von Ihnen brauchen" in page.text
    assert "So erreichen Sie uns" in page.text


def test_another_case_is_one_link_away_and_a_case_of_somebody_else_is_not_shown(story: Story, erin: Recipient) -> None:
    request_is(story, "received", 0)
    story.happen("request.status_changed", {"case": {"id": "R-1", "title": "Old", "status": "completed"},
                                            "customer": {"ref": "C-9"}})  # fmt: skip
    story.happen("request.status_changed", {"case": {"id": "R-2", "title": "Secret", "status": "received"},
                                            "customer": {"ref": "C-10"}})  # fmt: skip
    page = get(signed_in(erin), "/")
    assert page.part("case-heading") == "Old"

    (other,) = page.tree.xpath("//nav[@aria-labelledby='others-heading']//a/@href")
    assert get(signed_in(erin), other).part("case-heading") == "Broken heating"
    secret = Case.objects.get(case_id="R-2")
    found = get(signed_in(erin), f"/?case={secret.pk}")
    assert "Secret" not in found.text
    assert signed_in(erin).post(f"/cases/{secret.pk}/messages", {"text": "Let me in"}).status_code == 403  # no token
    assert secret.title not in get(signed_in(erin), "/").text


def test_who_has_no_case_sees_that_nothing_is_wanted(story: Story, erin: Recipient) -> None:
    page = get(signed_in(erin), "/")

    assert "Nothing. We will notify you when we need something." in page.text
    assert page.part("case") == ""


# --- messages -----------------------------------------------------------------------------------------------------
def test_erin_reads_what_she_was_told_and_writes_to_whoever_works_on_it(story: Story, erin: Recipient) -> None:
    request_is(story, "assigned", 0, message="Mr Huber comes on Monday.")
    case = {"id": "R-88", "title": "Broken heating"}
    task = {"id": "T-1", "name": "Order the part", "candidates": ["bob", "carol"]}
    story.happen("task.assigned", {"task": task, "case": case})
    client = signed_in(erin)
    page = get(client, "/")
    assert "Mr Huber comes on Monday." in page.part("thread")

    page = page.press("Send", text="Please ring twice.")

    assert page.part("thread").endswith("Please ring twice.")
    assert "You wrote to Bob, Carol" in page.part("thread")
    copy = story.copy(story.bob, "T-1")
    assert copy.notice == "Erin has written to you."
    bobs = get(signed_in(story.bob), f"/n/{copy.pk}")
    assert "Please ring twice." in bobs.part("panel")

    bobs.press("Send", text="Of course.", to="C-9")

    assert "Bob wrote to you" in get(client, "/").part("thread")
    assert "Of course." in get(client, "/").part("thread")


def test_the_same_message_sent_twice_counts_once_and_an_empty_one_is_refused(story: Story, erin: Recipient) -> None:
    request_is(story, "assigned", 0)
    story.happen("task.assigned", {"task": {"id": "T-1", "assignee": "bob"}, "case": {"id": "R-88"}})
    page = get(signed_in(erin), "/")

    empty = page.press("Send", text=" ")
    assert (empty.status, empty.part("write-fault")) == (422, "Write something first.")
    page.press("Send", text="Hello?")
    page.press("Send", text="Hello?")

    assert TaskMessage.objects.get().text == "Hello?"


def test_where_nobody_would_read_it_there_is_no_box(story: Story, erin: Recipient) -> None:
    request_is(story, "received", 0)

    page = get(signed_in(erin), "/")

    assert page.tree.xpath("//textarea[@id='write']") == []
    assert "Contact us" in page.text


def test_her_message_is_the_reply_to_an_open_question(story: Story, erin: Recipient) -> None:
    request_is(story, "assigned", 0)
    task = {"id": "T-1", "name": "Order the part", "assignee": "bob", "initiator": "C-9", "actions": ASKS}
    story.happen("task.assigned", {"task": task, "case": {"id": "R-88"}})
    item = get(signed_in(story.bob), f"/n/{story.copy(story.bob, 'T-1').pk}").follow("Ask for information…")
    item.press("Ask for information", comment="Which floor?")
    page = get(signed_in(erin), "/")
    assert "In reply to: Which floor?" in page.part("messages")
    assert "This waits for your reply." in page.part("thread")

    page = page.press("Send", text="The third.")

    assert "You replied" in page.part("thread")
    assert page.titles("waiting") == []
    assert "It answers" not in page.part("messages")


def test_a_customer_writes_with_a_file(story: Story) -> None:
    erin: Recipient = RecipientFactory(ref="C-88", name="Erin", engine=story.engine)
    story.assign(candidates=["bob"])
    case = {"id": "4711", "title": "Invoice 4711", "status": "received"}
    story.happen("request.status_changed", {"case": case, "customer": {"ref": "C-88"}}, minute=1)
    page = get(signed_in(erin), "/")

    faulty = page.press("Send", text="Look", files=[photo(content=BAD)])
    assert (faulty.status, "not accepted" in faulty.part("write-fault")) == (422, True)
    assert page.press("Send", text="").part("write-fault") == "Write something first."
    form = page
    page = form.press("Send", text="Look", files=[photo()])
    again = form.press("Send", text="Look", files=[photo()])  # pressed twice
    assert again.part("write-fault") == "" and TaskMessage.objects.count() == 1
    assert (form.press("Send", text="Look", files=[photo("other.png")]).status) == 422

    assert (thumbnails(page), page.client.get(links(page)[0]).status_code) == (1, 200)
    seen = get(signed_in(story.bob), f"/n/{story.copy(story.bob).pk}")
    assert seen.client.get(links(seen)[0]).status_code == 200


# --- what is not hers ---------------------------------------------------------------------------------------------
def test_she_never_reads_what_colleagues_say_to_each_other(story: Story, erin: Recipient) -> None:
    request_is(story, "assigned", 0)
    task = {"id": "T-1", "name": "Check her credit", "candidates": ["bob", "C-9", "carol"], "initiator": "alice",
            "url": "https://engine.example/t/1", "actions": ASKS}  # fmt: skip
    story.happen("task.assigned", {"task": task, "case": {"id": "R-88"}})
    item = f"/n/{story.copy(story.bob, 'T-1').pk}"
    bob = signed_in(story.bob)
    get(bob, item).press("Send", text="Erin is late with her rent, @Carol")
    get(bob, item).follow("Ask for information…").press("Ask for information", comment="Does Erin pay?")
    assert "@Erin" not in get(bob, item).press("Send", text="Do not tell @Erin").part("answer")

    client = signed_in(erin)
    pages = get(client, "/").text + get(client, f"/n/{story.copy(erin, 'T-1').pk}").text

    secrets = ["with her rent", "Does Erin pay?", "Do not tell", "Invoices", "Approvals", "Open in", "Snooze"]
    assert [secret for secret in secrets if secret in pages] == []


def test_names_of_staff_are_the_brands_where_it_says_so(story: Story, erin: Recipient, acme: Brand) -> None:
    Brand.objects.filter(pk=acme.pk).update(names_staff=False)
    request_is(story, "assigned", 0)
    task = {"id": "T-1", "name": "Order the part", "assignee": "bob", "initiator": "C-9", "actions": ASKS}
    story.happen("task.assigned", {"task": task, "case": {"id": "R-88", "title": "Broken heating"}})
    bob = signed_in(story.bob)
    page = get(bob, f"/n/{story.copy(story.bob, 'T-1').pk}")
    page.press("Send", text="It comes on Monday.", to="C-9")
    page.follow("Ask for information…").press("Ask for information", comment="Which floor?")
    client = signed_in(erin)

    page = get(client, "/").press("Send", text="The third.")

    assert "Acme asked you" in page.text
    assert "Acme wrote to you" in page.text
    pages = page.text + "".join(get(client, f"/n/{each.pk}").text for each in story.inbox(erin))
    assert "Bob" not in pages
    told = client.get("/api/v1/notifications?state=all").content.decode()
    assert "Bob" not in told


def test_internal_people_keep_their_inbox(story: Story) -> None:
    story.assign()

    page = get(signed_in(story.bob), "/")

    assert "Waiting for you" in page.text
    assert "Contact us" not in page.text


def test_the_ways_come_with_the_installation(db: None) -> None:
    assert list(Journey.objects.values_list("name", flat=True)) == ["Cases", "Requests"]
    assert Engine.objects.count() == 0


# --- her own answers ----------------------------------------------------------------------------------------------
def test_what_became_of_her_answer_is_said_in_words_for_customers(story: Story, erin: Recipient) -> None:
    request_is(story, "assigned", 0)
    task = {"id": "T-1", "name": "Confirm the appointment", "assignee": "C-9", "actions": ["approve", "reject"]}
    story.happen("task.assigned", {"task": task, "case": {"id": "R-88"}})
    client = signed_in(erin)
    item = f"/n/{story.copy(erin, 'T-1').pk}"
    assert "It goes to us with your answer." in get(client, item).follow("Reject…").part("comment-hint")

    assert "Approved. It is on its way." in get(client, item).press("Approve").text

    Notification.objects.filter(task__task_id="T-1").update(outcome={"action": "approve", "by": erin.as_person(),
                                                                     "at": "2026-11-02T09:00:00Z", "detail": "",
                                                                     "engine": "delivered"})  # fmt: skip
    page = get(client, item)
    assert "Approved. We have it. Thank you." in page.text
    engines = [line for line in spoken(customer=True).values() if "engine" in line.lower()]
    assert engines == [TEXTS["engine_connect"]]  # of people with accounts at an engine


def test_her_browser_says_the_same_to_her(story: Story, erin: Recipient) -> None:
    script = Client().get("/sw.js").content.decode()
    (words,) = re.findall(r"const CUSTOMER_WORDS = (.+);", script)

    assert json.loads(words)["de"]["engine_delivered"] == "Wir haben es. Vielen Dank."
    settings = get(signed_in(erin), "/").tree.xpath("//script[@id='settings']")[0].text
    assert json.loads(settings)["texts"]["engine_delivered"] == "We have it. Thank you."


def test_what_she_filled_in_stands_in_her_item_and_nobody_elses(story: Story, erin: Recipient) -> None:
    request_is(story, "received", 0)
    ask(story, "T-43", form=delivery_form(), variables=GIVEN, name="Count it", assignee="C-9", candidates=["bob"])
    item = f"/n/{Notification.objects.get(recipient=erin, task__task_id='T-43').pk}"

    page = get(signed_in(erin), item).press("Approve", **{"value-lines.1.price": "9.50"})

    assert "You answered “Approve”" in page.part("history")
    assert "Lines: 2 rows. Sum of the column “Price”: €39.50" in page.part("history")
    assert "Erin" not in page.part("history") and "Given to" not in page.part("history")
