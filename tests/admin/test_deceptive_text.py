"""What engines and people write neither hides nor turns words round on the desk (docs/api has what is kept)."""

import json
import unicodedata
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from notifications.models import Case, Delivery, Event, Notification, Recipient, Response, Scope, Task
from notifications.people import directory
from tests.admin import world as story
from tests.admin.pages import list_of, page_of
from tests.admin.world import World

TURNED = "\u202egnp.eciovni\u2066 pay\u200b\u2060 now"
PILE = "\u0335\u0327\u0301\u0302\u0303\u0308\u030a" * 60
HEBREW = "לְאַשֵּׁר אֶת הַחֶשְׁבּוֹנִית"
DECEIVING = {chr(code) for code in [*range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x200B, 0x200E, 0x200F, 0xFEFF]}


@pytest.fixture
def deceived(world: World) -> Event:
    """Alice's task, whose engine, customer and answer try everything."""
    data: dict[str, Any] = story.invoice("T-9", 4711, assignee="alice")
    data["task"]["name"] = f"{TURNED} H{PILE}ello"
    data["case"]["title"] = f"{HEBREW} {TURNED}"
    data["customer"] = {"ref": "C-8\u202e", "name": f"{TURNED} Erin"}
    data["recipients"] = [f"zoe\u202e{PILE[:150]}"]
    data["variables"]["note\u202e"] = TURNED + PILE
    event = story.send(world, "e\u202e-9", "task.assigned", data)
    story.answer(world, "T-9", world.alice, "approve", f"Fine {TURNED}{PILE}")
    return event


def test_titles_and_names_are_kept_without_it(deceived: Event) -> None:
    task, case = Task.objects.get(), Case.objects.get()
    assert task.name == "gnp.eciovni pay now H" + PILE[:5] + "ello"
    assert case.title == f"{HEBREW} gnp.eciovni pay now"
    assert Notification.objects.get(recipient__ref="alice").title == task.name
    assert deceived.data["variables"]["note\u202e"] == TURNED + PILE, "what came is kept as it came"


@pytest.mark.ci
def test_no_page_of_the_desk_hides_anything(deceived: Event, root: Client) -> None:
    answer = Response.objects.get()
    addresses = [
        reverse("admin:index"),
        *(list_of(model) for model in (Event, Task, Case, Notification, Delivery, Response, Recipient)),
        *(page_of(row) for row in (deceived, Task.objects.get(), Case.objects.get(), answer, answer.callback)),
        page_of(Notification.objects.get(recipient__ref="alice")),
        f"{reverse('admin:notifications_route_dry_run')}?event={deceived.pk}",
    ]
    for address in addresses:
        page = root.get(address).content.decode()
        assert not DECEIVING & set(page), address
        assert longest_pile(page) <= 8, address


def test_the_event_is_shown_as_it_came(deceived: Event, root: Client) -> None:
    page = root.get(page_of(deceived)).content.decode()
    assert "note\\u202e" in page
    assert "e\\u202e-9" in page
    assert HEBREW in page


def test_a_dry_run_of_it_is_of_the_same_event(deceived: Event, root: Client) -> None:
    form = root.get(reverse("admin:notifications_route_dry_run"), {"event": str(deceived.pk)}).context["form"]
    assert json.loads(form.initial["body"])["data"] == deceived.data


def test_the_fields_that_search_show_it_too(world: World, root: Client) -> None:
    Recipient.objects.create(ref="mallory\u202e")
    query = {"app_label": "notifications", "model_name": "recipient", "field_name": "manager", "term": "mallory"}
    assert [each["text"] for each in root.get(reverse("admin:autocomplete"), query).json()["results"]] == [
        "mallory\\u202e · mallory\\u202e"
    ]


def test_names_from_the_directory_are_kept_without_it(world: World) -> None:
    writer = directory.Writer(world.engine, frozenset(Scope))
    person, _created = directory.put_person(writer, "dave", {"name": f"Da{TURNED}ve"})
    team, _created = directory.put_team(writer, "sales", {"name": f"{TURNED} Sales", "members": ["dave"]})
    assert (person.name, team.name) == ("Dagnp.eciovni pay nowve", "gnp.eciovni pay now Sales")


def longest_pile(text: str) -> int:
    longest = current = 0
    for each in text:
        current = current + 1 if unicodedata.category(each).startswith("M") else 0
        longest = max(longest, current)
    return longest
