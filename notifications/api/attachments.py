"""The files of messages and answers: sent before them, and read by everybody who sees these."""

from itertools import chain
from typing import Any
from uuid import UUID

from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request

from notifications.api.frame import docs, serializers, shown
from notifications.api.frame.authentication import Caller, EngineCaller
from notifications.api.frame.base import EngineOrPersonView, answer, http_request, nothing, query_of, validated
from notifications.attachments import storage
from notifications.attachments.kinds import INLINE, PDF
from notifications.attachments.representation import attachment_json, content_of
from notifications.attachments.storage import Sender, Source
from notifications.cases import visibility
from notifications.errors import Invalid, UnsupportedMediaType
from notifications.models import Attachment

RAW, FORM = "application/octet-stream", "multipart/form-data"

POLICY: dict[str, Any] = {
    "default-src": [NONE],
    "style-src": [SELF, UNSAFE_INLINE],  # browsers lay out a picture with inline styles
    "img-src": [SELF],
    "frame-ancestors": [SELF],
}
SANDBOXED: dict[str, Any] = {**POLICY, "sandbox": True}
"""The policy of all files except PDFs, which browsers do not show in a sandbox."""


class AttachmentsView(EngineOrPersonView):
    @docs.operation(
        "send_file",
        {200: shown.AttachmentShown, 201: shown.AttachmentShown},
        query=serializers.AttachmentQuery,
        request={
            RAW: OpenApiTypes.BINARY,
            FORM: {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "id": {"type": "string", "format": "uuid"},
                },
            },
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Send a file, for a message or answer that then names its id. What nothing uses is removed after 7 days."""
        query = query_of(request, serializers.AttachmentQuery)
        source, name, file_id = _read_upload(request, query)
        stored = storage.keep(source, name, _sender(self.caller()), timezone.now(), id=file_id)
        return answer(attachment_json(stored.attachment), 201 if stored.created else 200)


def _sender(caller: Caller) -> Sender:
    return Sender(engine=caller.engine) if isinstance(caller, EngineCaller) else Sender(person=caller.recipient)


def _read_upload(request: Request, query: dict[str, Any]) -> tuple[Source, str, UUID | None]:
    """Return the source, name and id of an upload: a body that is the file, or a form with one file. Raises Invalid,
    UnsupportedMediaType, ValidationError."""
    http = http_request(request)
    if http.content_type == RAW:
        return http, query["name"], query.get("id")
    if http.content_type != FORM:
        raise UnsupportedMediaType(f"Send a file as {RAW}, or as the field `file` of {FORM}.")
    uploads = http.FILES.getlist("file")
    if len(uploads) != 1 or len(http.FILES) != 1:
        raise Invalid.at("/file", "Send one file, in the field `file`.")
    (file,) = uploads
    fields = validated(serializers.AttachmentQuery, {**query, **http.POST.dict()})
    return file, fields["name"] or file.name or "", fields.get("id")


class AttachmentView(EngineOrPersonView):
    @docs.operation("file", {200: OpenApiResponse(OpenApiTypes.BINARY, "The file, of its own type"), 304: None}, 404)
    def get(self, request: Request, attachment_id: UUID) -> HttpResponseBase:
        """Read a file, if the caller sees the message or answer that it belongs to."""
        caller = self.caller()
        if isinstance(caller, EngineCaller):
            attachment, passes = visibility.file_seen_by_engine(attachment_id, caller.engine), False
        else:
            attachment = visibility.file_seen_by_person(attachment_id, caller.recipient)
            passes = caller.recipient.external or not attachment.is_used
        cache_control = "no-store" if passes else "private, no-cache"
        return _serve(attachment, cache_control, cached_tag=request.headers.get("If-None-Match", ""))

    @docs.operation("remove_file", {204: None}, 404)
    def delete(self, request: Request, attachment_id: UUID) -> HttpResponse:
        """Remove a file that the caller has sent, while no message or answer uses it."""
        storage.remove(attachment_id, _sender(self.caller()))
        return nothing()


def _serve(attachment: Attachment, cache_control: str, *, cached_tag: str) -> HttpResponseBase:
    """Serve a file so that nothing in it runs: pictures and PDFs are shown, all others are downloaded.

    `cache_control` forbids copies to people who may use another person's computer, and copies of files that are not
    sent yet. `cached_tag` is the tag of the browser's copy; browsers ask each time, since people lose tasks.
    """
    tag, inline = f'"{attachment.sha256}"', attachment.type in INLINE
    kind = attachment.type if inline else "application/octet-stream"
    headers = {"ETag": tag, "Cache-Control": cache_control, "X-Frame-Options": "SAMEORIGIN"}
    response: HttpResponseBase
    if cached_tag == tag:
        response = HttpResponse(status=304, headers=headers)
    else:
        headers["Content-Length"] = str(attachment.size)
        headers["Content-Disposition"] = content_disposition_header(not inline, attachment.name) or ""
        pieces = content_of(attachment)
        first = next(pieces, b"")  # before the response, so that a failure of the database is a response of its own
        response = StreamingHttpResponse(chain([first], pieces), content_type=kind, headers=headers)
    setattr(response, "_csp_replace", POLICY if attachment.type == PDF else SANDBOXED)  # noqa: B010  # as its decorator
    return response
