"""Calendars as their servers send them."""

from collections.abc import Sequence

from notifications import reasons
from notifications.calendar_feeds.content import begins_like_a_calendar
from notifications.calendar_feeds.reading import Unreadable
from wfpush.net.addresses import Network
from wfpush.net.http import DEADLINE, Outbound, OutboundError, Response
from wfpush.observability.services import AWAY, REFUSES


async def fetch(
    url: str, allowed: Sequence[Network], max_bytes: int, etag: str = "", *, seconds: float = DEADLINE
) -> Response | None:
    """None: it is as it was with this `etag`. Of private networks those in `allowed` are reached. Raises Unreadable."""
    headers = {"Accept": "text/calendar"} | ({"If-None-Match": etag} if etag else {})
    async with Outbound(allowed, deadline=seconds, max_body=max_bytes) as door:
        try:
            response = await door.request("GET", url, headers=headers)
        except OutboundError as fault:
            raise Unreadable(reasons.not_reached(fault), "" if fault.permanent else AWAY) from fault
    if response.status == 304 and etag:
        return None
    if response.status != 200:
        refuses = response.status >= 500 or response.status == 429
        raise Unreadable(reasons.FEED_STATUS(status=response.status), REFUSES if refuses else "")
    if not begins_like_a_calendar(text_of(response)):
        raise Unreadable(reasons.FEED_NO_CALENDAR())
    if response.truncated:
        raise Unreadable(reasons.FEED_TOO_LARGE(limit=max_bytes // 1024))
    return response


def text_of(response: Response) -> str:
    return response.body.decode("utf-8", "replace").replace("\x00", "")
