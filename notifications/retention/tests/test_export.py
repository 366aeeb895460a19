"""Everything about one person as JSON: of each kind of row, streamed, without secrets and without others' inboxes."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from notifications.models import Absence, Recipient, SavedView
from notifications.people import devices
from notifications.retention import columns, person_export
from notifications.retention.models import Erasure
from notifications.types import NewAddress
from tests.support.api import person_caller
from tests.support.files import png
from tests.support.story import Story

pytestmark = pytest.mark.django_db

NOT_EXPORTED = {
    ("notifications.idempotencykey", "recipient"),  # keys of repeats, kept for a week
    ("notifications.searchedpart", "recipient"),  # words of items once more
    ("notifications.heldreview", "recipient"),  # whose messages are looked at again within a second
    ("notifications.farewell", "recipient"),  # devices that are being told that they are removed
    ("notifications.recipient", "manager"),  # whom they manage is told of these people
    ("notifications.historicalrecipient", "manager"),
    ("notifications.absence", "entered_by"),  # absences of others, which are told of it
    ("notifications.historicalabsence", "delegate"),
    ("absences.historicalabsencefeed", "delegate"),
    ("notifications.historicalteam_members", "recipient"),
    ("notifications.historicalcaselist_people", "recipient"),
    ("notifications.team", "lead"),
    ("notifications.historicalteam", "lead"),
    ("notifications.routetarget", "person"),  # configuration
    ("rotas.rotawatch", "person"),  # who was on duty a minute ago
    ("notifications.addressee", "away"),
    ("notifications.response", "asked"),
    ("retention.erasure", "person"),
    ("escalations.policy", "fallback"),
    ("escalations.historicalpolicy", "fallback"),
    ("escalations.policystep", "person"),
}


def test_every_reference_to_a_person_is_exported_or_not_for_a_reason() -> None:
    exported = {(each.model, each.lookup) for each in person_export.sections().values()}
    assert {*columns.going(), *columns.staying()} - exported - NOT_EXPORTED == set(), (
        "Add a section to `PersonalData.export` of the app, or say here why not."
    )


@pytest.fixture
def bob() -> Recipient:
    story = Story.begin()
    story.assign(candidates=["bob", "carol"], initiator="alice")
    caller, now = person_caller(story.bob), timezone.now()
    file = caller.post("/api/v1/attachments?name=a.png", png(), type="application/octet-stream").json()["id"]
    asked = {"kind": "question", "text": "Why this one?", "to": ["alice"], "attachments": [file]}
    assert caller.post("/api/v1/tasks/T-42/messages", asked).status_code == 201
    story.answer(story.bob, "approve", "Fine with me")
    SavedView.objects.create(recipient=story.bob, name="Mine", query="q=x")
    Absence.objects.create(recipient=story.bob, begins_at=now, ends_at=now + timedelta(days=1), delegate=story.carol)
    devices.register(
        story.bob,
        NewAddress("webpush", "https://push/secret-path", "endpoint", "B", p256dh="K"),
        name="Firefox",
        now=now,
    )
    return story.bob


def exported(bob: Recipient) -> dict[str, Any]:
    said: dict[str, Any] = json.loads("".join(person_export.export(bob, timezone.now())))
    return said


def test_it_has_everything_and_no_secrets(bob: Recipient) -> None:
    said = exported(bob)
    assert (said["format"], said["ref"]) == ("wfpush person 1", "bob")
    assert said["profile"][0]["email"] == "bob@example.org" and said["account"][0]["username"] == "bob"
    assert [each["comment"] for each in said["answers"]] == ["Why this one?", "Fine with me"]
    assert said["answers"][0]["task__task_id"] == "T-42"
    assert [each["text"] for each in said["written"]] == ["Why this one?"]
    assert said["items"][0]["title"] and said["messages_sent"] and said["absence"] and said["saved_views"]
    assert said["devices"][0]["name"] == "Firefox" and said["files"][0]["content"]
    text = json.dumps(said)
    assert "secret-path" not in text and "pbkdf2" not in text and "md5$" not in text and '"digest"' not in text
    carols = Recipient.objects.get(ref="carol")
    assert all(each["recipient_id"] != carols.pk for each in said["items"])


def test_memory_does_not_grow_with_the_rows(bob: Recipient) -> None:
    """Pieces are written as rows are read."""
    SavedView.objects.bulk_create(SavedView(recipient=bob, name=f"v{n}", query="x" * 900) for n in range(3_000))
    assert max(len(piece) for piece in person_export.export(bob, timezone.now())) < 10_000


def test_commands_take_a_ref_and_ask_once_more(
    bob: Recipient, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    call_command("export_person", "bob")
    assert json.loads(capsys.readouterr().out)["ref"] == "bob"
    with pytest.raises(CommandError, match="no such person"):
        call_command("export_person", "zoe")
    monkeypatch.setattr("builtins.input", lambda question: "alice")
    with pytest.raises(CommandError, match="Nothing was erased"):
        call_command("erase_person", "bob")
    assert not Erasure.objects.exists()
    monkeypatch.setattr("builtins.input", lambda question: "bob")
    call_command("erase_person", "bob")
    assert "Workers do the rest" in capsys.readouterr().out
    assert Recipient.objects.get(pk=bob.pk).ref == Erasure.objects.get().person.ref != "bob"
