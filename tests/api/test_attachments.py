"""Files: sent once, by their content, within bounds; and read by those who see what they belong to, and nobody else."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from notifications import housekeeping
from notifications.attachments import limits
from notifications.connectors.instructions import instruction_of
from notifications.models import Attachment, AttachmentPiece, Callback, Event, Notification, Recipient, TaskMessage
from tests.factories import BrandFactory, EngineFactory, RecipientFactory
from tests.support.api import Caller, browser_of, engine_caller, is_problem, person_caller, pointers
from tests.support.at_once import at_once
from tests.support.files import bomb, docx, jpeg, pdf, png
from tests.support.story import Story

FILES, RAW = "/api/v1/attachments", "application/octet-stream"
MESSAGES = "/api/v1/tasks/T-42/messages"


@pytest.fixture
def story(db: None) -> Story:
    """Bob and Carol have the task; Alice began it."""
    story = Story.begin()
    story.assign(candidates=["bob", "carol"], initiator="alice")
    return story


def send(caller: Caller, content: bytes = b"", name: str = "heating.png", id: str = "") -> Any:
    query = f"?name={name}" + (f"&id={id}" if id else "")
    return caller.post(FILES + query, content or png(), type=RAW)


def sent(caller: Caller, content: bytes = b"", name: str = "heating.png") -> str:
    response = send(caller, content, name)
    assert response.status_code == 201, response.content
    return str(response.json()["id"])


def read(caller: Caller, id: str) -> int:
    response = caller.get(f"{FILES}/{id}")
    if response.status_code == 404:
        assert is_problem(response, 404, "not_found")
    return int(response.status_code)


# --- sending ----------------------------------------------------------------------------------------------------------
def test_a_file_is_kept_as_it_came_and_described_by_its_content(story: Story) -> None:
    bob, content = person_caller(story.bob), jpeg(640, 480)

    response = send(bob, content, "IMG%201.png")

    assert response.status_code == 201
    shown = response.json()
    url = f"http://127.0.0.1:8000{FILES}/{shown['id']}"
    assert shown == {
        "id": shown["id"], "name": "IMG 1.png.jpg", "type": "image/jpeg", "size": len(content), "url": url,
    }  # fmt: skip
    got = bob.get(f"{FILES}/{shown['id']}")
    assert b"".join(got.streaming_content) == content
    assert got.headers["Content-Type"] == "image/jpeg"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in got.headers["Content-Security-Policy"]
    assert "default-src 'none'" in got.headers["Content-Security-Policy"]
    assert got.headers["Content-Disposition"] == 'inline; filename="IMG 1.png.jpg"'
    assert got.headers["Cache-Control"] == "no-store"  # until it was sent
    again = bob.get(f"{FILES}/{shown['id']}", if_none_match=got.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")


def test_a_database_that_is_away_is_said_before_the_answer_begins(story: Story) -> None:
    bob = person_caller(story.bob)
    id = sent(bob)

    def away(execute: Any, sql: str, *rest: Any) -> Any:
        if "notifications_attachmentpiece" in sql:
            raise OperationalError("the database was restarted")
        return execute(sql, *rest)

    with connection.execute_wrapper(away):
        assert is_problem(bob.get(f"{FILES}/{id}"), 503, "unavailable")


def test_what_is_no_picture_or_pdf_is_downloaded(story: Story) -> None:
    bob = person_caller(story.bob)
    for content, name in ((docx(), "offer.docx"), (b"4711 is the meter", "note.txt")):
        got = bob.get(f"{FILES}/{sent(bob, content, name)}")
        assert got.headers["Content-Type"] == RAW
        assert got.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert bob.get(f"{FILES}/{sent(bob, pdf())}").headers["Content-Disposition"].startswith("inline")


def test_a_large_file_goes_in_and_out_in_pieces(story: Story, settings: Settings) -> None:
    settings.ATTACHMENT_MEGABYTES = 1
    bob, content = person_caller(story.bob), pdf() + b"\n%" + b"x" * 900_000
    content += b"y" * (1_000_000 - len(content))

    id = sent(bob, content)

    assert AttachmentPiece.objects.filter(attachment=id).count() == 4
    assert b"".join(bob.get(f"{FILES}/{id}").streaming_content) == content
    assert is_problem(send(bob, content + b"z"), 413, "too_large")
    assert AttachmentPiece.objects.exclude(attachment=id).count() == 0


def test_a_form_works_too(story: Story) -> None:
    bob, id = browser_of(RecipientFactory(ref="dora", user__username="dora")), str(uuid4())
    file = SimpleUploadedFile("a.svg", png(), "image/svg+xml")
    response = bob.client.post(FILES, {"file": file, "id": id})

    assert (response.status_code, response.json()["id"], response.json()["name"]) == (201, id, "a.svg.png")
    assert is_problem(bob.client.post(FILES, {"id": id}), 422, "invalid")


@pytest.mark.parametrize(
    "content",
    [b"<svg><script>alert(1)</script></svg>", bomb(), png(60_000, 60_000), docx("word/vbaProject.bin")],
)
def test_what_is_refused(story: Story, content: bytes) -> None:
    assert is_problem(send(person_caller(story.bob), content, "holiday.png"), 415, "unsupported_media_type")
    assert not Attachment.objects.exists()
    assert not AttachmentPiece.objects.exists()


def test_odd_requests(story: Story) -> None:
    bob = person_caller(story.bob)
    empty = bob.client.generic("POST", FILES, b"", CONTENT_TYPE=RAW, headers={"Authorization": f"Bearer {bob.key}"})
    assert is_problem(empty, 422, "invalid")
    assert "empty" in empty.json()["detail"]
    assert is_problem(bob.post(FILES, {"name": "a"}), 415, "unsupported_media_type")
    assert is_problem(send(bob, id="no-uuid"), 422, "invalid")
    assert is_problem(Caller().post(FILES, png(), type=RAW), 401, "unauthenticated")
    assert is_problem(engine_caller(story.engine, ["directory"]).post(FILES, png(), type=RAW), 403, "scope_missing")
    assert is_problem(bob.get(f"{FILES}/{uuid4()}"), 404, "not_found")
    assert bob.put(f"{FILES}/{uuid4()}", {}).status_code == 405
    assert not Attachment.objects.exists()


def test_sent_twice_it_counts_once_and_another_file_of_that_id_is_refused(story: Story) -> None:
    bob, id = person_caller(story.bob), str(uuid4())

    first, again = send(bob, id=id), send(bob, id=id)

    assert (first.status_code, again.status_code, first.json()) == (201, 200, again.json())
    assert is_problem(send(bob, pdf(), id=id), 422, "idempotency_key_reused")
    assert is_problem(send(person_caller(story.carol), id=id), 422, "idempotency_key_reused")
    assert Attachment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_sent_twice_at_once_it_counts_once(story: Story) -> None:
    bob, id = person_caller(story.bob), str(uuid4())

    assert sorted(at_once(*[lambda: send(Caller(bob.key), id=id).status_code] * 4)) == [200, 200, 200, 201]
    assert Attachment.objects.count() == 1


def test_floods_are_refused(story: Story, settings: Settings) -> None:
    settings.ATTACHMENT_MEGABYTES_AN_HOUR = 1
    bob = person_caller(story.bob)
    Attachment.objects.create(uploader=story.bob, name="a.pdf", size=1_000_000, at=timezone.now())

    refused = send(bob)

    assert is_problem(refused, 429, "too_many_requests")
    assert refused.headers["Retry-After"] == "3600"
    assert send(person_caller(story.carol)).status_code == 201
    Attachment.objects.update(at=timezone.now() - timedelta(hours=2))
    waits = send(bob)  # while nothing uses it
    assert is_problem(waits, 429, "too_many_requests")
    assert waits.json()["detail"].startswith("Too many of your files were never sent.")
    assert 0 <= int(waits.headers["Retry-After"]) - (7 * 24 - 2) * 3600 + 60 <= 61
    said(bob, str(Attachment.objects.get(uploader=story.bob).pk))
    assert send(bob).status_code == 201


def test_what_an_engine_has_sent_and_not_named_has_a_limit_too(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_OF_ENGINE", 100)
    engine = engine_caller(story.engine)
    ids = [sent(engine), sent(engine)]

    refused = send(engine)

    assert is_problem(refused, 429, "too_many_requests")
    assert 0 < int(refused.headers["Retry-After"]) - (7 * 24 - 1) * 3600 <= 3601
    assert engine.delete(f"{FILES}/{ids[0]}").status_code == 204
    assert send(engine).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_of_files_sent_at_once_no_more_are_kept_than_fit(story: Story, settings: Settings) -> None:
    settings.ATTACHMENT_MEGABYTES_AN_HOUR = 1
    bob, content = person_caller(story.bob), pdf() + b"\n%" + b"x" * 600_000

    assert sorted(at_once(*[lambda: send(Caller(bob.key), content).status_code] * 4)) == [201, 201, 429, 429]


def test_what_nothing_uses_is_removed_by_its_sender(story: Story) -> None:
    bob, engine = person_caller(story.bob), engine_caller(story.engine)
    unused, used = sent(bob), sent(bob)
    said(bob, used)

    for caller, id in ((person_caller(story.carol), unused), (engine, unused), (bob, used), (bob, str(uuid4()))):
        assert is_problem(caller.delete(f"{FILES}/{id}"), 404, "not_found")
    assert Attachment.objects.count() == 2
    assert [bob.delete(f"{FILES}/{unused}").status_code for _ in range(2)] == [204, 404]
    assert str(Attachment.objects.get().pk) == used
    assert AttachmentPiece.objects.count() == 1


# --- with messages ----------------------------------------------------------------------------------------------------
def said(caller: Caller, *ids: str, **more: Any) -> Any:
    return caller.post(MESSAGES, {"text": "See here", "attachments": list(ids), **more})


def test_a_comment_with_files_is_read_by_all_who_see_it_and_told_to_the_engine(story: Story) -> None:
    bob = person_caller(story.bob)
    ids = [sent(bob, pdf(), "offer.pdf"), sent(bob)]

    response = said(bob, *ids)

    assert response.status_code == 201
    assert [(each["id"], each["name"]) for each in response.json()["attachments"]] == [
        (ids[0], "offer.pdf"), (ids[1], "heating.png"),
    ]  # fmt: skip
    comment = instruction_of(Callback.objects.get(), unsure=False).comment
    assert comment.startswith(f"See here\noffer.pdf: http://127.0.0.1:8000{FILES}/{ids[0]}\nheating.png: http")
    body = Callback.objects.get().body
    assert '"attachments":[{"id":"' + ids[0] in body
    (message,) = person_caller(story.carol).get(MESSAGES).json()["items"]
    assert [each["name"] for each in message["attachments"]] == ["offer.pdf", "heating.png"]
    assert read(person_caller(story.carol), ids[0]) == 200
    assert read(engine_caller(story.engine), ids[1]) == 200
    event = Event.objects.get(type="task.message")
    assert event.data["message"]["files"] == ["offer.pdf", "heating.png"]


def test_files_alone_are_a_message_that_says_their_names(story: Story) -> None:
    bob = person_caller(story.bob)
    assert said(bob, sent(bob), text="").json()["text"] == "heating.png"
    assert is_problem(said(bob, text=""), 422, "comment_required")


def test_each_file_is_used_once_and_only_by_its_sender(story: Story) -> None:
    bob, carol = person_caller(story.bob), person_caller(story.carol)
    mine, hers = sent(bob), sent(carol)

    assert pointers(said(bob, hers)) == ["/attachments/0"]
    assert pointers(said(bob, mine, str(uuid4()))) == ["/attachments/1"]
    assert not TaskMessage.objects.exists()
    assert said(bob, mine, mine).status_code == 201
    assert pointers(said(bob, mine)) == ["/attachments/0"]
    assert pointers(said(engine_caller(story.engine), hers)) == ["/attachments/0"]


def test_a_message_sent_again_is_the_same_and_with_other_files_another(story: Story) -> None:
    bob = person_caller(story.bob)
    one, other = sent(bob), sent(bob)
    body = {"text": "See here", "attachments": [one]}

    first, again = (bob.post(MESSAGES, body, idempotency_key="k") for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 200)
    changed = bob.post(MESSAGES, {**body, "attachments": [one, other]}, idempotency_key="k")
    assert is_problem(changed, 422, "idempotency_key_reused")


def test_too_many_files(story: Story, settings: Settings) -> None:
    settings.ATTACHMENTS_A_MESSAGE = 1
    bob = person_caller(story.bob)
    refused = said(bob, sent(bob), sent(bob))
    assert is_problem(refused, 422, "invalid")
    assert refused.json()["detail"] == "At most 1 files can be sent at once. Leave some out."


def test_a_question_and_its_reply_have_files_that_both_see(story: Story) -> None:
    bob, alice = person_caller(story.bob), person_caller(story.alice)
    photo, bill = sent(bob), sent(alice, pdf(), "bill.pdf")

    asked = said(bob, photo, kind="question")
    assert asked.status_code == 201, asked.content
    assert [each["id"] for each in asked.json()["attachments"]] == [photo]
    assert read(alice, photo) == 200

    item = Notification.objects.get(recipient=story.alice)
    reply = {"action": "reply", "comment": "", "attachments": [bill]}
    again = [alice.post(f"/api/v1/notifications/{item.pk}/responses", reply).status_code for _ in range(2)]
    assert again == [201, 200]
    assert read(bob, bill) == read(person_caller(story.carol), bill) == 200
    assert (TaskMessage.objects.get(kind="reply").text, story.task().state) == ("bill.pdf", "open")


def test_the_same_question_with_another_photo_is_another_question(story: Story) -> None:
    bob, copy = person_caller(story.bob), story.copy(story.bob)
    one, other = sent(bob), sent(bob, jpeg(640, 480))

    def ask(*ids: str, comment: str = "Please see attached") -> int:
        body = {"action": "request_info", "comment": comment, "attachments": list(ids)}
        return int(bob.post(f"/api/v1/notifications/{copy.pk}/responses", body).status_code)

    assert [ask(one), ask(one), ask(other), ask(other), ask(), ask()] == [201, 200, 201, 200, 201, 200]
    assert ask(sent(bob)) == 200  # the same picture once more
    assert ask(one, comment="Another") == 422
    assert [each.attachments.count() for each in TaskMessage.objects.order_by("number")] == [1, 1, 0]


def test_a_question_of_files_alone_says_their_names(story: Story) -> None:
    bob, copy = person_caller(story.bob), story.copy(story.bob)
    body = {"action": "request_info", "comment": " ", "attachments": [sent(bob)]}

    asked = [bob.post(f"/api/v1/notifications/{copy.pk}/responses", body) for _ in range(2)]

    assert [each.status_code for each in asked] == [201, 200], asked[0].content
    assert TaskMessage.objects.get().text == "heating.png"
    assert json.loads(Callback.objects.get().body)["data"]["comment"] == "heating.png"
    assert said(bob, sent(bob, pdf(), "plan.pdf"), kind="question", text="").json()["text"] == "plan.pdf"
    empty = bob.post(f"/api/v1/notifications/{copy.pk}/responses", {**body, "attachments": []})
    assert is_problem(empty, 422, "comment_required")
    decided = {"action": "reject", "comment": "", "attachments": [sent(bob)]}
    assert is_problem(bob.post(f"/api/v1/notifications/{copy.pk}/responses", decided), 422, "comment_required")


def test_a_reply_after_the_decision_is_kept_with_its_file(story: Story) -> None:
    bob, alice = person_caller(story.bob), person_caller(story.alice)
    said(bob, kind="question")
    bill = sent(alice, pdf())
    story.answer(story.bob, "approve")

    late = said(alice, bill, kind="reply")

    assert (late.status_code, late.json()["late"]) == (201, True)
    assert read(bob, bill) == 200


def test_engines_send_files_too(story: Story) -> None:
    engine = engine_caller(story.engine)
    plan = sent(engine, pdf(), "plan.pdf")
    assert read(person_caller(story.bob), plan) == 404

    assert said(engine, plan, kind="comment").status_code == 201

    assert read(person_caller(story.bob), plan) == 200


# --- who may see it ---------------------------------------------------------------------------------------------------
def test_nobody_else_may_see_a_file(story: Story) -> None:
    bob, dora = person_caller(story.bob), RecipientFactory(ref="dora")
    story.assign("T-43", assignee="dora")
    other = EngineFactory(slug="claims")
    unused, used = sent(bob), sent(bob)
    said(bob, used)

    assert [read(person_caller(each), used) for each in (story.bob, story.carol, story.alice, dora)] == [
        200, 200, 404, 404,
    ]  # fmt: skip
    assert [read(person_caller(each), unused) for each in (story.bob, story.carol)] == [200, 404]
    assert [read(engine_caller(each), used) for each in (story.engine, other)] == [200, 404]
    assert [read(engine_caller(each), unused) for each in (story.engine, other)] == [404, 404]
    assert is_problem(Caller().get(f"{FILES}/{used}"), 401, "unauthenticated")
    assert is_problem(engine_caller(story.engine, ["directory"]).get(f"{FILES}/{used}"), 403, "scope_missing")


def test_who_loses_the_task_loses_its_files_but_not_their_own(story: Story) -> None:
    bob, carol = person_caller(story.bob), person_caller(story.carol)
    of_bob, of_carol = sent(bob), sent(carol)
    said(bob, of_bob)
    said(carol, of_carol)

    story.assign(assignee="carol", minute=1)

    assert [read(bob, each) for each in (of_bob, of_carol)] == [200, 404]
    assert [read(carol, each) for each in (of_bob, of_carol)] == [200, 200]


def test_customers_see_what_concerns_them_only(story: Story) -> None:
    brand = BrandFactory(slug="acme", name="Acme", names_staff=False)
    erin: Recipient = RecipientFactory(ref="C-88", name="Erin", engine=story.engine, brand=brand)
    story.happen(
        "request.status_changed",
        {"case": {"id": "4711", "title": "Invoice 4711", "status": "received"}, "customer": {"ref": "C-88"}},
        minute=1,
    )
    bob, customer = person_caller(story.bob), person_caller(erin)
    inside, for_her = sent(bob), sent(bob)
    said(bob, inside)
    assert said(bob, for_her, to=["C-88"]).status_code == 201
    hers = sent(customer)

    wrote = customer.post("/api/v1/cases/4711/messages", {"text": "", "attachments": [hers]})

    assert wrote.status_code == 201, wrote.content
    assert wrote.json()["attachments"][0]["name"] == "heating.png"
    assert [read(customer, each) for each in (inside, for_her, hers)] == [404, 200, 200]
    (theirs, own) = customer.get("/api/v1/cases/4711/messages").json()["items"]
    assert (theirs["by"]["name"], own["by"]["name"]) == ("Acme", "Erin")
    assert theirs["attachments"][0]["name"] == "heating.png"
    assert read(bob, hers) == 200
    kept = [each.get(f"{FILES}/{for_her}").headers["Cache-Control"] for each in (bob, customer)]
    assert kept == ["private, no-cache", "no-store"]
    stranger = RecipientFactory(ref="C-89", name="Sam", engine=story.engine)
    assert [read(person_caller(stranger), each) for each in (inside, for_her, hers)] == [404, 404, 404]


# --- how long it stays ------------------------------------------------------------------------------------------------
def test_what_nothing_uses_goes_after_seven_days_and_the_rest_with_its_task(story: Story) -> None:
    bob = person_caller(story.bob)
    old, fresh, used = sent(bob), sent(bob), sent(bob)
    said(bob, used)
    Attachment.objects.filter(pk=fresh).update(at=timezone.now() - timedelta(days=6))
    Attachment.objects.filter(pk__in=[old, used]).update(at=timezone.now() - timedelta(days=7, hours=1))

    assert housekeeping.prune(timezone.now())["files that nothing uses"] == 1

    assert set(Attachment.objects.values_list("pk", flat=True)) == {UUID(fresh), UUID(used)}
    assert AttachmentPiece.objects.count() == 2
    Callback.objects.all().delete()
    Notification.objects.all().delete()
    story.task().delete()
    assert set(Attachment.objects.values_list("pk", flat=True)) == {UUID(fresh)}
    assert AttachmentPiece.objects.count() == 1


def test_what_a_person_has_sent_and_not_used_goes_with_them(story: Story) -> None:
    dora = RecipientFactory(ref="dora")
    sent(person_caller(dora))

    dora.delete()

    assert not AttachmentPiece.objects.exists()


def test_removing_files_reads_none_of_their_bytes(story: Story) -> None:
    sent(person_caller(story.bob))
    Attachment.objects.update(at=timezone.now() - timedelta(days=8))

    with CaptureQueriesContext(connection) as queries:
        housekeeping.prune(timezone.now())

    assert not [each["sql"] for each in queries if '"content"' in each["sql"]]
