"""Rows that are the person's own: deleted, or emptied where something refers to them."""

from datetime import datetime
from typing import Any

from notifications import reasons
from notifications.items import outdating
from notifications.models import Delivery, DeliveryState, Device, Erasure, Farewell, Recipient
from notifications.retention import holds, scrubbing
from notifications.retention.people import that_go
from notifications.retention.pruned_rows import HELD, forget_addresses
from notifications.retention.scrubbing import AT_ONCE, Tally
from notifications.retention.terms import Terms


def remove_rows(erasure: Erasure, terms: Terms, now: datetime) -> tuple[str, Tally]:
    """Delete the next rows of the person. `cursor` is the number of the current kind of rows."""
    kinds = list(that_go())
    number = int(erasure.cursor or 0)
    model, field = kinds[number]
    ids = list(model._base_manager.filter(**{field: erasure.person_id}).values_list("pk", flat=True)[:AT_ONCE])
    removed = model._base_manager.filter(pk__in=ids).delete()[0] if ids else 0
    following = number if len(ids) == AT_ONCE else number + 1
    return str(following) if following < len(kinds) else "", Tally(changed=removed)


def empty_history(erasure: Erasure, terms: Terms, now: datetime) -> tuple[str, Tally]:
    """Empty the history of the person and devices; a last message to a device keeps its address until it is sent."""
    people = Recipient.history.filter(id=erasure.person_id).exclude(ref=terms.token, name="", email="", phone="")
    values = {"ref": terms.token, "name": "", "email": "", "phone": "", "locale": "en", "timezone": ""}
    device_history = Device.history.filter(recipient=erasure.person_id).exclude(digest="")
    changed = _some(people, **values) + _some(device_history, name="", digest="", sender="", platform="", language="")
    more = people.exists() or device_history.exists()
    left = 0 if more else Farewell.objects.filter(recipient=erasure.person_id).count()
    return "more" if more else "", Tally(changed, left)


def _some(rows: Any, **values: str) -> int:
    some = list(rows.values_list("pk", flat=True)[:AT_ONCE])
    return int(rows.model.objects.filter(pk__in=some).update(**values))


def end_messages(erasure: Erasure, terms: Terms, now: datetime) -> tuple[str, Tally]:
    """Nothing more is sent to the person, and where to it was sent is forgotten."""
    rows = Delivery.objects.filter(recipient=erasure.person_id).order_by("pk")
    rows = rows.filter(pk__gt=erasure.cursor) if erasure.cursor else rows
    some = list(rows.select_related("notification")[:AT_ONCE])
    ids = [row.pk for row in some]
    held = set(Delivery.objects.filter(holds.in_force(HELD), pk__in=ids).values_list("pk", flat=True))
    pending = {row.notification_id for row in some if row.state == DeliveryState.PENDING}
    if pending:
        outdating.supersede(sorted(pending), reasons.PERSON_INACTIVE(), now)
    changed = forget_addresses([pk for pk in ids if pk not in held])
    return str(ids[-1]) if len(ids) == AT_ONCE else "", Tally(changed, held=len(held))


def end_sessions(erasure: Erasure, terms: Terms, now: datetime) -> tuple[str, Tally]:
    cursor, removed = scrubbing.end_sessions(erasure.cursor, erasure.person.user_id, erasure.person_id)
    return cursor, Tally(changed=removed)
