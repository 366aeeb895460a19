"""Files in the forms of pages, without JavaScript: with replies, comments, and by an e-mail's link."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from notifications.attachments.representation import content_of
from notifications.models import Attachment, Notification, TaskMessage
from notifications.types import Json
from tests.factories import action_token
from tests.inbox.browser import Page, get, signed_in
from tests.support.files import pdf, png
from tests.support.story import Story

BAD = b"<svg><script>alert(1)</script></svg>"


def photo(name: str = "heating.png", content: bytes = b"") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content or png(), "image/png")


def links(page: Page) -> list[str]:
    return [str(each) for each in page.tree.xpath("//ul[@class='files']//a/@href")]


def thumbnails(page: Page) -> int:
    return len(page.tree.xpath("//ul[@class='files']//img[@alt='']"))


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


def test_the_files_of_a_question_stay_when_the_task_has_changed(story: Story) -> None:
    story.assign(candidates=["bob", "carol"], initiator="alice")
    page = get(signed_in(story.bob), f"/n/{story.copy(story.bob).pk}?answer=request_info")
    story.happen("task.updated", {"task": {"id": "T-42", "name": "Pay Evil Ltd"}}, minute=1)

    page = page.press("Ask for information", comment="Which one?", files=[photo()])
    assert page.status == 409
    assert "heating.png" in page.part("ask-form")

    page.press("Ask for information", comment="Which one?")
    assert [each.name for each in Attachment.objects.filter(message__isnull=False)] == ["heating.png"]


def test_an_answer_that_is_no_message_takes_no_files(story: Story) -> None:
    story.assign(candidates=["bob"])
    page = get(signed_in(story.bob), f"/n/{story.copy(story.bob).pk}?answer=reject")
    assert page.tree.xpath("//article//form[@id='answer']//input[@type='file']") == []

    page = page.press("Reject", comment="No", files=[photo()])

    assert (page.status, page.part("fault")) == (422, "Files go with questions and replies.")
    assert story.task().state == "open"


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


# --- files of a form --------------------------------------------------------------------------------------------------
RECEIPT: Json = {
    "schema": {
        "type": "object",
        "properties": {
            "amount": {"type": "number", "title": "Amount"},
            "receipt": {
                "type": "array", "title": "Receipt", "items": {"type": "string", "format": "uuid"}, "maxItems": 2,
            },
        },
        "required": ["amount", "receipt"],
    },
    "ui": {"fields": {"receipt": {"kind": "photo", "help": "All pages."}}},
}  # fmt: skip


def test_bob_fills_in_a_form_with_a_photo_and_carol_sees_it(story: Story) -> None:
    story.assign(candidates=["bob", "carol"], form=RECEIPT)
    page = get(signed_in(story.bob), f"/n/{story.copy(story.bob).pk}")
    assert page.tree.xpath("//form[@id='decide']/@enctype") == ["multipart/form-data"]
    assert "All pages." in page.part("form")

    faulty = page.press("Approve", **{"value-amount": "9", "value-receipt": []})
    assert "Take or choose at least one photo." in faulty.part("value-receipt-fault")
    bad = {"value-amount": "9", "value-receipt": [photo(), photo("evil.svg", BAD)]}
    faulty = page.press("Approve", **bad)
    assert "evil.svg: This file type is not accepted" in faulty.part("value-receipt-fault")
    assert "heating.png" in faulty.part("form")
    done = faulty.press("Approve")

    assert done.part("outcome").startswith("Approved.")
    assert Attachment.objects.count() == 1
    seen = get(signed_in(story.carol), f"/n/{story.copy(story.carol).pk}")
    assert "Receipt heating.png 67 bytes" in seen.part("history")
    assert seen.part("history").count("heating.png") == 1
    assert seen.client.get(links(seen)[0]).status_code == 200


def test_files_of_others_are_not_named_in_a_form(story: Story) -> None:
    story.assign(candidates=["bob", "carol"], form=RECEIPT)
    hers = Attachment.objects.create(uploader=story.carol, name="secret.png", type="image/png", at=timezone.now())
    page = get(signed_in(story.bob), f"/n/{story.copy(story.bob).pk}")

    page = page.press("Approve", **{"value-amount": "9", "value-receipt": [str(hers.pk)]})

    assert page.status == 422
    assert "A file is not there any more" in page.part("value-receipt-fault")
    assert "secret" not in page.text


def test_without_a_pen_a_name_or_a_picture_is_a_signature(story: Story) -> None:
    form: Json = {**RECEIPT, "ui": {"fields": {"receipt": {"kind": "signature"}}}}
    story.assign(candidates=["bob"], form=form)
    page = get(signed_in(story.bob), f"/n/{story.copy(story.bob).pk}")
    faulty = page.press("Approve", **{"value-amount": "9"})
    assert faulty.part("value-receipt-fault") == "Sign, or write your name."
    odd = page.press("Approve", **{"value-amount": "9", "value-receipt.name": "<script>"})
    assert "is not accepted" in odd.part("value-receipt-fault")
    assert not Attachment.objects.exists()

    page.press("Approve", **{"value-amount": "9", "value-receipt.name": "Bob B\u202eaker"})

    file = Attachment.objects.get()
    assert (file.name, file.type) == ("signature.txt", "text/plain")
    assert b"".join(content_of(file)) == b"Bob Baker"
