"""Rotas of tests: weekly turns from Monday, 2 November 2026, at 8:00 in Berlin."""

from datetime import date
from typing import Any

from notifications.models import Recipient, Team
from notifications.rotas.models import Rota, RotaLayer, RotaOverride
from tests.support.berlin import berlin


def rota_of(team: Team, *people: Recipient, name: str = "Claims", **layer: Any) -> Rota:
    rota = Rota.objects.create(slug=name.lower(), name=name, team=team, timezone="Europe/Berlin")
    if people:
        add_layer(rota, *people, **layer)
    return rota


def add_layer(rota: Rota, *people: Recipient, **layer: Any) -> RotaLayer:
    said = {"begins_on": date(2026, 11, 2), **layer}
    return RotaLayer.objects.create(rota=rota, people=[person.pk for person in people], **said)


def override(rota: Rota, begins: str, ends: str, person: Recipient | None = None, **more: Any) -> RotaOverride:
    times = {"begins_at": berlin(begins), "ends_at": berlin(ends)}
    return RotaOverride.objects.create(rota=rota, person=person, **times, **more)
