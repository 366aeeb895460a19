"""What operators start again (events, deliveries, answers, an engine's address) and what they void."""

from datetime import timedelta

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from notifications.inbox.sign_in.session import BACKEND
from notifications.models import (
    ActionToken,
    Callback,
    CallbackState,
    Case,
    Delivery,
    DeliveryAttempt,
    Engine,
    Event,
    Notification,
    RecipientToken,
    Response,
    SignInLink,
    Task,
)
from notifications.reasons import said
from tests.admin.pages import adding, choose, list_of, page_of, press, text_of
from tests.admin.world import World
from tests.factories import action_token

LEDGERS: list[type[Model]] = [
    Event,
    Task,
    Case,
    Notification,
    Delivery,
    DeliveryAttempt,
    Response,
    Callback,
    ActionToken,
    RecipientToken,
    SignInLink,
]


def test_ledgers_cannot_be_written_even_with_all_rights(day: World, root: Client) -> None:
    action_token(Notification.objects.all()[0], expires_at=day.now + timedelta(days=1))
    for model in LEDGERS:
        row = model._default_manager.all()[0]
        assert root.get(adding(model)).status_code == 403, model
        assert root.post(page_of(row), {"status": "x", "state": "x"}).status_code == 403, model
        assert root.post(page_of(row).replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403, model
        assert "delete_selected" not in root.get(list_of(model)).content.decode(), model


def test_an_answer_is_marked_as_handled_with_a_reason_by_name(day: World, operator: Client) -> None:
    waiting = Callback.objects.get(state=CallbackState.WAITING)
    address = page_of(waiting, "mark_handled")
    assert "How it was handled" in text_of(operator.get(address))
    assert "This field is required." in text_of(operator.post(address, {"reason": "  "}))
    assert Callback.objects.get(pk=waiting.pk).state == CallbackState.WAITING
    reason = "Asked by phone; <Erin> knows."
    said = text_of(operator.post(address, {"reason": reason}, follow=True))
    assert f"Marked as handled by hand: {reason}" in said
    waiting.refresh_from_db()
    assert (waiting.state, waiting.detail, waiting.due_at) == (CallbackState.HANDLED, reason, None)
    entry = LogEntry.objects.select_related("user").get()
    assert (entry.user.username, reason in entry.change_message) == ("member-of-operators", True)
    assert entry.object_id == str(waiting.pk)
    copy = Notification.objects.get(task=waiting.task, recipient=day.alice)
    assert copy.outcome["engine"] == "handled"
    assert "Send again" not in text_of(operator.get(page_of(waiting)))


def test_one_that_was_given_up_can_be_marked_and_one_that_ended_or_is_under_way_cannot(
    day: World, root: Client
) -> None:
    waiting, delivered = (
        Callback.objects.get(state=state) for state in (CallbackState.WAITING, CallbackState.DELIVERED)
    )
    for callback, sentence in (
        (delivered, "Only answers that wait or were given up can be marked as handled."),
        (waiting, "It is being sent at this moment."),
    ):
        Callback.objects.filter(pk=callback.pk).update(lease_until=timezone.now() + timedelta(seconds=40))
        assert "Mark as handled by hand" not in text_of(root.get(page_of(callback)))
        assert sentence in text_of(root.post(page_of(callback, "mark_handled"), {"reason": "By phone."}, follow=True))
        assert Callback.objects.get(pk=callback.pk).state == callback.state
    Callback.objects.filter(pk=waiting.pk).update(
        state=CallbackState.FAILED, due_at=None, ended_at=day.now, lease_until=None
    )
    assert "Mark as handled by hand" in text_of(root.get(page_of(waiting)))
    root.post(page_of(waiting, "mark_handled"), {"reason": "By phone."})
    assert Callback.objects.get(pk=waiting.pk).state == CallbackState.HANDLED


def test_a_stopped_address_is_used_again(day: World, root: Client) -> None:
    later = timezone.now() + timedelta(hours=1)
    Engine.objects.filter(pk=day.engine.pk).update(
        callback_disabled_at=day.now, callback_disabled_reason_fact=said("Gone (410).").as_json()
    )
    Callback.objects.filter(state=CallbackState.WAITING).update(due_at=later)
    assert "the engine's address is stopped" in text_of(root.get(list_of(Callback)))
    assert "Gone (410)." in text_of(root.get(page_of(day.engine, "enable_answers")))
    assert "Answers are sent to Invoices again." in text_of(press(root, page_of(day.engine, "enable_answers")))
    engine = Engine.objects.get(pk=day.engine.pk)
    assert engine.takes_answers
    assert Callback.objects.get(state=CallbackState.WAITING).due_at < later  # type: ignore[operator]
    assert engine.history.first().history_change_reason == "Answers are sent again"  # type: ignore[union-attr]
    assert "Answers to this engine are not stopped." in text_of(
        root.get(page_of(engine, "enable_answers"), follow=True)
    )


# --- ways in --------------------------------------------------------------------------------------------------------
def test_tokens_and_links_are_voided(day: World, root: Client) -> None:
    action_token(Notification.objects.filter(state="open")[0], expires_at=day.now + timedelta(days=1))
    answering, token, link = ActionToken.objects.get(), RecipientToken.objects.get(), SignInLink.objects.get()
    assert "Links voided: 1." in text_of(choose(root, [answering], "void"))
    assert "Tokens voided: 1." in text_of(choose(root, [token], "void"))
    assert "Links voided: 1." in text_of(choose(root, [link], "void"))
    for row in (answering, token, link):
        row.refresh_from_db()
    assert answering.voided_at is not None
    assert not token.usable
    assert link.expires_at <= timezone.now()


def test_nothing_is_done_without_the_forms_token(day: World) -> None:
    """A page elsewhere cannot press our buttons."""
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(User.objects.create_superuser("r"), backend=BACKEND)
    waiting = Callback.objects.get(state=CallbackState.WAITING)
    assert careful.post(page_of(waiting, "mark_handled"), {"reason": "By phone."}).status_code == 403
    waiting.refresh_from_db()
    assert waiting.state == CallbackState.WAITING
