"""A push service on loopback, strict on those who send; and Mozilla's, as Firefox speaks to it."""

import json
import os
import ssl
import time
import uuid
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from tests.pushlab.rules import Parcel, Refused, b64d, b64e, check_vapid, read_parcel

ORDERED = "as the test ordered"


@dataclass
class Subscription:
    """`browser` and `channel` are the service's own names for whom it reaches, and where in there."""

    token: str
    browser: str
    channel: str
    key: bytes
    is_gone: bool = False


@dataclass
class Waiting:
    """A message that its browser has not confirmed."""

    id: str
    subscription: Subscription
    parcel: Parcel
    ends_at: float


@dataclass(frozen=True)
class Post:
    """One request to an endpoint, and what came of it."""

    token: str
    status: int
    detail: str = ""
    parcel: Parcel | None = None
    replaced: int = 0
    """How many waiting messages of the same topic it took the place of."""


@dataclass
class Order:
    """What the next requests of that urgency are answered: one that no other message of a story has."""

    status: int
    urgency: str
    headers: dict[str, str] = field(default_factory=dict)


class PushService:
    """The sender's side (RFC 8030). How a message gets into the browser is each maker's own: `deliver`."""

    def __init__(self) -> None:
        self.origin = ""
        self.subscriptions: dict[str, Subscription] = {}
        self.waiting: dict[str, Waiting] = {}
        self.posts: list[Post] = []
        self._orders: list[Order] = []

    # --- what tests say ---------------------------------------------------------------------------
    def answer_next(self, status: int, *, urgency: str, retry_after: int | None = None) -> None:
        """The next message of that `urgency` (RFC 8030, 5.3). `retry_after`: seconds."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        self._orders.append(Order(status, urgency, headers))

    @property
    def ordered(self) -> list[Post]:
        """What was answered as ordered."""
        return [post for post in self.posts if post.detail == ORDERED]

    def end_subscriptions(self) -> None:
        """Every endpoint there is answers 410 from now on."""
        for subscription in self.subscriptions.values():
            subscription.is_gone = True

    @property
    def living(self) -> list[Subscription]:
        return [each for each in self.subscriptions.values() if not each.is_gone]

    @property
    def taken(self) -> list[Post]:
        return [post for post in self.posts if post.status == 201]

    @property
    def faults(self) -> list[Post]:
        """What a sender is to blame for."""
        return [post for post in self.posts if post.status in (400, 401, 403, 413) and post.detail != ORDERED]

    # --- the sender's side ------------------------------------------------------------------------
    def subscribe(self, browser: str, channel: str, key: bytes, token: str = "") -> Subscription:
        made = Subscription(token or b64e(os.urandom(24)), browser, channel, key)
        self.subscriptions[made.token] = made
        return made

    async def post(self, request: web.Request) -> web.Response:
        token, body = request.match_info["token"], await request.read()
        if order := self._order(request.headers.get("Urgency", "normal")):
            self.posts.append(Post(token, order.status, ORDERED))
            return web.Response(status=order.status, headers=order.headers)
        try:
            waiting, replaced = self._take(token, request, body)
        except Refused as refused:
            self.posts.append(Post(token, refused.status, refused.detail))
            return web.json_response({"code": refused.status, "message": refused.detail}, status=refused.status)
        arrived = await self.deliver(waiting)
        if waiting.parcel.ttl == 0 and not arrived:
            self.waiting.pop(waiting.id, None)
        self.posts.append(Post(token, 201, parcel=waiting.parcel, replaced=replaced))
        headers = {"Location": f"{self.origin}/m/{waiting.id}", "TTL": str(waiting.parcel.ttl)}
        return web.Response(status=201, headers=headers)

    def _order(self, urgency: str) -> Order | None:
        order = next((each for each in self._orders if each.urgency == urgency), None)
        if order is not None:
            self._orders.remove(order)
        return order

    def _take(self, token: str, request: web.Request, body: bytes) -> tuple[Waiting, int]:
        subscription = self.subscriptions.get(token)
        if subscription is None:
            raise Refused(404, "there is no such subscription")
        if subscription.is_gone:
            raise Refused(410, "the subscription has ended")
        parcel = read_parcel(request.headers, body)
        check_vapid(request.headers.get("Authorization", ""), self.origin, subscription.key, time.time())
        older = [
            each.id
            for each in self.waiting.values()
            if parcel.topic and each.parcel.topic == parcel.topic and each.subscription is subscription
        ]
        for number in older:
            del self.waiting[number]
        waiting = Waiting(b64e(os.urandom(18)), subscription, parcel, time.time() + parcel.ttl)
        self.waiting[waiting.id] = waiting
        return waiting, len(older)

    # --- the browser's side -----------------------------------------------------------------------
    async def deliver(self, waiting: Waiting) -> bool:
        """Hand it to the browser. False if that is away."""
        raise NotImplementedError

    def reaches(self, subscription: Subscription) -> bool:
        """Whether its browser is connected now."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Leave everything; nothing is kept."""
        raise NotImplementedError

    async def deliver_waiting(self, browser: str) -> None:
        """All that waited for a browser which has come back, the oldest first."""
        for waiting in list(self.waiting.values()):
            if waiting.subscription.browser != browser:
                continue
            if waiting.ends_at < time.time():
                del self.waiting[waiting.id]
            else:
                await self.deliver(waiting)


