"""Sends one message to each user; when the first was sent (monotonic). Run by bench.inside, with these settings."""

import asyncio
import time
from typing import Any

from channels.layers import get_channel_layer

from bench.peers.live_channels.app import group_of

TEXT = "Please look at this before the end of the day. "
NOTIFICATION = {"id": 1, "title": "Approve invoice 4711", "body": 12 * TEXT, "actions": ["approve", "reject"]}
"""About as long as one of ours."""


def main(users: str) -> float:
    return asyncio.run(_send(int(users)))


async def _send(users: int) -> float:
    layer: Any = get_channel_layer()
    await layer.group_send("nobody", {"type": "inbox.changed"})  # connects
    began = time.monotonic()
    for user in range(users):
        await layer.group_send(group_of(user), {"type": "inbox.changed", "notification": NOTIFICATION})
    return began
