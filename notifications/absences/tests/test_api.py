"""When a person is away, by the API: read, set, ended; and what a stand-in's notification says."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from notifications.absences import entering, hand_over
from notifications.absences.entering import AbsenceEntry
from notifications.absences.models import AbsenceFeed
from notifications.models import Absence, Delivery, Notification, Recipient, Team
from notifications.people import revocation
from tests.factories import RecipientFactory, TeamFactory
from tests.support.api import Caller, engine_caller, is_problem, person_caller, pointers
from tests.support.story import Story

ABSENCE = "/api/v1/absence"
TIMES_OF_NOTHING = {"from": None, "to": None, "delegate": None, "open_items": None, "give_back": False}
NOTHING = {**TIMES_OF_NOTHING, "parts": [], "calendar": None}
USUAL = {"delegate": None, "parts": [], "open_items": "offer", "give_back": False, "calendar": None}


@pytest.fixture
def bob(story: Story) -> Caller:
    return person_caller(story.bob)


def at(days: float) -> str:
    """An instant that many days from now, as programs write it."""
    return (timezone.now() + timedelta(days=days)).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def test_bob_goes_and_carol_stands_in(story: Story, bob: Caller) -> None:
    assert bob.get(ABSENCE).json() == NOTHING
    said = {"from": at(1), "to": at(8), "delegate": "carol"}

    answer = bob.put(ABSENCE, said)

    assert answer.status_code == 200
    assert answer.json() == {**USUAL, **said, "delegate": {"ref": "carol", "name": "Carol"}}
    assert bob.get(ABSENCE).json() == answer.json()
    row = Absence.objects.get()
    assert (row.recipient, row.delegate) == (story.bob, story.carol)
    assert Absence.history.get().history_user == story.bob.user


def test_what_the_calendar_says_stands_beside_it_and_being_back_ends_it_for_now(story: Story, bob: Caller) -> None:
    feed = AbsenceFeed.objects.create(
        recipient=story.bob, url="https://calendar.example/secret", takes="all", delegate=story.carol
    )
    times = [(at(-1), at(2)), (at(5), at(6))]
    for begins, ends in times:
        feed.absences.create(begins_at=begins, ends_at=ends)

    answer = bob.get(ABSENCE).json()

    carol = {"ref": "carol", "name": "Carol"}
    said = {"from": times[0][0], "to": times[0][1], "delegate": carol, "open_items": "offer", "give_back": False}
    assert answer == {**NOTHING, "calendar": said}
    back = bob.put(ABSENCE, {"from": None, "to": None}).json()
    assert back == {**NOTHING, "calendar": {**said, "from": times[1][0], "to": times[1][1]}}
    assert "secret" not in str([answer, back])


def test_any_offset_means_the_same_moment(bob: Caller) -> None:
    year = timezone.now().year + 1
    answer = bob.put(ABSENCE, {"from": f"{year}-07-01T09:00:00+02:00", "to": f"{year}-07-15T00:00:00-05:00"})

    assert answer.json() == {"from": f"{year}-07-01T07:00:00Z", "to": f"{year}-07-15T05:00:00Z", **USUAL}


def test_what_is_set_again_takes_the_place_of_what_was_there(story: Story, bob: Caller) -> None:
    bob.put(ABSENCE, {"from": at(1), "to": at(8), "delegate": "carol"})
    changed = {"from": at(2), "to": at(3), "delegate": None}

    assert bob.put(ABSENCE, changed).json() == {**USUAL, **changed}
    assert Absence.objects.count() == 1


def test_bob_is_back(bob: Caller) -> None:
    bob.put(ABSENCE, {"from": at(-1), "to": at(8), "delegate": "carol"})

    assert bob.put(ABSENCE, {"from": None, "to": None}).json() == NOTHING
    assert bob.get(ABSENCE).json() == NOTHING
    assert not Absence.objects.exists()
    assert bob.put(ABSENCE, NOTHING).status_code == 200


def test_what_is_over_is_not_told(story: Story, bob: Caller) -> None:
    now = timezone.now()
    over = AbsenceEntry(now - timedelta(days=9), now - timedelta(days=1), story.carol)
    entering.set_absence(story.bob, over, by=story.bob)

    assert bob.get(ABSENCE).json() == NOTHING


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"from": "tomorrow"}, "/from"),
        ({"from": "2030-01-01T09:00:00"}, "/from"),
        ({"from": 1764061200}, "/from"),
        ({"from": None}, "/from"),
        ({"to": None}, "/to"),
        ({"to": "2030-13-01T09:00:00Z"}, "/to"),
        ({"to": at(0.5)}, "/to"),
        ({"to": at(900)}, "/to"),
        ({"from": at(-9), "to": at(-8)}, "/to"),
        ({"from": at(800), "to": at(900)}, "/from"),
        ({"delegate": "zoe"}, "/delegate"),
        ({"delegate": "bob"}, "/delegate"),
        ({"delegate": "C-9"}, "/delegate"),
        ({"delegate": {"ref": "carol"}}, "/delegate"),
        ({"delegate": "erin"}, "/delegate"),
        ({"open_items": "burn"}, "/open_items"),
        ({"parts": [{"case_type": "claim"}]}, "/parts/0/delegate"),
        ({"parts": [{"delegate": "carol"}]}, "/parts/0"),
        ({"parts": [{"case_type": "claim", "category": "approvals", "delegate": None}]}, "/parts/0"),
        ({"parts": [{"category": "nowhere", "delegate": None}]}, "/parts/0/category"),
        ({"parts": [{"engine": "nowhere", "delegate": None}]}, "/parts/0/engine"),
        ({"parts": [{"case_type": "claim", "delegate": "bob"}]}, "/parts/0"),
        ({"parts": [{"case_type": "claim", "delegate": "carol"}] * 2}, "/parts/1"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(
    story: Story, bob: Caller, changes: dict[str, Any], pointer: str
) -> None:
    RecipientFactory(ref="C-9", engine=story.engine)
    RecipientFactory(ref="erin", active=False)

    answer = bob.put(ABSENCE, {"from": at(1), "to": at(8), "delegate": "carol", **changes})

    assert pointers(answer) == [pointer]
    assert not Absence.objects.exists()


def test_parts_have_delegates_of_their_own(story: Story, bob: Caller) -> None:
    parts = [
        {"category": "approvals", "engine": None, "case_type": None, "delegate": "alice"},
        {"category": None, "engine": None, "case_type": "claim", "delegate": None},
    ]
    said = {"from": at(-1), "to": at(8), "delegate": "carol", "open_items": "reassign", "give_back": True}

    answer = bob.put(ABSENCE, {**said, "parts": parts})

    alice, carol = {"ref": "alice", "name": "Alice"}, {"ref": "carol", "name": "Carol"}
    shown = [{**parts[0], "delegate": alice}, parts[1]]
    assert answer.json() == {**said, "delegate": carol, "parts": shown, "calendar": None}
    assert bob.get(ABSENCE).json() == answer.json()
    assert Absence.history.get().parts["parts"][0]["delegate_id"] == story.alice.pk
    bob.put(ABSENCE, {**said, "parts": []})
    assert bob.get(ABSENCE).json()["parts"] == []


def test_both_times_are_always_said(bob: Caller) -> None:
    assert pointers(bob.put(ABSENCE, {"delegate": "carol"})) == ["/from", "/to"]


def test_customers_are_not_away(story: Story) -> None:
    erin = person_caller(RecipientFactory(ref="C-9", engine=story.engine))

    assert erin.get(ABSENCE).json() == NOTHING
    assert is_problem(erin.put(ABSENCE, {"from": at(1), "to": at(8), "delegate": "bob"}), 403, "not_allowed")


def test_who_acts_by_token_without_an_account_is_on_record_by_name(story: Story) -> None:
    Recipient.objects.filter(pk=story.bob.pk).update(user=None)
    revocation.settle(story.bob.pk, timezone.now())
    story.bob.refresh_from_db()
    person_caller(story.bob).put(ABSENCE, {"from": at(1), "to": at(8)})

    row = Absence.history.get()
    assert (row.history_user, row.history_change_reason) == (None, "by bob")


# --- what a stand-in sees -------------------------------------------------------------------------
def test_carols_notification_says_for_whom_it_is(story: Story, bob: Caller) -> None:
    bob.put(ABSENCE, {"from": at(-1), "to": at(8), "delegate": "carol"})
    story.assign()
    story.assign("T-43", assignee="carol")

    carols, for_bob = person_caller(story.carol).get("/api/v1/notifications").json()["items"]

    assert for_bob["on_behalf_of"] == {"ref": "bob", "name": "Bob"}
    assert for_bob["reason"] == "delegate of Bob (assignee)"
    assert carols["on_behalf_of"] is None


def test_times_are_kept_to_the_microsecond(story: Story, bob: Caller) -> None:
    begins_at = datetime.fromisoformat(at(1)) + timedelta(microseconds=1)

    bob.put(ABSENCE, {"from": begins_at.isoformat(), "to": at(2)})

    assert Absence.objects.get().begins_at == begins_at


# --- for somebody else --------------------------------------------------------------------------------
BOBS = "/api/v1/recipients/bob/absence"


def test_who_leads_bob_says_when_he_is_away_and_he_reads_who_did(story: Story) -> None:
    lead = RecipientFactory(ref="dora", name="Dora")
    TeamFactory(slug="claims", lead=lead, members=[story.bob])
    said = {"from": at(1), "to": at(8), "delegate": "alice"}

    for leader in (story.carol, lead):  # his manager, and the lead of a team
        caller = person_caller(leader)
        answer = caller.put(BOBS, said)
        assert answer.json() == {**USUAL, **said, "delegate": {"ref": "alice", "name": "Alice"}}
        assert caller.get(BOBS).json() == answer.json()
        assert Absence.history.first().history_change_reason == f"by {leader.ref}"
    person_caller(lead).put(BOBS, {"from": None, "to": None})

    items = Notification.objects.filter(recipient=story.bob).order_by("seq")
    assert [item.title for item in items] == [
        "Carol entered an absence for you",
        "Dora entered an absence for you",
        "Dora has ended your absence",
    ]
    assert items[0].body.endswith("Alice stands in.")
    assert {item.state for item in items} == {"info"}
    assert Delivery.objects.filter(notification=items[0], channel="email").exists()


def test_nobody_else_sees_or_changes_it(story: Story) -> None:
    alice, said = person_caller(story.alice), {"from": at(1), "to": at(8)}
    for caller in (alice, person_caller(story.bob)):
        assert is_problem(caller.get(BOBS), 404, "not_found")
        assert is_problem(caller.put(BOBS, said), 404, "not_found")
    assert is_problem(engine_caller(story.engine, ["people"]).put(BOBS, said), 403, "scope_missing")
    assert is_problem(Caller().put(BOBS, said), 401, "unauthenticated")
    assert not Absence.objects.exists()


def test_the_directory_keeps_absences_too(story: Story) -> None:
    caller = engine_caller(story.engine, ["directory"])

    assert caller.put(BOBS, {"from": at(1), "to": at(8), "delegate": "carol"}).status_code == 200
    assert Absence.history.get().history_change_reason == "by a key of invoices"
    assert caller.put(BOBS, {"from": None, "to": None}).json() == NOTHING
    assert not Notification.objects.exists()
    assert is_problem(caller.get("/api/v1/recipients/nobody/absence"), 404, "not_found")
    assert caller.put("/api/v1/recipients/bob/absence", {"name": "Called so"}).status_code == 201
    assert Recipient.objects.get(ref="bob/absence").name == "Called so"


def test_who_leads_bob_gives_his_decisions_neither_to_themself_nor_away(story: Story) -> None:
    carol, usual = person_caller(story.carol), {"from": at(1), "to": at(8)}
    part = {"category": None, "engine": "invoices", "case_type": None, "delegate": "carol"}
    for said, pointer in (
        ({"delegate": "carol"}, "/delegate"),
        ({"delegate": "alice", "parts": [part]}, "/parts/0"),
        ({"delegate": "alice", "open_items": "reassign"}, "/open_items"),
    ):
        refused = carol.put(BOBS, {**usual, **said})
        assert is_problem(refused, 422, "invalid")
        assert [fault["pointer"] for fault in refused.json()["errors"]] == [pointer]
        assert "Only Bob or an administrator" in refused.json()["errors"][0]["detail"]
    entering.set_absence(
        story.alice, AbsenceEntry(timezone.now(), timezone.now() + timedelta(days=9), story.carol), by=None
    )
    assert is_problem(carol.put(BOBS, {**usual, "delegate": "alice"}), 422, "invalid"), "nor by way of Alice"
    assert not Absence.objects.filter(recipient=story.bob).exists()


def test_who_leads_bob_may_leave_what_he_has_said_for_his_time_at_most(story: Story) -> None:
    said = {"from": at(1), "to": at(8), "delegate": "carol", "open_items": "reassign"}
    assert person_caller(story.bob).put(ABSENCE, said).status_code == 200
    carol = person_caller(story.carol)

    assert is_problem(carol.put(BOBS, {**said, "to": at(9)}), 422, "invalid")
    assert carol.put(BOBS, {**said, "to": at(7)}).status_code == 200
    assert is_problem(carol.put(BOBS, {**said, "to": at(7)}), 422, "invalid"), "it is Carol's word by now"


@pytest.mark.parametrize("leads", [True, False])
def test_what_a_manager_entered_ends_with_their_role(story: Story, leads: bool) -> None:
    person_caller(story.carol).put(BOBS, {"from": at(1), "to": at(8), "delegate": "alice"})
    Team.objects.update(lead=None)
    Recipient.objects.filter(pk=story.bob.pk).update(manager=story.carol if leads else None)
    hand_over.run(timezone.now())

    assert Absence.objects.filter(recipient=story.bob).exists() is leads
    titles = Notification.objects.filter(recipient=story.bob).order_by("seq").values_list("title", flat=True)
    assert list(titles)[1:] == ([] if leads else ["Carol has ended your absence"])
