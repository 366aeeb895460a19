"""An engine with webhooks on loopback, which does what docs/engines/answers.md says, but for its `quirks`."""

import json
import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from aiohttp import web

from notifications.connectors import signatures

Json = dict[str, Any]


class WebhookEngine:
    def __init__(self, key: str, secret: str, quirks: Collection[str] = ()) -> None:
        self.key, self.secret, self.quirks = key, secret, quirks
        self.tasks: dict[str, str] = {}
        """The assignee of each open task."""
        self.answered: dict[str, str] = {}
        self.taken: set[str] = set()
        self.events = 0
        self.wfpush = ""

    async def start(self) -> None:
        application = web.Application()
        application.router.add_post("/callback", self._callback)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/callback"
        self._client = httpx.AsyncClient(trust_env=False)

    async def stop(self) -> None:
        await self._client.aclose()
        await self._runner.cleanup()

    async def open(self, task: str, name: str) -> None:
        self.tasks[task] = "bob"
        self._name = name
        await self._assigned(task)

    async def _assigned(self, task: str) -> None:
        actions = ["acknowledge", "approve", "reject", "request_info"]
        members = {"id": task, "name": self._name, "assignee": self.tasks[task], "actions": actions}
        if "nobody" in self.quirks:
            del members["assignee"]
        await self._send("task.assigned", {"task": members, "case": {"id": "4711"}})

    async def _send(self, type: str, data: Json) -> None:
        self.events += 1
        id = "always-the-same" if "same ids" in self.quirks else f"e-{self.events}"
        now = datetime.now(UTC) - timedelta(hours="slow clock" in self.quirks)
        event = {"specversion": "1.0", "id": id, "source": "/kit", "type": type, "time": now.isoformat(), "data": data}
        headers = {"Content-Type": "application/cloudevents+json", "X-API-Key": self.key}
        if "signs wrongly" in self.quirks:
            del headers["X-API-Key"]
            headers |= {"webhook-id": id, "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1,AAAA"}
        for attempt in range(3):
            if attempt and "new id" in self.quirks:
                event["id"] = f"{id}-{attempt}"
            reply = await self._client.post(self.wfpush, content=json.dumps(event), headers=headers)
            if reply.status_code != 503 or "gives up" in self.quirks:
                return

    # --- callbacks --------------------------------------------------------------------------------
    async def _callback(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers["webhook-id"] in self.taken and "takes repeats for others" not in self.quirks:
            return web.json_response({})
        now = float(request.headers["webhook-timestamp"]) if "any age" in self.quirks else time.time()
        headers = dict(request.headers)
        if "one signature" in self.quirks:
            headers["webhook-signature"] = headers["webhook-signature"].split()[0]
        try:
            signatures.verify([self.secret], headers, body, now)
        except signatures.SignatureError as error:
            if "anybody" not in self.quirks:
                return web.json_response({"detail": str(error)}, status=401)
        event = json.loads(body)
        status, detail = await self._judge(event["type"], event["data"], event.get("subject", ""))
        if status == 200:
            self.taken.add(event["id"])
        return web.json_response({"detail": detail}, status=status)

    async def _judge(self, type: str, data: Json, task: str) -> tuple[int, str]:
        if type not in ("task.responded", "task.reassignment_requested"):
            unknown = {
                "connection.test": "no tests",
                "wfpush.conformance": "known types",
                "task.message": "no messages",
            }
            return (400, "?") if unknown.get(type) in self.quirks else (200, "")
        if task not in self.tasks:
            late = "late questions are faults" in self.quirks and data.get("action") == "request_info"
            accepts = task in self.answered and "second counts" in self.quirks
            accepts = accepts or (task not in self.answered and "unknown counts" in self.quirks)
            return (500, "") if late else (200, "") if accepts else (409, "It has ended.")
        if type == "task.reassignment_requested":
            return await self._reassign(task, data["to"]["ref"])
        action = data["action"]
        if action not in ("acknowledge", "approve", "reject", "request_info") and "any action" not in self.quirks:
            return 422, "" if "no reason" in self.quirks else f"There is no action {action}."
        if action == "approve" and "slow" in self.quirks:
            return 503, "Later."
        if action == "approve":
            self.answered[task] = self.tasks.pop(task)
            if "opens again" in self.quirks:
                self.tasks[task] = self.answered[task]
                await self._assigned(task)
                del self.tasks[task]
        return 200, ""

    async def _reassign(self, task: str, to: str) -> tuple[int, str]:
        if "keeps tasks" in self.quirks:
            return 422, "Only the engine reassigns tasks."
        if "says nothing" not in self.quirks:
            self.tasks[task] = to
            await self._assigned(task)
        return 200, ""
