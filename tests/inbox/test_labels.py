"""Labels, numbers and buttons are in the reader's language at the moment of reading; texts of templates and titles that
engines give stay as they are."""

import json

import pytest
from django.test import Client

from notifications.items.inbox_json import InboxTexts
from notifications.items.representation import notification_queryset
from notifications.models import Recipient, Template, TemplateAction, VersionState
from notifications.types import Json
from notifications.wording.languages import label_in
from notifications.wording.message import message_of
from tests.inbox.browser import Page, get, signed_in
from tests.support.api import Caller, browser_of, person_caller
from tests.support.story import Story

pytestmark = pytest.mark.django_db
GERMAN = ["Genehmigen", "Ablehnen…", "Rückfrage stellen…", "Zur Kenntnis nehmen"]


@pytest.fixture
def asked(story: Story) -> Story:
    """Bob, who reads English, is asked for an approval."""
    story.assign(candidates=["bob", "carol"])
    return story


def item(story: Story, client: Client) -> Page:
    return get(client, f"/n/{story.copy(story.bob).pk}")


def buttons(page: Page) -> list[str]:
    """Those of the open item; the list beside it has some of its own."""
    return [" ".join(each.text_content().split()) for each in page.tree.xpath("//article//*[@data-slot='buttons']/*")]


def in_german(client: Client) -> Client:
    """A browser in which German was chosen at the foot of a page."""
    return choose(client, "Deutsch")


def choose(client: Client, language: str) -> Client:
    get(client, "/").press(language)
    return client


def by_api(story: Story, caller: Caller) -> list[str]:
    copy: Json = caller.get(f"/api/v1/notifications/{story.copy(story.bob).pk}").json()
    listed: Json = caller.get("/api/v1/notifications").json()["items"][0]
    assert listed == copy
    return [action["title"] for action in copy["actions"]]


def test_who_chooses_german_reads_german_buttons_on_what_was_there_before(asked: Story) -> None:
    assert buttons(item(asked, signed_in(asked.bob)))[0] == "Approve"

    page = item(asked, in_german(signed_in(asked.bob)))

    assert buttons(page) == GERMAN
    assert page.part("title") == "Approve invoice 4711"  # what was written then stays


def test_a_person_whose_language_changes_reads_the_new_one_on_pages_and_by_the_api(asked: Story) -> None:
    asked.bob.locale = "de-AT"
    asked.bob.save()

    assert buttons(item(asked, signed_in(asked.bob))) == GERMAN
    assert by_api(asked, person_caller(asked.bob))[0] == "Genehmigen"


def test_the_api_answers_a_page_in_the_language_chosen_on_it(asked: Story) -> None:
    page = browser_of(asked.bob)
    assert by_api(asked, page)[0] == "Approve"

    in_german(page.client)

    assert by_api(asked, page)[0] == "Genehmigen"


def test_a_title_that_the_engine_gave_is_the_same_for_everybody(story: Story) -> None:
    story.assign(actions=[{"action": "approve", "title": "Pay it"}, "reject"])

    assert buttons(item(story, in_german(signed_in(story.bob)))) == ["Pay it", "Ablehnen…"]


def test_where_the_template_has_no_label_the_answers_that_every_engine_has_are_still_translated(story: Story) -> None:
    TemplateAction.objects.all().delete()
    story.assign(initiator="alice", actions=["approve", "reject", "request_info", "acknowledge", "send_back"])

    page = item(story, in_german(signed_in(story.bob)))

    assert buttons(page) == ["Genehmigen", "Ablehnen…", "Send back", "Rückfrage stellen…", "Zur Kenntnis nehmen"]


def test_a_language_of_the_template_that_pages_do_not_speak_is_kept(story: Story) -> None:
    for label in TemplateAction.objects.filter(action="approve"):
        label.labels["fr"] = "Approuver"
        label.save()
    story.bob.locale = "fr-CA"
    story.bob.save()
    story.assign()

    assert buttons(item(story, signed_in(story.bob)))[0] == "Approuver"
    assert buttons(item(story, in_german(signed_in(story.bob))))[0] == "Genehmigen"


def test_what_was_answered_is_called_in_the_readers_language(story: Story) -> None:
    story.assign(actions=["resolve"], candidates=["bob", "carol"])
    story.answer(story.carol, "resolve")

    page = item(story, in_german(signed_in(story.bob)))

    assert "„Als gelöst melden“" in page.part("outcome")
    assert "„Als gelöst melden“" in page.part("history")


READ: dict[str, Json] = {
    "en": {
        "facts": [("Amount", "€1,532.05"), ("Supplier", "Acme GmbH"), ("Asked by", "Alice"), ("Express", "yes")],
        "others": "Acme GmbH · Asked by Alice · Express yes",
        "buttons": ["Approve", "Reject…", "Ask for information…", "Acknowledge"],
        "origin": "Invoices · Approval",
    },
    "de": {
        "facts": [("Betrag", "1.532,05 €"), ("Lieferant", "Acme GmbH"), ("Angefragt von", "Alice"), ("Eilig", "ja")],
        "others": "Acme GmbH · Angefragt von Alice · Eilig ja",
        "buttons": GERMAN,
        "origin": "Invoices · Genehmigung",
    },
}


@pytest.mark.parametrize("reads", ["en", "de"])
@pytest.mark.parametrize("written", ["en", "de"])
def test_an_item_has_one_language_on_its_page_in_the_api_in_live_frames_and_in_messages(
    story: Story, written: str, reads: str
) -> None:
    version = Template.objects.get(slug="task").versions.get(state=VersionState.PUBLISHED)
    version.facts.create(position=9, path="variables.express", labels={"en": "Express", "de": "Eilig"})
    Recipient.objects.filter(pk=story.bob.pk).update(locale=written)
    task = {"id": "T-42", "name": "Approve invoice 4711", "kind": "approval", "assignee": "bob", "initiator": "alice"}
    variables = {"amount": 1532.05, "currency": "EUR", "supplier": "Acme GmbH", "express": True}
    story.happen("task.assigned", {"task": task, "variables": variables})
    client, expected = choose(signed_in(story.bob), {"en": "English", "de": "Deutsch"}[reads]), READ[reads]
    copy = notification_queryset().get(pk=story.copy(story.bob).pk)

    page, message = get(client, f"/n/{copy.pk}"), message_of(copy)
    live: Json = json.loads(InboxTexts().text_of(copy))

    assert live == person_caller(story.bob).get(f"/api/v1/notifications/{copy.pk}").json()
    assert [(each["label"], each["text"]) for each in live["key_facts"]] == expected["facts"]
    assert (live["glance"]["first"], live["glance"]["others"]) == (expected["facts"][0][1], expected["others"])
    assert buttons(page) == expected["buttons"]
    texts = (*expected["facts"][0], *expected["facts"][-1], expected["origin"])
    assert [text for text in texts if text not in page.text] == []
    assert (copy.language, message.language) == (written, written)
    assert (page.tree.get("lang"), message.frame_language) == (reads, reads)
    assert set(page.tree.xpath("//article//*[@data-slot='title' or @data-slot='body']/@lang")) == {written}
    assert set(expected["facts"]) <= set(message.facts) and message.actions[0].title == expected["buttons"][0]


@pytest.mark.parametrize(
    ("language", "label"), [("de", "Gut"), ("DE_at", "Passt"), ("de-CH", "Gut"), ("fr", "Fine"), ("", "Fine")]
)
def test_the_nearest_label_is_said(language: str, label: str) -> None:
    assert label_in({"de": "Gut", "de-at": "Passt", "": "Fine"}, language) == label