class Mozilla(PushService):
    """Mozilla's autopush: Firefox keeps a WebSocket on which it registers, is told, and confirms."""

    def __init__(self) -> None:
        super().__init__()
        self._sockets: dict[str, web.WebSocketResponse | None] = {}
        """Every browser ever seen; None while it is away."""

    async def start(self, tls: ssl.SSLContext) -> None:
        """`address` is for Firefox's preferences, `origin` is what endpoints begin with."""
        browsers, senders = web.Application(), web.Application(client_max_size=1 << 20)
        browsers.add_routes([web.get("/", self._browser)])
        senders.add_routes([web.post("/wpush/v2/{token}", self.post)])
        self._runners = [web.AppRunner(each, access_log=None, shutdown_timeout=1) for each in (browsers, senders)]
        for runner, context in zip(self._runners, (None, tls), strict=True):
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        for_browsers, for_senders = (runner.addresses[0][1] for runner in self._runners)
        self.address = f"ws://127.0.0.1:{for_browsers}/"
        self.origin = f"https://localhost:{for_senders}"

    async def stop(self) -> None:
        await self.hang_up()
        for runner in self._runners:
            await runner.cleanup()

    # --- what tests say and see -------------------------------------------------------------------
    def reaches(self, subscription: Subscription) -> bool:
        socket = self._sockets.get(subscription.browser)
        return socket is not None and not socket.closed

    async def hang_up(self) -> None:
        """Close every browser's socket. Firefox comes back by itself."""
        for socket in list(self._sockets.values()):
            if socket is not None:
                await socket.close()

    async def forget_everybody(self) -> None:
        """As after a loss of its data: coming back, Firefox gets a new name, and ends its subscriptions by itself."""
        self.end_subscriptions()
        sockets = [socket for socket in self._sockets.values() if socket is not None]
        self._sockets.clear()
        for socket in sockets:
            await socket.close()

    # --- the browser's side -----------------------------------------------------------------------
    async def deliver(self, waiting: Waiting) -> bool:
        socket = self._sockets.get(waiting.subscription.browser)
        if socket is None or socket.closed:
            return False
        told = {"messageType": "notification", "channelID": waiting.subscription.channel, "version": waiting.id}
        content = {"data": b64e(waiting.parcel.body), "headers": {"encoding": "aes128gcm"}}
        await socket.send_json({**told, **content})
        return True

    async def _browser(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("push-notification",))
        await socket.prepare(request)
        name = ""
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    name = await self._hear(socket, name, json.loads(frame.data))
        finally:
            if self._sockets.get(name) is socket:
                self._sockets[name] = None
        return socket

    async def _hear(self, socket: web.WebSocketResponse, name: str, said: dict[str, object]) -> str:
        """Answers one message of the browser called `name`; returns its name."""
        match said.get("messageType"):
            case None | "ping":  # an empty object is a ping
                await socket.send_str("{}")
            case "hello":
                return await self._greet(socket, str(said.get("uaid") or ""))
            case "register":
                await self._register(socket, name, said)
            case "unregister":
                self._unregister(name, str(said["channelID"]))
                await socket.send_json({"messageType": "unregister", "channelID": said["channelID"], "status": 200})
            case "ack":
                for update in said["updates"]:  # type: ignore[attr-defined]
                    self.waiting.pop(update["version"], None)
            case "nack":
                self.waiting.pop(str(said.get("version")), None)
        return name

    async def _greet(self, socket: web.WebSocketResponse, name: str) -> str:
        name = name if name in self._sockets else uuid.uuid4().hex
        self._sockets[name] = socket
        hello = {"messageType": "hello", "uaid": name, "status": 200, "use_webpush": True, "broadcasts": {}}
        await socket.send_json(hello)
        await self.deliver_waiting(name)
        return name

    async def _register(self, socket: web.WebSocketResponse, name: str, said: dict[str, object]) -> None:
        made = self.subscribe(name, str(said["channelID"]), b64d(str(said.get("key", ""))))
        endpoint = f"{self.origin}/wpush/v2/{made.token}"
        answer = {"messageType": "register", "channelID": made.channel, "status": 200, "pushEndpoint": endpoint}
        await socket.send_json(answer)

    def _unregister(self, name: str, channel: str) -> None:
        for each in self.subscriptions.values():
            if (each.browser, each.channel) == (name, channel):
                each.is_gone = True
