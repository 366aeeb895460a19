"""The list and an item, as people without JavaScript see them. With it, tests/browsers goes on from here."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from notifications.inbox.items import item
from notifications.items.inbox_json import map_link, phone_link
from notifications.models import Notification, Recipient
from notifications.reasons import MANAGER
from notifications.wording.message import message_of
from tests.factories import BrandFactory, NotificationFactory, RecipientFactory, TaskFactory
from tests.inbox.browser import Page, get, signed_in
from tests.support.length import some
from tests.support.story import Story

pytestmark = pytest.mark.django_db


def open_item(story: Story, person: Recipient, title: str = "") -> Page:
    copy = next(each for each in story.inbox(person) if title in each.title)
    return get(signed_in(person), f"/n/{copy.pk}")


def test_the_list_shows_what_waits_and_what_is_new(story: Story) -> None:
    story.assign(priority="urgent", due_at=(timezone.now() + timedelta(hours=2, minutes=10, seconds=30)).isoformat())
    story.happen(
        "case.status_changed",
        {"case": {"id": "88", "title": "Claim 88", "status": "under_review"}, "recipients": ["bob"]},
    )

    page = get(signed_in(story.bob), "/")

    assert page.title == "(2) Waiting for you · wfpush"
    assert page.titles("waiting") == ["Approve invoice 4711"]
    assert "urgent" in page.part("waiting")
    assert re.search(r"(today|tomorrow) \d\d:\d\d", page.part("waiting"))
    assert page.buttons() == ["Approve", "Reject…"]
    assert len(page.titles("updates")) == 1
    assert "Claim 88" in page.titles("updates")[0]


def test_a_long_name_is_whole_in_the_item_and_cut_where_there_is_no_room(story: Story) -> None:
    name = "Approve the purchase of " + ", ".join(f"{number} chairs" for number in range(35))
    story.assign(name=name)
    assert 300 < len(name) < 500

    page = open_item(story, story.bob, "Approve the purchase")

    assert name in page.part("item")
    assert story.task().name == name
    title = message_of(story.copy(story.bob)).title
    assert (len(title), title[-1]) == (200, "…")


def test_nothing_waiting_is_good_news(story: Story) -> None:
    page = get(signed_in(story.bob), "/")

    assert page.part("nothing-waiting") == "Nothing is waiting for you. Show what is done"
    assert page.title == "Waiting for you · wfpush"


FIELD_DATA: dict[str, Any] = {
    "case": {"id": "301", "title": "Inspection 301", "url": "https://engine.example/cases/301"},
    "location": {"address": "Main Street 12", "lat": 48.137, "lon": 11.575},
    "customer": {"ref": "C-9", "name": "Erin", "phone": "+49 (89) 12 34-56"},
    "documents": [{"title": "Floor plan", "url": "https://engine.example/plan.pdf"}],
}


def assign_field_work(story: Story) -> None:
    task = {"id": "F-1", "name": "Inspect the roof", "kind": "field", "assignee": "bob"}
    task["url"] = "https://engine.example/F-1"
    story.happen("task.assigned", {"task": task, **FIELD_DATA})


def test_an_item_leads_to_the_place_the_customer_the_documents_and_the_engine(story: Story) -> None:
    assign_field_work(story)

    page = open_item(story, story.bob)

    assert "48.137000%2C11.575000" in page.link("Main Street 12")
    assert page.link("Call +49 (89) 12 34-56") == "tel:+4989123456"
    assert page.link("Floor plan") == "https://engine.example/plan.pdf"
    assert page.link("Open in Invoices") == "https://engine.example/F-1"
    assert page.link("Inspection 301") == "https://engine.example/cases/301"


def test_what_changes_while_a_page_is_made_is_sent_by_the_live_connection(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.assign()
    before = Recipient.objects.get(pk=story.bob.pk).inbox_seq

    def read_before_a_change(*arguments: Any, **named: Any) -> Any:
        found = item(*arguments, **named)
        story.happen("task.updated", {"task": {"id": story.task().task_id, "priority": "urgent"}})
        return found

    monkeypatch.setattr("notifications.inbox.pages.item", read_before_a_change)
    page = open_item(story, story.bob)

    assert Recipient.objects.get(pk=story.bob.pk).inbox_seq > before
    assert page.tree.xpath("//body/@data-seq") == [str(before)]
    assert page.tree.xpath("//article[@data-item]/@data-seq") == [str(before)]


def test_a_link_that_is_none_is_not_followed(story: Story) -> None:
    assign_field_work(story)
    documents = [{"title": "Trap", "url": "javascript:alert(1)"}]
    Notification.objects.update(url="javascript:alert(1)", details={"documents": documents})  # ingest drops them, too

    content = signed_in(story.bob).get(f"/n/{story.inbox(story.bob)[0].pk}").content.decode()

    assert "javascript:" not in content
    assert "Trap" in content


@pytest.mark.parametrize(
    ("location", "query"),
    [
        ({"address": "Main Street 12, München"}, "Main%20Street%2012%2C%20M%C3%BCnchen"),
        ({"address": "x", "lat": -33.5, "lon": 151}, "-33.500000%2C151.000000"),
        ({"address": "x", "lat": 91, "lon": 0}, "x"),
        ({"address": "x", "lat": "48", "lon": "11"}, "x"),
        ({"address": "x", "lat": True, "lon": False}, "x"),
        ({"lat": 1}, None),
        ({}, None),
    ],
)
def test_places_open_in_maps_by_coordinates_or_address(location: dict[str, Any], query: str | None) -> None:
    assert map_link(location) == (f"https://www.google.com/maps/search/?api=1&query={query}" if query else "")


@pytest.mark.parametrize(
    ("phone", "link"), [("+49 89/12-34", "tel:+49891234"), ("ask Erin", ""), ("", ""), ("110#", "tel:110%23")]
)
def test_phones_get_what_they_can_dial(phone: str, link: str) -> None:
    assert phone_link(phone) == link


def test_what_people_and_engines_write_stays_text(story: Story) -> None:
    story.assign(name="<script>alert(1)</script>", description='"><img src=x onerror=alert(1)>')

    for address in ("/", f"/n/{story.copy(story.bob).pk}"):
        content = signed_in(story.bob).get(address).content.decode()
        assert "<script>alert" not in content
        assert "<img" not in content


def test_the_history_tells_who_did_what(story: Story) -> None:
    story.assign(candidates=["bob", "carol"], initiator="alice")
    story.answer(story.bob, "acknowledge")
    story.answer(story.bob, "request_info", "Which cost centre?")
    story.happen("task.info_supplied", {"task": {"id": "T-42"}, "info": "It is 4200."})

    page = open_item(story, story.carol)

    assert page.text.index("Which cost centre?") < page.text.index("It is 4200.")
    history = page.part("history")
    told = ["Came from Invoices", "Bob acknowledged it"]
    assert sorted(told, key=history.index) == told
    assert history.startswith("History In") and "B " in history.partition("Came from Invoices")[2]


def test_a_refused_answer_stays_in_the_history(story: Story) -> None:
    story.assign()
    answer = story.answer(story.bob, "approve", "Fine.").response
    answer.counts = False
    answer.save()

    assert "Bob answered “Approve”, which Invoices refused Fine." in open_item(story, story.bob).part("history")


def test_customers_are_not_told_who_did_what_inside(story: Story) -> None:
    story.assign(candidates=["bob", {"ref": "C-9", "name": "Erin"}])
    story.answer(story.bob, "request_info", "Which cost centre?")
    page = open_item(story, Recipient.objects.get(ref="C-9"), "Approve")

    assert "Which cost centre?" in page.text
    assert "Came from Invoices" not in page.part("history")


def test_an_item_names_the_others_of_its_case(story: Story) -> None:
    story.assign()
    story.happen("case.status_changed", {"case": {"id": "4711", "status": "under_review"}, "recipients": ["bob"]})

    page = open_item(story, story.bob, "Approve")

    assert "More about this case" in page.text
    assert get(page.client, page.link("under review")).status == 200


@pytest.mark.parametrize("path", ["", "/answer", "/read"])
def test_somebody_elses_item_is_unknown(story: Story, path: str) -> None:
    story.assign()
    address = f"/n/{story.copy(story.bob).pk}{path}"
    client = signed_in(story.carol)
    client.handler.enforce_csrf_checks = False

    response = client.post(address, {"action": "approve"}) if path else client.get(address)

    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_looking_changes_nothing(story: Story) -> None:
    story.assign()
    copy = story.copy(story.bob)
    client = signed_in(story.bob)

    item = f"/n/{copy.pk}"
    for address in ("/", item, f"{item}?answer=reject", f"{item}/answer", f"{item}/read", "/read"):
        for look in (client.get, client.head):
            assert look(address, follow=True).status_code == 200

    copy.refresh_from_db()
    assert (copy.read_at, copy.state, copy.seq) == (None, "open", 1)


def test_the_pages_obey_the_policy_that_their_header_states_and_are_kept_by_nobody(story: Story) -> None:
    """No inline script or style, no handler attributes: `default-src 'self'` is kept, not only sent."""
    story.assign()

    for address in ("/", f"/n/{story.copy(story.bob).pk}?answer=reject"):
        response = signed_in(story.bob).get(address)
        content = response.content.decode()
        assert response["Cache-Control"] == "no-store"
        assert "Cookie" in response["Vary"]
        assert "default-src 'self'" in response["Content-Security-Policy"]
        assert "unsafe" not in response["Content-Security-Policy"]
        assert not re.search(r"\sstyle=|\son\w+=|<style", content)
        assert re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", content) == [' id="settings" type="application/json"']


def test_a_full_list_takes_less_than_60_kb_and_6_requests(story: Story) -> None:
    client = signed_in(story.bob)
    engine = story.engine
    for number in range(42):
        told = [{**story.carol.as_person(), "at": timezone.now().isoformat()}]
        task = TaskFactory(engine=engine, case=None, task_id=f"W-{number}", escalated=told)
        NotificationFactory(
            recipient=story.bob,
            task=task,
            title=f"Approve invoice {number} of Acme Manufacturing GmbH",
            body="Your approval is needed. " * 8,
            priority="high",
            due_at=timezone.now(),
            escalated=number % 4 == 0,
            reason_fact=MANAGER(name="Alice").as_json(),
        )
    for _ in range(30):
        NotificationFactory(recipient=story.bob, task=None, title="Claim 88 is now under review")

    files = set(files_of(client))
    weight = len(client.get("/", headers={"Accept-Encoding": "gzip"}).content)
    weight += sum(len(b"".join(client.get(file, headers={"Accept-Encoding": "gzip"}))) for file in files)

    assert weight < 60_000
    assert len([file for file in files if "/icons/" not in file]) + 1 <= 6, "with the page, without home screens' icons"


def files_of(client: Client) -> list[str]:
    """Which files the list names."""
    return re.findall(r'(?:src|href)="(/static/[^"#]+)', client.get("/").content.decode())


def test_the_list_asks_for_one_script_and_says_what_of_it_runs(story: Story) -> None:
    bob = signed_in(story.bob)

    assert [file for file in files_of(bob) if file.endswith(".js")] == ["/static/wfpush/pages.js"]
    assert get(bob, "/").tree.xpath("//script/@data-modules") == ["signout inbox"]
    assert get(bob, "/?select=1").tree.xpath("//script/@data-modules") == ["signout inbox several"]
    assert get(bob, "/devices").tree.xpath("//script/@data-modules") == ["signout devices"]


def test_a_portal_has_the_name_logo_and_colours_of_its_brand(story: Story) -> None:
    brand = BrandFactory(slug="acme", name="Acme", logo_url="https://acme.example/logo.svg")
    Recipient.objects.filter(pk=story.bob.pk).update(brand=brand)

    page = get(signed_in(story.bob), "/")

    assert page.title.endswith("· Acme")
    assert page.tree.xpath("//img[@class='logo'][@src='https://acme.example/logo.svg'][@alt='Acme']")
    assert page.tree.xpath("//link[starts-with(@href, '/brand/acme.css?v=')]")


@pytest.mark.parametrize(
    ("locale", "name"), some([("en", "Sign-offs"), ("de", "Freigaben"), ("de-AT", "Freigaben"), ("fr", "Sign-offs")], 2)
)
def test_a_category_is_called_by_its_name_in_the_readers_language(story: Story, locale: str, name: str) -> None:
    story.assign()
    Recipient.objects.filter(pk=story.bob.pk).update(locale=locale)
    category = story.copy(story.bob).category
    category.name, category.names = "Sign-offs", {"de": "Freigaben"}
    category.save()

    assert name in get(signed_in(story.bob), "/settings").text


def test_each_language_is_offered_in_its_own_words(story: Story) -> None:
    page = get(signed_in(story.bob), "/")

    offered = {each.get("value"): each.text_content() for each in page.tree.xpath("//button[@name='language']")}
    assert list(offered) == [language for language, _ in settings.LANGUAGES]
    assert (offered["en"], offered["de"]) == ("English", "Deutsch")


def test_a_person_without_a_name_is_called_by_their_ref(db: None) -> None:
    nameless = RecipientFactory(ref="dave", name="")

    assert "Signed in as dave" in get(signed_in(nameless), "/").text


def test_an_item_names_colleagues_who_may_answer_it_until_one_of_them_has(story: Story) -> None:
    story.assign(candidates=["bob", "carol"])

    assert "Carol has this task, too." in open_item(story, story.bob).part("item")
    assert "Bob has this task, too." in open_item(story, story.carol).part("item")

    open_item(story, story.carol).press("Approve")
    assert "this task, too" not in open_item(story, story.bob).part("item")


@pytest.mark.parametrize("gone", ["active", "account"])
def test_colleagues_who_have_left_are_not_named(story: Story, gone: str) -> None:
    story.assign(candidates=["bob", "carol"])
    if gone == "active":
        Recipient.objects.filter(pk=story.carol.pk).update(active=False)
    else:
        User.objects.filter(recipient=story.carol).update(is_active=False)

    assert "this task, too" not in open_item(story, story.bob).part("item")


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        (0, ""),
        (3, "Person 0, Person 1 and Person 2 have this task, too."),
        (4, "Person 0, Person 1 and 2 others have this task, too."),
        (40, "Person 0, Person 1 and 38 others have this task, too."),
    ],
)
def test_of_many_colleagues_it_gives_the_number(story: Story, others: int, sentence: str) -> None:
    people = [RecipientFactory(ref=f"p{number}", name=f"Person {number:x}") for number in range(others)]
    story.assign(candidates=["bob", *(person.ref for person in people)])

    text = open_item(story, story.bob).part("item")

    assert sentence in text if sentence else "this task, too" not in text


def test_customers_read_no_names_of_others(story: Story) -> None:
    story.assign(candidates=["bob", {"ref": "C-9", "name": "Erin"}, {"ref": "C-8", "name": "Frank"}])
    erin, bob = Recipient.objects.get(ref="C-9"), story.bob

    page = open_item(story, erin)
    assert "Approve" in page.buttons() and "this task, too" not in page.text
    assert "this task, too" not in open_item(story, bob).text
