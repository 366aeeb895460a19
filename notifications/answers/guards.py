"""Checks before an answer is recorded. Each raises the failure that says why the answer is refused."""

import json
from collections.abc import Callable

from notifications.answers import four_eyes, person_variables, questions
from notifications.answers.decision import NOT_OFFERED, Decision
from notifications.answers.submission import MAX_COMMENT, MAX_VARIABLES
from notifications.errors import (
    AlreadyAnswered,
    AlreadyHandled,
    Changed,
    CommentRequired,
    Expired,
    Invalid,
    InvalidAnswer,
    NotAllowed,
    Withdrawn,
)
from notifications.forms import refusal
from notifications.models import CLOSED, NotificationState, Recipient, Task, TaskState
from notifications.types import Json


def refuse_if_over(decision: Decision) -> None:
    """Raises AlreadyHandled, AlreadyAnswered, Expired; Withdrawn, too, when the reason for the person's copy has ended,
    although the copy is open until that is noticed (notifications/routing/entitlement_review.py)."""
    task, item = decision.task, decision.item
    if task.state in CLOSED:
        raise AlreadyHandled("The engine has closed this task already. Nothing was sent.", **_outcome_members(task))
    if task.state == TaskState.ANSWERED:
        outcome = task.outcome or {}
        raise AlreadyAnswered(
            f"{outcome.get('by', {}).get('name', 'Somebody')} answered this already. Nothing was sent.",
            **_outcome_members(task),
        )
    if task.state == TaskState.EXPIRED or (task.expires_at is not None and task.expires_at <= decision.at):
        raise Expired("This task expired before it was answered. Nothing was sent.")
    if item.state == NotificationState.WITHDRAWN:
        raise Withdrawn(f"This is no longer yours to answer: {item.reason}.")
    if ended := decision.entitlements.ended(item):
        raise Withdrawn(f"This is no longer yours to answer: {ended}.")


def _outcome_members(task: Task) -> Json:
    outcome = task.outcome or {}
    return {"answered_by": outcome.get("by"), "answered_at": outcome.get("at"), "action": outcome.get("action")}


def refuse_if_changed(decision: Decision) -> None:
    """Raise Changed unless the person was shown the present content. An answer without a revision counts as long as the
    item shows its first content."""
    item, shown = decision.item, decision.answer.revision
    known_unchanged = item.revised_at is None if not shown else shown == item.revision
    if not known_unchanged:
        detail = "What you decide about has changed. Nothing was sent: look at it as it is now, and answer again."
        raise Changed(detail, shown=shown)


def check_content(decision: Decision) -> None:
    """Check the action, and its comment, variables and values. Raises NotAllowed, InvalidAnswer, CommentRequired,
    InvalidValues."""
    action, answer = decision.action, decision.answer
    if action is NOT_OFFERED:
        names = ", ".join(decision.offered) or "nothing"
        raise NotAllowed(f"“{answer.action}” is not offered here. Choose one of: {names}.")
    if len(answer.comment) > MAX_COMMENT:
        raise InvalidAnswer(f"The comment is longer than {MAX_COMMENT:,} characters. Shorten it.")
    if answer.variables and len(json.dumps(answer.variables)) > MAX_VARIABLES:
        raise InvalidAnswer(f"The variables are larger than {MAX_VARIABLES // 1024} KiB. Send a reference instead.")
    asks_by_files = action.effect == "request_info" and answer.files
    if action.comment == "required" and not answer.has_words and not asks_by_files:
        raise CommentRequired(f"“{action.title}” needs a comment. Write why.")
    if answer.variables:
        person_variables.check(decision.task, answer.variables)
    if decision.form or answer.values:
        refusal.check(decision.form, action, answer.values)


GUARDS: tuple[Callable[[Decision], None], ...] = (
    refuse_if_over,
    refuse_if_changed,
    check_content,
    four_eyes.check_decision,
)
"""In the order in which they refuse."""


def addressee_of(decision: Decision) -> Recipient | None:
    """Return the person whom a question asks; None if there is nobody to ask. Raises Invalid."""
    candidates = questions.askable(decision.task, decision.person)
    if not decision.answer.to:
        return next(iter(candidates), None)
    matches = [person for person in candidates if person.ref == decision.answer.to]
    if not matches:
        raise Invalid.at("/to", "Ask somebody who has this task, has had it, began it, or has a part in its case.")
    return matches[0]
