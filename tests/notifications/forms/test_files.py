"""Fields that ask for files: what a form may say of them, what is checked, and what becomes of their values."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.utils import timezone

from notifications import errors
from notifications.answers.respond import respond
from notifications.answers.submission import Answer
from notifications.attachments import storage
from notifications.attachments.storage import Sender
from notifications.engines.returned_answers import take_back
from notifications.errors import InvalidValues
from notifications.forms import definition
from notifications.forms.engine_forms import translated
from notifications.items import undo_window
from notifications.models import Attachment, Callback, Recipient
from notifications.types import Json
from tests.api.test_attachments import read
from tests.support.api import engine_caller, person_caller
from tests.support.files import jpeg, pdf, png
from tests.support.story import Story

FILES: Json = {"type": "array", "items": {"type": "string", "format": "uuid"}}


def form(*, required: bool = True, ui: Json | None = None, **rules: Any) -> Json:
    schema = {"type": "object", "properties": {"receipt": {**FILES, "title": "Receipt", **rules}}}
    return {"schema": {**schema, "required": ["receipt"] if required else []}, "ui": {"fields": {"receipt": ui or {}}}}


def faults(said: Json) -> list[str]:
    found: list[dict[str, str]] = []
    definition.check(said, "", found)
    return [each["pointer"] for each in found]


@pytest.mark.parametrize(
    "said",
    [form(), form(minItems=1, maxItems=3), form(ui={"kind": "photo", "help": "All pages", "sensitive": True})],
)
def test_what_a_form_may_say(said: Json) -> None:
    assert faults(said) == []


@pytest.mark.parametrize(
    ("said", "where"),
    [
        (form(default=["x"]), "/schema/properties/receipt/default"),
        (form(maxItems=11), "/schema/properties/receipt/maxItems"),
        (form(items={"format": "uuid", "enum": ["a"]}), "/schema/properties/receipt/items/enum"),
        (form(ui={"kind": "rows"}), "/ui/fields/receipt/kind"),
        (form(ui={"from": "old"}), "/ui/fields/receipt/from"),
        (form(ui={"when": {"field": "receipt", "is": "x"}}), "/ui/fields/receipt/when/field"),
    ],
)
def test_what_it_may_not_say(said: Json, where: str) -> None:
    assert where in faults(said)


# --- answers ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def story(db: None) -> Story:
    return Story.begin()


def kept(person: Recipient, content: bytes = b"", name: str = "receipt.png") -> str:
    return str(storage.keep(BytesIO(content or png()), name, Sender(person=person), timezone.now()).attachment.pk)


def approve(story: Story, ids: Any, task_id: str = "T-42", **more: Any) -> Any:
    answer = Answer("approve", values={"receipt": ids}, **more)
    return respond(story.copy(story.bob, task_id), answer, now=timezone.now())


def refusal(story: Story, ids: Any) -> tuple[str, list[str]]:
    with pytest.raises(InvalidValues) as refused:
        approve(story, ids)
    assert story.task().state == "open"
    return refused.value.detail, [each["pointer"] for each in refused.value.extra["errors"]]


def test_the_engine_gets_what_the_files_are_and_reads_them(story: Story) -> None:
    story.assign(candidates=["bob", "carol"], form=form())
    photo, bill = kept(story.bob), kept(story.bob, pdf(), "bill.pdf")

    recorded = approve(story, [photo, bill, photo.upper()])

    told = recorded.response.values[0]["value"]
    assert [(each["id"], each["name"], each["type"]) for each in told] == [
        (photo, "receipt.png", "image/png"), (bill, "bill.pdf", "application/pdf"),
    ]  # fmt: skip
    body = Callback.objects.get().body
    assert f'"receipt":[{{"id":"{photo}","name":"receipt.png"' in body
    assert '"types":{"receipt":"json"}' in body
    assert [read(person_caller(each), photo) for each in (story.bob, story.carol, story.alice)] == [200, 200, 404]
    assert read(engine_caller(story.engine), bill) == 200
    again = approve(story, [photo, bill])
    assert (again.created, again.response.pk) == (False, recorded.response.pk)


def test_values_that_are_refused(story: Story) -> None:
    story.assign(form=form(maxItems=2))
    ids = [kept(story.bob) for _ in range(3)]

    assert refusal(story, []) == ("Receipt: Attach at least one file.", ["/values/receipt"])
    assert refusal(story, ids) == ("Receipt: Choose at most 2.", ["/values/receipt"])
    for odd in (["no-id"], [4711], "x", [None], {"id": ids[0]}):
        assert refusal(story, odd)[0] == "Receipt: This is not the required kind of value."
    hers, gone = kept(story.carol), ids[0][:-1] + ("0" if ids[0][-1] != "0" else "1")
    for other in ([hers], [gone]):
        assert refusal(story, other)[0].startswith("Receipt: A file is not there any more")


def test_a_photo_is_a_picture(story: Story) -> None:
    story.assign(form=form(ui={"kind": "photo"}))

    assert refusal(story, [kept(story.bob, pdf())])[0] == "Receipt: One of these is not a picture."
    assert approve(story, [kept(story.bob, jpeg())]).created


def test_what_is_used_is_not_used_again(story: Story) -> None:
    story.assign(form=form())
    story.assign("T-43", form=form())
    photo = kept(story.bob)
    approve(story, [photo])

    with pytest.raises(InvalidValues):
        approve(story, [photo], "T-43")


def test_after_an_answer_that_was_taken_back_its_files_need_not_be_chosen_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo_window, "HELD", timedelta(minutes=1))
    story.assign(candidates=["bob", "carol"], form=form())
    photo = kept(story.bob)
    approve(story, [photo], via="inbox")
    take_back(story.copy(story.bob), timezone.now())
    assert read(person_caller(story.carol), photo) == 200

    again = approve(story, [photo])

    assert again.created
    assert Attachment.objects.get(pk=photo).response == again.response
    story.assign("T-43", form=form())
    with pytest.raises(InvalidValues):
        approve(story, [photo], "T-43")


def test_sensitive_files_nobody_sees_once_they_are_given(story: Story) -> None:
    story.assign(candidates=["bob", "carol"], form=form(ui={"sensitive": True}))
    photo = kept(story.bob)
    assert read(person_caller(story.bob), photo) == 200

    approve(story, [photo])

    assert [read(person_caller(each), photo) for each in (story.bob, story.carol)] == [404, 404]
    assert read(engine_caller(story.engine), photo) == 200


def test_an_optional_field_may_be_empty(story: Story) -> None:
    story.assign(form=form(required=False))
    assert approve(story, []).created
    assert not Attachment.objects.exists()


def test_one_wrong_answer_of_a_batch_uses_no_file(story: Story) -> None:
    story.assign(form=form())
    photo = kept(story.bob)
    with pytest.raises(errors.InvalidValues):
        respond(story.copy(story.bob), Answer("approve", values={"receipt": [photo], "x": 1}), now=timezone.now())
    assert not Attachment.objects.get(pk=photo).is_used


# --- forms of engines -------------------------------------------------------------------------------------------------
def test_form_js_and_flowable_ask_for_files() -> None:
    picker = {"type": "filepicker", "key": "receipt", "label": "Receipt", "validate": {"required": True}}
    camunda = translated(
        {"components": [{**picker, "accept": "image/*"}, {**picker, "key": "more", "multiple": True}]}, {}
    )
    upload = {"type": "upload", "id": "receipt", "name": "Receipt", "required": True, "value": "x"}
    flowable = translated({"fields": [upload, {**upload, "id": "more", "params": {"multiple": True}}]}, {})

    for said, kind in ((camunda, "photo"), (flowable, "files")):
        assert faults(said) == []
        fields, properties = said["ui"]["fields"], said["schema"]["properties"]
        assert (fields["receipt"]["kind"], properties["receipt"]["maxItems"]) == (kind, 1)
        assert (fields["more"]["kind"], "maxItems" in properties["more"]) == ("files", False)
        assert "unshown" not in said["ui"]
        assert said["schema"]["required"] == ["receipt", "more"]
