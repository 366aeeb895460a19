"""Documents of an item, shown beside the decision. We fetch them, with the engine's sign-in if they are the engine's.

An event names their addresses, so we fetch only from the engine's own address with its sign-in, and from public
addresses without. Only types that cannot run scripts are passed on, and under a policy that lets them do nothing.

No thread waits for a document: it is fetched on the event loop and passed on while it comes. A person, a host and the
process each have a number of slots. A reader without a free slot is told so at once.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

import structlog
from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.conf import settings
from django.http import Http404
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe
from yarl import URL

from notifications.connectors.access import Access, EngineClient
from notifications.connectors.oauth2 import AccessRefused
from notifications.connectors.rest import access_of
from notifications.inbox.items import own_notification
from notifications.inbox.sign_in.session import PersonRequest, person_required
from notifications.items.inbox_json import documents_of
from notifications.items.representation import sees_questions
from notifications.models import Notification
from wfpush.concurrency.slots import Slots, SlotsTaken
from wfpush.crypto import UndecryptableSecret
from wfpush.net.http import Outbound, OutboundError, StreamedResponse
from wfpush.web.async_responses import AwaitedResponse, BrokenOff

log = structlog.get_logger(__name__)

LARGEST = 20 * 1024 * 1024
"""Bytes of a document that is shown."""
SECONDS = 30.0
"""Seconds until a document begins, and between two pieces of it."""
SECONDS_IN_ALL = 300.0
"""Seconds until its reader has the document: slow readers hold slots, too."""
RETRY_SECONDS = 5

slots = Slots(32, person=4, host=8)
"""Slots of each process. A document takes some 200 kB of memory while it is passed on, whatever its size."""

KINDS = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
"""The types that are shown, and the first bytes of their files: a server's Content-Type is not enough."""
MAGIC_BYTES = max(len(magic) for magics in KINDS.values() for magic in magics)

NOT_GIVEN = 424
"""Failed Dependency (RFC 4918, 11.4): the fault is not ours, and not the reader's."""

POLICY = {
    "default-src": [NONE],
    "style-src": [SELF, UNSAFE_INLINE],  # browsers lay out a picture with inline styles
    "img-src": [SELF],
    "frame-ancestors": [SELF],
}


