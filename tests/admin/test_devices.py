"""Devices on the desk: whose they are, whether messages get through, a test, an end; and services that refuse us."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notifications.models import ActionToken, Delivery, Device, PausedService, Recipient, RecipientToken, Route
from notifications.people import devices
from notifications.reasons import said
from notifications.types import NewAddress
from tests.admin.pages import choose, filled, form_at, list_of, page_of, press, text_of
from tests.admin.world import World
from tests.factories import NotificationFactory, action_token


@pytest.fixture
def phone(day: World) -> Device:
    """Alice's, to which the last message did not get through."""
    new = NewAddress("fcm", "registration", "token", "acme-app", platform="android")
    device, _ = devices.register(day.alice, new, name="App on Android", now=day.now)
    Device.objects.filter(pk=device.pk).update(
        last_sent_at=day.now, last_fault_fact=said("SENDER_ID_MISMATCH").as_json()
    )
    return device


def names(client: Client, query: str) -> list[str]:
    return [device.name for device in client.get(list_of(Device, query)).context["cl"].result_list]


# --- reading ------------------------------------------------------------------------------------------------------
def test_the_list_says_whose_by_what_and_what_went_wrong(phone: Device, operator: Client) -> None:
    page = text_of(operator.get(list_of(Device)))

    for words in ("App on Android", "Alice Adams", "SENDER_ID_MISMATCH", "Firefox on Linux", "Bob Bauer"):
        assert words in page


def test_devices_that_do_not_work_are_found(phone: Device, operator: Client) -> None:
    assert names(operator, "works=no") == ["App on Android"]
    assert names(operator, "works=untried") == ["Firefox on Linux"]
    assert names(operator, "works=yes") == []
    Device.objects.update(last_fault_fact=None, last_used_at=timezone.now() - timedelta(days=31))
    assert names(operator, "works=yes") == ["App on Android"]
    assert len(names(operator, "works=unused")) == 2
    assert names(operator, "q=bob") == ["Firefox on Linux"]


def test_a_persons_page_shows_their_devices(phone: Device, operator: Client, day: World) -> None:
    page = text_of(operator.get(page_of(day.alice)))

    assert "App on Android" in page
    assert "SENDER_ID_MISMATCH" in page
    without = [person.ref for person in operator.get(list_of(Recipient, "reach=no_device")).context["cl"].result_list]
    assert "carol" in without
    assert "alice" not in without


def test_nothing_of_a_device_can_be_edited_and_no_address_is_shown(phone: Device, root: Client) -> None:
    page = root.get(page_of(phone))

    assert "registration" not in text_of(page).replace("registrations", "")
    assert not page.context["adminform"].form.fields
    assert root.post(page_of(phone), {"name": "Mine"}).status_code == 403


# --- trying out ---------------------------------------------------------------------------------------------------
def test_an_operator_sends_a_test_message(phone: Device, operator: Client) -> None:
    assert "The test is on its way." in text_of(press(operator, page_of(phone, "test_this")))

    phone.refresh_from_db()
    assert phone.due_at is not None
    assert "a test is on its way" in text_of(operator.get(page_of(phone)))


def test_many_devices_are_tested_at_once(phone: Device, operator: Client) -> None:
    page = choose(operator, list(Device.objects.all()), "test")

    assert "Test messages on their way: 2." in text_of(page)
    assert Device.objects.filter(due_at__isnull=False).count() == 2


# --- removing -----------------------------------------------------------------------------------------------------
def test_a_lost_phone_is_removed_and_answers_nothing_any_more(phone: Device, operator: Client, day: World) -> None:
    copy = NotificationFactory(recipient=day.alice)
    action_token(copy, expires_at=timezone.now() + timedelta(days=30))
    Delivery.objects.filter(notification=copy).update(channel="fcm", device=phone, state="delivered")

    assert "can no longer be answered" in text_of(operator.get(page_of(phone, "remove_this")))
    assert Device.objects.filter(pk=phone.pk).exists(), "looking removes nothing"
    assert "The device was removed." in text_of(press(operator, page_of(phone, "remove_this")))

    assert not Device.objects.filter(pk=phone.pk).exists()
    assert ActionToken.objects.get(notification=copy).voided_at is not None


