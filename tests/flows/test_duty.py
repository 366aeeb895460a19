"""Alice and Carol take turns of duty for Finance. Alice asks Carol for a swap, Carol accepts, and hears at the
hand-over what is open; what is for whoever is on duty goes to her."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client

from escalations.clocks import due_steps
from escalations.models import Policy
from notifications.models import Category, Notification, Recipient, Route, RouteTarget, Team, Template
from notifications.rotas.models import Rota
from notifications.rotas.tasks import hand_over_duty
from notifications.rotas.tests.rotas import override, rota_of
from tests.support.berlin import berlin
from tests.support.world import World

pytestmark = pytest.mark.django_db(transaction=True)

SUNDAY = berlin("2026-11-01T18:00")


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(SUNDAY, tick=True) as clock:
        yield clock


@pytest.fixture
def rota(clock: Any, world: World) -> Rota:
    """Alice from Monday on, then Carol, a week each; tasks go to whoever is on duty, and to nobody else."""
    alice, carol = (Recipient.objects.get(ref=ref) for ref in ("alice", "carol"))
    Recipient.objects.update(timezone="Europe/Berlin")
    made = rota_of(Team.objects.get(slug="finance"), alice, carol)
    Route.objects.exclude(name="").update(enabled=False)
    route = Route.objects.create(
        name="Duty", template=Template.objects.get(slug="task"), category=Category.objects.get(slug="approvals")
    )
    RouteTarget.objects.create(route=route, kind="duty", ref=str(made.pk))
    return made


def look(clock: time_machine.Traveller, at: datetime) -> None:
    """The worker's look of that minute, as its schedule calls it."""
    clock.move_to(at)
    hand_over_duty()


def asked(browser: Client, **said: str) -> Any:
    return browser.post("/duty", {"do": "ask", "rota": "claims", **said}, follow=True)


def titles(person: str) -> list[str]:
    return list(Notification.objects.filter(recipient__ref=person).values_list("title", flat=True))


def sends(world: World, task_id: str) -> list[tuple[str, str]]:
    """Whom the event of a task tells, and why."""
    said = {"id": task_id, "name": f"Approve invoice {task_id}", "teams": ["finance"]}
    trace = world.get(world.send("task.assigned", {"task": said}))
    return [(each["ref"], each["reason"]) for each in (*trace["recipients"], *trace["unresolved"])]


def test_alice_and_carol_swap_a_week_and_carol_hears_what_is_open(
    world: World, rota: Rota, clock: time_machine.Traveller
) -> None:
    alice, carol = world.signed_in("alice"), world.signed_in("carol")
    hand_over_duty()
    page = alice.get("/duty").content.decode()
    assert "Nobody is on duty." in page
    assert "Then Alice from Monday, 2 November, 08:00" in page
    assert ">Duty</a>" in page, "the foot of every page leads there"
    key = Recipient.objects.get(ref="carol").pk
    back = f"{key} {berlin('2026-11-09T08:00').isoformat()} {berlin('2026-11-16T08:00').isoformat()}"
    assert sends(world, "T-1") == [("claims", "nobody is on duty for Claims")]

    # Alice gives Carol her first week for Carol's.
    answer = asked(alice, other=back, begins="2026-11-02T08:00", ends="2026-11-09T08:00")
    assert "Carol was asked. You are notified of the answer." in answer.content.decode()
    assert titles("carol") == ["Alice asks you to take over duty for Claims"]
    item = Notification.objects.get(recipient=key)
    assert item.body == (
        "From Monday, 2 November, 08:00 until Monday, 9 November, 08:00. "
        "In return: from Monday, 9 November, 08:00 until Monday, 16 November, 08:00.\n\n"
        "Accept or decline on your page of duty."
    )
    world.run()
    told = world.mail_to("carol")
    assert "Alice asks you to take over duty for Claims" in told
    assert "in the process itself" not in told, "the page of duty is of wfpush"
    assert "Open your page of duty" in carol.get(f"/n/{item.pk}").content.decode()
    swap = rota.swaps.get()
    assert world.signed_in("bob").post("/duty", {"do": "accept", "swap": swap.pk}).status_code == 404

    accepted = carol.post("/duty", {"do": "accept", "swap": swap.pk}, follow=True).content.decode()
    assert "You take over. Alice is notified." in accepted
    assert titles("alice") == ["Carol takes over your duty for Claims"]
    again = carol.post("/duty", {"do": "decline", "swap": swap.pk})
    assert again.status_code == 422
    assert "This was answered or withdrawn meanwhile, or is over." in again.content.decode()

    # The hand-over on Monday: to Carol, once, though it is looked at twice, and late.
    look(clock, berlin("2026-11-02T08:30"))
    look(clock, berlin("2026-11-02T08:31"))
    assert titles("carol")[0] == "You are on duty for Claims"
    assert titles("carol").count("You are on duty for Claims") == 1
    note = Notification.objects.filter(recipient=key).latest("created_at")
    assert note.body == (
        "Until Monday, 9 November, 08:00. Nobody was on duty before you.\n\n1 task is open in Finance.\n\n"
        "• Approve invoice T-1"
    )
    assert note.short_body == "Until Monday, 9 November, 08:00. 1 task is open in Finance."
    assert sends(world, "T-2") == [("carol", "on duty for Claims")]

    # A week later it is Alice's, in return, and she reads who had it.
    look(clock, berlin("2026-11-09T08:00"))
    assert titles("alice")[0] == "You are on duty for Claims"
    assert "Before you: Carol." in Notification.objects.filter(recipient__ref="alice").latest("created_at").body
    assert sends(world, "T-3") == [("alice", "on duty for Claims")]


