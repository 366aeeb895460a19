"""Starts and watches child processes: those of `manage.py worker`, and those of `manage.py up`."""

import signal
import threading
import time
from collections.abc import Callable

import structlog

from wfpush.processes.children import Child
from wfpush.processes.lifeline import Lifeline, follow
from wfpush.processes.systemd_notify import notify_systemd

log = structlog.get_logger(__name__)

SUPERVISE_SECONDS = 0.25


class Supervisor:
    """Runs children, and threads beside them, until SIGTERM, SIGINT or the death of its parent process.

    `grace`: seconds that the children get to end in after SIGTERM, before they are killed. `restarts`: whether a child
    that ends by itself is started again; if not, the others are stopped.
    """

    def __init__(self, *, grace: float, restarts: bool) -> None:
        self.stop = threading.Event()
        """Set when everything is to end. Threads check it."""
        self.lost_a_child = False
        """True if the others were stopped because a child has ended by itself."""
        self._grace = grace
        self._restarts = restarts
        self._children: list[Child] = []
        self._threads: list[threading.Thread] = []

    def add(self, child: Child) -> None:
        self._children.append(child)

    def add_thread(self, name: str, target: Callable[[], object]) -> None:
        """Run `target` in a thread. It must return soon after `stop` is set."""
        self._threads.append(threading.Thread(target=target, name=name))

    def every(self, seconds: float, action: Callable[[], object]) -> None:
        """Call `action` until `stop` is set, with so many seconds between the calls. For use in a thread."""
        while not self.stop.is_set():
            action()
            self.stop.wait(seconds)

    def run(self) -> None:
        """Run until everything has ended. For the main thread, because this takes over the signals."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop.set())
        follow(self.stop.set)
        lifeline = Lifeline()
        for thread in self._threads:
            thread.start()
        notify_systemd("READY=1")
        try:
            self.every(SUPERVISE_SECONDS, lambda: self._supervise(time.monotonic(), lifeline))
        finally:
            notify_systemd("STOPPING=1")
            self.stop.set()
            self._stop_children()
            for thread in self._threads:
                thread.join()
            lifeline.close()

    def _supervise(self, now: float, lifeline: Lifeline) -> None:
        for child in self._children:
            if (pid := child.hanging_process()) is not None:
                log.error("process_hangs", child=child.name, pid=pid, action="the child is killed and started again")
                child.kill()
            if child.has_ended():
                code = child.collect(now)
                if not self._restarts:
                    log.error("child_ended", child=child.name, code=code)
                    self.lost_a_child = True
                    self.stop.set()
                    return
                log.error("child_ended", child=child.name, code=code, again_in=child.pause)
            if child.is_due(now):
                child.start(now, lifeline.environment)

    def _stop_children(self) -> None:
        until = time.monotonic() + self._grace
        for child in self._children:
            child.ask_to_stop()
        for child in self._children:
            child.wait_stopped(until)
