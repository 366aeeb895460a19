"""Answers reach the engine: signed, in order, under one id, retried, ended once."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from ipaddress import ip_network

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from notifications import errors
from notifications.connectors.signatures import new_secret
from notifications.connectors.webhook import Call
from notifications.engines import callback, callback_claims
from notifications.models import Callback, CallbackAttempt, CallbackState, Engine, SigningSecret, TaskState
from notifications.reasons import said, words
from notifications.routing import expiry
from tests.support.callbacks import claimed
from tests.support.receiver import Receiver, receiving
from tests.support.story import Story

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def engine_side(settings: Settings) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def story(engine_side: Receiver) -> Story:
    story = Story.begin()
    story.engine.callback_url = engine_side.url
    story.engine.save()
    story.assign(candidates=["bob", "carol"])
    return story


def deliver() -> None:
    """The dispatcher's turn: what is due goes out."""

    async def turn() -> None:
        await callback._door.drained()
        await callback._door.close()

    async_to_sync(turn)()


def make_due() -> None:
    Callback.objects.filter(state=CallbackState.WAITING).update(
        due_at=timezone.now(), lease_until=None, lease_token=None
    )


def test_the_engine_gets_the_signed_answer_and_every_copy_says_so(story: Story, engine_side: Receiver) -> None:
    story.let_people_set("cost_centre")
    recorded = story.answer(story.bob, "approve", "Fine", variables={"cost_centre": "12"})
    deliver()
    call = engine_side.calls[0]
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


def test_answers_of_one_task_go_out_in_order_one_after_the_other(story: Story, engine_side: Receiver) -> None:
    story.answer(story.bob, "acknowledge")
    story.answer(story.carol, "acknowledge")
    engine_side.answer(503, 204)
    deliver()
    assert len(engine_side.calls) == 1
    make_due()
    deliver()
    assert [call.data["responded_by"]["ref"] for call in engine_side.calls] == ["bob", "bob", "carol"]


def test_a_retry_carries_the_same_id_and_the_same_bytes(story: Story, engine_side: Receiver) -> None:
    story.answer(story.bob, "approve")
    engine_side.answer(500, 200)
    deliver()
    make_due()
    deliver()
    first, second = engine_side.calls
    assert (first.id, first.body) == (second.id, second.body)
    assert story.callbacks() == [("approve", "delivered")]


def test_while_a_secret_rotates_both_sign(story: Story, engine_side: Receiver) -> None:
    SigningSecret.objects.create(engine=story.engine, secret=new_secret())
    story.answer(story.bob, "approve")
    deliver()
    assert all(engine_side.calls[0].signed_with(each.secret) for each in story.engine.signing_secrets.all())


def test_an_expired_secret_signs_no_more_and_without_any_an_operator_is_told(
    story: Story, engine_side: Receiver
) -> None:
    story.engine.signing_secrets.update(expires_at=timezone.now())
    story.answer(story.bob, "approve")
    deliver()
    row = Callback.objects.get()
    assert engine_side.calls == []
    assert row.state == CallbackState.WAITING and "signing secret" in row.alert


@pytest.mark.row_18
def test_409_means_it_was_handled_already(story: Story, engine_side: Receiver) -> None:
    story.answer(story.bob, "approve")
    engine_side.answer(409)
    deliver()
    assert story.callbacks() == [("approve", "handled")]
    assert story.task().state == TaskState.ANSWERED


@pytest.mark.row_18
def test_422_opens_the_task_again_with_the_reason(story: Story, engine_side: Receiver) -> None:
    story.answer(story.bob, "acknowledge")
    deliver()
    story.answer(story.bob, "approve", idempotency_key="k")
    engine_side.answer((422, {}, b'{"detail": "The budget is closed."}'))
    deliver()
    copy = story.copy(story.carol)
    assert story.task().state == TaskState.ACKNOWLEDGED
    assert (copy.state, copy.outcome["engine"], words(copy.outcome, "detail")) == (
        "open",
        "refused",
        "The budget is closed.",
    )
    engine_side.answer(204)
    again = story.answer(story.bob, "approve")
    assert again.created
    assert not story.answer(story.bob, "approve", idempotency_key="k").response.counts


def test_422_without_a_detail_is_tried_again(story: Story, engine_side: Receiver) -> None:
    story.answer(story.bob, "approve")
    engine_side.answer(422)
    deliver()
    assert story.callbacks() == [("approve", "waiting")]


