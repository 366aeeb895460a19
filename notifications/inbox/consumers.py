"""`WS /ws/inbox`: the live inbox of one person (docs/api/inbox.md, "Inbox and answers").

Frames carry `seq`; the database has the truth. If a frame does not follow the last one sent, the consumer reads the
missing changes from the database. So clients never notice lost or overtaken hints.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.conf import settings
from django.utils import timezone

from notifications.errors import Failure
from notifications.inbox import socket_limits
from notifications.inbox.sign_in.session import person_of_session
from notifications.inbox.socket_limits import FRAMES, FRAMES_A_SECOND, TokenBucket
from notifications.intake.strictjson import BadText, decode
from notifications.items import live_frames
from notifications.items.inbox_json import inbox_json
from notifications.items.representation import notification_queryset, unread_count
from notifications.models import Recipient, RecipientToken
from notifications.people.devices import session_digest
from notifications.types import Json
from wfpush.concurrency.serial_handler import handle_in_turn
from wfpush.crypto import digest_of
from wfpush.web.problems import DATABASE_FAULTS

log = structlog.get_logger(__name__)

NOT_SIGNED_IN, REFUSED, TOO_OFTEN, RESTART, FAILED = 4401, 4403, 4429, 1012, 1011
RECHECK_SECONDS = 50
"""Seconds between checks of a socket's session or token, and of the changes sent."""
AUTH_SECONDS = 10
"""Seconds that a socket without a session has to send its token."""
MAX_CATCH_UP = 500
"""Changes that a client may miss. A client that has missed more loads the list again."""
MAX_FRAME = 16 * 1024
ROWS_AT_ONCE = 20
"""Frames that are sent before other sockets get a turn."""

Row = tuple[int, str]
"""The seq and the JSON of a notification."""


