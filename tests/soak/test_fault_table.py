"""The table of faults: whatever fails, the installation says so, goes on soon, and loses and doubles nothing.

Each row is a fault under a light load. It lasts until `/readyz`, `/metrics`, the overview and `manage.py doctor` have
named what fails, at most a minute. Then it ends, and the time is taken until an event and an answer from after its end
have arrived. WFPUSH_FAULTS is a pattern of rows to do alone, WFPUSH_FAULT_TABLE a file for the table.
"""

import os
import re
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.soak.fault_table.faults import Fault
from tests.soak.fault_table.process_faults import of_web, of_worker
from tests.soak.fault_table.server_faults import of_postgres, of_redis
from tests.soak.fault_table.service_faults import burst, of_engine, of_mail_server
from tests.soak.fault_table.stage import Stage, staged
from tests.soak.fault_table.statements import Speaker, listening
from tests.soak.fault_table.table import Row, markdown
from tests.soak.proof import proved
from tests.support.waiting import eventually

pytestmark = [pytest.mark.processes, pytest.mark.long]

WANTED = os.environ.get("WFPUSH_FAULTS", "")
FILE = os.environ.get("WFPUSH_FAULT_TABLE", "")
PATIENCE = 120.0
LOOK_SECONDS = 0.1


def test_every_fault_is_said_and_nothing_is_lost_or_doubled() -> None:
    with staged() as stage:
        makers = (of_postgres, of_redis, of_web, of_worker, of_engine, of_mail_server)
        faults = [*(fault for make in makers for fault in make(stage)), burst(stage)]
        speakers = stage.speakers()
        rows: list[Row] = []
        with stage.load.running():
            eventually(stage.is_quiet, "all is well", within=PATIENCE)
            for fault in faults:
                if re.search(WANTED, fault.name):
                    rows.append(happen(stage, fault, speakers))
                    write(rows)
        count(stage, rows)
    write(rows)
    proved("faults, and what was said of each:\n" + markdown(rows))
    assert stage.load.errors == []
    assert {row.fault.name: row.failures() for row in rows if row.failures()} == {}


def write(rows: list[Row]) -> None:
    """As far as it is: what is lost and doubled is counted last."""
    if FILE:
        Path(FILE).write_text(markdown(rows), encoding="utf-8")


def happen(stage: Stage, fault: Fault, speakers: list[Speaker]) -> Row:
    for speaker in speakers:
        speaker.note_before()
    row = Row(fault, time.monotonic())
    with listening(speakers):
        fault.begin()
        wait_until_said(fault, speakers, row.begun)
        ended = time.monotonic()
        fault.end()
    row.lasted = ended - row.begun
    row.said = said(speakers, fault.part, row.begun)
    row.recovery = recovery(stage, fault, row.begun, ended)
    row.is_quiet = came_true(stage, fault.quiet_within)
    return row


def wait_until_said(fault: Fault, speakers: list[Speaker], begun: float) -> None:
    """Where it is to be said, or is mended; not shorter than the fault's shortest time, nor longer than its longest."""
    here = [speaker for speaker in speakers if speaker.name in fault.places]
    while (lasts := time.monotonic() - begun) < fault.longest:
        is_over = all(speaker.naming(fault.part) for speaker in here) and (not fault.is_mended or fault.is_mended())
        if is_over and lasts >= fault.shortest:
            return
        threading.Event().wait(LOOK_SECONDS)


def said(speakers: list[Speaker], part: str, begun: float) -> dict[str, str]:
    found = {speaker.name: speaker.naming(part) for speaker in speakers}
    moments = {speaker.name: speaker.lines for speaker in speakers}
    return {name: f"{moments[name][line] - begun:.0f} s: {line}" for name, line in found.items() if line}


def recovery(stage: Stage, fault: Fault, begun: float, ended: float) -> float | None:
    """Seconds from the end until an event and an answer from after it, and what the row concerns, have arrived. Of a
    fault that was mended meanwhile, the longest time that an event or an answer of that time took."""
    limit = time.monotonic() + fault.bound + PATIENCE
    while time.monotonic() < limit:
        if fault.is_mended:
            took = stage.load.longest_wait(begun, ended)
        else:
            moment = stage.load.arrival(ended, mail=fault.concerns_mail)
            took = None if moment is None else moment - ended
        if took is not None:
            return took
        threading.Event().wait(LOOK_SECONDS)
    return None


def came_true(stage: Stage, within: float) -> bool:
    """Whether `/readyz` became quiet in time."""
    try:
        return eventually(stage.is_quiet, "it is quiet", within=within, every=1)
    except AssertionError:
        return False


def count(stage: Stage, rows: list[Row]) -> None:
    """Give each row the tasks that were sent in its time and are lost or doubled. Those of a burst are the burst's."""
    load = stage.load
    with suppress(AssertionError):  # the table says what has not
        eventually(lambda: not (lost(stage) or missing_mails(stage, rows)), "all has arrived", within=PATIENCE, every=2)
    by_time = sorted(rows, key=lambda row: row.begun)
    for names, attribute in (
        (lost(stage) | missing_mails(stage, rows), "lost"),
        (doubled(stage), "doubled"),
    ):
        for task in sorted(names):
            earlier = [row for row in by_time if row.begun <= load.sent.get(task, by_time[-1].begun)]
            getattr((earlier or by_time)[-1 if earlier else 0], attribute).append(task)


def lost(stage: Stage) -> set[str]:
    """Accepted events without their task in the inbox, and answers that the engine was never told."""
    load, inbox = stage.load, stage.times_in_the_inbox()
    untold = {task for task in load.responses if task not in stage.receiver.told}
    return ({*load.accepted} | stage.flooded) - inbox.keys() | untold


def doubled(stage: Stage) -> set[str]:
    """In the inbox more than once, an answer told under two ids, a mail sent as two."""
    twice = {task for task, times in stage.times_in_the_inbox().items() if times > 1}
    told = {task for task, ids in stage.receiver.told.items() if len(ids) > 1}
    return twice | told | {task for task, ids in stage.mail.arrived.items() if len(ids) > 1}


def missing_mails(stage: Stage, rows: list[Row]) -> set[str]:
    """Mails that have not arrived, except those that the mail server has refused for good."""
    spans = [(row.begun, row.begun + row.lasted) for row in rows if row.fault.gives_up_mail]
    sent = {task: at for task, at in stage.load.sent.items() if task.startswith("M-")}
    refused = {task for task, at in sent.items() if any(begun - 30 <= at <= end + 5 for begun, end in spans)}
    return sent.keys() - refused - stage.mail.arrived.keys()
