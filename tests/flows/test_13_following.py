"""What Bob mutes comes in the inbox only; what he follows reaches him; what he has put off waits until it is back."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail

from notifications.models import Case, Delivery, FollowedKind, MutedCase, QuietHours, Recipient
from tests.support.world import World

pytestmark = pytest.mark.django_db

EVENING = datetime(2026, 11, 27, 21, tzinfo=UTC)  # a Friday; 22:00 in Berlin


def milestone(world: World, case: str, status: str, *recipients: str, **more: Any) -> None:
    about = {"id": case, "title": f"Repair {case}", "status": status, "type": "repair", **more}
    world.send("case.status_changed", {"case": about, "recipients": list(recipients)})


def assign(world: World, case: str, id: str, **task: Any) -> None:
    about = {"id": id, "name": f"Approve {id}", "assignee": "bob", **task}
    world.send("task.assigned", {"task": about, "case": {"id": case}})


def subjects() -> list[str]:
    found = [str(each.subject) for each in mail.outbox]
    mail.outbox.clear()
    return found


def test_a_muted_case_is_told_in_the_inbox_only_unless_it_is_urgent_or_waits_for_bob(
    world: World, bob: Recipient
) -> None:
    milestone(world, "R-1", "received", "bob", "carol")
    assert len(subjects()) == 2
    assert world.ask("put", "/api/v1/cases/R-1/mute", "bob").status_code == 204
    milestone(world, "R-1", "checked", "bob", "carol")
    assert len(mail.outbox) == 1 and mail.outbox[0].to == ["carol@example.org"]
    (row,) = Delivery.objects.filter(recipient=bob, channel="email", state="suppressed")
    assert row.reason == "this person has muted the case"
    assert len(world.inbox("bob")) == 2  # nothing is missing there
    subjects()
    assign(world, "R-1", "T-1")
    assert subjects() == ["Approve T-1"]
    assert world.ask("delete", "/api/v1/cases/R-1/mute", "bob").status_code == 204
    milestone(world, "R-1", "done", "bob")
    assert len(subjects()) == 1
    assert world.ask("put", "/api/v1/cases/R-2/mute", "bob").status_code == 404


def test_what_was_held_back_of_a_case_is_not_sent_once_it_is_muted(world: World, bob: Recipient) -> None:
    QuietHours.objects.create(recipient=bob, days=list(range(7)), begins=time(22), ends=time(7))
    with time_machine.travel(EVENING, tick=True):
        milestone(world, "R-1", "received", "bob")
        milestone(world, "R-2", "received", "bob")
        MutedCase.objects.create(recipient=bob, case=Case.objects.get(case_id="R-1"))
    with time_machine.travel(EVENING + timedelta(hours=9), tick=False):
        world.run()
    assert len(subjects()) == 1
    assert Delivery.objects.get(channel="email", state="suppressed").notification.case.case_id == "R-1"  # type: ignore[union-attr]


def test_who_follows_a_kind_follows_each_case_of_it_that_they_have_heard_of(world: World, bob: Recipient) -> None:
    milestone(world, "R-1", "received", "bob")
    assert world.ask("put", "/api/v1/cases/R-1/follow-kind", "bob").status_code == 204
    assert FollowedKind.objects.get().case_type == "repair"
    milestone(world, "R-1", "checked")
    milestone(world, "R-2", "received", "bob")
    milestone(world, "R-2", "checked")
    milestone(world, "R-3", "received", "carol")  # nobody told Bob of it
    milestone(world, "R-4", "received", "bob", type="claim")
    milestone(world, "R-4", "checked", type="claim")
    assert len([each for each in mail.outbox if each.to == ["bob@example.org"]]) == 5
    assert world.inbox("bob")[1]["reason"] == "follows the case"
    subjects()
    assert world.ask("delete", "/api/v1/cases/R-2/follow-kind", "bob").status_code == 204
    milestone(world, "R-1", "done")
    assert subjects() == []


def test_the_page_of_an_item_and_the_list_have_buttons_for_all_of_it(world: World, bob: Recipient) -> None:
    milestone(world, "R-1", "received", "bob")
    milestone(world, "R-9", "received", "carol")
    case, hidden = Case.objects.get(case_id="R-1"), Case.objects.get(case_id="R-9")
    item, listed = f"/n/{world.inbox('bob')[0]['id']}", "/settings/following"
    browser = world.signed_in("bob")
    assert "No followed or muted cases" in browser.get(listed).content.decode()
    assert f'href="{listed}"' in browser.get("/settings").content.decode()

    def press(what: str, number: int, **said: str) -> int:
        return browser.post(f"/cases/{number}/{what}", {"next": item, **said}).status_code

    for what in ("follow", "follow-kind", "mute"):
        assert press(what, hidden.pk) == 404
        assert press(what, case.pk) == 302
    page = browser.get(item).content.decode()
    assert page.count("Stop following") == 2 and "Unmute this case" in page
    page = browser.get(listed).content.decode()
    assert page.count("Repair R-1") == 4 and page.count("Stop following") == 2
    browser.post(listed, {"kind": FollowedKind.objects.get().pk})
    browser.post(listed, {"kind": "x"})
    assert (press("follow", case.pk, follow="0"), press("mute", case.pk, mute="0")) == (302, 302)
    assert "No followed or muted cases" in browser.get(listed).content.decode()


def test_a_message_about_what_is_put_off_waits_until_it_is_back(world: World, bob: Recipient) -> None:
    QuietHours.objects.create(recipient=bob, days=list(range(7)), begins=time(22), ends=time(7))

    def snooze(item: str, until: str) -> None:
        answer = world.ask("put", f"/api/v1/notifications/{item}/snooze", "bob", {"until": until})
        assert answer.status_code == 204

    with time_machine.travel(EVENING, tick=True):
        assign(world, "R-1", "T-1")
        assign(world, "R-1", "T-2")
        for item in world.inbox("bob"):
            snooze(item["id"], "2026-11-28T09:00:00+01:00")
    with time_machine.travel(datetime(2026, 11, 28, 6, 30, tzinfo=UTC), tick=False):
        world.run()
        rows = Delivery.objects.filter(channel="email")
        assert {(row.held, row.reason) for row in rows} == {("snoozed", "snoozed until 2026-11-28 09:00 CET")}
        early = world.inbox("bob")[0]["id"]
        assert world.ask("delete", f"/api/v1/notifications/{early}/snooze", "bob").status_code == 204
        world.run()
        assert subjects() == ["Approve T-2"]
    with time_machine.travel(datetime(2026, 11, 28, 8, tzinfo=UTC), tick=False):
        world.run()
    assert subjects() == ["Approve T-1"]
