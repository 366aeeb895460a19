"""Who was told of a task because it ran late, in words."""

import re

from notifications.items.representation import escalated_to
from notifications.models import Notification, NotificationState
from notifications.wording.sentences import say

WHY = {
    "manager": re.compile(r"manager of (.+?)(?:, level \d+)?"),
    "lead": re.compile(r"lead of team (.+)"),
    "fallback": re.compile(r"fallback owner: (.+)"),
}
"""What a copy's reason says, as escalations/kinds/targets.py writes it. Any other is told without the reason."""


def escalation_of(notification: Notification) -> str:
    """Why the reader was told, and who else; empty for what is not late, or waits no more."""
    if notification.state != NotificationState.OPEN:
        return ""
    said = [_why(notification.reason)] if notification.escalated else []
    others = [each["name"] for each in escalated_to(notification) if each["ref"] != notification.recipient.ref]
    if others:
        said.append(say("escalated_to", names=", ".join(others)))
    return " · ".join(said)


def _why(reason: str) -> str:
    for key, pattern in WHY.items():
        if found := pattern.fullmatch(reason):
            return say(f"escalated_{key}", name=found[1])
    return say("escalated_other")
