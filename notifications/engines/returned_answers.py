"""Final answers that do not reach their engine: their person takes them back, or the content of the task has changed.

Answers given in the inbox are held for some seconds before the engine is told; until then their person may take them
back. Answers from lock screens, e-mails and programs are told at once: no page is open that offers to undo them.

While an answer waits, an update may change the content that was answered. Then the answer goes back to its person,
unsent. This is checked before the engine is told, and when an update is kept.
"""

from collections.abc import Sequence
from copy import copy
from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import QuerySet

from notifications.cases import pending_updates, task_state
from notifications.cases.facts import facts_of_task
from notifications.engines import callback_results
from notifications.errors import TooLate
from notifications.forms.fields import form_of
from notifications.models import Callback, CallbackState, Event, Notification, Response, Task
from notifications.models.responses import may_have_arrived
from notifications.revisions.content import content_of, revision_of
from notifications.types import Json
from notifications.wording import batch_render, links
from wfpush.queue import outbox

log = structlog.get_logger(__name__)


def take_back(copy: Notification, now: datetime) -> None:
    """Take back the person's final answer to the task of their copy: all copies wait for an answer again.

    The answer stays on record, and does not count. Raises TooLate when the engine is being told, or has been, or when
    the person has given no final answer.
    """
    with transaction.atomic():
        task = Task.objects.select_for_update(no_key=True, of=("self",)).filter(notifications=copy).first()
        answers = Response.objects.filter(task=task, recipient=copy.recipient_id, effect="final", counts=True)
        response = answers.select_related("recipient").first() if task is not None else None
        if task is None or response is None or not _withdraw(response, now):
            raise TooLate("This answer cannot be taken back: the engine has been told, or there is none of yours.")
        callback_results.taken_back(task, response, now)


def _withdraw(response: Response, now: datetime) -> bool:
    """End the callback, unless a worker has begun to send it. Return whether it has ended."""
    held = Callback.objects.filter(
        outbox.not_leased(now), pk=response.pk, state=CallbackState.WAITING, attempts=0, due_at__gt=now
    )
    return bool(outbox.finish_all(held, state=CallbackState.TAKEN_BACK, ended_at=now))


# --- outdated answers -------------------------------------------------------------------------------------------------
def return_if_changed(callback: Callback, now: datetime) -> bool:
    """Give the answer of a claimed callback back if a kept update changes its content. Return whether it was given
    back."""
    if callback.response_id is None or not pending_updates.kept_events([callback.task_id]).exists():
        return False
    return _give_back(callback, outbox.held(callback), now)


def look_at(tasks: Sequence[UUID], now: datetime) -> None:
    """Give back outdated answers to these tasks, unless a worker is sending them now.

    A failure is logged: the callback is checked again before it is sent.
    """
    free = pending_updates.untold_answers(tasks).filter(outbox.not_leased(now))
    for callback in free:
        try:
            _give_back(callback, free.filter(pk=callback.pk), now)
        except Exception:  # the event that was kept is stored in any case
            log.exception("answer_cannot_be_given_back", callback_id=str(callback.pk))


@transaction.atomic
def _give_back(callback: Callback, row: QuerySet[Callback], now: datetime) -> bool:
    """Give an outdated answer back. Return whether that was done. `row` finds the callback as long as no other worker
    sends it. An answer that may have reached the engine before is sent again, whatever has changed."""
    rows = Task.objects.select_for_update(no_key=True, of=("self",)).select_related("case", "engine")
    task, response = rows.get(pk=callback.task_id), response_of(callback)
    if not _is_outdated(task, response):
        return False
    unsent = row.filter(~may_have_arrived())
    if not outbox.finish_all(unsent, state=CallbackState.RETURNED, ended_at=now):
        return False
    callback_results.given_back(task, response, now)
    return True


def response_of(callback: Callback) -> Response:
    rows = Response.objects.select_related("recipient", "notification")
    return rows.get(pk=callback.pk)


def _is_outdated(task: Task, response: Response) -> bool:
    """Return whether the kept events change the content that a final answer decides about. The task is locked."""
    if not task_state.is_answered(task) or response.effect != "final" or not response.counts:
        return False
    later = task
    for event in pending_updates.kept_events([task.pk]):
        when = task_state.effective_time(event)
        if later.last_event_time is None or when >= later.last_event_time:
            later = after(later, event)
            later.last_event_time = when
    return _revision(later, response) != _revision(task, response)


def after(task: Task, event: Event) -> Task:
    """Return a copy of the task with the event's data, as processing it leaves the task. Nothing is saved."""
    event.data, _notes = links.without_bad_links(event.data)
    later = copy(task)
    task_state.take_data(later, event)
    return later


def content_for(task: Task, response: Response) -> Json:
    """Return the task's content in the template version that the person who answered had."""
    version = response.notification.template_version_id or 0
    facts = facts_of_task(task, task.case)
    return content_of(task, form_of(task.data), batch_render.versions([version]).get(version), facts)


def _revision(task: Task, response: Response) -> str:
    return revision_of(content_for(task, response))
