"""What went wrong is told in the reader's language: with messages, devices, engines, templates and late events."""

from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from django.db.models import QuerySet
from django.utils import timezone, translation

from notifications import reasons
from notifications.admin.ledger.timeline import Line, trace
from notifications.channels.email import facts as email
from notifications.channels.webpush import facts as webpush
from notifications.connectors import webhook
from notifications.delivery import service_pauses
from notifications.engines import callback
from notifications.errors import TransportError
from notifications.models import Callback, CallbackAttempt, Delivery, Event, PausedService
from tests.admin.world import post
from tests.support.story import Story
from wfpush.net.http_checks import no_answer
from wfpush.queue import outbox

WorkT = TypeVar("WorkT", bound=outbox.Work)

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def story() -> Story:
    return Story.begin()


def german(event: Event) -> str:
    with translation.override("de"):
        return "\n".join(told(trace(event)))


def told(lines: list[Line]) -> list[str]:
    return [words for line in lines for words in (line.text, line.detail, *told(line.below)) if words]


def claimed(rows: QuerySet[WorkT]) -> WorkT:
    (row,) = outbox.claim(rows, limit=1, lease=timedelta(seconds=30), now=timezone.now())
    return row


def test_why_somebody_is_told_and_a_message_was_not_taken(story: Story) -> None:
    event = story.assign()
    mail = Delivery.objects.get(channel="email")
    post(mail, TransportError(email.REFUSED(words="550 No such user"), permanent=True))

    said = german(event)

    assert "Bob (zugewiesen)" in said
    assert "Der Mailserver lehnt sie ab: 550 No such user" in said


def test_what_the_engine_answered(story: Story) -> None:
    event = story.assign()
    story.answer(story.bob, "approve")
    row = claimed(Callback.objects.all())
    CallbackAttempt.objects.create(callback=row, number=row.attempts, started_at=timezone.now())
    callback.record(row, webhook.read_answer(404, b""), timezone.now())

    assert "Die Engine hat mit 404 geantwortet." in german(event)
    row.refresh_from_db()
    assert (row.detail, row.alert) == ("The engine answered 404.", "The engine answered 404.")


def test_what_an_event_did_not_change_and_a_template_lacks(story: Story) -> None:
    story.assign(minute=5)
    late = story.happen("task.updated", {"task": {"id": "T-42", "name": "Older"}}, minute=1)

    assert "Älter als das, was von der Aufgabe bekannt war" in german(late)
    assert late.plan["notes_facts"] == [{"code": "older_event"}]


def test_a_paused_service(story: Story) -> None:
    service = ("webpush", "push.example")
    service_pauses.pause(service, webpush.KEY_REFUSED(service="push.example", words="403"), NOW)

    row = PausedService.objects.get()
    assert row.reason == "push.example does not accept our VAPID key: 403"
    with translation.override("de"):
        assert reasons.words(row) == "push.example nimmt unseren VAPID-Schlüssel nicht an: 403"


def test_a_server_that_gave_no_answer() -> None:
    fault = no_answer("timeout", "too_late", host="engine.example", seconds="10")

    with translation.override("de"):
        words = reasons.not_reached(fault).words()
    assert words == "engine.example hat nicht innerhalb von 10 Sekunden vollständig geantwortet."
    assert fault.detail == "engine.example did not answer completely within 10 seconds."
