"""The calls the engine makes on wfpush's public API."""

from typing import Any, Literal
from urllib.parse import quote

import aiohttp
import msgspec

from demo.records import EventRecord

SOURCE = "urn:wfpush:demo"

_LONGEST_WAIT = 60.0
# wfpush as a whole is away or refuses our key, whatever the event.
_AWAY = {401, 403, 404, 502, 503, 504}
# Sending the same again cannot help. A wrong key or address (401, 403, 404) may be corrected: try again.
_REFUSALS = {400, 409, 413, 415, 422}


class WfpushError(Exception):
    """A call that did not succeed; the message is for people."""


class Unavailable(WfpushError):
    """Trying again may help, after `retry_after` seconds if wfpush said so. `away`: no other call would succeed now."""

    def __init__(self, message: str, *, away: bool, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.away = away
        self.retry_after = retry_after


class Refused(WfpushError):
    """wfpush definitely refuses this; sending it again changes nothing."""


class WfpushClient:
    """One kept-alive session. Use as an async context manager."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self.base_url = base_url
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "WfpushClient":
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=aiohttp.ClientTimeout(total=10))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session:
            await self._session.close()

    async def put_recipient(self, ref: str, **fields: Any) -> None:
        """`PUT /api/v1/recipients/{ref}`. Raises Unavailable or Refused."""
        await self._call("PUT", f"recipients/{quote(ref, safe='')}", fields)

    async def put_team(self, slug: str, **fields: Any) -> None:
        """`PUT /api/v1/teams/{slug}`. Raises Unavailable or Refused."""
        await self._call("PUT", f"teams/{quote(slug, safe='')}", fields)

    async def sign_in_link(self, ref: str) -> str:
        """`POST /api/v1/recipients/{ref}/links`: an address that signs the person in once. Raises Unavailable or
        Refused."""
        answer = await self._call("POST", f"recipients/{quote(ref, safe='')}/links", {"next": "/"})
        return str(answer.get("url", ""))

    async def send_event(self, event: EventRecord) -> str:
        """Sends one CloudEvent, structured. Returns "accepted" or "duplicate". Raises Unavailable or Refused."""
        cloud_event = {
            "specversion": "1.0",
            "id": event.id,
            "source": SOURCE,
            "type": event.type,
            "subject": event.subject,
            "time": event.time,
            "datacontenttype": "application/json",
            "data": event.data,
        }
        answer = await self._call("POST", "events", cloud_event, content_type="application/cloudevents+json")
        return str(answer.get("status", "accepted"))

    async def read_file(self, file_id: str) -> bytes:
        """`GET /api/v1/attachments/{attachment_id}`. Raises Unavailable or Refused."""
        return await self._exchange("GET", f"attachments/{quote(file_id, safe='')}")

    async def _call(
        self, method: Literal["PUT", "POST"], path: str, body: dict[str, Any], content_type: str = "application/json"
    ) -> dict[str, Any]:
        return _json(await self._exchange(method, path, msgspec.json.encode(body), {"Content-Type": content_type}))

    async def _exchange(
        self,
        method: Literal["GET", "PUT", "POST"],
        path: str,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> bytes:
        if self._session is None:
            raise RuntimeError("open the client with `async with` first")
        url = f"{self.base_url}/api/v1/{path}"
        try:
            async with self._session.request(
                method, url, data=content, headers=headers, allow_redirects=False
            ) as response:
                answer = await response.read()
                _raise_for(response, answer)
                return answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"wfpush does not answer ({_words(error)})", away=True) from error


def _json(content: bytes) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(content) if content else {}
    except msgspec.DecodeError:
        body = {}
    return body if isinstance(body, dict) else {}


def _raise_for(response: aiohttp.ClientResponse, content: bytes) -> None:
    """Raises Unavailable or Refused for an answer that is not a success."""
    if 200 <= response.status < 300:
        return
    body = _json(content)
    detail = body.get("detail") or body.get("title") or response.reason or ""
    message = f"wfpush says {response.status}: {detail}"
    if errors := body.get("errors"):
        message += " (" + "; ".join(f"{error.get('pointer')}: {error.get('detail')}" for error in errors) + ")"
    if response.status in _REFUSALS:
        raise Refused(message)
    retry_after = _retry_after(response.headers.get("Retry-After", ""))
    raise Unavailable(message, away=response.status in _AWAY, retry_after=retry_after)


def _retry_after(text: str) -> float | None:
    """Seconds, within limits; a date or nonsense counts as missing."""
    return min(float(text), _LONGEST_WAIT) if text.isdecimal() else None


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer within 10 seconds"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "connection refused"
    return type(error).__name__
