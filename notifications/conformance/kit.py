"""Runs the lines against an engine, and always cleans up."""

import asyncio
import signal
from collections.abc import Coroutine, Sequence
from typing import Any

from notifications.conformance import answering, callbacks, people, reading
from notifications.conformance.callbacks import TASKS, WebhookTrial
from notifications.conformance.contract import Finding, Line, Lines, Options, Subject, examine
from notifications.conformance.receiver import Receiver
from notifications.conformance.report import Report, table_lines
from notifications.conformance.sandbox import SANDBOXES, Refused, Say
from notifications.conformance.trial import Trial
from notifications.connectors import reader_for
from notifications.connectors.access import Access, EngineClient
from notifications.connectors.api import Failed
from wfpush.net.http import Outbound

REST_LINES: Lines[Trial] = Lines([*reading.LINES, *people.LINES, *answering.LINES])
BEFORE_PROCESS = 2
"""How many lines are checked before the process is deployed."""


async def check_rest(access: Access, options: Options, report: Report, door: Outbound, say: Say) -> None:
    """Check an engine with a REST interface, and fill in the report. It cleans up when it is cancelled, too."""
    connector = reader_for(report.kind)
    assert connector is not None
    async with EngineClient(door) as line:
        sandbox = SANDBOXES[report.kind](line, access, connector, report.key, options, say)
        trial = Trial(sandbox, options)
        try:
            await _check(REST_LINES[:BEFORE_PROCESS], trial, report, say)
            if report.is_good:
                await sandbox.begin()
                await _check(REST_LINES[BEFORE_PROCESS:], trial, report, say)
        except (Refused, Failed) as error:
            report.aborted = f"The kit cannot start its process. {error}"
        finally:
            _note_untried(report, REST_LINES)
            report.left = await sandbox.clean_up()
            accounts = filter(None, (access, options.limited))
            report.secrets = tuple(secret for account in accounts for secret in line.secrets(account))


async def check_webhook(
    receiver: Receiver, listen: tuple[str, int], options: Options, report: Report, door: Outbound, say: Say
) -> None:
    """Check an engine with webhooks, and fill in the report."""
    report.secrets = (receiver.key, receiver.secret)
    async with EngineClient(door) as line, receiver.listening(*listen) as address:
        say(f"Let the engine send its events to {address}/api/v1/events, and start {TASKS} processes with")
        say(f"{receiver.mark} in the name of the task or the case. The kit leaves all other tasks alone.\n")
        try:
            await _check(callbacks.LINES, WebhookTrial(receiver, line, report.address, options), report, say)
        finally:
            _note_untried(report, callbacks.LINES)
            if receiver.events:
                report.left.append(f"Processes with {receiver.mark} may still run. End them in the engine.")
            if receiver.others:
                report.left.append(f"{receiver.others} events of other tasks were told to come later.")


async def _check(lines: Sequence[Line[Subject]], subject: Subject, report: Report, say: Say) -> None:
    for line in lines:
        finding = await examine(line, subject)
        report.findings.append(finding)
        for text in table_lines(finding):
            say(text)


def _note_untried(report: Report, lines: Sequence[Line[Subject]]) -> None:
    """Add the lines that the run did not get to."""
    untried = lines[len(report.findings) :]
    report.findings += [Finding(line.key, line.title, "not tried", "The kit ended before.") for line in untried]


def finish(work: Coroutine[Any, Any, None]) -> bool:
    """Run the work to its end. Return whether Ctrl-C or SIGTERM stopped it; then it has cleaned up, too.

    SIGTERM stops it also where a shell has started it in the background, with SIGINT ignored.
    """
    try:
        asyncio.run(_stopped_by_sigterm(work))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return True
    return False


async def _stopped_by_sigterm(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await work
