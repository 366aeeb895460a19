"""What happens to web and to the processes of the only worker."""

import signal
from collections.abc import Callable
from contextlib import suppress

import psutil

from tests.soak.fault_table.faults import Fault
from tests.soak.fault_table.stage import Stage
from tests.soak.fault_table.statements import NO_ANSWER
from tests.support.processes import Command
from tests.support.waiting import eventually

WORKER = r"\bworker\b|heartbeat|oldest_due"
FROZEN_BOUND = 30.0
"""Until one that hangs is replaced, and its successor runs."""


def of_web(stage: Stage) -> list[Fault]:
    def kill() -> None:
        _end(stage.web, signal.SIGKILL)
        eventually(lambda: not stage.house.named("web"), "web is gone")

    frozen: list[psutil.Process] = []

    def freeze() -> None:
        frozen[:] = stage.web.family()
        for process in frozen:
            process.suspend()

    def resume() -> None:
        for process in frozen:
            process.resume()

    places = ("readyz", "metrics", "overview")
    return [
        Fault("web killed", kill, NO_ANSWER, stage.start_web, places),
        Fault("web frozen", freeze, NO_ANSWER, resume, ("readyz", "metrics")),
    ]


def of_worker(stage: Stage) -> list[Fault]:
    def stop() -> None:
        _end(stage.worker, signal.SIGTERM)

    def kill() -> None:
        _end(stage.worker, signal.SIGKILL)

    def runner() -> psutil.Process:
        return stage.runners()[0]

    return [
        Fault("worker stopped", stop, WORKER, stage.start_worker, bound=20),
        Fault("worker killed", kill, WORKER, stage.start_worker, bound=20),
        _mending("main process of the cluster killed", stage.cluster, psutil.Process.kill, stage.cluster, 15),
        _mending("dispatcher killed", stage.dispatcher, psutil.Process.kill, stage.dispatcher, 15),
        _mending("dispatcher frozen", stage.dispatcher, psutil.Process.suspend, stage.dispatcher, FROZEN_BOUND),
        _mending("runner of the cluster frozen", runner, psutil.Process.suspend, runner, FROZEN_BOUND),
    ]


def _mending(
    name: str,
    victim: Callable[[], psutil.Process],
    hurt: Callable[[psutil.Process], None],
    successor: Callable[[], psutil.Process],
    bound: float,
) -> Fault:
    """One whose process the worker replaces."""
    victims: list[psutil.Process] = []

    def begin() -> None:
        victims[:] = [victim()]
        hurt(victims[0])

    def is_mended() -> bool:
        with suppress(psutil.NoSuchProcess):
            return not _lives(victims[0]) and _lives(successor())
        return False

    def end() -> None:
        with suppress(psutil.NoSuchProcess):
            victims[0].resume()

    return Fault(name, begin, WORKER, end, (), bound=bound, is_mended=is_mended)


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _end(command: Command, number: signal.Signals) -> None:
    command.signal(number)
    command.ends()
