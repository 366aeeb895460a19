"""`WS /ws/inbox`: one person's inbox, live (docs/api.md, "Inbox and answers").

Frames carry `seq`; the database has the truth. A frame that does not follow the last one sent makes the consumer
catch up from the database, so a lost or overtaken hint is never seen by the client.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.http.request import validate_host

from notifications import live
from notifications.inbox.session import signed_in_recipient
from notifications.languages import chosen_language
from notifications.models import Notification, Recipient, RecipientToken
from notifications.representation import notification_json, notification_queryset, unread_count
from notifications.types import Json
from wfpush.crypto import digest_of
from wfpush.problems import AWAY

log = structlog.get_logger(__name__)

NOT_SIGNED_IN, REFUSED, RESTART = 4401, 4403, 1012
RECHECK_SECONDS = 50
"""How often a socket's session or token, and what was sent, are looked at again."""
AUTH_SECONDS = 10
"""How long a socket without a session may take to send its token."""
MAX_CATCH_UP = 500
"""A client further behind than this loads the list afresh."""
MAX_FRAME = 16 * 1024
MAX_SOCKETS = 50
"""Open inboxes of one person in one process."""

_open_sockets: Counter[int] = Counter()


class InboxConsumer(AsyncWebsocketConsumer):
    """One open inbox."""

    recipient: Recipient | None = None
    language = ""
    """The language chosen on the page of this socket, if any."""
    token_digest = ""
    seq: int | None = None
    """The seq last sent on this socket; None before the first `resume`."""
    joined: int | None = None
    watch: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        origin = header(self.scope, b"origin")
        await self.accept()
        if origin is not None and not is_ours(origin):
            await self.close(REFUSED)
            return
        if origin is not None:  # programs without an Origin show a token: cookies are for our own pages
            cookies = self.scope.get("cookies", {})
            self.recipient = await database_sync_to_async(recipient_of_cookies)(cookies)
            self.language = chosen_language(cookies)
        self.watch = asyncio.create_task(self._watch())
        if self.recipient is not None:
            await self._join(self.recipient)

    async def disconnect(self, code: int) -> None:
        if self.watch is not None:
            self.watch.cancel()
        if self.joined is not None:
            _open_sockets[self.joined] -= 1
            await self.channel_layer.group_discard(live.group_of(self.joined), self.channel_name)

    async def _join(self, recipient: Recipient) -> None:
        if _open_sockets[recipient.pk] >= MAX_SOCKETS:
            await self.close(REFUSED)
            return
        self.joined = recipient.pk
        _open_sockets[recipient.pk] += 1
        await self.channel_layer.group_add(live.group_of(recipient.pk), self.channel_name)

    async def _watch(self) -> None:
        """Close the socket when its person is signed out, deactivated, or never says who they are. Look also for what
        changed: the last frame before a pause may have been lost, and no later one tells of it."""
        if self.recipient is None:
            await asyncio.sleep(AUTH_SECONDS)
        while self.recipient is not None:
            await asyncio.sleep(RECHECK_SECONDS)
            try:
                if not await database_sync_to_async(self._still_signed_in)():
                    break
            except AWAY:
                await self.close(RESTART)
                return
            await self.channel_layer.send(self.channel_name, {"type": "inbox.missed"})
        await self.close(NOT_SIGNED_IN)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Every message, from the client and from the channel layer, one at a time. Without the database nothing can
        be said: the client comes back and resumes. An exception would leave the socket's place taken for ever."""
        try:
            await super().dispatch(message)
        except AWAY as fault:
            log.warning("inbox_closed", fault=str(fault))
            await self.close(RESTART)

    def _still_signed_in(self) -> bool:
        assert self.recipient is not None
        if self.token_digest:
            return self._person_of_token(self.token_digest) is not None
        person = recipient_of_cookies(self.scope.get("cookies", {}))
        return person is not None and person.pk == self.recipient.pk

    # --- from the client -------------------------------------------------------------------------
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        message = _parse(text_data)
        if message is None:
            await self._say({"type": "error", "detail": 'Send JSON such as {"type": "resume", "after": 0}.'})
        elif message.get("type") == "auth" and self.recipient is None:
            await self._authenticate(message.get("token"))
        elif self.recipient is None:
            await self.close(NOT_SIGNED_IN)
        elif message.get("type") == "resume":
            await self._resume(message.get("after"))
        else:
            await self._say({"type": "error", "detail": "Unknown type. Known: resume."})

    async def _authenticate(self, token: object) -> None:
        digest = digest_of(token) if isinstance(token, str) else ""
        self.recipient = await database_sync_to_async(self._person_of_token)(digest)
        if self.recipient is None:
            await self.close(NOT_SIGNED_IN)
            return
        self.token_digest = digest
        if self.watch is not None:
            self.watch.cancel()
        self.watch = asyncio.create_task(self._watch())
        await self._join(self.recipient)

    @staticmethod
    def _person_of_token(digest: str) -> Recipient | None:
        row = RecipientToken.objects.select_related("recipient__user").filter(digest=digest).first()
        return row.recipient if row is not None and row.usable and row.recipient.may_act else None

    async def _resume(self, after: object) -> None:
        if isinstance(after, bool) or not isinstance(after, int) or after < 0:
            await self._say({"type": "error", "detail": "`after` is the last seq you have, 0 for none."})
            return
        latest, rows, unread = await database_sync_to_async(self._since)(after)
        if rows is None:
            self.seq = latest
            await self._say({"type": "reset"})
        else:
            self.seq = after
            await self._send_rows(rows, unread)
            self.seq = latest
        await self._say({"type": "synced", "seq": latest, "unread": unread})

    def _since(self, after: int) -> tuple[int, Sequence[Notification] | None, int]:
        """The latest seq, what changed since (None: too much, or a seq that never was), and the unread count."""
        assert self.recipient is not None
        latest = Recipient.objects.values_list("inbox_seq", flat=True).get(pk=self.recipient.pk)
        unread = unread_count(self.recipient)
        if after > latest:
            return latest, None, unread
        changed = notification_queryset().filter(recipient=self.recipient, seq__gt=after, seq__lte=latest)
        rows = list(changed.order_by("seq")[: MAX_CATCH_UP + 1])
        return latest, None if len(rows) > MAX_CATCH_UP else rows, unread

    async def _send_rows(self, rows: Sequence[Notification], unread: int) -> None:
        for row in rows:
            await self._frame(row.seq, json.dumps(notification_json(row, self.language), ensure_ascii=False), unread)

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
        if message["seq"] == self.seq + 1 and not self._reads_another_language():
            await self._frame(message["seq"], message["notification"], message["unread"])
        else:
            await self._catch_up()

    def _reads_another_language(self) -> bool:
        """Frames come in the person's own language; who chose another reads the row instead."""
        assert self.recipient is not None
        return bool(self.language) and self.language != self.recipient.locale

    async def _catch_up(self) -> None:
        assert self.seq is not None
        latest, rows, unread = await database_sync_to_async(self._since)(self.seq)
        if rows is None:
            self.seq = latest
            await self._say({"type": "reset"})
            await self._say({"type": "synced", "seq": latest, "unread": unread})
            return
        await self._send_rows(rows, unread)
        self.seq = max(self.seq, latest)

    async def inbox_signed_out(self, message: dict[str, Any]) -> None:
        """Somebody signed out or was deactivated: every socket of theirs looks again at once."""
        if not await database_sync_to_async(self._still_signed_in)():
            await self.close(NOT_SIGNED_IN)

    async def inbox_missed(self, message: dict[str, Any]) -> None:
        """Frames may have been lost, say because Redis was away."""
        if self.seq is not None:
            await self._catch_up()


def header(scope: Mapping[str, Any], name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def is_ours(origin: str) -> bool:
    """Whether a page of this installation opened the socket (RFC 6454: `null` is nobody's)."""
    try:
        host = urlsplit(origin).hostname
    except ValueError:
        return False
    return host is not None and validate_host(host, settings.ALLOWED_HOSTS)


def recipient_of_cookies(cookies: dict[str, str]) -> Recipient | None:
    """Who is signed in by the session cookie, looked up afresh: a session that has ended is nobody's."""
    request = HttpRequest()
    request.session = SessionStore(session_key=cookies.get(settings.SESSION_COOKIE_NAME))
    return signed_in_recipient(request.session, get_user(request))


def _parse(text: str | None) -> Json | None:
    if not text or len(text) > MAX_FRAME:
        return None
    try:
        message = json.loads(text)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None
