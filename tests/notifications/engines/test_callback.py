"""Answers reach the engine: signed, in order, under one id, retried, ended once."""

from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from notifications import errors
from notifications.connectors.signatures import new_secret
from notifications.connectors.webhook import Call
from notifications.engines import callback
from notifications.items import snoozing
from notifications.models import (
    Callback,
    CallbackAttempt,
    CallbackState,
    Engine,
    Notification,
    SigningSecret,
    TaskState,
)
from notifications.reasons import said, words
from notifications.routing import expiry
from tests.support.callbacks import claimed, dispatch, make_due
from tests.support.receiver import Receiver
from tests.support.story import Story

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_engine_gets_the_signed_answer_and_every_copy_says_so(story: Story, receiver: Receiver) -> None:
    story.let_people_set("cost_centre")
    recorded = story.answer(story.bob, "approve", "Fine", variables={"cost_centre": "12"})
    dispatch()
    call = receiver.calls[0]
    assert call.id == str(recorded.response.pk)
    assert call.signed_with(story.engine.signing_secrets.get().secret)
    assert call.headers["content-type"] == "application/cloudevents+json"
    assert (call.data["task_id"], call.data["case_id"], call.data["action"], call.data["outcome"]) == (
        "T-42",
        "4711",
        "approve",
        "approved",
    )
    assert call.data["responded_by"] == {"ref": "bob", "name": "Bob"}
    assert call.data["variables"] == {"cost_centre": "12"}
    assert call.data["event"] == {"id": "e-1", "source": "invoices"}
    assert story.copy(story.carol).outcome["engine"] == "delivered"
    assert story.callbacks() == [("approve", "delivered")]


def test_answers_of_one_task_go_out_in_order_one_after_the_other(story: Story, receiver: Receiver) -> None:
    story.answer(story.bob, "acknowledge")
    story.answer(story.carol, "acknowledge")
    receiver.answer(503, 204)
    dispatch()
    assert len(receiver.calls) == 1
    make_due()
    dispatch()
    assert [call.data["responded_by"]["ref"] for call in receiver.calls] == ["bob", "bob", "carol"]


def test_a_retry_carries_the_same_id_and_the_same_bytes(story: Story, receiver: Receiver) -> None:
    story.answer(story.bob, "approve")
    receiver.answer(500, 200)
    dispatch()
    make_due()
    dispatch()
    first, second = receiver.calls
    assert (first.id, first.body) == (second.id, second.body)
    assert story.callbacks() == [("approve", "delivered")]


def test_while_a_secret_rotates_both_sign(story: Story, receiver: Receiver) -> None:
    SigningSecret.objects.create(engine=story.engine, secret=new_secret())
    story.answer(story.bob, "approve")
    dispatch()
    assert all(receiver.calls[0].signed_with(each.secret) for each in story.engine.signing_secrets.all())


@pytest.mark.row_18
def test_422_opens_the_task_again_with_the_reason(story: Story, receiver: Receiver) -> None:
    story.answer(story.bob, "acknowledge")
    dispatch()
    story.answer(story.bob, "approve", idempotency_key="k")
    receiver.answer((422, {}, b'{"detail": "The budget is closed."}'))
    dispatch()
    copy = story.copy(story.carol)
    assert story.task().state == TaskState.ACKNOWLEDGED
    assert (copy.state, copy.outcome["engine"], words(copy.outcome, "detail")) == (
        "open",
        "refused",
        "The budget is closed.",
    )
    receiver.answer(204)
    again = story.answer(story.bob, "approve")
    assert again.created
    assert not story.answer(story.bob, "approve", idempotency_key="k").response.counts


def test_422_without_a_detail_is_tried_again(story: Story, receiver: Receiver) -> None:
    story.answer(story.bob, "approve")
    receiver.answer(422)
    dispatch()
    assert story.callbacks() == [("approve", "waiting")]


@pytest.mark.row_18
@pytest.mark.parametrize("status", [401, 403, 404, 302])
def test_a_wrong_key_or_path_is_tried_again_and_alerts(story: Story, receiver: Receiver, status: int) -> None:
    story.answer(story.bob, "approve")
    receiver.answer(status)
    dispatch()
    row = Callback.objects.get()
    assert row.state == CallbackState.WAITING and row.last_status == status and str(status) in row.alert


def test_an_unreachable_engine_costs_nothing_but_time(story: Story, receiver: Receiver) -> None:
    story.engine.callback_url = "http://127.0.0.1:1/callback"
    story.engine.save()
    story.answer(story.bob, "approve")
    dispatch()
    assert story.callbacks() == [("approve", "waiting")]
    story.engine.callback_url = receiver.url
    story.engine.save()
    make_due()
    dispatch()
    assert story.callbacks() == [("approve", "delivered")]


def test_a_lost_lease_changes_nothing(story: Story) -> None:
    """Worker A is slow; its lease ends; worker B delivers. What A then reports only completes its own attempt."""
    story.answer(story.bob, "approve")
    slow, _ = claimed()[0]
    make_due()
    dispatch()
    callback.record(slow, callback.Result("refused", 422, said("late")), timezone.now())
    assert story.callbacks() == [("approve", "delivered")]
    assert CallbackAttempt.objects.count() == 2