class InboxConsumer(AsyncWebsocketConsumer):
    """The socket of one open inbox."""

    recipient: Recipient | None = None
    token_digest = ""
    token_ends_at: datetime | None = None
    seq: int | None = None
    """The seq last sent on this socket; None before the first `resume`."""
    joined: int | None = None
    watch: asyncio.Task[None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.closed = False
        self.frames = TokenBucket(FRAMES, FRAMES_A_SECOND)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Run the socket from its handshake to its end. However it ends, its place is released.

        Channels' own `__call__` and `dispatch` make a task for each message. To close old database connections they
        also change to a thread and back, which takes longer than a frame. Here only `run_query` has connections.
        """
        self.scope, self.base_send = scope, send
        layer: Any = get_channel_layer(self.channel_layer_alias)
        self.channel_layer, self.channel_name = layer, await layer.new_channel()
        try:
            await handle_in_turn([receive, partial(layer.receive, self.channel_name)], self.dispatch)
        except StopConsumer:
            pass
        finally:
            layer.forget(self.channel_name)
            await self._leave()

    async def connect(self) -> None:
        request = socket_limits.handshake(self.scope)
        await self.accept()
        from_page = "Origin" in request.headers
        if from_page and not socket_limits.is_own_origin(request):
            await self.close(REFUSED)
            return
        if from_page:  # programs without an Origin send a token: cookies are for our own pages only
            self.recipient = await socket_limits.run_query(None, recipient_of_cookies, self.scope.get("cookies", {}))
        self.watch = asyncio.create_task(self._guarded(self._watch))
        if self.recipient is not None:
            await self._join(self.recipient)

    async def _join(self, recipient: Recipient) -> None:
        if not socket_limits.take_place(recipient.pk):
            await self.close(REFUSED)
            return
        self.joined = recipient.pk
        await self.channel_layer.group_add(live_frames.group_of(recipient.pk), self.channel_name)

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close once. Later messages of the client are ignored, and the place is free for another socket."""
        if not self.closed:
            self.closed = True
            try:
                await super().close(code, reason)
            finally:
                await self._leave()

    async def _leave(self) -> None:
        watch, person = self.watch, self.joined
        self.watch = self.joined = None
        if watch is not None and watch is not asyncio.current_task():
            watch.cancel()
        if person is not None:
            socket_limits.give_back(person)
            await self.channel_layer.group_discard(live_frames.group_of(person), self.channel_name)

    async def _watch(self) -> None:
        """Close the socket when its person is signed out or deactivated, or has not authenticated in time. Also check
        for changes: the last frame before a pause may have been lost, and no later one reveals it."""
        if self.recipient is None:
            await asyncio.sleep(AUTH_SECONDS)
        while self.recipient is not None:
            pause = float(RECHECK_SECONDS)
            if self.token_ends_at is not None:
                pause = max(0.0, min(pause, (self.token_ends_at - timezone.now()).total_seconds()))
            await asyncio.sleep(pause)
            if not await socket_limits.run_query(self.recipient.pk, self._still_signed_in):
                break
            await self.channel_layer.send(self.channel_name, {"type": "inbox.missed"})
        await self.close(NOT_SIGNED_IN)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Handle one message at a time, from the client and from the channel layer."""
        if not self.closed or message["type"] == "websocket.disconnect":
            await self._guarded(partial(getattr(self, get_handler_name(message)), message))

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work`. Close the socket after a failure of the database or an internal error: the client comes back and
        resumes."""
        try:
            await work()
        except StopConsumer:
            raise
        except DATABASE_FAULTS as fault:
            log.warning("inbox_closed", fault=str(fault))
            await self.close(RESTART)
        except Exception:
            log.exception("inbox_failed")
            await self.close(FAILED)

    def _still_signed_in(self) -> bool:
        assert self.recipient is not None
        if self.token_digest:
            return usable_token(self.token_digest) is not None
        person = recipient_of_cookies(self.scope.get("cookies", {}))
        return person is not None and person.pk == self.recipient.pk

    # --- from the client -------------------------------------------------------------------------
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        message = _parse(text_data)
        if not self.frames.take():
            await self._close_too_often()
        elif message is None:
            await self._say({"type": "error", "detail": 'Send JSON such as {"type": "resume", "after": 0}.'})
        elif message.get("type") == "auth" and self.recipient is None:
            await self._authenticate(message.get("token"))
        elif self.recipient is None:
            await self.close(NOT_SIGNED_IN)
        elif message.get("type") == "resume":
            await self._resume(message.get("after"))
        else:
            await self._say({"type": "error", "detail": "Unknown type. Known: resume."})

    async def _close_too_often(self) -> None:
        await self._say({"type": "error", "detail": "Too many frames. Connect again in a while, and resume."})
        await self.close(TOO_OFTEN)

    async def _authenticate(self, token: object) -> None:
        digest = digest_of(token) if isinstance(token, str) else ""
        row = await socket_limits.run_query(None, usable_token, digest)
        if row is None:
            await self.close(NOT_SIGNED_IN)
            return
        self.recipient, self.token_digest, self.token_ends_at = row.recipient, digest, row.expires_at
        if self.watch is not None:
            self.watch.cancel()
        self.watch = asyncio.create_task(self._guarded(self._watch))
        await self._join(self.recipient)

    async def _resume(self, after: object) -> None:
        if isinstance(after, bool) or not isinstance(after, int) or after < 0:
            await self._say({"type": "error", "detail": "`after` is the last seq you have, 0 for none."})
            return
        assert self.recipient is not None
        if not socket_limits.may_resume(self.recipient.pk):
            await self._close_too_often()
            return
        await self._catch_up(after, resumes=True)

    def _since(self, after: int) -> tuple[int, list[Row] | None, int]:
        """Return the latest seq, the changes (None: too many, or `after` never existed), and the unread count."""
        assert self.recipient is not None
        latest = Recipient.objects.values_list("inbox_seq", flat=True).get(pk=self.recipient.pk)
        unread = unread_count(self.recipient)
        if after > latest:
            return latest, None, unread
        changed = notification_queryset().filter(recipient=self.recipient, seq__gt=after, seq__lte=latest)
        rows = list(changed.order_by("seq")[: MAX_CATCH_UP + 1])
        if len(rows) > MAX_CATCH_UP:
            return latest, None, unread
        changes = [(row.seq, json.dumps(inbox_json(row), ensure_ascii=False)) for row in rows]
        return latest, changes, unread

    async def _catch_up(self, after: int, *, resumes: bool = False) -> None:
        """Send the changes since `after`, or make the client load the list again. If it resumes or has to load the
        list, the last frame tells it that it has all changes."""
        assert self.recipient is not None
        latest, rows, unread = await socket_limits.run_query(self.recipient.pk, self._since, after)
        if rows is None:
            await self._say({"type": "reset"})
        self.seq = after
        for number, (seq, notification) in enumerate(rows or (), start=1):
            await self._frame(seq, notification, unread)
            if number % ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
        self.seq = latest
        if resumes or rows is None:
            await self._say({"type": "synced", "seq": latest, "unread": unread})

    async def _frame(self, seq: int, notification: str, unread: int) -> None:
        head = json.dumps({"type": "notification", "prev": self.seq, "seq": seq, "unread": unread})
        await self.send(text_data=f'{head[:-1]}, "notification": {notification}}}')
        self.seq = seq

    async def _say(self, message: Json) -> None:
        await self.send(text_data=json.dumps(message))

    # --- from the channel layer ------------------------------------------------------------------
    async def inbox_changed(self, message: dict[str, Any]) -> None:
        if self.seq is None or message["seq"] <= self.seq:
            return
        if message["seq"] == self.seq + 1:
            await self._frame(message["seq"], message["notification"], message["unread"])
        else:
            await self._catch_up(self.seq)

    async def inbox_signed_out(self, message: dict[str, Any]) -> None:
        """Check this socket at once: a person has signed out or was deactivated."""
        session = session_digest(self.scope.get("cookies", {}).get(settings.SESSION_COOKIE_NAME))
        if session in message.get("kept", ()):
            await self.close(RESTART)
        elif self.recipient is not None and not await socket_limits.run_query(self.recipient.pk, self._still_signed_in):
            if session in message.get("removed", ()):
                await self._say({"type": "removed"})
            await self.close(NOT_SIGNED_IN)

    async def inbox_missed(self, message: dict[str, Any]) -> None:
        """Send missed changes: frames may have been lost, for example because Redis was away."""
        if self.seq is not None:
            await self._catch_up(self.seq)


def recipient_of_cookies(cookies: dict[str, str]) -> Recipient | None:
    """Return the person whom the session cookie signs in."""
    return person_of_session(cookies.get(settings.SESSION_COOKIE_NAME))


def usable_token(digest: str) -> RecipientToken | None:
    """Return the usable token with its person; None if it is unknown or has ended."""
    row = RecipientToken.objects.select_related("recipient__user").filter(digest=digest).first()
    return row if row is not None and row.usable and row.recipient.may_act else None


def _parse(text: str | None) -> Json | None:
    if not text or len(text) > MAX_FRAME:
        return None
    try:
        message = decode(text.encode())
    except (Failure, BadText, UnicodeEncodeError):
        return None
    return message if isinstance(message, dict) else None
