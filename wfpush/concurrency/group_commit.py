"""Group commit: one of several concurrent threads does the jobs of all.

A thread that finds no other at work does all waiting jobs, its own included, in one call. Threads that come meanwhile
wait; the first of them does the next batch. There is no thread besides the callers.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(eq=False)
class _Waiting(Generic[Job, Result]):
    job: Job
    weight: int
    result: Result | None = None
    fault: BaseException | None = None
    done: bool = False


class GroupCommit(Generic[Job, Result]):
    """Jobs of concurrent threads, done in one call. `work` does several jobs and returns their results in order. If it
    raises, each job is repeated alone, so that one job cannot fail the others. Faults of the types `hopeless` are
    raised for all jobs of the call at once."""

    def __init__(
        self,
        work: Callable[[Sequence[Job]], Sequence[Result]],
        *,
        most: int,
        hopeless: tuple[type[BaseException], ...] = (),
    ) -> None:
        self._work = work
        self._most = most
        self._hopeless = hopeless
        self._queue: list[_Waiting[Job, Result]] = []
        self._working = False
        self._changed = threading.Condition()

    def do(self, job: Job, weight: int = 1) -> Result:
        """Do the job, together with others up to the weight `most`. Raises the error of the job."""
        mine: _Waiting[Job, Result] = _Waiting(job, weight)
        with self._changed:
            self._queue.append(mine)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: mine.done or not self._working)
                if mine.done:
                    break
                self._working = True
                lot = self._take()
            try:
                self._do(lot)
            finally:
                with self._changed:
                    self._working = False
                    self._changed.notify_all()
        if mine.fault is not None:
            raise mine.fault
        return mine.result  # type: ignore[return-value]  # set with `done`; None if that is the result

    def _take(self) -> list[_Waiting[Job, Result]]:
        """Take the oldest waiting jobs: at least one, and more as long as their weight allows."""
        weight, count = 0, 0
        for waiting in self._queue:
            weight += waiting.weight
            if count and weight > self._most:
                break
            count += 1
        lot, self._queue = self._queue[:count], self._queue[count:]
        return lot

    def _do(self, lot: list[_Waiting[Job, Result]]) -> None:
        try:
            results = self._work([waiting.job for waiting in lot])
            for waiting, result in zip(lot, results, strict=True):
                waiting.result, waiting.done = result, True
        except self._hopeless as fault:
            _fail(lot, fault)
        except Exception as fault:
            if len(lot) == 1:
                _fail(lot, fault)
            for waiting in lot if len(lot) > 1 else []:
                self._do([waiting])
        finally:
            # no waiting thread may wait for ever, even if this one is interrupted
            _fail([waiting for waiting in lot if not waiting.done], InterruptedError("The work was interrupted."))


def _fail(lot: Sequence[_Waiting[Job, Result]], fault: BaseException) -> None:
    for waiting in lot:
        waiting.fault, waiting.done = fault, True
