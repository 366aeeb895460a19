"""Receipts of channels' services: the fate of messages that they accepted."""

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from notifications.api.frame import docs
from notifications.api.frame.base import ApiView, http_request, nothing
from notifications.api.frame.parsing import body_of
from notifications.channels import registry
from notifications.channels.base import ReceiptsCall
from notifications.errors import NotFound
from notifications.items import receipts

NONE_EXPECTED = "No receipts are expected from this channel."


class ReceiptsView(ApiView):
    """Takes receipts from services, which sign their calls in ways of their own: each channel checks its service's."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="receipts",
        auth=[],
        request={"application/json": OpenApiTypes.OBJECT, "application/x-www-form-urlencoded": OpenApiTypes.OBJECT},
        responses=docs.responses({204: None}, 401, 404, 413, public=True),
    )
    def post(self, request: Request, channel: str) -> HttpResponse:
        """What became of messages, as the channel's service writes and signs it. Repeats change nothing."""
        facts = registry.channels().get(channel)
        if facts is None or facts.receipts.read is None:
            raise NotFound(NONE_EXPECTED)
        call = http_request(request)
        now = timezone.now()
        receipts.note(channel, facts.receipts.read(ReceiptsCall(body_of(call), call.headers, now)), now)
        return nothing()