def test_several_are_removed_at_once(phone: Device, operator: Client) -> None:
    assert "Devices removed: 2." in text_of(choose(operator, list(Device.objects.all()), "remove"))
    assert not Device.objects.exists()


def test_deactivating_a_person_removes_their_devices(phone: Device, root: Client, day: World) -> None:
    fields = filled(form_at(root, page_of(day.alice)))
    del fields["active"]
    root.post(page_of(day.alice), fields, follow=True)

    day.alice.refresh_from_db()
    assert not day.alice.active
    assert [device.recipient for device in Device.objects.all()] == [day.bob]


def test_saving_a_person_otherwise_removes_nothing(phone: Device, root: Client, day: World) -> None:
    root.post(page_of(day.alice), filled(form_at(root, page_of(day.alice)), name="Alice A."), follow=True)

    assert Device.objects.filter(recipient=day.alice).exists()


def test_closing_an_account_ends_its_browsers_and_apps(phone: Device, root: Client, day: World) -> None:
    Device.objects.filter(recipient=day.bob).update(session="digest")
    assert Device.objects.filter(recipient=day.alice, session="").exists()
    for person in (day.alice, day.bob):
        assert person.user is not None
        fields = filled(form_at(root, page_of(person.user)))
        del fields["is_active"]
        root.post(page_of(person.user), fields, follow=True)

    assert not Device.objects.exists()


def test_deleting_an_account_ends_them_too(phone: Device, root: Client, day: World) -> None:
    assert day.alice.user is not None
    press(root, f"/admin/auth/user/{day.alice.user.pk}/delete/", post="yes")

    day.alice.refresh_from_db()
    assert day.alice.user is None
    assert [device.recipient for device in Device.objects.all()] == [day.bob]


def test_voiding_a_token_removes_what_it_registered(phone: Device, root: Client) -> None:
    token = RecipientToken.objects.get()
    Device.objects.filter(pk=phone.pk).update(token=token)
    assert "Tokens voided: 1." in text_of(choose(root, [token], "void"))

    assert not Device.objects.filter(pk=phone.pk).exists()


def test_a_new_password_given_on_the_desk_ends_browsers(root: Client, day: World) -> None:
    Device.objects.update(session="digest")
    assert day.bob.user is not None
    address = f"/admin/auth/user/{day.bob.user.pk}/password/"
    assert "A new password signs out all browsers and apps" in text_of(root.get(address))
    root.post(address, {"usable_password": "true", "password1": "long walk 7", "password2": "long walk 7"})

    assert not Device.objects.exists()


# --- services that refuse us --------------------------------------------------------------------------------------
def test_a_paused_service_says_why_and_until_when_and_is_tried_again(day: World, operator: Client) -> None:
    page = text_of(operator.get(list_of(PausedService)))
    assert "push.example" in page
    assert "403: the key is not accepted" in page

    assert "Services tried again: 1." in text_of(choose(operator, list(PausedService.objects.all()), "resume"))
    assert not PausedService.objects.exists()


# --- routes -------------------------------------------------------------------------------------------------------
def test_a_route_may_forbid_answers_from_the_lock_screen(day: World, root: Client) -> None:
    route = Route.objects.filter(name="Tasks").get()
    assert route.answer_from_push
    fields = filled(form_at(root, page_of(route)))
    assert fields["answer_from_push"] == "on"
    del fields["answer_from_push"]
    root.post(page_of(route), fields, follow=True)

    route.refresh_from_db()
    assert not route.answer_from_push


def test_the_history_of_a_device_says_why_it_ended(phone: Device, root: Client) -> None:
    address = page_of(phone, "history")
    phone.name = "Spare phone"
    phone.save()
    record = phone.history.first()
    assert "→ became Spare phone" in text_of(root.get(address))
    restoring = reverse("admin:notifications_device_simple_history", args=[phone.pk, record.pk])
    assert root.post(restoring).status_code == 403
    phone._change_reason = "The device was removed"  # type: ignore[attr-defined]
    phone.delete()
    page = text_of(root.get(address))
    assert "deleted" in page and "The device was removed" in page and "Restore this" not in page
    assert root.get(restoring).status_code == 404