def test_a_turn_is_declined_withdrawn_and_no_longer_theirs(
    world: World, rota: Rota, clock: time_machine.Traveller
) -> None:
    alice, carol = world.signed_in("alice"), world.signed_in("carol")
    key = str(Recipient.objects.get(ref="carol").pk)
    night = {"begins": "2026-11-03T20:00", "ends": "2026-11-04T06:00"}

    asked(alice, other=key, **night)
    twice = asked(alice, other=key, **night)
    assert "You have asked for this turn already. Withdraw that first." in twice.content.decode()
    carol.post("/duty", {"do": "decline", "swap": rota.swaps.get(state="asked").pk})
    assert titles("alice") == ["Carol cannot take over your duty for Claims"]
    asked(alice, other=key, **night)
    alice.post("/duty", {"do": "withdraw", "swap": rota.swaps.get(state="asked").pk})
    assert titles("carol")[0] == "Alice no longer asks you to take over duty for Claims"
    asked(alice, other=key, **night)
    override(rota, "2026-11-03T00:00", "2026-11-05T00:00", Recipient.objects.get(ref="bob"))
    late = carol.post("/duty", {"do": "accept", "swap": rota.swaps.get(state="asked").pk})
    assert "Alice is not on duty then any more." in late.content.decode()

    for said in (
        {"other": key, "begins": "2026-11-09T08:00", "ends": "2026-11-10T08:00"},  # Carol's own
        {"other": "x", **night},
        {"other": f"{key} then now", **night},
        {"other": key, "begins": "", "ends": "never"},
        {"other": key, **night, "rota": "none"},
    ):
        assert asked(alice, **said).status_code == 422, said
    clock.move_to(berlin("2026-11-05T00:00"))
    hand_over_duty()
    assert set(rota.swaps.values_list("state", flat=True)) == {"declined", "withdrawn", "over"}


def test_a_hand_over_is_told_after_an_outage_and_by_whatever_changes_it_but_not_for_ever(
    world: World, rota: Rota, clock: time_machine.Traveller
) -> None:
    hand_over_duty()
    look(clock, berlin("2026-11-02T19:00"))  # eleven hours late
    assert titles("alice") == ["You are on duty for Claims"]
    override(rota, "2026-11-04T08:00", "2026-11-05T08:00", Recipient.objects.get(ref="bob"))
    look(clock, berlin("2026-11-04T09:00"))
    assert titles("bob") == ["You are on duty for Claims"]
    rota.overrides.update(person=Recipient.objects.get(ref="carol"))
    look(clock, berlin("2026-11-04T09:01"))
    assert titles("carol") == ["You are on duty for Claims"]
    look(clock, berlin("2026-11-06T20:00"))  # the worker was away: Alice has been on duty for a day and a half
    look(clock, berlin("2026-11-06T20:01"))
    assert titles("alice") == ["You are on duty for Claims"]
    assert not [message for message in mail.outbox if "alice@example.org" in message.to[0]]


def test_whoever_is_away_hands_it_to_their_delegate_or_to_the_next_layer(
    world: World, rota: Rota, clock: time_machine.Traveller
) -> None:
    bob = Recipient.objects.get(ref="bob")
    look(clock, berlin("2026-11-02T07:00"))
    away = {"begins_at": "2026-11-02T07:30", "ends_at": "2026-11-05T08:00"}
    alice = world.signed_in("alice")
    assert alice.post("/absence", {**away, "delegate": "bob"}).status_code == 302
    look(clock, berlin("2026-11-02T08:00"))
    assert titles("bob") == ["You are on duty for Claims"]
    assert Notification.objects.get(recipient=bob).on_behalf_of == Recipient.objects.get(ref="alice")
    assert sends(world, "T-1") == [("bob", "delegate of Alice (on duty for Claims)")]

    alice.post("/absence", {**away, "delegate": ""})
    assert sends(world, "T-2") == [("alice", "on duty for Claims")]
    rota.layers.create(people=[bob.pk], position=2, begins_on="2026-11-02")
    assert sends(world, "T-3") == [("bob", "on duty for Claims")]


def test_a_step_tells_who_is_on_duty_when_it_is_due(world: World, rota: Rota, clock: time_machine.Traveller) -> None:
    policy = Policy.objects.create(name="Late", time="wall", fallback=Recipient.objects.get(ref="bob"))
    late, category = Template.objects.get(slug="task-late"), Category.objects.get(slug="approvals")
    policy.steps.create(offset=0, time="wall", target="duty", ref=str(rota.pk), template=late, category=category)
    override(rota, "2026-11-02T08:00", "2026-11-02T12:00")
    for task_id, due in (("T-1", "2026-11-02T11:00"), ("T-2", "2026-11-02T13:00")):
        data = {"id": task_id, "name": "Approve", "assignee": "carol", "due_at": berlin(due).isoformat()}
        world.send("task.assigned", {"task": data})

    clock.move_to(berlin("2026-11-02T14:00"))
    due_steps.drain()
    told = {
        item.task.task_id: (item.recipient.ref, item.reason)
        for item in Notification.objects.filter(escalated=True).select_related("task", "recipient")
        if item.task is not None
    }
    assert told == {"T-1": ("alice", "on duty for Claims"), "T-2": ("alice", "on duty for Claims")}