@pytest.mark.row_18
def test_410_disables_the_endpoint_and_keeps_the_answer(story: Story, engine_side: Receiver) -> None:
    story.answer(story.bob, "approve")
    engine_side.answer(410)
    deliver()
    story.engine.refresh_from_db()
    assert not story.engine.takes_answers and "410" in story.engine.callback_disabled_reason
    assert story.callbacks() == [("approve", "waiting")]
    assert not callback_claims.has_due(timezone.now() + timedelta(days=1))


@pytest.mark.row_18
@pytest.mark.parametrize("status", [401, 403, 404, 302])
def test_a_wrong_key_or_path_is_tried_again_and_alerts(story: Story, engine_side: Receiver, status: int) -> None:
    story.answer(story.bob, "approve")
    engine_side.answer(status)
    deliver()
    row = Callback.objects.get()
    assert row.state == CallbackState.WAITING and row.last_status == status and str(status) in row.alert


@pytest.mark.row_18
@pytest.mark.parametrize(
    ("header", "at_least", "at_most"), [("120", 119, 121), ("-5", 0, 2), ("1000000000", 3600, 86_401), ("soon", 0, 2)]
)
def test_retry_after_is_honoured_and_clamped(
    story: Story, engine_side: Receiver, header: str, at_least: int, at_most: int
) -> None:
    story.answer(story.bob, "approve")
    engine_side.answer((429, {"Retry-After": header}, b""))
    deliver()
    due = Callback.objects.get().due_at
    assert due is not None
    assert at_least - 2 <= (due - timezone.now()).total_seconds() <= at_most


def test_an_unreachable_engine_costs_nothing_but_time(story: Story, engine_side: Receiver) -> None:
    story.engine.callback_url = "http://127.0.0.1:1/callback"
    story.engine.save()
    story.answer(story.bob, "approve")
    deliver()
    assert story.callbacks() == [("approve", "waiting")]
    story.engine.callback_url = engine_side.url
    story.engine.save()
    make_due()
    deliver()
    assert story.callbacks() == [("approve", "delivered")]


@pytest.mark.row_16
def test_a_private_address_is_refused_and_an_operator_told(
    story: Story, settings: Settings, engine_side: Receiver
) -> None:
    settings.OUTBOUND_ALLOWED_CIDRS = []
    story.answer(story.bob, "approve")
    deliver()
    row = Callback.objects.get()
    assert engine_side.calls == [] and row.state == CallbackState.WAITING and row.alert


def test_after_a_week_the_answer_is_given_up_and_can_be_replayed_under_its_id(
    story: Story, engine_side: Receiver
) -> None:
    recorded = story.answer(story.bob, "approve")
    Callback.objects.update(first_attempt_at=timezone.now() - timedelta(days=9))
    engine_side.answer(500)
    deliver()
    assert story.copy(story.bob).outcome["engine"] == "failed"
    engine_side.answer(200)
    assert callback.replay(Callback.objects.get(), timezone.now())
    assert story.copy(story.bob).outcome["engine"] == "waiting"
    deliver()
    assert engine_side.calls[-1].id == str(recorded.response.pk)
    assert story.copy(story.bob).outcome["engine"] == "delivered"


def test_an_answer_under_way_is_not_replayed(story: Story) -> None:
    story.answer(story.bob, "approve")
    claimed()
    assert not callback.replay(Callback.objects.get(), timezone.now())


def test_a_lost_lease_changes_nothing(story: Story) -> None:
    """Worker A is slow; its lease ends; worker B delivers. What A then reports only completes its own attempt."""
    story.answer(story.bob, "approve")
    slow, _ = claimed()[0]
    make_due()
    deliver()
    callback.record(slow, callback.Result("refused", 422, said("late")), timezone.now())
    assert story.callbacks() == [("approve", "delivered")]
    assert CallbackAttempt.objects.count() == 2


def test_an_acknowledgement_under_way_that_fails_is_not_sent_after_the_final_answer(
    story: Story, engine_side: Receiver
) -> None:
    story.answer(story.bob, "acknowledge")
    under_way, _ = claimed()[0]
    story.answer(story.bob, "approve")
    deliver()
    assert engine_side.calls == []
    callback.record(under_way, callback.Result("later", 503, said("busy")), timezone.now())
    deliver()
    assert [call.data["action"] for call in engine_side.calls] == ["approve"]
    assert story.callbacks() == [("acknowledge", "superseded"), ("approve", "delivered")]


