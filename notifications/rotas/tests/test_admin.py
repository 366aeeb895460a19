"""Duty rotas on the desk: layers and overrides are written, gaps and calendars are said, and the preview shows who."""

from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications import reasons
from notifications.models import Recipient, Route, RouteTarget
from notifications.rotas.models import Rota, RotaFeed, RotaFeedShift
from notifications.rotas.tests.rotas import override, rota_of
from tests.admin.pages import adding, filled, form_at, list_of, page_of, press, text_of
from tests.admin.world import World
from tests.support.berlin import berlin


@pytest.fixture(autouse=True)
def on_sunday() -> Any:
    with time_machine.travel(berlin("2026-11-01T18:00"), tick=True):
        yield


def layer(number: int = 0, **given: Any) -> dict[str, Any]:
    said = {
        "people": "Bob Bauer (bob)\ncarol", "begins_on": "2026-11-02", "hand_over": "08:00", "length": 1,
        "unit": "weeks", "position": 1, "from_time": "", "until_time": "", **given,
    }  # fmt: skip
    return {f"layers-{number}-{name}": value for name, value in said.items()}


def sent(root: Client, world: World, *parts: dict[str, Any], **given: Any) -> dict[str, Any]:
    page = filled(form_at(root, adding(Rota)))
    said = {"name": "Claims", "slug": "claims", "team": world.team.pk, "timezone": "Europe/Berlin", **given}
    return {**page, **said, "layers-TOTAL_FORMS": len(parts), **{name: v for part in parts for name, v in part.items()}}


def test_a_rota_is_written_and_its_page_says_who_is_on_duty_when(world: World, root: Client) -> None:
    answer = root.post(adding(Rota), sent(root, world, layer()), follow=True)
    said = text_of(answer)
    assert "Nobody is on duty from Sun 1 Nov 17:00 UTC until Mon 2 Nov 07:00 UTC." in said
    rota = Rota.objects.get()
    assert rota.layers.get().people == [world.bob.pk, world.carol.pk]
    assert rota.history.latest().parts["layers"][0]["people"] == [world.bob.pk, world.carol.pk]

    nobody = {"begins_at_0": "2026-11-10", "begins_at_1": "14:00", "ends_at_0": "2026-11-11", "ends_at_1": "08:00"}
    page = filled(form_at(root, page_of(rota)))
    page |= {f"overrides-0-{name}": value for name, value in nobody.items()} | {"overrides-TOTAL_FORMS": 1}
    root.post(page_of(rota), page, follow=True)
    said = text_of(root.get(page_of(rota)))
    assert "now Mon 2 Nov 07:00 UTC nobody Mon 2 Nov 07:00 UTC Mon 9 Nov 07:00 UTC Bob Bauer" in said
    assert "Tue 10 Nov 14:00 UTC Wed 11 Nov 08:00 UTC nobody" in said, "as in the form"
    assert "Bob Bauer (bob)" in said
    assert "carol" in said.lower()
    listed = text_of(root.get(list_of(Rota)))
    assert "Claims Finance nobody Sun 1 Nov 17:00 UTC" in listed
    root.post(page_of(rota), filled(form_at(root, page_of(rota)), **{"layers-0-people": "carol"}), follow=True)
    history = text_of(root.get(page_of(rota, "history")))
    assert "Bob Bauer, Carol Castle" in history


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"people": "nobody-of-that-name"}, "“nobody-of-that-name”: There is nobody with this name."),
        ({"people": ""}, "This field is required."),
        ({"length": 0}, "Ensure this value is greater than or equal to 1."),
        ({"begins_on": "soon"}, "Enter a valid date."),
    ],
)
def test_what_makes_no_sense_is_refused(world: World, root: Client, given: dict[str, Any], fault: str) -> None:
    assert fault in text_of(root.post(adding(Rota), sent(root, world, layer(**given)), follow=True))
    assert not Rota.objects.exists()


