"""Files in the forms of pages, without JavaScript: with questions, and in forms of tasks."""

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from notifications.attachments.representation import content_of
from notifications.models import Attachment
from notifications.types import Json
from tests.inbox.browser import Page, get, signed_in
from tests.support.files import png
from tests.support.story import Story

BAD = b"<svg><script>alert(1)</script></svg>"


def photo(name: str = "heating.png", content: bytes = b"") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content or png(), "image/png")


def links(page: Page) -> list[str]:
    return [str(each) for each in page.tree.xpath("//ul[@class='files']//a/@href")]


def thumbnails(page: Page) -> int:
    return len(page.tree.xpath("//ul[@class='files']//img[@alt='']"))


def test_the_files_of_a_question_stay_when_the_task_has_changed(story: Story) -> None:
    story.assign(candidates=["bob", "carol"], initiator="alice")
    page = get(signed_in(story.bob), f"/n/{story.copy(story.bob).pk}?answer=request_info")
    story.happen("task.updated", {"task": {"id": "T-42", "name": "Pay Evil Ltd"}}, minute=1)

    page = page.press("Ask for information", comment="Which one?", files=[photo()])
    assert page.status == 409
    assert "heating.png" in page.part("ask-form")

    page.press("Ask for information", comment="Which one?")
    assert [each.name for each in Attachment.objects.filter(message__isnull=False)] == ["heating.png"]
    seen = get(signed_in(story.carol), f"/n/{story.copy(story.carol).pk}")
    assert (thumbnails(seen), seen.client.get(links(seen)[0]).status_code) == (1, 200)


def test_an_answer_that_is_no_message_takes_no_files(story: Story) -> None:
    story.assign(candidates=["bob"])
    page = get(signed_in(story.bob), f"/n/{story.copy(story.bob).pk}?answer=reject")
    assert page.tree.xpath("//article//form[@id='answer']//input[@type='file']") == []

    page = page.press("Reject", comment="No", files=[photo()])

    assert (page.status, page.part("fault")) == (422, "Files go with questions and replies.")
    assert story.task().state == "open"


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
