"""Engines as services: engines that take answers, and engines that are polled for their tasks."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from notifications.engines import callback, callback_claims, poll
from notifications.engines.calls import WHILE_DOWN
from notifications.models import Callback, Engine
from wfpush.observability.services import Kind
from wfpush.queue import outbox

TRIED = Q(attempts__gt=0) & (Q(last_status=None) | ~Q(last_status__in=(429, 503)))
"""Answers that may be tried sooner than planned. With 429 and 503 an engine may say when to call again."""

REACHABLE = Q(engine__active=True, engine__callback_disabled_at=None) & ~Q(engine__callback_url="")
"""Answers of engines that are in use, and have an address that still takes answers."""

LONGEST_PAUSE = WHILE_DOWN.most * (1 + WHILE_DOWN.jitter)
"""The longest usual pause between tries of an engine that is down."""


def _waiting_answers() -> QuerySet[Callback]:
    """Return the first waiting answer of each task: the next one follows when the first has ended."""
    before = Callback.objects.filter(task=OuterRef("task"), ended_at=None, position__lt=OuterRef("position"))
    return Callback.objects.filter(REACHABLE, ~Exists(before), due_at__isnull=False)


def _answers_go_on(slug: str, now: datetime) -> None:
    """Send failed answers at once, unless the engine has asked for more than a usual pause. The time at which they are
    given up stays the same."""
    asked_to_wait = Q(last_status=429) | Q(last_status=503, due_at__gt=now + LONGEST_PAUSE)
    waiting = Callback.objects.filter(
        engine__slug=slug, attempts__gt=0, ended_at=None, due_at__gt=now, lease_token=None
    )
    waiting = waiting.exclude(Q(last_status__isnull=False) & asked_to_wait)
    outbox.bring_forward(Callback.objects.filter(pk__in=waiting.values("pk")), now)
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
