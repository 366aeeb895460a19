"""People, teams and brands: who can be reached, under which name engines know them, and under whose colours."""

from typing import Any

import pytest
from django.test import Client

from notifications.models import Brand, Recipient, Team
from tests.admin.pages import adding, filled, form_at, list_of, page_of, text_of
from tests.admin.world import World
from tests.support.length import some


def saved(client: Client, row: Any, **changes: Any) -> Any:
    return client.post(page_of(row), filled(form_at(client, page_of(row)), **changes), follow=True)


def test_a_person_is_added_with_account_and_manager(world: World, root: Client) -> None:
    dave = type(world.bob.user).objects.create_user("dave")  # type: ignore[union-attr]
    fields = filled(
        form_at(root, adding(Recipient)),
        ref="dave",
        name="Dave Dorn",
        user=dave.pk,
        manager=world.carol.pk,
        email="dave@acme.example",
        email_verified="on",
        locale="de",
        timezone="Europe/Berlin",
        active="on",
    )
    root.post(adding(Recipient), fields, follow=True)
    made = Recipient.objects.get(ref="dave")
    assert (made.user, made.manager, made.timezone, made.email_verified) == (dave, world.carol, "Europe/Berlin", True)


def test_an_external_person_shows_their_engine_and_keeps_it(day: World, root: Client) -> None:
    page = root.get(page_of(day.customer))
    assert "Invoices" in text_of(page)
    assert "engine" not in page.context["adminform"].form.fields
    assert "external, of Invoices" in text_of(root.get(list_of(Recipient, "kind=external")))


def test_an_external_person_has_no_account(world: World, root: Client) -> None:
    user = type(world.bob.user).objects.create_user("erin")  # type: ignore[union-attr]
    assert "External people have no account" in text_of(saved(root, world.customer, user=user.pk))


def test_managers_do_not_go_in_a_circle(world: World, root: Client) -> None:
    assert "This goes in a circle" in text_of(saved(root, world.carol, manager=world.bob.pk))
    assert "This goes in a circle" in text_of(saved(root, world.carol, manager=world.carol.pk))
    world.carol.refresh_from_db()
    assert world.carol.manager is None


def test_a_new_address_counts_as_not_verified(world: World, root: Client) -> None:
    page = text_of(saved(root, world.bob, email="robert@acme.example"))
    assert "The new address is not verified" in page
    world.bob.refresh_from_db()
    assert (world.bob.email, world.bob.email_verified) == ("robert@acme.example", False)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    some(
        [
            ({"email": "ALICE@acme.example"}, "Alice Adams already has this verified address"),
            ({"email": ""}, "There is no address to verify."),
            ({"timezone": "Mars/Olympus"}, "Select a valid choice"),
            ({"ref": "a\x07b"}, "without control characters"),
            ({"ref": "alice"}, "This ref is already used."),
        ],
        2,
    ),
)
def test_what_would_confuse_engines_is_refused(
    changes: dict[str, str], sentence: str, world: World, root: Client
) -> None:
    page = saved(root, world.bob, **changes)
    assert sentence in text_of(page)
    world.bob.refresh_from_db()
    assert (world.bob.ref, world.bob.email) == ("bob", "bob@acme.example")


def test_the_list_names_people_who_cannot_be_told_anything(world: World, root: Client) -> None:
    Recipient.objects.create(ref="ghost", name="Ghost")
    shown = root.get(list_of(Recipient, "reach=nobody"))
    assert [person.ref for person in shown.context["cl"].result_list] == ["ghost"]
    assert "nothing: no account, no e-mail" in text_of(shown)


def test_the_list_counts_what_waits_for_whom(day: World, root: Client) -> None:
    waiting = {person.ref: person.waiting for person in root.get(list_of(Recipient)).context["cl"].result_list}
    assert waiting["alice"] == 2


def test_a_team_has_members_and_a_lead(world: World, root: Client) -> None:
    saved(root, world.team, members=[world.bob.pk, world.carol.pk], lead=world.bob.pk)
    world.team.refresh_from_db()
    assert world.team.lead == world.bob
    assert set(world.team.members.all()) == {world.bob, world.carol}
    Team.objects.create(slug="empty", name="Empty")
    assert [each.slug for each in root.get(list_of(Team, "gaps=members")).context["cl"].result_list] == ["empty"]


@pytest.mark.parametrize(
    ("field", "colour", "sentence"),
    [
        ("accent", "#ffee00", "hard to read on white"),
        ("accent_dark", "#111111", "hard to read on the dark background"),
        ("accent", "red", "Enter a colour such as #0b57d0."),
    ],
)
def test_a_brands_colours_can_be_read(field: str, colour: str, sentence: str, world: World, root: Client) -> None:
    brand = Brand.objects.get()
    assert sentence in text_of(saved(root, brand, **{field: colour}))
    saved(root, brand, accent="#7a1fa2")
    brand.refresh_from_db()
    assert brand.accent == "#7a1fa2"
