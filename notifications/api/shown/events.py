"""Events that were taken, their traces, and what became of answers."""

from typing import Any

from rest_framework import serializers

from notifications.api.shown.base import PersonName, Problem, Shown
from notifications.models import CallbackState, EventStatus, TaskState


class AcceptedEvent(Shown):
    id = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    type = serializers.CharField()
    status = serializers.ChoiceField(["accepted", "duplicate"])
    url = serializers.URLField(help_text="The event's trace.")


class BatchItem(Shown):
    id = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(["accepted", "duplicate", "rejected"])
    url = serializers.URLField(required=False)
    problem = Problem(required=False)


class Batch(Shown):
    items = BatchItem(many=True)


class RefusedBatch(Problem):
    items = BatchItem(many=True, required=False)


class AcceptedEventOrBatch(AcceptedEvent):
    """One event's members, or those of a batch."""

    items = BatchItem(many=True, required=False)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for field in fields.values():
            field.required = False
        return fields


class CallbackShown(Shown):
    state = serializers.ChoiceField(CallbackState.values)
    attempts = serializers.IntegerField()
    last_status = serializers.IntegerField(allow_null=True)
    next_at = serializers.DateTimeField(allow_null=True)


class TaskAnswer(Shown):
    id = serializers.UUIDField()
    action = serializers.CharField()
    by = PersonName()
    at = serializers.DateTimeField()
    callback = CallbackShown()
    values = serializers.DictField(required=False, help_text="What was filled into the task's form, by field.")


class TaskAnswers(Shown):
    id = serializers.CharField()
    state = serializers.ChoiceField(TaskState.values)
    answers = TaskAnswer(many=True)


class TracedEvent(Shown):
    id = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    type = serializers.CharField()
    subject = serializers.CharField(allow_null=True)
    time = serializers.DateTimeField(allow_null=True)


class TracedRoute(Shown):
    name = serializers.CharField()
    matched = serializers.BooleanField()
    reason = serializers.CharField()


class LeftOut(Shown):
    """How many further ones a trace does not list."""

    recipients = serializers.IntegerField()
    deliveries = serializers.IntegerField()


class Trace(Shown):
    id = serializers.UUIDField()
    event = TracedEvent()
    status = serializers.ChoiceField(EventStatus.values)
    received_at = serializers.DateTimeField()
    processed_at = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField(allow_null=True)
    routes = TracedRoute(many=True)
    recipients = serializers.ListField(child=serializers.DictField())
    unresolved = serializers.ListField(child=serializers.DictField())
    notes = serializers.ListField(child=serializers.CharField())
    warnings = serializers.ListField(child=serializers.CharField())
    deliveries = serializers.ListField(child=serializers.DictField())
    more = LeftOut()
    answers = serializers.ListField(child=serializers.DictField())
