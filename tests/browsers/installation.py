"""wfpush with its demo engine, started by one command as people start it, and an engine of the tests' own beside it."""

import json
import re
import urllib.request
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from tests.support.processes import Command, House, free_ports
from tests.support.waiting import eventually

Json = dict[str, Any]

ENGINES_ARE_HERE = {"OUTBOUND_ALLOWED_CIDRS": "127.0.0.0/8"}

POLICY = """
from escalations.models import Policy
from notifications.models import Category, Engine, Template
policy = Policy.objects.create(name="{engine}", engine=Engine.objects.get(slug="{engine}"), time="wall")
manner = dict(template=Template.objects.get(slug="task-late"), category=Category.objects.get(slug="approvals"))
policy.steps.create(time="wall", target="manager", **manner)
print(policy)
"""


class Installation:
    """Running processes; nothing of them runs in the tests' own process."""

    def __init__(self) -> None:
        self.house = House()
        self.port = free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        self.demo_url = f"http://127.0.0.1:{self.port + 1}"
        self._numbers = count(7001)

    def start(self, *, demo: bool = True, **environment: str) -> None:
        """With the demo's engine and people, or without."""
        self.house.migrate()
        words = ["--demo"] if demo else []
        self.up: Command = self.house.start("up", *words, "--port", str(self.port), **environment)
        self.up.says("wfpush is ready", within=120)
        self.passwords = dict(re.findall(r"sign in as (\w+)\s+(\S+)", self.up.said))
        self.key = self.engine("shop")
        self.account("dave", "Dave")

    def _manage(self, *words: str) -> str:
        """Run a command; returns the last line it says."""
        return self.house.clerk(**ENGINES_ARE_HERE).run(*words).strip().splitlines()[-1]

    def engine(self, slug: str, *, callback_url: str = "") -> str:
        """One more engine; returns its key. Its callback address may be on this machine, as the demo's is."""
        more = ["--callback-url", callback_url] if callback_url else []
        made = self._manage("create_engine", slug, *more)
        key: str = json.loads(made)["api_key"]
        return key

    def engine_with_policy(self, slug: str, *, callback_url: str = "") -> str:
        """One more, by whose SLA policy the manager of whoever has not answered is told when a task is due."""
        key = self.engine(slug, callback_url=callback_url)
        self.set_up(POLICY.format(engine=slug))
        return key

    def set_up(self, script: str) -> None:
        """What the desk would set up; the script prints something at its end."""
        self._manage("shell", "-c", script)

    # --- the demo's processes -----------------------------------------------------------------------
    def start_process(self, sample: str, **data: Any) -> Json:
        """Start an invoice's process; returns the instance."""
        return self._ask(
            "POST", f"{self.demo_url}/api/instances", {"process": "invoice_approval", "sample": sample, "data": data}
        )

    def instance(self, instance_id: str) -> Json:
        return self._ask("GET", f"{self.demo_url}/api/instances/{instance_id}")

    # --- an engine of the tests' own, which takes no answers: all that Dave hears of -----------------
    def send(self, type: str, data: Json, *, key: str = "") -> Json:
        """An event; returns what the API says of it."""
        return self._ask("POST", f"{self.url}/api/v1/events", self._event(type, data), self._as(key or self.key))

    def send_together(self, type: str, many: list[Json]) -> Json:
        """Events of one type, in one request."""
        kind = {"Content-Type": "application/cloudevents-batch+json"}
        batch = [self._event(type, data) for data in many]
        return self._ask("POST", f"{self.url}/api/v1/events", batch, {**self._as(self.key), **kind})

    def _event(self, type: str, data: Json) -> Json:
        return {
            "specversion": "1.0",
            "id": f"shop-{next(self._numbers)}",
            "source": "shop",
            "type": type,
            "data": data,
        }

    def assign(self, name: str, *, to: str = "dave", key: str = "", **task: Any) -> str:
        """A task of that name arrives; returns its id."""
        task_id = f"S-{next(self._numbers)}"
        said = {"id": task_id, "name": name, "assignee": to, "kind": "approval", **task}
        self.send("task.assigned", {"task": said}, key=key)
        return task_id

    def hears(self, who: str) -> None:
        """Return when an external person of the tests' engine has something in their inbox."""
        address = f"{self.url}/api/v1/notifications?state=all&limit=1"

        def is_there() -> bool:
            return bool(self._ask("GET", address, headers=self._as(self._token(who)))["items"])

        eventually(is_there, f"{who} has heard of something")

    def link_for(self, who: str) -> str:
        """A sign-in link."""
        made = self._ask("POST", f"{self.url}/api/v1/recipients/{who}/links", {"next": "/"}, self._as(self.key))
        return str(made["url"])

    def waits_for(self, who: str, title: str) -> None:
        """Return when it is in the person's inbox: a page that is loaded from then on has it from the server."""

        def is_there() -> bool:
            return any(item["title"] == title for item in self._waiting(who))

        eventually(is_there, f"{title} is in the inbox of {who}")

    # --- people, by programs of theirs ----------------------------------------------------------------
    def person(self, ref: str, **said: Any) -> None:
        self._ask("PUT", f"{self.url}/api/v1/recipients/{ref}", said, self._as(self.key))

    def goes(self, who: str, *, delegate: str) -> None:
        """The person is away for a day, and the delegate stands in."""
        now = datetime.now(UTC)
        times = {"from": now.isoformat(), "to": (now + timedelta(days=1)).isoformat()}
        self._ask("PUT", f"{self.url}/api/v1/absence", {**times, "delegate": delegate}, self._as(self._token(who)))

    def account(self, ref: str, name: str) -> None:
        """A person who signs in with a password."""
        self.passwords[ref] = "a long walk by the sea"
        self._manage("create_person", ref, "--name", name, "--password", self.passwords[ref])

    def _waiting(self, who: str) -> list[Json]:
        address = f"{self.url}/api/v1/notifications?state=open&limit=200"
        items: list[Json] = self._ask("GET", address, headers=self._as(self._token(who)))["items"]
        return items

    def answer(self, who: str, title: str, action: str, **said: str) -> None:
        """The person answers what waits for them under that title."""
        token = self._token(who)
        (item,) = (each for each in self._waiting(who) if each["title"] == title)
        path = f"/api/v1/notifications/{item['id']}/responses"
        self._ask("POST", self.url + path, {"action": action, **said}, self._as(token))

    def remove_devices(self, who: str) -> None:
        """The person removes all their devices, from another one."""
        token = self._as(self._token(who))
        for device in self._ask("GET", f"{self.url}/api/v1/subscriptions", headers=token)["items"]:
            self._ask("DELETE", f"{self.url}/api/v1/subscriptions/{device['id']}", headers=token)

    def _token(self, who: str) -> str:
        made = self._ask("POST", f"{self.url}/api/v1/recipients/{who}/tokens", {}, self._as(self.key))
        return str(made["token"])

    def _as(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    def _ask(
        self, method: str, url: str, body: Json | list[Json] | None = None, headers: dict[str, str] | None = None
    ) -> Json:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json", **(headers or {})}
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=60) as response:
            answer: Json = json.loads(response.read() or b"{}")
        return answer
