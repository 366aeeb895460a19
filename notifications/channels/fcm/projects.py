"""Firebase projects: each one's sign-in and connections.

firebase-admin makes messages, sends them and reads the answers. Parts of it would block a dispatcher that sends for
everybody, and are replaced here:

- It signs in by a blocking call on the event loop, and after every 401 twice more. Here a thread signs in once, for all
waiting callers.
- It repeats a 500 or 503 four times, 7 seconds long, whatever Retry-After says. Here the outbox repeats.
- Its connections can be closed outside of a running event loop only.
"""

import asyncio
import json
from functools import partial
from itertools import count
from typing import Any

import firebase_admin
import httpx
from firebase_admin import messaging
from firebase_admin.exceptions import FirebaseError, UnauthenticatedError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

from notifications.channels.fcm.accounts import account_of
from notifications.channels.fcm.config import ServiceAccount
from wfpush.net.http import OutboundError, push_door_from_settings

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
SIGN_IN_SECONDS = 5.0

_numbers = count(1)


class Projects:
    """The projects that are in use, in one event loop."""

    def __init__(self) -> None:
        self._projects: dict[str, Project] = {}
        self._opening = asyncio.Lock()

    async def of(self, project_id: str) -> "Project":
        """Return the project. Raise UnknownProject."""
        async with self._opening:
            if project_id not in self._projects:
                account = account_of(project_id)
                self._projects[project_id] = await asyncio.to_thread(Project, account)  # reads keys and certificates
            return self._projects[project_id]

    async def close(self) -> None:
        projects, self._projects = list(self._projects.values()), {}
        for project in projects:
            await project.close()


class Project:
    """One project: its firebase-admin app, access token and connections."""

    def __init__(self, account: ServiceAccount) -> None:
        self._credentials: Credentials = Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            account.info, scopes=[SCOPE]
        )
        name = f"{account.project_id} {next(_numbers)}"  # firebase-admin has one register of names in a process
        self._app = firebase_admin.initialize_app(self._credentials, {"projectId": account.project_id}, name)
        self._client = Client(self._credentials)
        messaging._get_messaging_service(self._app)._async_client = self._client
        self._renewal: asyncio.Task[None] | None = None

    async def send(self, message: messaging.Message) -> None:
        """Send the message. Raise FirebaseError; GoogleAuthError when Google refused our sign-in; ValueError for a
        message that firebase-admin does not accept."""
        token = await self._signed_in()
        fault = await self._try(message)
        if type(fault) is UnauthenticatedError:  # a subclass means Apple's refusal, not Google's
            if self._credentials.token == token:  # else another caller has fetched a new one
                self._credentials.token = None
            await self._signed_in()
            fault = await self._try(message)
        if fault is not None:
            raise fault

    async def _try(self, message: messaging.Message) -> FirebaseError | None:
        batch = await messaging.send_each_async([message], app=self._app)
        fault: FirebaseError | None = batch.responses[0].exception
        return fault

    async def _signed_in(self) -> str:
        """Return an access token; all callers that need a new one wait for the same."""
        if not self._credentials.valid:
            if self._renewal is None or self._renewal.done():
                self._renewal = asyncio.create_task(asyncio.to_thread(self._renew))
            await asyncio.shield(self._renewal)
        return str(self._credentials.token)

    def _renew(self) -> None:
        self._credentials.refresh(partial(Request(), timeout=SIGN_IN_SECONDS))  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        await self._client.aclose()
        await asyncio.to_thread(firebase_admin.delete_app, self._app)  # it starts an event loop for its service


class Client:
    """Sends firebase-admin's requests: replaces the one method of its client that messaging calls.

    firebase-admin expects an httpx response; httpx's connections would cost several times as much as ours.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._door = push_door_from_settings()

    async def request(self, method: str, url: str, headers: dict[str, str], json: Any) -> httpx.Response:
        """Send the request. Raise httpx.HTTPError for an error, or if there is no answer."""
        headers = headers | {"Authorization": f"Bearer {self._credentials.token}", "Content-Type": "application/json"}
        request = httpx.Request(method, url)
        try:
            answer = await self._door.request(method.upper(), url, body=_encoded(json), headers=headers)
        except OutboundError as fault:
            raise httpx.ConnectError(fault.detail, request=request) from fault
        retry_after = {"Retry-After": answer.headers["Retry-After"]} if "Retry-After" in answer.headers else {}
        made = httpx.Response(answer.status, headers=retry_after, content=answer.body, request=request)
        return made.raise_for_status()

    async def aclose(self) -> None:
        """Close the connections. May be called again."""
        await self._door.close()


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
