"""A browser's service worker without a push service: Chromium's own tools hand it messages.

Presses are called inside it, since nobody but a desktop can make them: tests/browsers/push/stories.py has one, and the
push services.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from playwright.async_api import CDPSession, Page, Worker

from tests.browsers.conftest import PATIENCE, is_live
from tests.browsers.installation import Installation, Json
from wfpush.crypto import digest_of, new_action_token

IN_TURN = """() => {
  if (self.inTurn) return;
  self.inTurn = Promise.resolve();
  const does = ServiceWorkerRegistration.prototype;
  for (const name of ["showNotification", "getNotifications"]) {
    const really = does[name];
    does[name] = function (...given) {
      const done = self.inTurn.then(() => really.apply(this, given));
      self.inTurn = done.catch(() => {});
      return done;
    };
  }
}"""
"""Chromium forgets a notification that is asked for while it is being shown, and we ask again and again."""

SHOWN = """async () => (await registration.getNotifications()).map((each) => ({
  title: each.title, body: each.body, tag: each.tag, lang: each.lang, silent: each.silent,
  stays: each.requireInteraction, buttons: each.actions.map((action) => action.title), data: each.data,
  badge: each.badge, icon: each.icon,
}))"""
PRESS = """async ([tag, action, typed]) => {
  const shown = (await registration.getNotifications()).find((each) => each.tag === tag);
  await clicked(shown, action, typed);
}"""

EXPORT = "() => { for (const name in modules) Object.assign(self, loadModule(name)); }"
"""What modules of the worker export is at hand in it by name."""

CLOSE = "async () => (await registration.getNotifications()).forEach((each) => each.close())"

KEPT = """async () => {
  const {person, allStored} = await import("/static/wfpush/store.js");
  const kept = (await caches.keys()).filter((name) => !name.startsWith("wfpush shell"));
  const answers = await allStored("answers");
  return {...await person(), items: (await allStored("items")).map((item) => item.title),
          answers: answers.length, to_send: answers.filter(({ended}) => !ended).length, caches: kept};
}"""


async def until(look: Callable[[], Awaitable[Any]], what: str) -> Any:
    """What it returns, once that is something."""
    async with asyncio.timeout(PATIENCE / 1000):
        while True:
            if found := await look():
                return found
            await asyncio.sleep(0.05)


async def is_kept(page: Page, *titles: str) -> None:
    """The browser holds what it needs to show these items with no connection."""

    async def look() -> bool:
        found = await page.evaluate(KEPT)
        return set(titles) <= set(found["items"]) and "wfpush person" in found["caches"]

    await until(look, f"{titles} are kept")


async def worker_of(page: Page) -> Worker:
    """The service worker of a page, whose modules' exports can be used in scripts by name."""
    await page.evaluate("navigator.serviceWorker.ready")
    workers = page.context.service_workers
    worker = workers[0] if workers else await page.context.wait_for_event("serviceworker")
    await worker.evaluate(EXPORT)
    return worker


async def signs_in(page: Page, installation: Installation, who: str = "dave") -> None:
    await page.goto("/sign-in")
    await page.locator("#id_username").fill(who)
    await page.locator("#id_password").fill(installation.passwords[who])
    await page.locator("main button.primary").click()
    await is_live(page)


OFFERED = [
    {"action": "approve", "title": "Approve", "comment": "optional"},
    {"action": "reject", "title": "Reject", "comment": "required"},
]


class Device:
    """A browser as a person's device: messages reach it, and its notifications are looked at and pressed."""

    def __init__(self, installation: Installation, page: Page, tools: CDPSession, worker: Worker) -> None:
        self._installation = installation
        self._page = page
        self._tools = tools
        self.worker = worker
        self._registration = ""
        tools.on("ServiceWorker.workerRegistrationUpdated", self._note)

    @classmethod
    async def of(cls, installation: Installation, page: Page) -> "Device":
        await page.context.grant_permissions(["notifications"], origin=installation.url)
        device = cls(installation, page, await page.context.new_cdp_session(page), await worker_of(page))
        await device._tools.send("ServiceWorker.enable")
        await until(device._is_ready, "the worker has kept what there is")
        return device

    async def _is_ready(self) -> bool:
        person = await self.worker.evaluate("person()")
        return bool(self._registration and person.get("shell"))

    def _note(self, event: Json) -> None:
        for each in event["registrations"]:
            if not each["isDeleted"] and each["scopeURL"] == f"{self._installation.url}/":
                self._registration = each["registrationId"]

    async def receives(self, message: Json | str) -> None:
        await self.worker.evaluate(IN_TURN)
        data = message if isinstance(message, str) else json.dumps(message)
        params = {"origin": self._installation.url, "registrationId": self._registration, "data": data}
        await self._tools.send("ServiceWorker.deliverPushMessage", params)

    async def shown(self) -> list[Json]:
        found: list[Json] = await self.worker.evaluate(SHOWN)
        return found

    async def forget(self) -> None:
        """Take away what earlier tests have left on the screen."""
        await self.worker.evaluate(CLOSE)
        await until(self._shows_nothing, "nothing is shown")

    async def _shows_nothing(self) -> bool:
        return await self.shown() == []

    async def press(self, tag: str, action: str = "", *, typed: str = "") -> None:
        """`typed`: into the notification, where the system has a field for it."""
        await self.worker.evaluate(PRESS, [tag, action, typed])

    async def badge_counts(self) -> list[int]:
        """What the worker wrote on the app's icon from now on; begin with `await device.watch_badge()`."""
        found: list[int] = await self.worker.evaluate("self.badges")
        return found

    async def watch_badge(self) -> None:
        await self.worker.evaluate(
            "() => { self.badges = []; navigator.setAppBadge = async (n) => self.badges.push(n); }"
        )


def message(**said: Any) -> Json:
    """A push message as the server makes it; `said` replaces members."""
    number = str(uuid4())
    return {
        "v": 1,
        "kind": "message",
        "id": number,
        "tag": number[:22],
        "title": "Approve invoice 4711",
        "body": "Invoice 4711 (€1,200.50)",
        "lang": "en",
        "priority": "normal",
        "state": "open",
        "at": int(time.time() * 1000),
        "link": f"https://elsewhere.example/n/{number}",
        "token": "wfa_nothing",
        "actions": OFFERED,
        "device": str(uuid4()),
        "unread": 3,
        "brand": "wfpush",
    } | said


def about(installation: Installation, title: str, *, who: str, **said: Any) -> Json:
    """A message about an item that somebody has, with a token that answers it."""
    token = new_action_token()
    ((number,),) = installation.house.rows(
        f"""WITH given AS (
              INSERT INTO notifications_actiontoken
                     (digest, recipient_id, notification_id, delivery_id, actions, created_at, expires_at)
              SELECT '{digest_of(token)}', n.recipient_id, n.id, d.id,
                     ARRAY['approve', 'reject', 'acknowledge', 'reply'], now(), now() + interval '1 day'
                FROM notifications_notification n JOIN notifications_delivery d ON d.notification_id = n.id
               JOIN notifications_recipient r ON r.id = n.recipient_id
               WHERE n.title = '{title}' AND r.ref = '{who}' LIMIT 1
              RETURNING notification_id)
            SELECT notification_id::text FROM given"""
    )
    return message(id=number, link=f"{installation.url}/n/{number}?by=webpush", title=title, token=token, **said)
