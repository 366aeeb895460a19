"""A session that is ended elsewhere closes its open inbox at once."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.conf import settings
from django.test import Client

from notifications.inbox import consumers
from notifications.models import Recipient
from notifications.people.devices import session_digest
from notifications.second_factors.tests.factors import give_password
from tests.inbox.conftest import no_connection_stays
from tests.support.live_inbox import OURS, close_code, resume, socket

__all__ = ["no_connection_stays"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio,
    pytest.mark.usefixtures("no_connection_stays"),
]


def browser_of(person: Recipient) -> Client:
    browser = Client()
    assert person.user is not None
    give_password(browser, person.user.username)
    return browser


def cookie_of(browser: Client) -> bytes:
    return f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}".encode()


@pytest.mark.parametrize("end", ["one", "others"])
async def test_the_ended_one_closes_within_two_seconds(bob: Recipient, end: str) -> None:
    here, there = [await sync_to_async(browser_of)(bob) for _ in range(2)]
    address = f"/security/sessions/{session_digest(there.session.session_key)}/end"
    async with _inbox(there) as ended, _inbox(here) as kept:
        assert (await resume(ended, 0))[-1]["type"] == (await resume(kept, 0))[-1]["type"] == "synced"
        await database_sync_to_async(here.post)(address if end == "one" else "/security/sessions/end")
        if end == "one":
            assert (await asyncio.wait_for(ended.receive_from(), 2)) == '{"type": "removed"}'
        assert await asyncio.wait_for(close_code(ended), 2) == consumers.NOT_SIGNED_IN
        if end == "others":  # this session goes on under another key
            assert await asyncio.wait_for(close_code(kept), 2) == consumers.RESTART
        else:
            assert (await resume(kept, 0))[-1]["type"] == "synced"


def _inbox(browser: Client) -> Any:
    return socket((b"origin", OURS), (b"cookie", cookie_of(browser)))
