"""Files in the forms of a conversation, without JavaScript: with questions, replies, comments, and by an e-mail's
link."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from notifications.models import Attachment, Notification, TaskMessage
from tests.factories import action_token
from tests.inbox.browser import get, signed_in
from tests.inbox.test_files import BAD, links, photo, thumbnails
from tests.support.files import pdf
from tests.support.story import Story


@pytest.fixture
def asked(story: Story) -> Notification:
    """Bob has asked Alice; this is her item."""
    story.assign(candidates=["bob", "carol"], initiator="alice")
    story.answer(story.bob, "request_info", "Which heating is it?")
    return Notification.objects.get(recipient=story.alice)


def test_alice_replies_with_a_photo_and_bob_and_carol_see_it(story: Story, asked: Notification) -> None:
    page = get(signed_in(story.alice), f"/n/{asked.pk}")
    assert page.tree.xpath("//article//form[@id='answer']/@enctype") == ["multipart/form-data"]
    assert "up to 10 files of 10 MB each" in page.text

    page = page.press("Reply", comment="This one", files=[photo(), photo("../bill.pdf", pdf())])

    assert page.part("outcome") == "Sent to Bob."
    assert [each.name for each in Attachment.objects.all()] == ["heating.png", "bill.pdf"]
    for person in (story.bob, story.carol):
        seen = get(signed_in(person), f"/n/{story.copy(person).pk}")
        assert "heating.png 67 bytes" in seen.part("panel")
        assert [seen.client.get(link).status_code for link in links(seen)] == [200, 200]
        assert thumbnails(seen) == 1


def test_a_photo_alone_is_a_reply_and_its_name_is_shown_once(story: Story, asked: Notification) -> None:
    page = get(signed_in(story.alice), f"/n/{asked.pk}")
    assert page.press("Reply", comment="").part("fault") == "Write something first."

    page.press("Reply", comment="", files=[photo()])

    seen = get(signed_in(story.bob), f"/n/{story.copy(story.bob).pk}")
    assert seen.part("panel").count("heating.png") == 1
    assert TaskMessage.objects.get(kind="reply").text == "heating.png"


def test_what_is_not_taken_is_said_and_the_others_need_not_be_chosen_again(story: Story, asked: Notification) -> None:
    page = get(signed_in(story.alice), f"/n/{asked.pk}")

    page = page.press("Reply", comment="This one", files=[photo(), photo("evil\u202e.svg", BAD)])

    assert page.status == 422
    assert page.part("fault").startswith("evil.svg: This file type is not accepted")
    assert "heating.png" in page.part("attached")
    assert not TaskMessage.objects.filter(kind="reply").exists()
    assert page.press("Reply").part("outcome") == "Sent to Bob."
    assert TaskMessage.objects.get(kind="reply").attachments.get().name == "heating.png"
    assert Attachment.objects.count() == 1


def test_the_question_has_files_too(story: Story) -> None:
    story.assign(candidates=["bob", "carol"], initiator="alice")
    page = get(signed_in(story.bob), f"/n/{story.copy(story.bob).pk}?answer=request_info")

    page.press("Ask for information", comment="Which heating is it?", files=[photo()])

    item = Notification.objects.get(recipient=story.alice)
    seen = get(signed_in(story.alice), f"/n/{item.pk}")
    assert (thumbnails(seen), seen.client.get(links(seen)[0]).status_code) == (1, 200)


def test_a_comment_with_a_file(story: Story) -> None:
    story.assign(candidates=["bob", "carol"])
    page = get(signed_in(story.bob), f"/n/{story.copy(story.bob).pk}")

    assert page.press("Send", text="").part("message-fault") == "Write something first."
    faulty = page.press("Send", text="See", files=[photo(content=BAD)])
    assert (faulty.status, "not accepted" in faulty.part("message-fault")) == (422, True)
    assert "heating.png" in page.press("Send", text="See", files=[photo()]).part("panel")

    again = page.press("Send", text="See", files=[photo()])
    assert again.part("panel").count("heating.png") == 1, "pressed twice"
    assert "heating.png" in again.press("Send", text="See", files=[photo()]).part("panel")
    assert TaskMessage.objects.count() == 2


@pytest.mark.parametrize("id", ["no-uuid", "01a21065-1b7e-7c11-8f0e-2f7a4c1d9e55"])
def test_nothing_is_sent_without_a_file_that_is_not_there_any_more(story: Story, asked: Notification, id: str) -> None:
    gone = "This file is not there any more, or was sent already. Choose it again."
    page = get(signed_in(story.bob), f"/n/{story.copy(story.bob).pk}")
    page = page.press("Send", text="See", attachments=[id], files=[photo()])
    assert (page.status, page.part("message-fault")) == (422, gone)
    reply = get(signed_in(story.alice), f"/n/{asked.pk}").press("Reply", comment="This one", attachments=[id])
    assert (reply.status, reply.part("fault")) == (422, gone)
    assert not TaskMessage.objects.exclude(kind="question").exists()


def test_a_reply_with_a_file_that_is_sent_twice_is_one_reply(story: Story, asked: Notification) -> None:
    page = get(signed_in(story.alice), f"/n/{asked.pk}")
    pages = [page.press("Reply", comment="This one", files=[photo()]) for _ in range(2)]
    assert [each.part("outcome") for each in pages] == ["Sent to Bob."] * 2
    assert TaskMessage.objects.filter(kind="reply").count() == 1


def test_by_an_e_mails_link(story: Story, asked: Notification) -> None:
    address = f"/a/{action_token(asked, actions=['reply'], expires_at=timezone.now() + timedelta(days=1))}"
    page = get(Client(), address)
    faulty = page.press("Reply", comment="", files=[photo(content=BAD)])
    assert (faulty.status, "not accepted" in faulty.part("fault")) == (422, True)

    page.press("Reply", comment="", files=[photo()])

    assert TaskMessage.objects.get(kind="reply").attachments.get().uploader == story.alice
    again = Client().post(address, {"action": "approve", "files": [photo()]})
    assert again.status_code == 302
    assert Attachment.objects.count() == 1
