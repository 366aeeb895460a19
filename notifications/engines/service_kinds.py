"""Engines as services: those that take answers, and those that are asked for their tasks."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from notifications.engines import callback, callback_claims, poll, requeue
from notifications.models import Callback, Engine, Poll
from wfpush.observability.services import Kind
from wfpush.queue import outbox


def _of(slug: str) -> Q:
    return Q(engine__slug=slug)


def _waiting_answers() -> QuerySet[Callback]:
    """The first of each task: the next one follows when it has ended."""
    before = Callback.objects.filter(task=OuterRef("task"), ended_at=None, position__lt=OuterRef("position"))
    reachable = Callback.objects.filter(engine__active=True, engine__callback_disabled_at=None)
    return reachable.exclude(engine__callback_url="").filter(~Exists(before), due_at__isnull=False)


def _answers_go_on(slug: str, now: datetime) -> None:
    for engine in Engine.objects.filter(slug=slug):
        requeue.hurry_callbacks(engine, now)


def _that_take_answers() -> Iterable[str]:
    engines = Engine.objects.filter(active=True, callback_disabled_at=None).exclude(callback_url="")
    return engines.values_list("slug", flat=True)


def _poll_again(slug: str, now: datetime) -> None:
    outbox.bring_forward(poll.due_polls().filter(_of(slug), due_at__isnull=False), now)
    outbox.wake_on_commit(poll.SOURCE_NAME)


def _waiting_polls() -> QuerySet[Poll]:
    return poll.due_polls().filter(due_at__isnull=False)


def _that_are_polled() -> Iterable[str]:
    return poll.due_polls().values_list("engine__slug", flat=True)


def kinds() -> Sequence[Kind]:
    return (
        Kind(
            callback_claims.KIND,
            _("Engine"),
            callback.SOURCE_NAME,
            _waiting_answers,
            _of,
            _answers_go_on,
            _that_take_answers,
        ),
        Kind(
            poll.KIND,
            _("Task list of engine"),
            poll.SOURCE_NAME,
            _waiting_polls,
            _of,
            _poll_again,
            _that_are_polled,
        ),
    )
