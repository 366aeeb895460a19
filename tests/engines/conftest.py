"""Each test of this folder meets all four kinds of engines, one after the other."""

from collections.abc import AsyncIterator

import pytest

from tests.engines.world import KINDS, Kind, World, world_of


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
async def world(kind: Kind) -> AsyncIterator[World]:
    async with world_of(kind) as made:
        yield made
