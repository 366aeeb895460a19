"""An inbox that is open when its person leaves is closed within two seconds."""

import asyncio
import time

import pytest
from channels.db import database_sync_to_async

from notifications.inbox import consumers
from notifications.models import Recipient
from notifications.provisioning.tests.idp import Idp
from tests.inbox.conftest import no_connection_stays
from tests.inbox.test_consumers import close_code, inbox_of
from tests.support.story import Story

__all__ = ["no_connection_stays"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio,
    pytest.mark.usefixtures("no_connection_stays"),
]


def deactivate() -> Recipient:
    idp = Idp.begin(joins_existing=True)
    idp.deactivate(idp.user("bob"))
    return Recipient.objects.get(ref="bob")


async def test_an_open_inbox_is_closed(story: Story) -> None:
    async with inbox_of(story.bob) as (socket, _):
        start = time.monotonic()
        await database_sync_to_async(deactivate)()
        async with asyncio.timeout(10):
            assert await close_code(socket) == consumers.NOT_SIGNED_IN
        assert time.monotonic() - start < 2
