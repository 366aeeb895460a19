"""Items of tasks that were taken from their people: they give nobody a part in the case any more.

They keep their texts from the withdrawal, and show no later changes of the case.
"""

from collections.abc import Iterable

from django.db.models import Q

from notifications import reasons
from notifications.models import Case, Notification, NotificationState

_FOLLOWED = Q(reason_fact__code=reasons.FOLLOWS.name)


def taken() -> Q:
    return Q(state=NotificationState.WITHDRAWN, reason_fact__code__in=sorted(reasons.taking_away()))


def part() -> Q:
    """Items that give their people a part in the case: no taken ones, and none for followers of the case."""
    return Q(reason_fact__isnull=True) | ~(taken() | _FOLLOWED)


def is_taken(notification: Notification) -> bool:
    code = (notification.reason_fact or {}).get("code")
    return notification.state == NotificationState.WITHDRAWN and code in reasons.taking_away()


def stop_following(withdrawn: Iterable[Notification]) -> None:
    """End the following of people who have no other part in the case."""
    lost = {(row.recipient_id, row.case_id) for row in withdrawn if row.case_id is not None and is_taken(row)}
    if not lost:
        return
    of_them = {"recipient__in": {person for person, _case in lost}, "case__in": {case for _person, case in lost}}
    followers = Case.followers.through.objects.filter(**of_them)
    follower_ids = {(row.recipient_id, row.case_id): row.pk for row in followers}
    if lost & follower_ids.keys():
        have_part = set(Notification.objects.filter(part(), **of_them).values_list("recipient_id", "case_id"))
        followers.filter(pk__in=[follower_ids[pair] for pair in (lost & follower_ids.keys()) - have_part]).delete()
