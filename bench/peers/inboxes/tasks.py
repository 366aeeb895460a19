"""What the peer's cluster does for each event: the same rows as ours, and a frame, by plain ORM code."""

from typing import Any

import liquid
from asgiref.sync import async_to_sync
from babel.numbers import format_currency
from channels.layers import get_channel_layer
from django.db import transaction
from django.utils import timezone

from notifications.models import (
    Case,
    Delivery,
    DeliveryState,
    Engine,
    Event,
    Notification,
    NotificationState,
    Recipient,
    Route,
    Task,
)

TEXTS = liquid.Environment()
TEXTS.add_filter("money", lambda amount, currency: format_currency(amount, currency, locale="en"))


@transaction.atomic
def process(said: dict[str, Any]) -> None:
    now, data, about = timezone.now(), said["data"], said["data"]["task"]
    engine = Engine.objects.get(slug="bench")
    person = Recipient.objects.select_related("brand").get(ref=about["assignee"], engine=None)
    case, _ = Case.objects.get_or_create(engine=engine, case_id=data["case"]["id"])
    case.title = data["case"]["title"]
    case.save()
    event = Event.objects.create(
        engine=engine,
        source=said["source"],
        event_id=said["id"],
        type=said["type"],
        received_at=now,
        due_at=now,
        data=data,
        digest="0" * 64,
        group=f"task:{about['id']}",
        case=case,
    )
    task, _ = Task.objects.get_or_create(engine=engine, task_id=about["id"])
    task.case, task.name, task.kind, task.actions = case, about["name"], about["kind"], about["actions"]
    task.data, task.assignee, task.assigned_event, task.last_event_time = data, person, event, now
    task.save()
    route = _route(event)
    item = _item(event, task, case, person, route)
    event.plan = {"routes": [{"route": route.pk, "matched": True}], "recipients": [{"ref": person.ref}]}
    event.status, event.processed_at, event.task, event.told = "processed", now, task, 3
    event.due_at = None
    event.save()
    unread = Notification.objects.filter(recipient=person, read_at=None).count()
    transaction.on_commit(lambda: _tell(item, unread))


def _item(event: Event, task: Task, case: Case, person: Recipient, route: Route) -> Notification:
    """The item in the person's inbox, and the rows of its deliveries."""
    now, data = event.received_at, event.data
    text = route.template.versions.get(state="published").texts.get(language="en", channel="")
    context = {**data, "event": {"type": event.type, "engine": event.engine.name}}
    title, body, short = (
        TEXTS.from_string(each).render(**context) for each in (text.title, text.body, text.short_body)
    )
    person = Recipient.objects.select_for_update().get(pk=person.pk)
    person.inbox_seq += 1
    person.save(update_fields=["inbox_seq"])
    item = Notification.objects.create(
        recipient=person,
        seq=person.inbox_seq,
        event=event,
        task=task,
        case=case,
        category=route.category,
        route=route,
        template_version=text.version,
        title=title.strip(),
        body=body.strip(),
        short_body=short.strip(),
        state=NotificationState.OPEN,
        actions=[{"action": name, "title": name, "effect": "final", "comment": "optional"} for name in task.actions],
        details={"variables": data.get("variables", {})},
        created_at=now,
        updated_at=now,
    )
    for channel, state in (("live", "DELIVERED"), ("webpush", "SUPPRESSED"), ("email", "SUPPRESSED")):
        Delivery.objects.create(
            event=event,
            notification=item,
            recipient=person,
            channel=channel,
            state=DeliveryState[state],
            created_at=now,
            ended_at=now,
        )
    return item


def _route(event: Event) -> Route:
    """The first enabled route for the type whose conditions hold."""
    for route in Route.objects.filter(enabled=True).select_related("category", "template").order_by("priority"):
        types = {each.name for each in route.event_types.all()}
        if (not types or event.type in types) and all(_holds(each, event.data) for each in route.conditions.all()):
            return route
    raise LookupError("no route")


def _holds(condition: Any, data: Any) -> bool:
    for name in condition.path.split("."):
        data = data.get(name) if isinstance(data, dict) else None
    return bool(str(data) == condition.value)


def _tell(item: Notification, unread: int) -> None:
    frame = {"type": "inbox.changed", "seq": item.seq, "title": item.title, "body": item.body, "unread": unread}
    layer: Any = get_channel_layer()
    async_to_sync(layer.group_send)(f"inbox.{item.recipient_id}", frame)
