"""Reads bodies strictly, up to a limit."""

from collections.abc import Mapping
from typing import IO, Any

from django.http import HttpRequest
from rest_framework.parsers import BaseParser

from notifications.errors import Invalid, TooLarge
from notifications.intake.strictjson import BadText, decode
from wfpush.web.bodylimit import limit_for


def body_of(request: HttpRequest) -> bytes:
    """Return the whole body. Raises TooLarge over the limit of its type and path, which some servers do not enforce."""
    body = request.body
    limit = limit_for(request.META.get("CONTENT_TYPE", "").encode("latin-1", "replace"), request.path_info)
    if len(body) > limit:
        raise TooLarge(f"This body has {len(body):,} bytes; {limit:,} are possible.")
    return body


class StrictJSONParser(BaseParser):
    """Parser for unambiguous JSON. Raises Malformed, Invalid and TooLarge."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        context = parser_context or {}
        try:
            return decode(body_of(context["request"]._request))
        except BadText as bad:
            raise Invalid(bad.detail, [{"pointer": where, "detail": bad.detail} for where in bad.pointers]) from None
