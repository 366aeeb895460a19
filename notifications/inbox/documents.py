"""Documents of an item, shown beside the decision: fetched by us, with the engine's sign-in if they are the engine's.

An event names their addresses, so we fetch only what an engine may have us fetch: from its own address with its
sign-in, and from public addresses without. Only types that cannot run scripts are passed on, and under a policy that
lets them do nothing.
"""

import asyncio
import threading
from uuid import UUID

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe
from yarl import URL

from notifications.connectors.access import Access, AccessRefused, EngineClient
from notifications.connectors.rest import access_of
from notifications.inbox.items import own_notification
from notifications.inbox.session import PersonRequest, person_required
from notifications.items.inbox_json import documents_of
from notifications.items.representation import sees_questions
from notifications.models import Notification
from wfpush.crypto import UndecryptableSecret
from wfpush.net.http import Outbound, OutboundError, Response

LARGEST = 20 * 1024 * 1024
"""Bytes of a document that is shown."""
SECONDS = 30.0
AT_ONCE = 4
"""Documents that a process fetches at the same time: each may take LARGEST of memory."""

KINDS = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
"""The types that are shown, and how their files begin: what a server calls its file is not enough."""

NOT_GIVEN = 424
"""Failed Dependency (RFC 4918, 11.4): the fault is not ours, and not the reader's."""

POLICY = {
    "default-src": [NONE],
    "style-src": [SELF, UNSAFE_INLINE],  # with which browsers lay out a picture
    "img-src": [SELF],
    "frame-ancestors": [SELF],
}

_places = threading.BoundedSemaphore(AT_ONCE)


class NotShown(Exception):
    """`why`: a sentence for the reader."""

    def __init__(self, why: str, status: int) -> None:
        super().__init__(why)
        self.why = why
        self.status = status


@xframe_options_sameorigin
@csp_replace(POLICY)
@person_required
@require_safe
def document(request: PersonRequest, notification_id: UUID, place: int) -> HttpResponse:
    """The document at this place of the item's list, or a page that says why it is not shown here."""
    notification = own_notification(request.recipient, notification_id)
    documents = documents_of(notification)
    if place >= len(documents) or not documents[place]["url"]:
        raise Http404
    title, url = documents[place]["text"], documents[place]["url"]
    try:
        kind, content = _shown(notification, url)
    except NotShown as not_shown:
        context = {"title": title, "url": url, "why": not_shown.why}
        return render(request, "inbox/document.html", context, status=not_shown.status)
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = "inline"
    response["Cache-Control"] = "private, no-store"
    return response


def _shown(notification: Notification, url: str) -> tuple[str, bytes]:
    """The type and the content. Raises NotShown."""
    if not _places.acquire(timeout=SECONDS / 10):
        raise NotShown(_("Many documents are being fetched at the moment. Try again in a while."), 503)
    try:
        reply = asyncio.run(_fetch(_access_to(notification, url), url))
    except (OutboundError, AccessRefused, UndecryptableSecret, TimeoutError) as fault:
        raise NotShown(_("The document could not be fetched."), NOT_GIVEN) from fault
    finally:
        _places.release()
    if reply.status != 200:
        raise NotShown(_("The document could not be fetched."), NOT_GIVEN)
    if reply.truncated:
        raise NotShown(_("The document is too large to be shown here."), 413)
    named = reply.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not reply.body.startswith(KINDS.get(named, ())):
        raise NotShown(_("A document of this type is not shown here."), 415)
    return named, reply.body


def _access_to(notification: Notification, url: str) -> Access | None:
    """The engine's sign-in, if the document is at the engine's own address, and the task is its reader's: not for
    followers, or for people whom it was taken from. Raises UndecryptableSecret."""
    task = notification.task
    if task is None or not task.engine.callback_url or not sees_questions(notification):
        return None
    return access_of(task.engine) if URL(url).origin() == URL(task.engine.callback_url).origin() else None


async def _fetch(access: Access | None, url: str) -> Response:
    """Raises OutboundError, AccessRefused."""
    allowed = settings.OUTBOUND_ALLOWED_CIDRS if access is not None else ()
    client = EngineClient(Outbound(allowed, deadline=SECONDS, max_body=LARGEST))
    try:
        if access is None or access.auth == "person":
            return await client.http.request("GET", url)
        return await client.request(access, "GET", url)
    finally:
        await client.close()
