"""The members of a 409 `changed`: the current item, and its changes since the revision that the person was shown."""

from datetime import datetime
from uuid import UUID

from notifications.channels import payload
from notifications.delivery import device_messages
from notifications.items import action_tokens
from notifications.items.inbox_json import inbox_json
from notifications.items.representation import notification_queryset
from notifications.models import ActionToken, LockScreen, Notification
from notifications.revisions.changes import changes_since
from notifications.types import Json
from notifications.wording.languages import speaking_to
from wfpush.crypto import digest_of


def for_person(notification_id: UUID, shown: str) -> Json:
    """Return {notification, changes} for the item's person, in their language."""
    row = notification_queryset().get(pk=notification_id)
    return {"notification": inbox_json(row), "changes": changes_json(row, shown)}


def for_token(token: str, shown: str, now: datetime) -> Json:
    """Return {notification, changes} for the message of a token. `notification` has the members of a push message, and
    no more than the device's lock screen may show. Its `token` answers the current content."""
    tokens = ActionToken.objects.select_related("delivery__device", "delivery__recipient__brand")
    row = tokens.get(digest=digest_of(token)).delivery
    row.notification = notification_queryset().get(pk=row.notification_id)
    renewed = action_tokens.renew(token, row, now)
    says_all = row.device is None or row.device.lock_screen == LockScreen.ALL
    return {
        "notification": payload.members(device_messages.replacement(row, renewed, now)),
        "changes": changes_json(row.notification, shown, on_lock_screen=True) if says_all else [],
    }


def changes_json(notification: Notification, shown: str, *, on_lock_screen: bool = False) -> list[Json]:
    """Return the changes since the revision `shown` in the person's language: [{label, before, now}]."""
    with speaking_to(notification.recipient):
        return [each.as_json() for each in changes_since(notification, shown, on_lock_screen=on_lock_screen)]
