"""Final answers given in the inbox are held for some seconds before the engine is told. Until then their person may
take them back.

Answers from lock screens and e-mails, and by programs, are told at once: nobody looks at a page that offers more.
"""

from datetime import datetime

from django.db import transaction

from notifications.engines import callback_results
from notifications.errors import TooLate
from notifications.models import Callback, CallbackState, Notification, Response, Task
from wfpush.queue import outbox


def take_back(copy: Notification, now: datetime) -> None:
    """Take back the person's final answer to the task of their copy: it waits for an answer again, everybody's too.

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
    """End the callback, if nobody has begun to send it."""
    held = Callback.objects.filter(
        outbox.not_leased(now), pk=response.pk, state=CallbackState.WAITING, attempts=0, due_at__gt=now
    )
    return bool(outbox.finish_all(held, state=CallbackState.TAKEN_BACK, ended_at=now))
