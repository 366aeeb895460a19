"""Sentences about who was told because a task ran late."""

from notifications import reasons
from notifications.items.representation import escalated_to
from notifications.models import Notification, NotificationState
from notifications.reasons import Reason
from notifications.wording.sentences import say

WHY = {
    reasons.MANAGER.name: ("escalated_manager", "name"),
    reasons.MANAGER_OF_LEVEL.name: ("escalated_manager", "name"),
    reasons.LEAD.name: ("escalated_lead", "name"),
    reasons.FALLBACK.name: ("escalated_fallback", "why"),
}
"""The sentence for a copy's reason, and the argument that it names. Other reasons have none."""


def escalation_of(notification: Notification) -> str:
    """Why the reader was told, and who else; empty for an item that is not late, or no longer waits."""
    if notification.state != NotificationState.OPEN:
        return ""
    sentences = [_why(reasons.read(notification))] if notification.escalated else []
    others = [each["name"] for each in escalated_to(notification) if each["ref"] != notification.recipient.ref]
    if others:
        sentences.append(say("escalated_to", names=", ".join(others)))
    return " · ".join(sentences)


def _why(reason: Reason) -> str:
    if reason.code not in WHY:
        return say("escalated_other")
    key, name = WHY[reason.code]
    value = reason.argument(name)
    return say(key, name=value.words() if isinstance(value, Reason) else str(value))
