"""Directories at the desk: made, given a token that is shown once, and read."""

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from notifications.models import Recipient
from notifications.provisioning.models import ScimDirectory, ScimToken
from notifications.provisioning.tests.idp import ENTERPRISE, Idp
from tests.admin.pages import add_row, list_of, page_of, press, text_of
from tests.admin.world import World


def test_a_directory_is_made_and_its_token_shown_once(world: World, root: Client) -> None:
    assert "Add one, then make its token." in text_of(root.get(list_of(ScimDirectory)))
    add_row(root, ScimDirectory, name="Entra ID")
    directory = ScimDirectory.objects.get()
    shown = text_of(press(root, page_of(directory, "new_token"), old_ones_end="24"))
    token = next(word for word in shown.split() if word.startswith("wfs_"))
    idp = Idp(directory, token)
    idp.user("dora")
    page = text_of(root.get(page_of(directory)))
    assert token not in page and "/scim/v2" in page and f"wfs_{ScimToken.objects.get().prefix}…" in page
    assert "POST /Users" in page and "201" in page

    second = text_of(press(root, page_of(directory, "new_token"), old_ones_end="24"))
    assert token not in second
    ends = ScimToken.objects.get(expires_at__isnull=False).expires_at
    assert ends is not None and timedelta(hours=23) < ends - timezone.now() < timedelta(hours=25)
    assert "Entra ID 1 0" in text_of(root.get(list_of(ScimDirectory)))


def test_a_persons_page_shows_what_the_directory_says(world: World, root: Client) -> None:
    idp = Idp.begin()
    idp.user(
        "dora", externalId="d1", **{ENTERPRISE: {"department": "Finance", "employeeNumber": "7", "manager": "boss"}}
    )
    page = text_of(root.get(page_of(Recipient.objects.get(ref="dora"))))
    assert "Entra ID dora d1 Finance 7" in page and "not here yet" in page
    assert "Finance 7" not in text_of(root.get(page_of(world.bob)))


def test_operators_see_directories_and_change_nothing(world: World, operator: Client) -> None:
    idp = Idp.begin()
    assert operator.get(page_of(idp.directory)).status_code == 200
    for action in ("new_token", "allow"):
        assert operator.post(page_of(idp.directory, action), {"count": 1, "old_ones_end": "0"}).status_code == 403
    assert ScimToken.objects.count() == 1


def test_without_its_directory_people_stay(world: World, root: Client) -> None:
    idp = Idp.begin()
    idp.user("dora")
    press(root, page_of(idp.directory, "delete"), post="yes")
    assert not ScimDirectory.objects.exists() and Recipient.objects.get(ref="dora").active
