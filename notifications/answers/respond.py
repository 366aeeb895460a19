"""Records a person's answer once, with the callback that tells the engine, and changes every copy. One final answer
wins."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from notifications.answers import batch, questions
from notifications.answers.questions import REPLY
from notifications.answers.submission import Answer, RecordedAnswer, RecordedMessage, Submission
from notifications.channel_facts import reaches_devices
from notifications.errors import Expired, NotAllowed, NotFound
from notifications.models import ActionToken, Notification, NotificationState, Recipient
from notifications.people import devices
from wfpush.crypto import digest_of


def respond(notification: Notification, answer: Answer, *, now: datetime) -> RecordedAnswer:
    """Record a person's answer on their copy.

    Raises IdempotencyKeyReused, AlreadyAnswered, AlreadyHandled, Withdrawn, Expired, Changed, NotAllowed, FourEyes,
    CommentRequired, InvalidAnswer, InvalidValues.
    """
    return batch.record(Submission(notification.recipient_id, notification.pk, answer, now))


def take(person: Recipient, notification: UUID, answer: Answer, *, now: datetime) -> RecordedAnswer | RecordedMessage:
    """Record an answer, or the reply to a question that the person was asked by a separate item. Also raises NotFound,
    if the copy is not the person's."""
    item = _question_item(answer, person.pk, notification)
    if item is not None:
        return questions.reply(item, answer, now)
    return batch.record(Submission(person.pk, notification, answer, now))


def take_with_token(
    token: str, answer: Answer, *, now: datetime, on_page: bool = False
) -> RecordedAnswer | RecordedMessage:
    """Answer with an action token: no session, one person, one task, the actions offered with it.

    A token answers the content that its message showed. `on_page`: a page that the token has opened showed the person
    the content that the answer names.

    Raises NotFound for an unknown token, Expired for one past its time or voided, and the errors of `respond`.
    """
    row, offered = _read_token(token, answer, now)
    if not on_page or not answer.revision:
        offered = replace(offered, revision=_revision_for(row, answer))
    item = _question_item(offered, row.recipient_id, row.notification_id)
    taken: RecordedAnswer | RecordedMessage
    if item is not None:
        if offered.action not in row.actions:
            raise NotAllowed(f"“{offered.action}” is not offered here.")
        taken = questions.reply(item, offered, now)
    else:
        taken = respond(row.notification, offered, now=now)
    if row.delivery.device_id is not None:
        devices.used(row.delivery.device_id, now)
    return taken


def _question_item(answer: Answer, person: int, notification: UUID) -> Notification | None:
    """Return the item with a question; None for a copy of a task, whose engine may call an answer “reply”, too."""
    if answer.action != REPLY["action"]:
        return None
    mine = Notification.objects.select_related("recipient").filter(recipient=person, task=None, pk=notification)
    return mine.first()


def _read_token(token: str, answer: Answer, now: datetime) -> tuple[ActionToken, Answer]:
    tokens = ActionToken.objects.select_related("notification", "recipient__user", "delivery")
    row = tokens.filter(digest=digest_of(token)).first()
    if row is None:
        raise NotFound("Nobody gave out this token. Open the item in the inbox instead.")
    refuse_dead_token(row, now)
    return row, replace(answer, via=row.delivery.channel, offered=tuple(row.actions), delivery=row.delivery_id)


def _revision_for(row: ActionToken, answer: Answer) -> str:
    """Return the revision that the token's message showed. If the caller names another one, return the outdated one of
    the two, so that the answer is refused."""
    disagree = bool(answer.revision) and answer.revision != row.revision
    return answer.revision if disagree and row.revision == row.notification.revision else row.revision


def refuse_dead_token(token: ActionToken, now: datetime) -> None:
    """Raise Expired when the token is no longer valid."""
    if token.voided_at is not None:
        detail = f"This link no longer works: {token.void_reason or 'it was withdrawn'}. Open the inbox instead."
        raise Expired(detail, ended=_end_reason(token))
    if token.expires_at <= now or not token.recipient.may_act:
        raise Expired("This link is past its time. Open the inbox instead.", ended="token")


def _end_reason(token: ActionToken) -> str:
    if token.notification.state == NotificationState.WITHDRAWN:
        return "withdrawn"
    on_a_device = reaches_devices(token.delivery.channel)
    return "device" if on_a_device and token.delivery.device_id is None else "token"


def refuse_from_removed_device(recipient: Recipient, device_id: UUID) -> None:
    """Refuse an answer that was kept on a device which has been removed since. Raises Expired."""
    if devices.registration_state(recipient, device_id) == "removed":
        raise Expired(
            "The device on which this answer was given has been removed. Answer in the inbox.", ended="device"
        )