def test_an_acknowledgement_under_way_that_fails_is_not_sent_after_the_final_answer(
    story: Story, receiver: Receiver
) -> None:
    story.answer(story.bob, "acknowledge")
    under_way, _ = claimed()[0]
    story.answer(story.bob, "approve")
    dispatch()
    assert receiver.calls == []
    callback.record(under_way, callback.Result("later", 503, said("busy")), timezone.now())
    dispatch()
    assert [call.data["action"] for call in receiver.calls] == ["approve"]
    assert story.callbacks() == [("acknowledge", "superseded"), ("approve", "delivered")]


def test_kept_answers_are_sent_in_order_to_an_address_given_later(story: Story, receiver: Receiver) -> None:
    """Weeks later, and by an address that fails at first: the time in which nothing could be sent does not count."""
    Engine.objects.update(callback_url="")
    story.answer(story.bob, "acknowledge")
    story.answer(story.carol, "request_info", "Which cost centre?")
    weeks_ago = timezone.now() - timedelta(days=20)
    Callback.objects.update(created_at=weeks_ago, due_at=weeks_ago, first_attempt_at=weeks_ago)
    dispatch()
    assert receiver.calls == []
    assert Callback.objects.filter(callback.WITHOUT_ADDRESS).count() == 2
    call_command("create_engine", "invoices", callback_url=receiver.url, stdout=StringIO())
    receiver.answer(503)
    dispatch()
    assert story.callbacks() == [("acknowledge", "waiting"), ("request_info", "waiting")]
    make_due()
    receiver.answer(200)
    dispatch()
    assert [call.data["action"] for call in receiver.calls] == ["acknowledge", "acknowledge", "request_info"]
    assert story.callbacks() == [("acknowledge", "delivered"), ("request_info", "delivered")]


def test_an_old_answer_waits_for_a_signing_secret_that_has_not_expired(story: Story, receiver: Receiver) -> None:
    story.answer(story.bob, "approve")
    Callback.objects.update(created_at=timezone.now() - timedelta(days=20))
    story.engine.signing_secrets.update(expires_at=timezone.now())
    dispatch()
    assert receiver.calls == []
    assert story.callbacks() == [("approve", "waiting")]
    assert "Add one at the desk." in Callback.objects.get().alert
    SigningSecret.objects.create(engine=story.engine, secret=new_secret())
    make_due()
    dispatch()
    assert story.callbacks() == [("approve", "delivered")]


def test_answers_of_many_tasks_go_out_together(story: Story, receiver: Receiver) -> None:
    for number in range(20):
        story.assign(f"M-{number}")
        story.answer(story.bob, "approve", task_id=f"M-{number}")
    dispatch()
    assert len({call.id for call in receiver.calls}) == 20
    assert Callback.objects.exclude(state=CallbackState.DELIVERED).count() == 0


def test_the_loser_of_a_refused_answer_may_still_answer(story: Story, receiver: Receiver) -> None:
    story.answer(story.bob, "approve")
    with pytest.raises(errors.AlreadyAnswered):
        story.answer(story.carol, "reject", "No")
    receiver.answer((422, {}, b'{"detail": "No."}'), 204)
    dispatch()
    assert story.answer(story.carol, "reject", "No").created
    dispatch()
    assert story.copy(story.bob).outcome["by"]["ref"] == "carol"


def test_an_overdue_item_is_snoozed_no_longer_when_its_answer_is_refused(story: Story, receiver: Receiver) -> None:
    copy, now = story.copy(story.bob), timezone.now()
    Notification.objects.filter(pk=copy.pk).update(due_at=now - timedelta(days=1))
    snoozing.snooze(story.copy(story.bob), now + timedelta(days=2), now)
    story.answer(story.bob, "approve")
    receiver.answer((422, {}, b'{"detail": "No."}'), 204)
    dispatch()

    Notification.objects.filter(pk=copy.pk).update(read_at=timezone.now())  # he looks at it
    assert not snoozing.is_snoozed(story.copy(story.bob), timezone.now())


def test_a_name_changed_meanwhile_does_not_hide_that_the_engine_has_it(story: Story, receiver: Receiver) -> None:
    story.answer(story.bob, "approve")
    type(story.bob).objects.filter(pk=story.bob.pk).update(name="Robert")
    dispatch()
    assert story.copy(story.carol).outcome["engine"] == "delivered"


def test_an_expired_copy_hears_of_its_acknowledgement_too(story: Story, receiver: Receiver) -> None:
    story.answer(story.bob, "acknowledge")
    story.happen("task.updated", {"task": {"id": "T-42", "expires_at": "2020-01-01T00:00:00Z"}}, minute=1)
    expiry.expire_due()
    dispatch()
    copy = story.copy(story.bob)
    assert (copy.state, copy.outcome["engine"]) == ("expired", "delivered")


def test_one_answer_that_cannot_be_sent_does_not_hold_up_the_others(
    story: Story, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.answer(story.bob, "approve")
    story.assign("T-43")
    story.answer(story.bob, "approve", task_id="T-43")
    whole = callback.connector_for("webhook").prepare

    class Fragile:
        def prepare(self, engine: Engine, row: Callback, now: datetime, tokens: None) -> Call:
            if row.task.task_id == "T-42":
                raise RuntimeError("unforeseen")
            return whole(engine, row, now, tokens)

        send = staticmethod(callback.connector_for("webhook").send)

    monkeypatch.setattr(callback, "connector_for", lambda kind: Fragile())
    dispatch()
    assert story.callbacks("T-43") == [("approve", "delivered")]
    assert story.callbacks("T-42") == [("approve", "waiting")]
