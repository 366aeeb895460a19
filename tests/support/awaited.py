"""Reads responses that wait for somebody else's server, as the web process's handler sends them."""

import asyncio
from contextlib import AsyncExitStack

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from wfpush.web.async_responses import AwaitedResponse


def arrived(response: HttpResponseBase) -> HttpResponse:
    """The response with all its content. Others are returned as they are."""
    if not isinstance(response, AwaitedResponse):
        assert isinstance(response, HttpResponse)
        return response
    content = asyncio.run(_read(response))
    return HttpResponse(content, status=response.status_code, headers=dict(response.items()))


async def _read(response: AwaitedResponse) -> bytes:
    async with AsyncExitStack() as stack:
        return b"".join([piece async for piece in await response.begin(response, stack)])
