"""Who hears what, and when, over nights on which clocks change: random messages, answers, settings, absences, browsers
and changes of duty, against a model (`peace_model.py`) that knows nothing of the product's code.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core import mail
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st
from pytest_django import Settings

from notifications.items import ledger
from notifications.models import (
    Absence,
    Case,
    Category,
    CategoryChoice,
    Delivery,
    DeliveryState,
    Device,
    Event,
    EventType,
    Notification,
    Preferences,
    QuietHours,
    Recipient,
    Route,
    RouteTarget,
    Task,
    Team,
    Template,
)
from notifications.rotas.models import Rota, RotaLayer, RotaWatch
from tests.flows.peace_duty import DutyLayer
from tests.flows.peace_model import LASTS, REST, ZONES, Model
from tests.flows.peace_story import DAY, MINUTE, ON_DUTY, Story
from tests.soak.installation import LONG
from tests.support.devices import PushHost, push_host
from tests.support.engines import LOOPBACK
from tests.support.world import World
from wfpush import identifiers

pytestmark = pytest.mark.soak

BEGINNINGS = ("2026-10-24T15:00", "2026-03-28T15:00", "2026-10-31T20:00", "2026-11-24T09:00")
"""Before nights on which clocks change in Berlin, in Berlin, in New York, and nowhere."""
WAYS = {"email": "email", "webpush": "push"}

WHO = st.sampled_from(list(ZONES))
WALL = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
SPAN = st.tuples(WALL, WALL).filter(lambda each: each[0] != each[1])
WINDOWS = st.lists(
    st.tuples(st.frozensets(st.integers(0, 6), min_size=1, max_size=4), WALL, WALL).filter(
        lambda each: each[1] != each[2]
    ),
    max_size=2,
)
TIMES = st.lists(WALL, min_size=1, max_size=2, unique=True)
WHICH = st.integers(0, 3)
MINUTES = st.integers(2, 900)
DOINGS = st.one_of(
    st.tuples(st.just("task"), WHO, WHICH, st.sampled_from(["low", "normal", "high", "urgent"])),
    st.tuples(st.just("update"), WHO),
    st.tuples(st.just("update"), WHO),
    st.tuples(st.just("on_duty")),
    st.tuples(st.sampled_from(["rise", "answer", "withdraw"]), WHICH),
    st.tuples(st.just("quiet"), WHO, WINDOWS),
    st.tuples(st.just("together"), WHO, st.sampled_from(["at_once", "repeats", "digest"]), TIMES),
    st.tuples(st.just("limit"), WHO, st.sampled_from([None, 1, 2])),
    st.tuples(st.just("wants"), WHO, st.sampled_from(["email", "push"]), st.booleans()),
    st.tuples(st.just("away"), WHO, st.sampled_from(["", "delegate", "delegate", "alone"])),
    st.tuples(st.just("browser"), WHO, st.sampled_from(["", "on", "on", "gone"])),
    st.tuples(
        st.just("override"), st.sampled_from([None, 1, 2]), st.one_of(st.none(), WHO), st.integers(-300, 600), MINUTES
    ),
    st.tuples(st.just("swap"), MINUTES, st.booleans()),
    st.tuples(st.just("swapped"), st.sampled_from(["accepted", "declined", "withdrawn"])),
)
STORIES = st.lists(st.tuples(st.integers(0, LASTS), DOINGS), min_size=4, max_size=16).map(
    lambda found: sorted(found, key=lambda each: each[0])
)
TURNS = st.lists(st.one_of(WHO, WHO, st.none()), min_size=1, max_size=3).map(tuple)
LAYERS = st.lists(st.builds(DutyLayer, TURNS, WALL, st.one_of(st.none(), SPAN)), max_size=2)

Told = tuple[str, list[DutyLayer], list[tuple[int, tuple[Any, ...]]]]
GONE_AT_NIGHT: Told = (
    BEGINNINGS[0],
    [],
    [
        (0, ("browser", "bob", "on")),
        (1, ("together", "bob", "digest", [time(18)])),
        (2, ("update", "bob")),
        (3, ("update", "bob")),
        (4, ("browser", "bob", "gone")),
        (200, ("update", "bob")),
    ],
)
"""What waited for a browser until the set time finds that it is gone."""
SWAPPED_AT_NIGHT: Told = (
    BEGINNINGS[0],
    [DutyLayer(("bob", "carol"), time(8))],
    [
        (0, ("quiet", "bob", [(frozenset(range(7)), time(22), time(6))])),
        (1, ("browser", "carol", "on")),
        (300, ("swap", 600, True)),
        (400, ("swapped", "accepted")),
        (500, ("on_duty",)),
        (600, ("override", 1, "carol", -100, 300)),
        (620, ("on_duty",)),
    ],
)


# --- an installation ------------------------------------------------------------------------------------------------
@pytest.fixture
def host(settings: Settings) -> Iterator[PushHost]:
    settings.PUSH_ALLOWED_CIDRS = LOOPBACK
    settings.PUSH_ALLOWED_HOSTS = ["127.0.0.1"]
    with push_host() as started:
        yield started


@pytest.fixture
def claims_rota(world: World) -> Rota:
    """What is of the type `ON_DUTY` goes to whoever is on duty."""
    Category.objects.update(channels=["live", "webpush", "email"])
    for who, zone in ZONES.items():
        Recipient.objects.filter(ref=who).update(timezone=zone)
    updates = Category.objects.get(slug="case-updates")
    finance = Team.objects.get(slug="finance")
    rota = Rota.objects.create(slug="claims", name="Claims", team=finance, timezone="Europe/Berlin", category=updates)
    template = Template.objects.get(slug="case-milestone")
    route = Route.objects.create(name="Duty", template=template, category=updates)
    route.event_types.add(EventType.objects.create(name=ON_DUTY))
    RouteTarget.objects.create(route=route, kind="duty", ref=str(rota.pk))
    return rota


def _afresh(world: World, host: PushHost, rota: Rota, begins: datetime, layers: list[DutyLayer]) -> None:
    """As a new installation, but for its people and its configuration."""
    for model in (Event, Notification, Task, Case, QuietHours, Preferences, CategoryChoice, Absence, Device):
        model.objects.all().delete()
    identifiers._generator = identifiers.Uuid7Generator()
    mail.outbox.clear()
    world.tokens.clear()
    host.gone.clear()
    for related in (rota.layers, rota.overrides, rota.swaps):
        related.all().delete()
    RotaWatch.objects.all().delete()
    people = {person.ref: person.pk for person in Recipient.objects.all()}
    for position, layer in enumerate(layers, start=1):
        first, last = layer.window or (None, None)
        RotaLayer.objects.create(
            rota=rota, position=position, people=[people.get(who or "", 0) for who in layer.people], unit="days",
            begins_on=_first_day(begins), hand_over=layer.hand_over, from_time=first, until_time=last,
        )  # fmt: skip


def _first_day(begins: datetime) -> date:
    return (begins - DAY).astimezone(ZoneInfo("Europe/Berlin")).date() - 7 * DAY


def _play(told: Story, doings: list[tuple[int, tuple[Any, ...]]]) -> None:
    """One thing after the other, and between them what the worker is woken for."""
    minute, left = 0, list(doings)
    while left or told.due(minute) is not None:
        nexts = (left[0][0] if left else None, told.due(minute))
        at = min(each for each in nexts if each is not None)
        told.model.pass_until(minute, at)
        minute = at
        with time_machine.travel(told.at(minute), tick=False):
            told.look(minute)
            now = [left.pop(0) for each in list(left) if each[0] == minute]
            for _, doing in now:
                told.do(minute, doing)
    told.model.pass_until(minute, LASTS + REST)


@settings(max_examples=150 if LONG else 2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(BEGINNINGS), LAYERS, STORIES)
@example(*GONE_AT_NIGHT)
@example(*SWAPPED_AT_NIGHT)
def test_everybody_hears_what_the_clock_on_the_wall_says(
    world: World,
    host: PushHost,
    claims_rota: Rota,
    beginning: str,
    layers: list[DutyLayer],
    story: list[tuple[int, tuple[Any, ...]]],
) -> None:
    """Nothing is lost, nothing is told twice, and nothing that is over is told; the ledger ends each row once, and the
    desk foresees the rows of each event."""
    note(f"{beginning} {layers} {story}")
    begins = datetime.fromisoformat(beginning).replace(tzinfo=UTC)
    _afresh(world, host, claims_rota, begins, layers)
    told = Story(world, host, begins, Model(begins, layers))
    _play(told, story)
    rows = Delivery.objects.filter(channel__in=WAYS, state=DeliveryState.DELIVERED)
    heard = [
        ((row.ended_at - begins) // MINUTE, row.recipient.ref, WAYS[row.channel], row.notification.title)
        for row in rows.select_related("notification", "recipient")
        if row.ended_at
    ]
    assert sorted(heard) == sorted(told.model.heard)
    assert not Delivery.objects.filter(state=DeliveryState.PENDING).exists()
    assert sum(ledger.sums(Delivery.objects.all()).values()) == Delivery.objects.count()
