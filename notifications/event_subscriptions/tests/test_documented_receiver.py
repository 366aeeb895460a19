"""The receiver of docs/api/event-subscriptions.md, as it stands there."""

import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.utils import timezone

from notifications.connectors.signatures import new_secret, sign
from notifications.event_subscriptions.models import OutgoingEvent
from notifications.event_subscriptions.tests.conftest import Subscribe, dispatch
from tests.support.documentation import ROOT, blocks
from tests.support.story import Story
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def running(secret: str) -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    (source,) = [block for block in blocks("docs/api", "python") if "whsec_" in block]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "SECRET": secret, "PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-c", source], env=environment, cwd=ROOT, text=True, stdout=-1, stderr=subprocess.DEVNULL
    )
    try:
        eventually(lambda: listens(port), "the receiver listens")
        yield port, process
    finally:
        process.kill()
        process.communicate()


def listens(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def test_it_takes_what_we_sign_once_and_nothing_else(story: Story, subscribe: Subscribe) -> None:
    secret = new_secret()
    with running(secret) as (port, process):
        row = subscribe(kinds=["task.unreachable"], address=f"http://127.0.0.1:{port}/events")
        row.signing_secrets.update(secret=secret)
        story.assign(assignee="nobody-here")
        dispatch()
        assert OutgoingEvent.objects.get().state == "delivered"
        assert process.stdout is not None
        assert process.stdout.readline().startswith("task.unreachable T-42 {'engine': 'invoices', 'task_id': 'T-42',")
        body, now = b'{"type": "a", "subject": "b", "data": {}}', int(timezone.now().timestamp())
        assert posted(port, body, now, sign([new_secret()], "id", now, body)) == 401
        assert posted(port, body, now - 900, sign([secret], "id", now - 900, body)) == 401
        signature = f"v1,{'A' * 43}= {sign([secret], 'id', now, body)}"
        assert [posted(port, body, now, signature) for _ in range(2)] == [204, 204]
        assert process.stdout.readline() == "a b {}\n"
        process.kill()
        assert process.stdout.read() == ""


def posted(port: int, body: bytes, timestamp: int, signature: str) -> int:
    headers = {"webhook-id": "id", "webhook-timestamp": str(timestamp), "webhook-signature": signature}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/events", body, headers)
    return connection.getresponse().status
