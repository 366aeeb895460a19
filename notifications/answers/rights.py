"""Whether a person still has the task when they answer: looked at in the transaction that records the answer."""

from notifications.answers.scene import Scene
from notifications.errors import Withdrawn
from notifications.models import Notification


def refuse_if_ended(copy: Notification, scene: Scene) -> None:
    """Raise Withdrawn when the reason for the person's copy has ended, although the copy is open until that is
    noticed (notifications/routing/entitlement_review.py)."""
    reason = scene.entitlements.ended(copy)
    if reason:
        raise Withdrawn(f"This is no longer yours to answer: {reason}.")
