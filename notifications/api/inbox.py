"""A person's notifications: the list, one of them, and marking them as read."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from notifications.api.frame import changed, docs, paging, serializers, shown
from notifications.api.frame.base import PersonView, answer, nothing, query_of, validated
from notifications.errors import NotFound
from notifications.items import inbox_items, snoozing
from notifications.items.inbox_json import inbox_json
from notifications.items.representation import notification_queryset
from notifications.models import Notification, Recipient


class NotificationsView(PersonView):
    @docs.operation(
        "notifications", {200: shown.page_of(shown.NotificationShown, "NotificationPage")}, query=serializers.ListQuery
    )
    def get(self, request: Request) -> HttpResponse:
        """One's notifications, newest first; with `after`, what changed since that seq, oldest change first."""
        query = query_of(request, serializers.ListQuery)
        rows = notification_queryset().filter(recipient=self.recipient())
        if query["state"] != "all":
            rows = rows.filter(state=query["state"])
        if query.get("unread"):
            rows = rows.filter(read_at=None)
        page = _changes if "after" in query else _newest
        page_rows, following = page(rows, query, min(query["limit"], paging.MAX_ROWS))
        return answer({"items": [inbox_json(row) for row in page_rows], "next": following})


class NotificationView(PersonView):
    @docs.operation("notification", {200: shown.NotificationShown}, 404, query=serializers.NotificationQuery)
    def get(self, request: Request, notification_id: UUID) -> HttpResponse:
        """One notification as it now is; with `shown`, a revision, also what has changed since that."""
        own = own_notification(self.recipient(), notification_id)
        since = query_of(request, serializers.NotificationQuery).get("shown")
        more = {"changes": changed.changes_json(own, since)} if since else {}
        return answer(inbox_json(own) | more)


class ReadView(PersonView):
    @docs.operation("read", {204: None}, 404, request=serializers.Opened)
    def post(self, request: Request, notification_id: UUID) -> HttpResponse:
        """Mark one notification as read: its person has opened it. The body may be missing."""
        by = validated(serializers.Opened, request.data).get("by") or self.caller().via
        with transaction.atomic():
            own = own_notification(self.recipient(), notification_id)
            inbox_items.mark_read(Notification.objects.filter(pk=own.pk), timezone.now(), opened_by=by)
        return nothing()


class SnoozeView(PersonView):
    @docs.operation("snooze", {204: None}, 404, request=serializers.Snooze)
    def put(self, request: Request, notification_id: UUID) -> HttpResponse:
        """Put an item off until a time before it is due: it comes back then, unread."""
        own = own_notification(self.recipient(), notification_id)
        snoozing.snooze(own, validated(serializers.Snooze, request.data)["until"], timezone.now())
        return nothing()

    @docs.operation("bring_back", {204: None}, 404)
    def delete(self, request: Request, notification_id: UUID) -> HttpResponse:
        """Bring an item back that was put off."""
        snoozing.bring_back(own_notification(self.recipient(), notification_id), timezone.now())
        return nothing()


class ReadUpToView(PersonView):
    @docs.operation("read_up_to", {204: None}, request=serializers.UpTo)
    def post(self, request: Request) -> HttpResponse:
        """Mark everything as read whose last change has a seq up to this one."""
        up_to = validated(serializers.UpTo, request.data)["up_to"]
        with transaction.atomic():
            inbox_items.mark_read(
                Notification.objects.filter(recipient=self.recipient(), seq__lte=up_to), timezone.now()
            )
        return nothing()


def own_notification(recipient: Recipient, notification_id: UUID) -> Notification:
    """Return the person's notification of this id. Raises NotFound, for other people's notifications too."""
    notification = notification_queryset().filter(recipient=recipient, pk=notification_id).first()
    if notification is None:
        raise NotFound("There is no such notification of yours.")
    return notification


# --- pages ----------------------------------------------------------------------------------------
def _newest(rows: QuerySet[Notification], query: dict[str, Any], limit: int) -> paging.Page[Notification]:
    rows = rows.order_by("-created_at", "-id")
    if "cursor" in query:
        moment, _, last = paging.decoded(query["cursor"]).partition(" ")
        try:
            when, last_id = datetime.fromisoformat(moment).astimezone(UTC), UUID(last)
        except (ValueError, OverflowError):
            raise paging.foreign_cursor() from None
        rows = rows.filter(Q(created_at__lt=when) | Q(created_at=when, id__lt=last_id))
    return paging.page(rows, limit, lambda row: f"{row.created_at.isoformat()} {row.pk}")


def _changes(rows: QuerySet[Notification], query: dict[str, Any], limit: int) -> paging.Page[Notification]:
    after = query["after"]
    if "cursor" in query:
        after = max(after, paging.number_in(query["cursor"]))
    return paging.page(rows.filter(seq__gt=after).order_by("seq"), limit, lambda row: str(row.seq))
