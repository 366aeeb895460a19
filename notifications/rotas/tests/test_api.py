"""Who is on duty, for engines with the scope directory."""

from datetime import timedelta

import pytest
import time_machine

from notifications.models import Absence, Engine, Scope
from notifications.rotas.tests.rotas import override, rota_of
from tests.factories import RecipientFactory, TeamFactory
from tests.support.api import engine_caller, is_problem
from tests.support.berlin import berlin

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/rotas/claims/on-duty"


@time_machine.travel(berlin("2026-11-03T09:00"), tick=False)
def test_an_engine_asks_who_is_on_duty_now_and_at_christmas(invoices: Engine) -> None:
    alice, carol = (RecipientFactory(ref=name.lower(), name=name) for name in ("Alice", "Carol"))
    rota = rota_of(TeamFactory(slug="finance"), alice, carol)
    override(rota, "2026-12-25T14:00", "2026-12-28T08:00")
    caller = engine_caller(invoices, [Scope.DIRECTORY])
    person = {"ref": "alice", "name": "Alice"}

    now = caller.get(ADDRESS).json()
    assert (now["person"], now["stands_in"], now["until"]) == (person, None, "2026-11-09T07:00:00Z")
    assert now["next"] == {"person": {"ref": "carol", "name": "Carol"}, "from": "2026-11-09T07:00:00Z"}
    assert now["next_gap"] == {"from": "2026-12-25T13:00:00Z", "to": "2026-12-28T07:00:00Z"}
    assert now["rota"] == {"slug": "claims", "name": "Claims", "team": "finance"}

    gap = caller.get(f"{ADDRESS}?at=2026-12-25T15:00:00%2B01:00").json()
    assert (gap["person"], gap["until"]) == (None, "2026-12-28T07:00:00Z")

    begins, ends = berlin("2026-11-03T08:00"), berlin("2026-11-03T08:00") + timedelta(days=1)
    Absence.objects.create(recipient=alice, begins_at=begins, ends_at=ends, delegate=carol)
    assert caller.get(ADDRESS).json()["stands_in"] == {"ref": "carol", "name": "Carol"}

    assert is_problem(caller.get("/api/v1/rotas/none/on-duty"), 404, "not_found")
    for at in ("soon", "2026-11-03T08:00:00", "2028-01-01T00:00:00Z"):
        assert is_problem(caller.get(f"{ADDRESS}?at={at}"), 422, "invalid"), at
    assert is_problem(engine_caller(invoices, [Scope.PEOPLE]).get(ADDRESS), 403, "scope_missing")