def test_an_engine_without_an_address_keeps_its_answers(story: Story) -> None:
    story.engine.callback_url = ""
    story.engine.save()
    story.answer(story.bob, "approve")
    assert not callback_claims.has_due(timezone.now())
    assert story.callbacks() == [("approve", "waiting")]
    assert Callback.objects.filter(callback.KEPT).exists()


def test_kept_answers_are_sent_in_order_to_an_address_given_later(story: Story, engine_side: Receiver) -> None:
    """Weeks later, and by an address that fails at first: the time in which nothing could be sent does not count."""
    Engine.objects.update(callback_url="")
    story.answer(story.bob, "acknowledge")
    story.answer(story.carol, "request_info", "Which cost centre?")
    weeks_ago = timezone.now() - timedelta(days=20)
    Callback.objects.update(created_at=weeks_ago, due_at=weeks_ago, first_attempt_at=weeks_ago)
    deliver()
    assert engine_side.calls == []
    call_command("create_engine", "invoices", callback_url=engine_side.url, stdout=StringIO())
    engine_side.answer(503)
    deliver()
    assert story.callbacks() == [("acknowledge", "waiting"), ("request_info", "waiting")]
    make_due()
    engine_side.answer(200)
    deliver()
    assert [call.data["action"] for call in engine_side.calls] == ["acknowledge", "acknowledge", "request_info"]
    assert story.callbacks() == [("acknowledge", "delivered"), ("request_info", "delivered")]


def test_an_old_answer_without_a_signing_secret_waits_for_one(story: Story, engine_side: Receiver) -> None:
    story.answer(story.bob, "approve")
    Callback.objects.update(created_at=timezone.now() - timedelta(days=20))
    SigningSecret.objects.all().delete()
    deliver()
    assert story.callbacks() == [("approve", "waiting")]
    assert "Add one in the admin." in Callback.objects.get().alert
    SigningSecret.objects.create(engine=story.engine, secret=new_secret())
    make_due()
    deliver()
    assert story.callbacks() == [("approve", "delivered")]


def test_answers_of_many_tasks_go_out_together(story: Story, engine_side: Receiver) -> None:
    for number in range(20):
        story.assign(f"M-{number}")
        story.answer(story.bob, "approve", task_id=f"M-{number}")
    deliver()
    assert len({call.id for call in engine_side.calls}) == 20
    assert Callback.objects.exclude(state=CallbackState.DELIVERED).count() == 0


def test_the_loser_of_a_refused_answer_may_still_answer(story: Story, engine_side: Receiver) -> None:
    story.answer(story.bob, "approve")
    with pytest.raises(errors.AlreadyAnswered):
        story.answer(story.carol, "reject", "No")
    engine_side.answer((422, {}, b'{"detail": "No."}'), 204)
    deliver()
    assert story.answer(story.carol, "reject", "No").created
    deliver()
    assert story.copy(story.bob).outcome["by"]["ref"] == "carol"


def test_a_name_changed_meanwhile_does_not_hide_that_the_engine_has_it(story: Story, engine_side: Receiver) -> None:
    story.answer(story.bob, "approve")
    type(story.bob).objects.filter(pk=story.bob.pk).update(name="Robert")
    deliver()
    assert story.copy(story.carol).outcome["engine"] == "delivered"


def test_an_expired_copy_hears_of_its_acknowledgement_too(story: Story, engine_side: Receiver) -> None:
    story.answer(story.bob, "acknowledge")
    story.happen("task.updated", {"task": {"id": "T-42", "expires_at": "2020-01-01T00:00:00Z"}}, minute=1)
    expiry.expire_due()
    deliver()
    copy = story.copy(story.bob)
    assert (copy.state, copy.outcome["engine"]) == ("expired", "delivered")


def test_nothing_is_replayed_after_the_final_answer_or_the_tasks_end(story: Story, engine_side: Receiver) -> None:
    story.answer(story.bob, "acknowledge")
    Callback.objects.update(first_attempt_at=timezone.now() - timedelta(days=9))
    engine_side.answer(500)
    deliver()
    given_up = Callback.objects.get(state=CallbackState.FAILED)
    story.answer(story.bob, "approve")
    assert not callback.replay(given_up, timezone.now())
    story.happen("task.completed", {"task": {"id": "T-42"}}, minute=1)
    assert not callback.replay(given_up, timezone.now())


def test_one_answer_that_cannot_be_sent_does_not_hold_up_the_others(
    story: Story, engine_side: Receiver, monkeypatch: pytest.MonkeyPatch
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
    deliver()
    assert story.callbacks("T-43") == [("approve", "delivered")]
    assert story.callbacks("T-42") == [("approve", "waiting")]
