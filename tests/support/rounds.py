"""Two people who answer in the same millisecond, again and again."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

from django.db import connection
from django.utils import timezone

from notifications import errors
from notifications.answers.respond import respond
from notifications.answers.submission import Answer
from notifications.models import Notification


class TwoPeople:
    """Each in a thread, and on a database connection, of their own."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads
        self._gate = Barrier(2)

    def press(self, copies: Mapping[str, Notification]) -> tuple[str, str]:
        """Bob approves and Carol rejects, at once. Returns who won, and who the other was told had won."""
        actions = {"bob": "approve", "carol": "reject"}
        said = {ref: self._threads.submit(self._answer, copies[ref], action) for ref, action in actions.items()}
        told = {ref: future.result(20) for ref, future in said.items()}
        (winner,) = [ref for ref, by in told.items() if not by]
        loser = "carol" if winner == "bob" else "bob"
        return winner, told[loser]

    def _answer(self, copy: Notification, action: str) -> str:
        """Who was faster; empty for nobody."""
        self._gate.wait(10)
        try:
            respond(copy, Answer(action, "because"), now=timezone.now())
        except errors.AlreadyAnswered as lost:
            by: str = lost.extra["answered_by"]["ref"]
            return by
        return ""

    def leave(self) -> None:
        for left in [self._threads.submit(self._leave) for _ in range(2)]:
            left.result(20)

    def _leave(self) -> None:
        self._gate.wait(10)
        connection.close()


@contextmanager
def two_people() -> Iterator[TwoPeople]:
    with ThreadPoolExecutor(2) as threads:
        two = TwoPeople(threads)
        try:
            yield two
        finally:
            two.leave()
