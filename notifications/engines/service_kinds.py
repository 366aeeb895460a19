"""Engines as services: engines that take answers, and engines that are polled for their tasks."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from notifications.engines import callback, callback_claims, poll
from notifications.engines.calls import TRIED, retry_soon
from notifications.models import Callback, Engine
from wfpush.observability.services import Kind
from wfpush.queue import outbox

REACHABLE = Q(engine__active=True, engine__callback_disabled_at=None) & ~Q(engine__callback_url="")
"""Answers of engines that are in use, and have an address that still takes answers."""


def _waiting_answers() -> QuerySet[Callback]:
    """Return the first waiting answer of each task: the next one follows when the first has ended."""
    before = Callback.objects.filter(task=OuterRef("task"), ended_at=None, position__lt=OuterRef("position"))
    return Callback.objects.filter(REACHABLE, ~Exists(before), due_at__isnull=False)


def _answers_go_on(slug: str, now: datetime) -> None:
    retry_soon(Callback.objects.filter(engine__slug=slug), now)
    outbox.wake_on_commit(callback.SOURCE_NAME)


def _answering_engines() -> Iterable[str]:
    engines = Engine.objects.filter(active=True, callback_disabled_at=None).exclude(callback_url="")
    return engines.values_list("slug", flat=True)


def _poll_again(slug: str, now: datetime) -> None:
    outbox.bring_forward(poll.due_polls().filter(engine__slug=slug, due_at__isnull=False), now)
    outbox.wake_on_commit(poll.SOURCE_NAME)


def kinds() -> Sequence[Kind]:
    return (
        Kind(
            callback_claims.KIND,
            _("Engine"),
            callback.SOURCE_NAME,
            _waiting_answers,
            lambda slug: Q(engine__slug=slug),
            _answers_go_on,
            _answering_engines,
            may_be_tried=TRIED,
        ),
        Kind(
            poll.KIND,
            _("Task list of engine"),
            poll.SOURCE_NAME,
            lambda: poll.due_polls().filter(due_at__isnull=False),
            lambda slug: Q(engine__slug=slug),
            _poll_again,
            lambda: poll.due_polls().values_list("engine__slug", flat=True),
        ),
    )
