"""How events meet tasks: docs/api/events.md's table of states, and what comes late, early or twice."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from notifications.items.representation import notification_json
from notifications.models import Event, EventStatus, Notification, Recipient, TaskState
from notifications.routing import claims, pipeline
from tests.factories import RouteFactory
from tests.support.story import Story
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def story() -> Story:
    return Story.begin()


def test_bob_gets_the_task_with_its_name_case_and_actions(story: Story) -> None:
    event = story.assign(due_at="2026-11-25T16:00:00Z", priority="high", initiator="alice")
    copy = story.copy(story.bob)
    assert event.status == EventStatus.PROCESSED
    assert (copy.title, copy.state, copy.priority, copy.seq) == ("Approve invoice 4711", "open", "high", 1)
    assert copy.case is not None and copy.case.case_id == "4711"
    assert {action["action"] for action in copy.actions} == {"acknowledge", "approve", "reject", "request_info"}


def test_with_an_assignee_candidates_and_teams_get_no_copy(story: Story) -> None:
    story.assign(assignee="bob", candidates=["carol"], teams=["finance"])
    assert story.states() == {"bob": "open"}


def test_candidates_and_team_members_each_get_one_copy(story: Story) -> None:
    story.assign(candidates=["alice", "bob"], teams=["finance"])
    assert story.states() == {"alice": "open", "bob": "open", "carol": "open"}


def test_reassignment_withdraws_bobs_copy_and_gives_carol_hers(story: Story) -> None:
    story.assign(assignee="bob")
    story.assign(assignee="carol", minute=1)
    assert story.states() == {"bob": "withdrawn", "carol": "open"}
    assert story.copy(story.bob).reason == "Reassigned to Carol"


def test_reassigned_back_bob_gets_a_new_copy(story: Story) -> None:
    for minute, assignee in enumerate(["bob", "carol", "bob"]):
        story.assign(assignee=assignee, minute=minute)
    assert story.states() == {"carol": "withdrawn", "bob": "open"}
    assert [copy.state for copy in story.inbox(story.bob)] == ["open", "withdrawn"]


def test_candidates_after_an_assignee_are_not_hidden_by_the_one_before(story: Story) -> None:
    story.assign(assignee="alice")
    story.assign(candidates=["bob", "carol"], minute=1)
    assert story.states() == {"alice": "withdrawn", "bob": "open", "carol": "open"}


def test_an_update_changes_the_open_copy_in_place_with_a_new_seq(story: Story) -> None:
    story.assign()
    story.happen(
        "task.updated",
        {"task": {"id": "T-42", "name": "Approve invoice 4712", "due_at": "2026-12-01T12:00:00Z"}},
        minute=1,
    )
    copies = story.inbox(story.bob)
    assert [(copy.title, copy.seq) for copy in copies] == [("Approve invoice 4712", 2)]
    assert copies[0].due_at is not None and copies[0].due_at.month == 12


def test_only_a_rise_to_urgent_sends_mail_again(story: Story) -> None:
    story.assign()
    story.happen("task.updated", {"task": {"id": "T-42", "priority": "high"}}, minute=1)
    story.happen("task.updated", {"task": {"id": "T-42", "priority": "urgent"}}, minute=2)
    story.happen("task.updated", {"task": {"id": "T-42", "priority": "urgent"}}, minute=3)
    assert story.copy(story.bob).deliveries.filter(channel="email").count() == 2


def test_an_older_update_is_kept_as_stale_and_changes_nothing(story: Story) -> None:
    story.assign(minute=0)
    story.happen("task.updated", {"task": {"id": "T-42", "name": "Newest"}}, minute=2)
    late = story.happen("task.updated", {"task": {"id": "T-42", "name": "Older"}}, minute=1)
    assert late.status == EventStatus.STALE
    assert story.copy(story.bob).title == "Newest"


def test_equal_times_apply_in_order_of_arrival(story: Story) -> None:
    story.assign(minute=0)
    story.happen("task.updated", {"task": {"id": "T-42", "name": "First"}}, minute=1)
    story.happen("task.updated", {"task": {"id": "T-42", "name": "Second"}}, minute=1)
    assert story.copy(story.bob).title == "Second"


def test_a_time_far_ahead_counts_as_arrival(story: Story) -> None:
    story.assign(minute=0)
    story.happen("task.updated", {"task": {"id": "T-42", "name": "From a wrong clock"}}, minute=60 * 24 * 365)
    story.happen("task.updated", {"task": {"id": "T-42", "name": "Afterwards"}})
    assert story.copy(story.bob).title == "Afterwards"


def test_an_assignment_that_comes_after_its_own_update_still_reaches_bob(story: Story) -> None:
    story.happen("task.updated", {"task": {"id": "T-42", "priority": "urgent"}}, minute=5)
    late = story.assign(minute=0, priority="low")
    assert late.status == EventStatus.PROCESSED
    assert story.copy(story.bob).priority == "urgent"


def test_an_assignment_that_comes_late_is_worded_as_the_task_is_by_now(story: Story) -> None:
    story.happen("task.updated", {"task": {"id": "T-42", "name": "Approve invoice 4712"}}, minute=5)
    story.assign(minute=0)
    assert story.task().name == story.copy(story.bob).title == "Approve invoice 4712"


@pytest.mark.parametrize("ending", ["task.completed", "task.cancelled"])
def test_a_task_that_ended_before_it_was_assigned_is_never_shown(story: Story, ending: str) -> None:
    story.happen(ending, {"task": {"id": "T-42"}}, minute=5)
    late = story.assign(minute=0)
    assert late.status in (EventStatus.STALE, EventStatus.IGNORED)
    assert story.inbox(story.bob) == []


def test_completion_always_applies_however_old(story: Story) -> None:
    story.assign(minute=10)
    story.happen("task.completed", {"task": {"id": "T-42"}, "result": {"action": "approve", "by": "carol"}}, minute=1)
    copy = story.copy(story.bob)
    assert story.task().state == TaskState.COMPLETED
    assert (copy.state, copy.reason) == ("withdrawn", "Completed in the engine")
    assert copy.outcome["by"] == {"ref": "carol", "name": "carol"}


def test_an_ended_task_never_reopens(story: Story) -> None:
    story.assign(minute=0)
    story.happen("task.cancelled", {"task": {"id": "T-42"}}, minute=1)
    again = story.assign(minute=2, assignee="carol")
    assert again.status == EventStatus.IGNORED
    assert story.states() == {"bob": "withdrawn"}


def test_supplied_information_is_shown_and_brings_back_the_state_before_the_question(story: Story) -> None:
    story.assign(initiator="alice")
    story.answer(story.bob, "acknowledge")
    story.answer(story.bob, "request_info", "Which cost centre?")
    assert story.task().state == TaskState.INFO_REQUESTED
    story.happen("task.info_supplied", {"task": {"id": "T-42"}, "info": "Cost centre 12"})
    assert story.task().state == TaskState.ACKNOWLEDGED
    assert [each["text"] for each in story.task().info] == ["Which cost centre?", "Cost centre 12"]


def test_unknown_people_are_listed_and_counted_and_the_others_hear_of_it(story: Story) -> None:
    event = story.assign(candidates=["bob", "ghost"], teams=["no-such-team"])
    assert story.states() == {"bob": "open"}
    assert event.unresolved == 2
    assert {each["ref"] for each in event.plan["unresolved"]} == {"ghost", "no-such-team"}


def test_a_prefix_before_a_known_type_makes_no_difference(story: Story) -> None:
    story.happen("com.acme.task.assigned", {"task": {"id": "T-42", "name": "Approve", "assignee": "bob"}})
    assert story.states() == {"bob": "open"}


def test_a_dangerous_link_is_dropped_and_noted(story: Story) -> None:
    event = story.assign(url="javascript:alert(1)")
    assert story.copy(story.bob).url == ""
    assert any(note["path"] == "task.url" for note in event.plan["notes_facts"])


def test_events_of_one_task_are_processed_one_at_a_time_in_order_of_arrival(story: Story) -> None:
    first = story.send("task.assigned", {"task": {"id": "T-1", "name": "A", "assignee": "bob"}})
    second = story.send("task.updated", {"task": {"id": "T-1", "name": "B"}})
    other = story.send("task.assigned", {"task": {"id": "T-2", "name": "C", "assignee": "bob"}})
    heads = set(claims._choose(timezone.now()))
    assert heads == {first.pk, other.pk}
    pipeline.drain()
    assert Event.objects.get(pk=second.pk).status == EventStatus.PROCESSED
    assert story.copy(story.bob, "T-1").title == "B"


def test_an_external_person_in_an_event_is_created_for_this_engine_only(story: Story) -> None:
    person = {"ref": "C-9", "name": "Acme GmbH", "email": "info@acme.example", "locale": "de"}
    story.happen(
        "request.status_changed",
        {"case": {"id": "4711", "title": "Order 4711", "status": "received"}, "recipients": [person]},
    )
    copy = Notification.objects.get(recipient__ref="C-9")
    assert copy.recipient.engine == story.engine
    assert copy.language == "de"


def test_somebody_named_at_a_path_by_what_is_no_ref_is_nobody(story: Story) -> None:
    """What stands at the path of a route is checked by nobody before."""
    RouteFactory(name="Owner", types=["com.acme.order"]).targets.create(kind="path", path="variables.owner")
    event = story.happen("com.acme.order", {"variables": {"owner": {"ref": "x" * 300, "name": "X"}}})
    assert event.status == EventStatus.PROCESSED
    assert [each["reason_fact"] for each in event.plan["unresolved"]] == [{"code": "unknown"}]
    assert not Recipient.objects.filter(name="X").exists()


def test_an_address_longer_than_can_be_kept_is_left_out(story: Story) -> None:
    address = f"erin@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.{'f' * 20}.example"
    event = story.happen("com.acme.order", {"recipients": [{"ref": "C-9", "name": "Erin", "email": address}]})
    assert event.status == EventStatus.PROCESSED
    assert Recipient.objects.get(ref="C-9").email == ""


def test_an_event_cannot_rename_an_internal_person(story: Story) -> None:
    story.assign(assignee={"ref": "bob", "name": "Mallory", "email": "mallory@example.org"})
    story.bob.refresh_from_db()
    assert (story.bob.name, story.bob.email) == ("Bob", "bob@example.org")


def test_templates_name_people_by_their_names(story: Story) -> None:
    story.assign(initiator="alice")
    assert ["Asked by", "person", "Alice"] in story.copy(story.bob).details["key_facts"]


@pytest.mark.parametrize("due_at", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_a_due_date_that_means_never_is_none(story: Story, due_at: str) -> None:
    assert story.assign(due_at=due_at).status == EventStatus.PROCESSED
    assert story.copy(story.bob).due_at is None


def test_a_stale_event_changes_neither_case_nor_people(story: Story) -> None:
    person = {"ref": "C-9", "name": "Acme GmbH"}
    story.happen(
        "task.assigned",
        {"task": {"id": "T-42", "name": "A", "assignee": person}, "case": {"id": "1", "title": "New"}},
        minute=5,
    )
    renamed = {**person, "name": "Old name"}
    story.happen(
        "task.updated", {"task": {"id": "T-42", "initiator": renamed}, "case": {"id": "1", "title": "Old"}}, minute=1
    )
    task = story.task()
    assert task.case is not None and task.assignee is not None
    assert (task.case.title, task.assignee.name) == ("New", "Acme GmbH")


def test_a_repeated_assignment_takes_nothing_from_who_was_told_meanwhile(story: Story) -> None:
    story.assign()
    story.happen("task.escalated", {"task": {"id": "T-42"}}, minute=1)
    story.assign(minute=2, due_at="2026-12-01T12:00:00Z")
    assert story.states() == {"bob": "open", "carol": "open"}


def test_who_comes_later_sees_who_acknowledged(story: Story) -> None:
    story.assign()
    story.answer(story.bob, "acknowledge")
    story.assign(minute=1, candidates=["bob", "carol"])
    assert story.copy(story.carol).outcome["by"]["ref"] == "bob"


def test_a_task_that_offers_nothing_is_one_item_changed_in_place_and_withdrawn(story: Story) -> None:
    story.assign(actions=[])
    story.happen("task.updated", {"task": {"id": "T-42", "name": "Renamed"}}, minute=1)
    story.assign(minute=2, actions=[])
    (item,) = story.inbox(story.bob)
    assert item.state == "info" and item.deliveries.filter(channel="email").count() == 1
    story.happen("task.completed", {"task": {"id": "T-42"}}, minute=3)
    assert story.states() == {"bob": "withdrawn"}


def test_questions_are_not_for_customers_nor_for_whom_it_was_taken_from(story: Story) -> None:
    story.assign(candidates=["bob", "carol"])
    customer = {"ref": "C-9", "name": "Otto"}
    data = {"task": {"id": "T-42"}, "case": {"id": "4711", "status": "received"}, "customer": customer}
    story.happen("request.status_changed", data, minute=1)
    story.answer(story.bob, "request_info", "Is this customer honest?")
    assert notification_json(story.copy(story.carol))["info"]
    otto = Notification.objects.get(recipient__ref="C-9")
    assert notification_json(otto)["info"] == []
    story.assign(assignee="carol", minute=2)
    assert notification_json(story.copy(story.bob))["info"] == []


def test_completing_an_answered_task_is_a_change_of_its_copies(story: Story) -> None:
    story.assign()
    story.answer(story.bob, "approve")
    before = story.copy(story.bob).seq
    story.happen("task.completed", {"task": {"id": "T-42"}}, minute=1)
    copy = story.copy(story.bob)
    assert (copy.state, copy.seq) == ("answered", before + 1)


def test_an_acknowledgement_dropped_by_the_engines_completion_waits_no_more(story: Story) -> None:
    story.assign()
    story.answer(story.bob, "acknowledge")
    story.happen("task.completed", {"task": {"id": "T-42"}}, minute=1)
    assert story.copy(story.bob).outcome["engine"] == "handled"


def test_an_event_that_waited_long_for_the_worker_is_not_given_up_at_its_first_fault(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = story.send("task.assigned", {"task": {"id": "T-42", "name": "A", "assignee": "bob"}})
    Event.objects.update(received_at=timezone.now() - timedelta(hours=12))
    with monkeypatch.context() as broken:
        broken.setattr(pipeline, "advance", _fail)
        pipeline.drain()
    event.refresh_from_db()
    assert event.status == EventStatus.ACCEPTED and event.due_at is not None and "RuntimeError" in event.error
    Event.objects.update(due_at=timezone.now())
    pipeline.drain()
    assert story.states() == {"bob": "open"}


def _fail(*args: object) -> None:
    raise RuntimeError("The database restarted.")


@pytest.fixture
def deadly(story: Story, monkeypatch: pytest.MonkeyPatch) -> Event:
    """An event that kills whoever processes it, and has done so before."""
    event = story.send("task.assigned", {"task": {"id": "T-1", "name": "Deadly", "assignee": "bob"}})
    Event.objects.filter(pk=event.pk).update(attempts=1)
    process = pipeline.process

    def dies(events: Sequence[Event], now: datetime) -> None:
        if event in events:
            raise SystemExit  # as a killed process: nothing behind it runs
        process(events, now)

    monkeypatch.setattr(pipeline, "process", dies)
    return event


def test_an_event_that_takes_its_worker_with_it_holds_up_no_other(
    story: Story, deadly: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was claimed before and nobody knows why it did not end: it goes last of those claimed with it."""
    monkeypatch.setattr(claims, "BATCH", 100)
    harmless = story.send("task.assigned", {"task": {"id": "T-2", "name": "Harmless", "assignee": "bob"}})
    with pytest.raises(SystemExit):
        pipeline.drain()
    harmless.refresh_from_db()
    assert harmless.status == EventStatus.PROCESSED


def test_it_is_not_what_the_next_worker_begins_with(
    story: Story, deadly: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where each is claimed by itself, none goes before it."""
    monkeypatch.setattr(claims, "BATCH", 1)
    harmless = story.send("task.assigned", {"task": {"id": "T-2", "name": "Harmless", "assignee": "bob"}})
    with pytest.raises(SystemExit):
        pipeline.drain()
    outbox.release(Event.objects.all())  # as other workers do for one that has died
    pipeline.drain()
    harmless.refresh_from_db()
    deadly.refresh_from_db()
    assert (harmless.status, deadly.status) == (EventStatus.PROCESSED, EventStatus.ACCEPTED)
    assert deadly.due_at is not None and deadly.due_at > deadly.received_at
