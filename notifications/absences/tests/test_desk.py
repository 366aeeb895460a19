"""Absences on the desk: who is away now and who stands in; absences that make no sense are refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from notifications.models import Absence, Category, Notification, Recipient
from tests.admin.conftest import signed_in
from tests.admin.pages import adding, filled, form_at, list_of, page_of, text_of
from tests.admin.test_history import newest, restoring
from tests.admin.test_navigation import heading
from tests.admin.world import World, invoice, send
from tests.support.length import some

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def on_monday() -> Any:
    with time_machine.travel(NOW, tick=True):
        yield


def away(person: Recipient, delegate: Recipient | None, begins: float = -1, ends: float = 1) -> Absence:
    """By days from now."""
    row, _ = Absence.objects.update_or_create(
        recipient=person, defaults={"begins_at": NOW + begins * DAY, "ends_at": NOW + ends * DAY, "delegate": delegate}
    )
    return row


def fields(prefix: str = "", **given: Any) -> dict[str, Any]:
    """From 4 until 16 November, as the form sends it."""
    said = {
        "begins_at_0": "2026-11-04", "begins_at_1": "17:00:00",
        "ends_at_0": "2026-11-16", "ends_at_1": "08:00:00", "delegate": "", "open_items": "offer",
    }  # fmt: skip
    parts = {} if prefix else {"parts-TOTAL_FORMS": "0", "parts-INITIAL_FORMS": "0"}
    return {**parts, **{f"{prefix}{name}": value for name, value in {**said, **given}.items()}}


def test_the_list_says_who_is_away_now(world: World, root: Client) -> None:
    away(world.bob, world.carol)
    away(world.carol, None, 3, 4)

    def listed(query: str) -> list[str]:
        return [row.recipient.ref for row in root.get(list_of(Absence, query)).context["cl"].result_list]

    assert listed("away=now") == ["bob"]
    assert listed("away=alone") == []
    assert listed("away=soon") == ["carol"]
    assert listed("away=over") == ["alice"]
    assert listed("q=castle") == ["bob", "carol"]
    page = text_of(root.get(list_of(Absence)))
    assert "Bob Bauer now" in page
    assert "Carol Castle later" in page
    assert "Alice Adams no longer" in page


def test_an_absence_is_added_and_changed(world: World, root: Client) -> None:
    root.post(adding(Absence), fields(recipient=world.bob.pk, delegate=world.carol.pk), follow=True)
    row = Absence.objects.get(recipient=world.bob)
    assert (row.begins_at, row.delegate) == (datetime(2026, 11, 4, 17, tzinfo=UTC), world.carol)

    page = root.get(page_of(row))
    assert "recipient" not in page.context["adminform"].form.fields
    root.post(page_of(row), filled(page, delegate=""), follow=True)
    row.refresh_from_db()
    assert row.delegate is None
    assert row.history.first().history_user.username == "root"  # type: ignore[attr-defined]


def test_parts_are_checked_with_the_whole(world: World, root: Client) -> None:
    away(world.carol, world.bob, 2, 14)
    approvals = Category.objects.get(slug="approvals")
    part = {"parts-TOTAL_FORMS": "1", "parts-0-category": approvals.pk, "parts-0-delegate": world.carol.pk}

    page = root.post(adding(Absence), fields(recipient=world.bob.pk, delegate=world.alice.pk) | part)
    assert "Carol Castle is away too, and relies on Bob Bauer" in text_of(page)
    both = root.post(adding(Absence), fields(recipient=world.bob.pk) | part | {"parts-0-case_type": "claim"})
    assert "Choose a category, an engine or a kind of case: one of them." in text_of(both)
    root.post(adding(Absence), fields(recipient=world.bob.pk) | part | {"parts-0-delegate": world.alice.pk})

    row = Absence.objects.get(recipient=world.bob)
    assert [(each.category, each.delegate) for each in row.parts.all()] == [(approvals, world.alice)]
    assert row.history.get().parts["parts"][0]["delegate_id"] == world.alice.pk


def test_it_stands_on_the_persons_own_page(world: World, root: Client) -> None:
    page = root.get(page_of(world.bob))
    sent = {**filled(page), **fields("absence-0-", delegate=world.carol.pk), "absence-TOTAL_FORMS": 1}
    answer = root.post(page_of(world.bob), sent, follow=True)
    assert "was changed successfully" in text_of(answer)
    assert Absence.objects.get(recipient=world.bob).delegate == world.carol

    page = root.get(page_of(world.bob))
    root.post(page_of(world.bob), {**filled(page), "absence-0-DELETE": "on"}, follow=True)
    assert not Absence.objects.filter(recipient=world.bob).exists()
    assert Absence.history.filter(recipient=world.bob, history_type="-").exists()


def test_a_person_whose_absence_is_over_can_still_be_changed(world: World, root: Client) -> None:
    answer = root.post(page_of(world.alice), filled(form_at(root, page_of(world.alice)), name="Alice A."), follow=True)
    assert "was changed successfully" in text_of(answer)


@pytest.mark.parametrize(
    ("given", "sentence"),
    some(
        [
            ({"ends_at_0": "2026-11-03"}, "The absence must end after it starts."),
            ({"ends_at_0": "2029-11-03"}, "An absence is at most two years long."),
            ({"begins_at_0": "2026-09-01", "ends_at_0": "2026-10-01"}, "This is in the past."),
            ({"delegate": "customer"}, "Erin Example does not belong to your organisation."),
            ({"delegate": "bob"}, "People cannot stand in for themselves."),
            ({"delegate": "carol"}, "Carol Castle is away too, and relies on Bob Bauer"),
        ],
        3,
    ),
)
def test_what_makes_no_sense_is_refused_on_both_pages(
    world: World, root: Client, given: dict[str, Any], sentence: str
) -> None:
    away(world.carol, world.bob, 1, 5)
    if "delegate" in given:
        given = {"delegate": getattr(world, given["delegate"]).pk}

    own = root.post(adding(Absence), fields(recipient=world.bob.pk, **given), follow=True)
    page = {**filled(form_at(root, page_of(world.bob))), **fields("absence-0-", **given), "absence-TOTAL_FORMS": 1}
    inline = root.post(page_of(world.bob), page, follow=True)

    for answer in (own, inline):
        assert sentence in text_of(answer)
        assert "Constraint" not in text_of(answer)
    assert not Absence.objects.filter(recipient=world.bob).exists()


def test_customers_are_not_away(world: World, root: Client) -> None:
    answer = root.post(adding(Absence), fields(recipient=world.customer.pk), follow=True)
    assert "Only people of your own organisation can be away." in text_of(answer)
    assert "absence-TOTAL_FORMS" not in root.get(page_of(world.customer)).content.decode()


def test_operators_look_and_administrators_change(world: World, operator: Client, administrator: Client) -> None:
    row = away(world.bob, world.carol)
    assert operator.get(list_of(Absence)).status_code == 200
    assert operator.get(page_of(row)).status_code == 200
    assert operator.post(page_of(row), fields()).status_code == 403
    assert operator.get(page_of(world.bob)).status_code == 200
    administrator.post(page_of(row), filled(form_at(administrator, page_of(row)), delegate=""), follow=True)
    row.refresh_from_db()
    assert row.delegate is None


def test_trace_and_notification_say_for_whom(world: World, root: Client) -> None:
    away(world.bob, world.carol)
    event = send(world, "e-1", "task.assigned", invoice("T-101", 4711, assignee="bob"))

    assert "Carol Castle (delegate of Bob Bauer (assignee))" in text_of(root.get(page_of(event)))
    copy = Notification.objects.get(event=event)
    assert "On behalf of Bob Bauer" in text_of(root.get(page_of(copy)))


def test_people_without_the_desk_do_not_come_here(world: World) -> None:
    assert world.bob.user is not None
    assert signed_in(world.bob.user).get(list_of(Absence)).status_code == 302


def test_two_who_are_away_are_not_restored_to_stand_in_for_each_other(world: World, root: Client) -> None:
    row = away(world.bob, world.carol)
    old = newest(row)
    row.delegate = None
    row.save()
    away(world.carol, world.bob)
    assert "This goes in a circle" in text_of(root.post(restoring(row, old), follow=True))
    row.refresh_from_db()
    assert row.delegate is None


def test_a_row_stands_below_its_list_and_has_the_readers_zone(world: World, root: Client) -> None:
    Recipient.objects.create(ref="root", name="Root", user=User.objects.get(username="root"), timezone="Asia/Tokyo")
    row = away(world.bob, world.carol, 0.5625)
    assert heading(root, page_of(row)) == "People > Absences > Bob Bauer · 2026-11-03 07:30 – 2026-11-03 18:00"
    text = text_of(root.get(page_of(row)))
    assert "22:30" not in text
