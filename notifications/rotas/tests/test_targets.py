"""Targets whose rota is gone, or whose kind no installed feature has, reach nobody, and the trace says so."""

from typing import Any

import pytest
import time_machine

from escalations.forecast.dead_ends import dead_ends
from notifications import reasons
from notifications.admin.ledger.why_not_notified import explain
from notifications.models import Event, Route, RouteTarget
from notifications.rotas.tests.rotas import rota_of
from tests.support.berlin import berlin
from tests.support.story import Story

pytestmark = pytest.mark.django_db
NOW = berlin("2026-11-03T09:00")


@pytest.fixture
def story() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield Story.begin()


def only_target(kind: str, ref: str) -> Route:
    RouteTarget.objects.all().delete()
    for route in Route.objects.all():
        route.targets.create(kind=kind, ref=ref)
    return Route.objects.filter(event_types__name="task.assigned")[0]


def missing() -> set[str]:
    plans = Event.objects.filter(type="task.assigned").values_list("plan", flat=True)
    return {reasons.words(entry) for plan in plans for entry in plan.get("unresolved", ())}


def test_a_rota_that_is_deleted_leaves_its_targets_and_they_say_so(story: Story) -> None:
    rota = rota_of(story.finance, story.bob)
    route = only_target("duty", str(rota.pk))
    assert dead_ends(NOW, route) == []
    rota.delete()

    story.assign(candidates=["carol"])
    assert story.states() == {}
    assert missing() == {"the duty rota was deleted"}
    assert str(route.targets.get()) == "who is on duty"
    assert [str(end.why) for end in dead_ends(NOW, route)] == ["the duty rota was deleted"]


def test_a_rota_with_nobody_on_duty_is_why_nobody_was_notified(story: Story) -> None:
    rota = rota_of(story.finance)
    only_target("duty", str(rota.pk))
    event = story.assign(candidates=["carol"])
    said = explain(story.carol, event, NOW).text
    assert said.startswith(f"The rules that apply found nobody: {rota.slug} (nobody is on duty for {rota.name}).")


def test_a_kind_that_is_not_installed_reaches_nobody_and_says_so(story: Story) -> None:
    route = only_target("bell", "1")

    story.assign(candidates=["carol"])
    assert story.states() == {}
    assert missing() == {"targets of the kind bell are not installed"}
    assert str(route.targets.get()) == "a kind of target that is not installed"
    assert [str(end.why) for end in dead_ends(NOW, route)] == ["targets of the kind bell are not installed"]
