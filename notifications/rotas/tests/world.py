"""What duty rotas add to the world of the desk's tests."""

from notifications.rotas.tests.rotas import override, rota_of
from tests.admin.world import World


def add_to(day: World) -> None:
    rota = rota_of(day.team, day.bob, day.carol)
    override(rota, "2026-12-25T14:00", "2026-12-26T08:00")
