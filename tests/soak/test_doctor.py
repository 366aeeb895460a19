"""The faults that operators meet most: `manage.py doctor` names each within a minute, says what to do, and blames
nothing else.

They are those of docs/troubleshooting.md and docs/operations/failures.md that stop the work of an installation: no
worker, a mail server or an engine that refuses us, no Redis, and an upgrade without `migrate`. The others are replaced
keys of push messages and a wrong clock.
"""

import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial

import pytest

from tests.soak.fault_table.server_faults import Migrations
from tests.soak.fault_table.stage import Stage, staged
from tests.soak.installation import task_assigned
from tests.soak.proof import proved
from tests.support.dates import library
from tests.support.releases import SETTINGS
from tests.support.waiting import eventually
from tests.support.webpush import Browser

pytestmark = [pytest.mark.processes, pytest.mark.long]

SECONDS = 60.0
WELL = "All is well."


@dataclass(frozen=True)
class Planted:
    """`says`: a pattern of what doctor says, and `advises` of what it tells to do. `happens`: what lets the
    installation meet the fault, again and again. `environment`: of doctor's process."""

    begin: Callable[[Stage], object]
    end: Callable[[Stage], object]
    says: str
    advises: str
    happens: Callable[[Stage], object] = lambda stage: None
    environment: dict[str, str] = field(default_factory=dict)


def kill_worker(stage: Stage) -> None:
    stage.worker.signal(signal.SIGKILL)
    stage.worker.ends()


def refuse_password(stage: Stage, reply: str) -> None:
    stage.mail.sender_reply = reply


def send_mail(stage: Stage) -> None:
    number = next(NUMBERS)
    person = f"mail-{number % 10}"
    event = task_assigned(number, assignee=person)
    assert stage.engine.insist("POST", "/api/v1/events", event)[0] == 202


def answer(stage: Stage) -> None:
    """Bob approves a task, and the engine is told."""
    number = next(NUMBERS)
    assert stage.engine.insist("POST", "/api/v1/events", task_assigned(number))[0] == 202
    title = f"Approve invoice {number}"

    def item() -> str | None:
        items = stage.bob.insist("GET", "/api/v1/notifications?limit=200")[1]["items"]
        return next((str(each["id"]) for each in items if each["title"] == title), None)

    path = f"/api/v1/notifications/{eventually(item, 'Bob has the task')}/responses"
    assert stage.bob.insist("POST", path, {"action": "approve"})[0] in (200, 201)


@cache
def migrations_of(url: str) -> Migrations:
    return Migrations(url)


def subscribe(stage: Stage) -> None:
    endpoint = "https://updates.push.services.mozilla.com/wpush/v2/bobs-phone"
    phone = Browser().address(endpoint)
    keys = {"p256dh": phone.p256dh, "auth": phone.auth}
    subscription = {"endpoint": endpoint, "expirationTime": None, "keys": keys}
    assert (
        stage.bob.insist("POST", "/api/v1/subscriptions", {"channel": "webpush", "subscription": subscription})[0] < 300
    )


def numbers() -> Iterator[int]:
    number = 100
    while True:
        yield (number := number + 1)


NUMBERS = numbers()
FAULTS = {
    "no worker": Planted(
        kill_worker, Stage.start_worker, r"^worker was killed or has crashed", "start `manage.py worker`"
    ),
    "the mail server refuses": Planted(
        partial(refuse_password, reply="535 5.7.8 Username and password not accepted"),
        partial(refuse_password, reply="250 OK"),
        "^E-mail 127.0.0.1 has refused everything since .*535 5.7.8",
        "EMAIL_URL",
        send_mail,
    ),
    "the engine refuses our key": Planted(
        lambda stage: stage.receiver.answer(401),
        lambda stage: stage.receiver.answer(204),
        "^Invoices: It has refused every answer since .*401",
        "signing secret",
        answer,
    ),
    "no Redis": Planted(
        lambda stage: stage.servers.valkey.stop(),
        lambda stage: stage.servers.valkey.ensure_running(),
        "^redis does not answer",
        "REDIS_URL",
    ),
    "an upgrade without migrate": Planted(
        lambda stage: migrations_of(stage.servers.postgres.url).take_last(),
        lambda stage: migrations_of(stage.servers.postgres.url).put_back(),
        "^schema notifications.00.* not applied",
        "run `manage.py migrate`",
    ),
    "a replaced key of push messages": Planted(
        subscribe,
        lambda stage: stage.house.change("DELETE FROM notifications_device"),
        "^1 browsers subscribed under a key that VAPID_PRIVATE_KEY no longer has",
        "put it back after the newest one",
        environment={"VAPID_PRIVATE_KEY": SETTINGS["VAPID_PRIVATE_KEY"]},
    ),
    "a wrong clock": Planted(
        lambda stage: None,
        lambda stage: None,
        "^clock of this machine is [34][0-9][0-9] s ahead",
        "set both by NTP",
        environment={"LD_PRELOAD": str(library()), "FAKETIME": "+400", "FAKETIME_DONT_FAKE_MONOTONIC": "1"},
    ),
}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as stage:
        eventually(lambda: WELL in said(stage)[0], "all is well", within=SECONDS)
        yield stage


def said(stage: Stage, **environment: str) -> tuple[list[str], float]:
    """The faults, or that all is well; and the seconds that it took."""
    began = time.monotonic()
    run = stage.house.run("doctor", **environment)
    took = time.monotonic() - began
    head = r"(?:CommandError: )?\d+ faults?:"
    lines = run.said.splitlines()
    start = next((place for place, line in enumerate(lines) if re.fullmatch(head, line)), len(lines) - 2)
    return lines[start + 1 :], took


def is_well(stage: Stage, fault: Planted) -> bool:
    fault.happens(stage)
    return said(stage)[0] == [WELL]


@pytest.mark.parametrize("name", FAULTS)
def test_doctor_names_the_fault_and_what_to_do(stage: Stage, name: str) -> None:
    fault = FAULTS[name]
    if name == "a wrong clock" and library() is None:
        pytest.skip("libfaketime is not installed")
    fault.begin(stage)
    try:
        began, slowest = time.monotonic(), 0.0
        lines = [WELL]
        while not re.search(fault.says, lines[0]):
            assert time.monotonic() - began < SECONDS, lines
            fault.happens(stage)
            lines, took = said(stage, **fault.environment)
            slowest = max(slowest, took)
        named = time.monotonic() - began
    finally:
        fault.end(stage)
    assert len(lines) == 1, "nothing else is blamed"
    assert fault.advises in lines[0]
    eventually(lambda: is_well(stage, fault), "all is well again", within=2 * SECONDS)
    proved(f"{name}: doctor named it {named:.0f} s later, its slowest run took {slowest:.1f} s: {lines[0]}")