def test_feeds_of_private_networks_are_refused_and_the_page_says_what_is_read(world: World, root: Client) -> None:
    refused = root.post(adding(Rota), sent(root, world, feed_url="http://10.0.0.1/feed.ics"), follow=True)
    assert not Rota.objects.exists(), text_of(refused)
    root.post(adding(Rota), sent(root, world, feed_url="https://calendar.example.org/feed.ics"), follow=True)
    rota = Rota.objects.get()
    assert "not read yet" in text_of(root.get(page_of(rota)))

    times = {"begins_at": berlin("2026-11-02T08:00"), "ends_at": berlin("2026-11-03T08:00")}
    RotaFeedShift.objects.create(rota=rota, summary="Zoe", **times)
    RotaFeed.objects.update(read_at=berlin("2026-11-01T17:00"))
    assert "It names unknown people: “Zoe”. Their shifts are left out." in text_of(root.get(page_of(rota)))
    RotaFeed.objects.update(
        failing_since=berlin("2026-11-01T17:15"), fault_fact=reasons.said("its server answers 500").as_json()
    )
    said = text_of(root.get(page_of(rota)))
    assert "not read since Sun 1 Nov" in said
    assert "its server answers 500 The entries read before still apply." in said


def test_a_long_list_asks_as_little_as_a_short_one(world: World, root: Client) -> None:
    def asked(rotas: range) -> int:
        for number in rotas:
            rota = rota_of(world.team, world.bob, Recipient.objects.get(ref="carol"), name=f"Rota-{number}")
            override(rota, "2026-11-01T00:00", "2026-11-01T20:00", world.alice)
            RotaFeed.objects.create(rota=rota, url="https://calendar.example.org/x.ics", read_at=timezone.now())
            times = {"begins_at": berlin("2026-11-02T08:00"), "ends_at": berlin("2026-11-03T08:00")}
            RotaFeedShift.objects.create(rota=rota, summary=f"Zoe {number}", **times)
        with CaptureQueriesContext(connection) as asked:
            said = text_of(root.get(list_of(Rota)))
        assert said.count("Alice Adams Sun 1 Nov 19:00 UTC") == rotas.stop
        assert all(f"unknown people: “Zoe {number}”." in said for number in range(rotas.stop))
        return len(asked)

    asked(range(1))
    assert asked(range(1, 3)) == asked(range(3, 12)) <= 20


def test_the_calendars_address_is_shown_once_and_can_be_made_anew(world: World, root: Client) -> None:
    rota = rota_of(world.team, world.bob)
    shown = text_of(press(root, page_of(rota, "offer_calendar")))
    assert "It is shown only this once." in shown
    address = next(word for word in shown.split() if word.endswith(".ics"))
    path = address[address.index("/rotas/") :]
    assert b"Claims: Bob Bauer" in Client().get(path).content
    assert address not in text_of(root.get(page_of(rota)))

    press(root, page_of(rota, "offer_calendar"))
    assert Client().get(path).status_code == 404
    press(root, page_of(rota, "end_calendar"))
    assert Rota.objects.get().address_digest == ""


def test_a_route_needs_the_rota_of_its_target_and_shows_it(world: World, root: Client) -> None:
    rota = rota_of(world.team, world.bob)
    override(rota, "2026-11-01T00:00", "2026-11-02T08:00", Recipient.objects.get(ref="carol"))
    route = Route.objects.get(name="Tasks")
    page = filled(form_at(root, page_of(route)))
    count = int(page["targets-TOTAL_FORMS"])
    page |= {"targets-TOTAL_FORMS": count + 1, f"targets-{count}-kind": "duty", f"targets-{count}-route": route.pk}
    assert "Choose the duty rota." in text_of(root.post(page_of(route), page, follow=True))

    root.post(page_of(route), {**page, f"targets-{count}-ref": rota.pk}, follow=True)
    assert RouteTarget.objects.get(kind="duty").named == rota
    assert "who is on duty Claims" in text_of(root.get(list_of(Route)))