class NotShown(Exception):
    """Raised for a document that is not shown. `why` is a sentence for the reader. `again`: it may be there in a
    while."""

    def __init__(self, why: Promise, status: int, *, again: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.status = status
        self.again = again


@dataclass(frozen=True)
class Document:
    """One document of a person's item, and the data to fetch it."""

    title: str
    url: str
    person: int
    language: str
    access: Access | None = field(repr=False)

    @property
    def host(self) -> str:
        return URL(self.url).host or ""


@xframe_options_sameorigin
@csp_replace(POLICY)
@person_required
@require_safe
def document(request: PersonRequest, notification_id: UUID, place: int) -> HttpResponseBase:
    """Show the document at this place of the item's list, or a page with the reason why it is not shown here."""
    notification = own_notification(request.recipient, notification_id)
    documents = documents_of(notification)
    if place >= len(documents) or not documents[place]["url"]:
        raise Http404
    title, url = documents[place]["text"], documents[place]["url"]
    language = translation.get_language() or settings.LANGUAGE_CODE
    shown = Document(title, url, request.recipient.pk, language, _access_to(notification, url))
    return AwaitedResponse(partial(_begin, shown))


def _access_to(notification: Notification, url: str) -> Access | None:
    """Return the engine's sign-in if the document is at the engine's own address, and the task is its reader's.
    Followers, and people from whom the task was taken, get none."""
    task = notification.task
    if task is None or not task.engine.callback_url or not sees_questions(notification):
        return None
    if URL(url).origin() != URL(task.engine.callback_url).origin():
        return None
    try:
        return access_of(task.engine)
    except UndecryptableSecret as fault:
        log.warning("document_without_sign_in", engine=task.engine.slug, detail=str(fault))
        return Access(task.engine.callback_url)


# --- on the event loop ------------------------------------------------------------------------------------------------
async def _begin(document: Document, response: AwaitedResponse, stack: AsyncExitStack) -> AsyncIterator[bytes]:
    """Return the document, or a page with the reason why it is not shown."""
    try:
        _take_slot(document, stack)
        return await _content(await _fetch(document, stack), document, response)
    except NotShown as not_shown:
        await stack.aclose()  # no slot is held while a page is read
        return _page(document, not_shown, response)


def _take_slot(document: Document, stack: AsyncExitStack) -> None:
    """Hold a slot until `stack` closes. Raises NotShown if none is free."""
    try:
        stack.enter_context(slots.hold(person=document.person, host=document.host))
    except SlotsTaken as taken:
        if taken.kind == "person":
            why = _("Other documents that you have opened are still being fetched. Try again in a moment.")
            raise NotShown(why, 429, again=True) from taken
        why = _("Many documents are being fetched at the moment. Try again in a while.")
        raise NotShown(why, 503, again=True) from taken


async def _fetch(document: Document, stack: AsyncExitStack) -> StreamedResponse:
    """Return the head of the server's response. Raises NotShown."""
    allowed = settings.OUTBOUND_ALLOWED_CIDRS if document.access is not None else ()
    await stack.enter_async_context(_time_limit())
    client = await stack.enter_async_context(EngineClient(Outbound(allowed, deadline=SECONDS)))
    try:
        if document.access is None or document.access.auth == "person":
            fetched = await stack.enter_async_context(client.http.stream(document.url))
        else:
            fetched = await stack.enter_async_context(client.stream(document.access, document.url))
    except (OutboundError, AccessRefused) as fault:
        raise NotShown(_("The document could not be fetched."), NOT_GIVEN) from fault
    if fetched.status != 200:
        raise NotShown(_("The document could not be fetched."), NOT_GIVEN)
    return fetched


@asynccontextmanager
async def _time_limit() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(SECONDS_IN_ALL):
            yield
    except TimeoutError as fault:
        raise BrokenOff from fault


async def _content(fetched: StreamedResponse, document: Document, response: AwaitedResponse) -> AsyncIterator[bytes]:
    """Return the pieces of a document that may be shown. Raises NotShown."""
    kind = fetched.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    length = fetched.headers.get("Content-Length")  # a number, as the HTTP parser has checked
    if length is not None and int(length) > LARGEST:
        raise NotShown(_("The document is too large to be shown here."), 413)
    try:
        beginning = await _read_beginning(fetched.pieces)
    except OutboundError as fault:
        raise NotShown(_("The document could not be fetched."), NOT_GIVEN) from fault
    if not beginning.startswith(KINDS.get(kind, ())):
        raise NotShown(_("A document of this type is not shown here."), 415)
    response["Content-Type"] = kind
    response["Content-Disposition"] = "inline"
    response["Cache-Control"] = "private, no-store"
    if length is not None:
        response["Content-Length"] = length
    return _stream(beginning, fetched.pieces, document)


async def _read_beginning(pieces: AsyncIterator[bytes]) -> bytes:
    """Return enough bytes to know the type, or all if there are fewer. Raises OutboundError."""
    beginning = b""
    async for piece in pieces:
        beginning += piece
        if len(beginning) >= MAGIC_BYTES:
            break
    return beginning


async def _stream(beginning: bytes, pieces: AsyncIterator[bytes], document: Document) -> AsyncIterator[bytes]:
    """Yield the document. Raises BrokenOff, since a started response cannot report an error."""
    yield beginning
    count = len(beginning)
    try:
        async for piece in pieces:
            count += len(piece)
            if count > LARGEST:
                log.warning("document_broken_off", host=document.host, detail="it is too large")
                raise BrokenOff
            yield piece
    except OutboundError as fault:
        log.warning("document_broken_off", host=document.host, detail=fault.detail)
        raise BrokenOff from fault


def _page(document: Document, not_shown: NotShown, response: AwaitedResponse) -> AsyncIterator[bytes]:
    response.status_code = not_shown.status
    if not_shown.again:
        response["Retry-After"] = str(RETRY_SECONDS)
    with translation.override(document.language):
        context = {"title": document.title, "url": document.url, "why": not_shown.why, "again": not_shown.again}
        page = render_to_string("inbox/document.html", context)
    return _single_piece(page.encode())


async def _single_piece(content: bytes) -> AsyncIterator[bytes]:
    yield content
