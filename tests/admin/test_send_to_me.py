"""A version is sent to one's own person: by the channels that reach them, marked as a test, and to nobody else."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from notifications.items import ledger_audit
from notifications.models import (
    Callback,
    Delivery,
    DeliveryState,
    Device,
    Engine,
    Event,
    EventStatus,
    Notification,
    NotificationState,
    Recipient,
    Task,
    TemplateText,
    TemplateVersion,
)
from notifications.people import devices
from notifications.routing import template_test
from notifications.types import NewAddress
from tests.admin.pages import filled, form_at, page_of, press, text_of
from tests.admin.world import World


@pytest.fixture
def carol(world: World, root: Client) -> Recipient:
    """Whose account the administrator has."""
    world.carol.user = User.objects.get(username="root")
    world.carol.save(update_fields=["user"])
    address = NewAddress("webpush", "https://web.push.apple.com/carol", "endpoint", "BSender", p256dh="BKey")
    devices.register(world.carol, address, name="Firefox on Linux", now=world.now)
    return world.carol


def test_a_draft_comes_by_chosen_channels_as_a_test(draft: TemplateVersion, carol: Recipient, root: Client) -> None:
    TemplateText.objects.create(
        version=draft, language="en", channel="email", title="Mail: {{ task.name }}", body="Dear"
    )
    question = text_of(root.get(page_of(draft, "send_to_me")))
    assert "carol@acme.example" in question
    assert "Firefox on Linux" in question
    answer = press(root, page_of(draft, "send_to_me"), channels=["email", "webpush"])
    assert "The test is on its way to you." in text_of(answer)
    sent = Notification.objects.get()
    assert (sent.recipient, sent.template_version, sent.state) == (carol, draft, NotificationState.INFO)
    assert sent.title == "Test: Approve invoice 4711"
    assert sent.body.startswith("This is a test of “Invoice to approve”, version 2. There is nothing to do.")
    assert (sent.task, sent.case, sent.actions) == (None, None, [])
    rows = {row.channel: row for row in Delivery.objects.all()}
    assert rows["live"].state == DeliveryState.DELIVERED
    for channel in ("email", "webpush"):
        assert rows[channel].state == DeliveryState.PENDING
        assert rows[channel].due_at is not None, "none waits for another"
    words: Any = rows["email"].words
    assert words["title"] == "Test: Mail: Approve invoice 4711"
    assert "This is a test" in words["body"]


def test_the_ledger_and_the_trace_have_it_as_what_it_is(draft: TemplateVersion, carol: Recipient, root: Client) -> None:
    press(root, page_of(draft, "send_to_me"), channels=["email"])
    event = Event.objects.get()
    assert (event.source, event.type, event.status) == ("wfpush", "wfpush.test", EventStatus.PROCESSED)
    assert event.told == event.deliveries.count() == 2
    assert ledger_audit.faults_since(event.received_at, timezone.now()) == []
    assert "a test of “Invoice to approve” v2, which you sent to yourself" in text_of(root.get(page_of(event)))
    assert Task.objects.count() == 0
    assert Callback.objects.count() == 0


def test_it_is_about_a_real_event_without_touching_its_task(
    day: World, draft: TemplateVersion, carol: Recipient, root: Client
) -> None:
    before = list(Task.objects.order_by("pk").values())
    known, calls = set(Notification.objects.values_list("pk", flat=True)), Callback.objects.count()
    root.get(page_of(draft, "preview"), {"event": "e-2"})
    press(root, page_of(draft, "send_to_me"))
    sent = Notification.objects.exclude(pk__in=known).get()
    assert sent.title == "Test: Approve invoice 4712"
    assert (sent.task, sent.recipient) == (None, carol)
    assert list(Task.objects.order_by("pk").values()) == before
    assert Callback.objects.count() == calls


def test_an_account_without_a_person_is_told_what_to_do(draft: TemplateVersion, root: Client) -> None:
    for page in (
        root.get(page_of(draft, "send_to_me")),
        root.post(page_of(draft, "send_to_me"), {"channels": "email"}),
    ):
        assert "Choose it as the user of a person" in text_of(page)
    assert not Notification.objects.exists()


def test_a_person_without_other_channels_learns_of_them(draft: TemplateVersion, carol: Recipient, root: Client) -> None:
    Recipient.objects.filter(pk=carol.pk).update(email="")
    Device.objects.all().delete()
    assert "turn on notifications on a device" in text_of(root.get(page_of(draft, "send_to_me")))
    press(root, page_of(draft, "send_to_me"))
    assert [row.channel for row in Delivery.objects.all()] == ["live"]


def test_an_inactive_person_gets_none(draft: TemplateVersion, carol: Recipient, root: Client) -> None:
    Recipient.objects.filter(pk=carol.pk).update(active=False)
    assert "is not active" in text_of(root.post(page_of(draft, "send_to_me")))
    assert not Notification.objects.exists()


def test_nobody_else_and_no_other_channel_can_be_chosen(draft: TemplateVersion, carol: Recipient, root: Client) -> None:
    answer = root.post(page_of(draft, "send_to_me"), {"channels": ["fcm"], "recipient": "bob", "person": "bob"})
    assert "fcm is not one of the available choices" in text_of(answer)
    assert not Notification.objects.exists()


def test_only_so_many_are_sent_in_a_while(draft: TemplateVersion, carol: Recipient, root: Client) -> None:
    for _ in range(template_test.MAX_TESTS):
        press(root, page_of(draft, "send_to_me"))
    assert "Wait a little." in text_of(root.post(page_of(draft, "send_to_me")))
    assert Notification.objects.count() == template_test.MAX_TESTS


def test_a_text_with_a_fault_is_not_sent(draft: TemplateVersion, carol: Recipient, root: Client) -> None:
    draft.texts.update(body="{% for x in (1..2000) %}{{ x }}{% endfor %}")
    assert "1000 numbers" in text_of(root.post(page_of(draft, "send_to_me")))
    assert not Notification.objects.exists()
    assert not Event.objects.exists()


def test_without_an_engine_it_says_what_is_needed(draft: TemplateVersion, carol: Recipient, root: Client) -> None:
    Engine.objects.update(active=False)
    assert "Messages belong to an engine and a category." in text_of(root.post(page_of(draft, "send_to_me")))


def test_the_form_saves_before_it_asks(draft: TemplateVersion, carol: Recipient, root: Client) -> None:
    from_form = {"notifications_templateversion_save_and_send": "1"}
    fields = filled(form_at(root, page_of(draft)), **{"texts-1-title": "New words"}, **from_form)
    page = root.post(page_of(draft), fields, follow=True)
    assert page.redirect_chain[-1][0] == page_of(draft, "send_to_me")
    press(root, page_of(draft, "send_to_me"))
    assert Notification.objects.get().title == "Test: New words"
