"""Checks before an answer is recorded. Each raises the failure that says why it is refused."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from notifications.answers.submission import MAX_COMMENT, MAX_VARIABLES, Answer
from notifications.attachments.linking import are_same
from notifications.attachments.representation import said_with
from notifications.conversation import participants
from notifications.errors import (
    AlreadyAnswered,
    AlreadyHandled,
    Changed,
    CommentRequired,
    Expired,
    IdempotencyKeyReused,
    Invalid,
    InvalidAnswer,
    NotAllowed,
    Withdrawn,
)
from notifications.forms.recorded_values import given_of
from notifications.models import (
    CLOSED,
    Attachment,
    IdempotencyKey,
    Notification,
    NotificationState,
    Recipient,
    Response,
    Task,
    TaskState,
)
from notifications.routing.entitlement import Entitlements
from notifications.types import Action, Json
from notifications.wording.plaintext import clean


def by_key(keys: Iterable[IdempotencyKey], copy: Notification, answer: Answer) -> Response | None:
    """Return the answer that came with this key before. Raises IdempotencyKeyReused."""
    identity = (copy.pk, copy.recipient_id, answer.idempotency_key)
    for row in keys:
        if (row.notification_id, row.recipient_id, row.key) == identity:
            if row.fingerprint != answer.fingerprint:
                detail = "This Idempotency-Key came with another answer. Use a new key for a new answer."
                raise IdempotencyKeyReused(detail)
            return row.response
    return None


def same(earlier: Iterable[Response], copy: Notification, answer: Answer) -> Response | None:
    """Return an earlier answer of the same person to the task with the same content, whatever its key, token or device.
    An answer that does not decide may be repeated once the content of the person's copy has changed."""
    content = (copy.recipient_id, answer.action, answer.variables, answer.values)
    for response in earlier:
        values = given_of(response.values)
        earlier_content = (response.recipient_id, response.action, response.variables, values)
        if not response.counts or earlier_content != content or not _is_about_the_same(response, copy):
            continue
        if _asks_the_same(response, answer) and _says_the_same(response, answer):
            return response
    return None


def _is_about_the_same(response: Response, copy: Notification) -> bool:
    return response.effect == "final" or response.revision == copy.revision


def _asks_the_same(response: Response, answer: Answer) -> bool:
    """Return whether a question goes to the same person. A question that names nobody matches any person."""
    return not answer.to or (response.asked is not None and response.asked.ref == answer.to)


def _says_the_same(response: Response, answer: Answer) -> bool:
    """Return whether the comment is the same, and the files of a question are."""
    if response.effect != "request_info" or (_has_words(answer) and answer.comment != response.comment):
        return response.comment == answer.comment
    sent = list(Attachment.objects.filter(message=response.pk))
    return response.comment == text_of(answer, sent) and are_same(sent, answer.files)


def text_of(answer: Answer, files: Sequence[Attachment]) -> str:
    """Return the comment as it is recorded: the files' names for a question that has only files."""
    return answer.comment if _has_words(answer) or not files else said_with("", files)


def _has_words(answer: Answer) -> bool:
    return bool(clean(answer.comment).strip())


def whom(action: Action, task: Task, copy: Notification, answer: Answer) -> Recipient | None:
    """Return the person to ask. None for other answers, and if there is nobody to ask. Raises Invalid."""
    if action.effect != "request_info":
        return None
    candidates = [candidate.person for candidate in participants.askable(task, copy.recipient)]
    if answer.to:
        matches = [person for person in candidates if person.ref == answer.to]
        if not matches:
            detail = "Ask somebody who has this task, has had it, began it, or has a part in its case."
            raise Invalid(detail, [{"pointer": "/to", "detail": detail}])
        return matches[0]
    return next(iter(candidates), None)


def refuse_if_over(task: Task, copy: Notification, now: datetime) -> None:
    """Raises AlreadyHandled, AlreadyAnswered, Expired, Withdrawn."""
    if task.state in CLOSED:
        raise AlreadyHandled("The engine has closed this task already. Nothing was sent.", **_outcome_members(task))
    if task.state == TaskState.ANSWERED:
        outcome = task.outcome or {}
        raise AlreadyAnswered(
            f"{outcome.get('by', {}).get('name', 'Somebody')} answered this already. Nothing was sent.",
            **_outcome_members(task),
        )
    if task.state == TaskState.EXPIRED or (task.expires_at is not None and task.expires_at <= now):
        raise Expired("This task expired before it was answered. Nothing was sent.")
    if copy.state == NotificationState.WITHDRAWN:
        raise Withdrawn(f"This is no longer yours to answer: {copy.reason}.")


def refuse_if_ended(copy: Notification, entitlements: Entitlements) -> None:
    """Raise Withdrawn when the reason for the person's copy has ended, although the copy is open until that is
    noticed (notifications/routing/entitlement_review.py)."""
    reason = entitlements.ended(copy)
    if reason:
        raise Withdrawn(f"This is no longer yours to answer: {reason}.")


def refuse_if_changed(copy: Notification, answer: Answer) -> None:
    """Raise Changed unless the person was shown the present content. An answer without a revision counts as long as the
    item shows its first content."""
    known_unchanged = copy.revised_at is None if not answer.revision else answer.revision == copy.revision
    if not known_unchanged:
        detail = "What you decide about has changed. Nothing was sent: look at it as it is now, and answer again."
        raise Changed(detail, shown=answer.revision)


def _outcome_members(task: Task) -> Json:
    outcome = task.outcome or {}
    return {"answered_by": outcome.get("by"), "answered_at": outcome.get("at"), "action": outcome.get("action")}


def offered(copy: Notification, answer: Answer) -> Action:
    """Return the offered action that the answer names. Raises NotAllowed."""
    actions = {action["action"]: action for action in copy.actions}
    names = [name for name in actions if answer.offered is None or name in answer.offered]
    if answer.action not in names:
        raise NotAllowed(f"“{answer.action}” is not offered here. Choose one of: {', '.join(names) or 'nothing'}.")
    return Action.from_json(actions[answer.action])


def check_words(action: Action, answer: Answer) -> None:
    """Raises InvalidAnswer, CommentRequired."""
    if len(answer.comment) > MAX_COMMENT:
        raise InvalidAnswer(f"The comment is longer than {MAX_COMMENT:,} characters. Shorten it.")
    if answer.variables and len(json.dumps(answer.variables)) > MAX_VARIABLES:
        raise InvalidAnswer(f"The variables are larger than {MAX_VARIABLES // 1024} KiB. Send a reference instead.")
    asks_by_files = action.effect == "request_info" and answer.files
    if action.comment == "required" and not _has_words(answer) and not asks_by_files:
        raise CommentRequired(f"“{action.title}” needs a comment. Write why.")
