"""`python -m bench.push_crowd TLS_PORT CERTIFICATE STRANGE_TLS_PORT STRANGE_CERTIFICATE`: virtual devices.

One push service, at which each device behaves as its address says: `POST /hangs/17`. `GET /` answers with when each
address was first given a message since the last `DELETE /`, in seconds of `time.monotonic()`. At the second port a
certificate is shown that nobody trusts.
"""

import asyncio
import ssl
import sys
import time

from aiohttp import web

from bench.harness import HOST

STATUSES = {"ok": 201, "slow": 201, "gone": 410, "busy": 429, "broken": 500}
SLOW_SECONDS = 1.5
FORGOTTEN_SECONDS = 60.0
"""How long a call hangs, unless the caller gives it up."""


class Devices:
    def __init__(self) -> None:
        self.reached: dict[str, float] = {}

    async def take(self, request: web.Request) -> web.Response:
        await request.read()
        manner = request.match_info["manner"]
        if manner == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        elif manner == "hangs":
            await asyncio.sleep(FORGOTTEN_SECONDS)
        status = STATUSES.get(manner, 504)
        if status == 201:
            self.reached.setdefault(request.path, time.monotonic())
        return web.Response(status=status, headers={"Retry-After": "120"} if status == 429 else None)

    async def report(self, request: web.Request) -> web.Response:
        return web.json_response(self.reached)

    async def forget(self, request: web.Request) -> web.Response:
        self.reached.clear()
        return web.Response(status=204)


async def serve(*doors: tuple[int, str]) -> None:
    devices, application = Devices(), web.Application()
    application.add_routes(
        [web.get("/", devices.report), web.delete("/", devices.forget), web.post("/{manner}/{number}", devices.take)]
    )
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True)
    await runner.setup()
    for port, certificate in doors:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        await web.TCPSite(runner, HOST, port, ssl_context=tls, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve((int(sys.argv[1]), sys.argv[2]), (int(sys.argv[3]), sys.argv[4])))
