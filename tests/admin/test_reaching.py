"""How people are reached, at the desk: defaults of teams and brands, what is mandatory, and a person's choice."""

from datetime import time
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from notifications.models import Category, CategoryChoice, CategoryDefault, QuietHours, Recipient, Team
from notifications.preferences.lookup import Reading
from tests.admin.pages import filled, form_at, page_of, text_of
from tests.admin.world import World


def preferences_of(person: Recipient) -> str:
    return page_of(person).replace("/change/", "/preferences/")


@pytest.fixture
def approvals(world: World) -> Category:
    Category.objects.filter(slug="approvals").update(channels=["live", "webpush", "email"])
    return Category.objects.get(slug="approvals")


def test_a_category_says_what_nobody_can_do_without(root: Client, approvals: Category) -> None:
    fields = filled(
        form_at(root, page_of(approvals)), mandatory=["email"], mandatory_reason="It is the law.", frequency="digest"
    )
    root.post(page_of(approvals), fields)
    approvals.refresh_from_db()
    assert (approvals.mandatory, approvals.mandatory_reason) == (["email"], "It is the law.")
    assert approvals.frequency == "digest"
    refused = root.post(page_of(approvals), {**fields, "channels": "live, webpush"})
    assert "The category does not use e-mail." in text_of(refused)


def test_a_teams_default_is_chosen_by_channel(world: World, root: Client, approvals: Category) -> None:
    team = Team.objects.get(slug="finance")
    fields = filled(form_at(root, page_of(team)))
    new = {"category": approvals.pk, "frequency": "repeats", "by_email": "off", "by_webpush": ""}
    fields |= {f"category_defaults-0-{name}": value for name, value in new.items()}
    root.post(page_of(team), {**fields, "category_defaults-TOTAL_FORMS": "1"})

    (default,) = CategoryDefault.objects.all()
    assert (default.team, default.brand, default.channels) == (team, None, {"email": False})
    assert str(Reading().of(world.bob).off(approvals, "email")) == "turned off for team Finance"
    fields = filled(form_at(root, page_of(team)))
    assert fields["category_defaults-0-by_email"] == "off"
    root.post(page_of(team), {**fields, "category_defaults-0-by_email": "on"})
    default.refresh_from_db()
    assert (default.channels, default.frequency) == ({"email": True}, "repeats")

    root.post(page_of(team), {**fields, "category_defaults-0-DELETE": "on"})
    history = page_of(team).replace("change/", "history/")
    said = text_of(root.get(history))
    assert "“Approvals and tasks” changed Channels : email: no → became email: yes" in said
    assert "Default of a category removed" in said
    first = team.history.order_by("history_id")[0]
    root.post(reverse("admin:notifications_team_simple_history", args=[team.pk, first.pk]))
    (restored,) = team.category_defaults.all()
    assert (restored.channels, restored.frequency) == ({"email": False}, "repeats")


def test_an_administrator_chooses_for_bob_and_it_is_on_record(world: World, root: Client, approvals: Category) -> None:
    form = root.get(preferences_of(world.bob)).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    fields: dict[str, Any] = {name: value for name, value in shown.items() if value not in (None, False)}
    fields.pop(f"c{approvals.pk}-email")
    fields |= {"q0-days": ["4", "5"], "q0-from": "22:00", "q0-until": "07:00"}

    page = root.post(preferences_of(world.bob), fields, follow=True)

    said = "Delivery: approvals: −email; quiet hours 22:00–07:00"
    assert said in text_of(page) and LogEntry.objects.filter(change_message=said, object_id=world.bob.pk).exists()
    assert CategoryChoice.objects.get(recipient=world.bob).channels == {"email": False}
    assert QuietHours.objects.get(recipient=world.bob).begins == time(22)
    refused = root.post(preferences_of(world.bob), {**fields, "q0-until": ""})
    assert "Enter the end." in text_of(refused)
    root.post(preferences_of(world.bob), {"reset": "1"})
    assert not QuietHours.objects.exists() and not CategoryChoice.objects.exists()


def test_whoever_may_only_look_changes_nothing(world: World, client: Client, approvals: Category) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    rights = Permission.objects.filter(codename__in=["view_recipient", "view_preferences"])
    viewer.user_permissions.set(rights)
    client.force_login(viewer)

    page = text_of(client.get(preferences_of(world.bob)))
    assert "Everything would" in page and "Save" not in page
    assert client.post(preferences_of(world.bob), {"reset": "1"}).status_code == 403


def test_the_page_of_a_person_says_what_cannot_reach_them(world: World, root: Client, approvals: Category) -> None:
    Category.objects.filter(pk=approvals.pk).update(mandatory=["email"])
    Recipient.objects.filter(pk=world.bob.pk).update(email="")
    page = text_of(root.get(page_of(world.bob)))
    assert "Approvals and tasks by e-mail, which is required: No e-mail address is known." in page
    Recipient.objects.filter(pk=world.bob.pk).update(email="bob@acme.example")
    Category.objects.update(channels=["live", "email"], mandatory=[])
    CategoryChoice.objects.create(recipient=world.bob, category=approvals, channels={"email": False})
    off = "Approvals and tasks: every channel is turned off. Waiting tasks also appear only in their inbox."
    assert text_of(root.get(page_of(world.bob))).count("every channel is turned off") == 1
    assert off in text_of(root.get(page_of(world.bob)))
    Recipient.objects.filter(pk=world.bob.pk).update(email="")
    assert off not in text_of(root.get(page_of(world.bob))), "it is the address that lacks"
    world.bob.devices.all().delete()
    page = text_of(root.get(preferences_of(world.bob)))
    assert "Urgent tasks and critical steps appear only in their inbox: no channel reaches them." in page
