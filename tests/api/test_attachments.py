"""Files: sent once, by their content, within bounds; and read by those who see what they belong to, and nobody else."""

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
from notifications.models import Attachment, AttachmentPiece, Callback, Notification, TaskMessage
from tests.factories import RecipientFactory
from tests.support.api import Caller, browser_of, engine_caller, is_problem, person_caller
from tests.support.at_once import at_once
from tests.support.files import bomb, docx, jpeg, pdf, png
from tests.support.story import Story

FILES, RAW = "/api/v1/attachments", "application/octet-stream"


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


def ask(story: Story, *ids: str, comment: str = "See here") -> Any:
    """Bob asks about the task, with files."""
    body = {"action": "request_info", "comment": comment, "attachments": list(ids)}
    return person_caller(story.bob).post(f"/api/v1/notifications/{story.copy(story.bob).pk}/responses", body)


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
    ask(story, str(Attachment.objects.get(uploader=story.bob).pk))
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
    ask(story, used)

    for caller, id in ((person_caller(story.carol), unused), (engine, unused), (bob, used), (bob, str(uuid4()))):
        assert is_problem(caller.delete(f"{FILES}/{id}"), 404, "not_found")
    assert Attachment.objects.count() == 2
    assert [bob.delete(f"{FILES}/{unused}").status_code for _ in range(2)] == [204, 404]
    assert str(Attachment.objects.get().pk) == used
    assert AttachmentPiece.objects.count() == 1


# --- with questions ---------------------------------------------------------------------------------------------------
def test_the_same_question_with_another_photo_is_another_question(story: Story) -> None:
    bob = person_caller(story.bob)
    one, other = sent(bob), sent(bob, jpeg(640, 480))

    answers = [ask(story, *ids).status_code for ids in ([one], [one], [other], [other], [], [])]

    assert answers == [201, 200, 201, 200, 201, 200]
    assert ask(story, sent(bob)).status_code == 200  # the same picture once more
    assert ask(story, one, comment="Another").status_code == 422
    assert [each.attachments.count() for each in TaskMessage.objects.order_by("number")] == [1, 1, 0]


# --- how long it stays ------------------------------------------------------------------------------------------------
def test_what_nothing_uses_goes_after_seven_days_and_the_rest_with_its_task(story: Story) -> None:
    bob = person_caller(story.bob)
    old, fresh, used = sent(bob), sent(bob), sent(bob)
    ask(story, used)
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
