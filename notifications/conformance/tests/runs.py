"""Runs the kit against an engine on loopback."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from notifications.conformance import kit
from notifications.conformance.contract import Options
from notifications.conformance.receiver import Receiver
from notifications.conformance.report import Report
from notifications.conformance.sandbox import INSTANCES, PROCESSES
from notifications.conformance.tests.engines import LIMITED, LIMITED_SECRET, SERVERS, Accounts, Runs, Twist
from notifications.connectors.access import Access
from tests.engines.guards import SECRET, SERVICE, Tokens
from tests.support.engines import LOOPBACK
from wfpush.net.http import Outbound

KEY = "wfpush-conformance-0a1b2c3d"
API_KEY = "wfp_0123456789abcdef"


@dataclass
class Run:
    """A finished run, with the engine that it met."""

    engine: Runs
    report: Report
    printed: list[str] = field(default_factory=list)

    def keys(self, verdict: str) -> set[str]:
        return keys(self.report, verdict)


async def run_kit(
    kind: str,
    twist: Twist | None = None,
    *,
    before: Callable[[Runs], None] | None = None,
    tokens: Tokens | None = None,
    paths: Mapping[str, str] = {},
) -> Run:
    """`tokens`: the server that programs sign in at. `paths`: those that differ."""
    engine = SERVERS[kind](tokens or Accounts())
    await engine.start()
    if before is not None:
        before(engine)
    engine.twist = twist
    run = Run(engine, Report(kind, engine.base, KEY, datetime.now(UTC)))
    access = Access(engine.base, "basic", SERVICE, SECRET)
    if tokens is not None:
        access = replace(access, auth="oauth2", token_url=tokens.url, audience="zeebe-api")
    options = Options(
        0.1,
        ("wfpush-kit-1", "wfpush-kit-2"),
        by_hand=5,
        paths=dict(paths),
        limited=None if tokens else replace(access, name=LIMITED, secret=LIMITED_SECRET),
    )

    def say(line: str) -> None:
        run.printed.append(line)
        if "instances with the variables" in line:
            model_by_hand(engine, line)

    try:
        await kit.check_rest(access, options, run.report, Outbound(LOOPBACK), say)
    finally:
        await engine.stop()
    return run


def model_by_hand(engine: Runs, steps: str) -> None:
    """Do what the printed steps say, with the model of Flowable."""
    (key,) = re.findall(r"the key and the name (\S+)\.", steps)
    engine.book.deploy((PROCESSES / "flowable.bpmn").read_text("utf-8").replace("KEY", key))
    due = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="milliseconds")
    values = {"kit_due": due, "kit_amount": 1234.56, "kit_text": "Grüße"}
    for _ in range(INSTANCES):
        engine.book.start(key, values, {name: {"name": name, "value": value} for name, value in values.items()})


async def run_webhook_kit(
    callback_url: str,
    secret: str,
    begin: Callable[[str], Coroutine[Any, Any, None]],
    *,
    port: int = 0,
    patience: float,
    by_hand: float,
) -> Report:
    """`begin` starts the processes, given the address for events, while the kit waits for them."""
    report, begun = Report("webhook", callback_url, KEY, datetime.now(UTC)), list[asyncio.Task[None]]()

    def say(line: str) -> None:
        if found := re.search(r"its events to (\S+),", line):
            begun.append(asyncio.create_task(begin(found[1])))

    options, receiver = Options(patience, ("kit-1", "kit-2"), by_hand=by_hand), Receiver(API_KEY, secret, KEY)
    await kit.check_webhook(receiver, ("127.0.0.1", port), options, report, Outbound(LOOPBACK), say)
    await asyncio.gather(*begun, return_exceptions=True)
    return report


def keys(report: Report, verdict: str) -> set[str]:
    return {finding.key for finding in report.findings if finding.verdict == verdict}
