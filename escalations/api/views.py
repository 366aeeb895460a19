"""The view of the simulation, for operators."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request

from escalations.forecast import simulate
from escalations.models import EscalationState, RunResult
from escalations.models.policies import step_kinds
from notifications.api.frame import docs
from notifications.api.frame.base import PersonView, answer
from notifications.api.frame.shown import Shown
from notifications.errors import NotAllowed

RIGHTS = ("notifications.view_event", "escalations.view_escalation")


# --- serializers for /api/schema --------------------------------------------------------------------------------------
class PolicyTried(Shown):
    name = serializers.CharField()
    fits = serializers.BooleanField()
    reason = serializers.CharField()


class Told(Shown):
    ref = serializers.CharField()
    name = serializers.CharField()
    reason = serializers.CharField(help_text="Such as: manager of Bob.")
    title = serializers.CharField()
    channels = serializers.ListField(child=serializers.DictField())


class Kind(serializers.ChoiceField):
    """A field whose choices are the kinds of steps when the serializer makes its fields, not at import."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(step_kinds(), **kwargs)


class StepRow(Shown):
    at = serializers.DateTimeField()
    step = serializers.IntegerField(help_text="Its place in the policy, from 1 on.")
    number = serializers.IntegerField(help_text="0, or the how-manieth repetition.")
    kind = Kind()
    result = serializers.ChoiceField(RunResult.choices)
    why = serializers.CharField()
    told = Told(many=True)


class SimulationShown(Shown):
    """As the trace would show it. Nothing was stored, and nobody was told."""

    now = serializers.DateTimeField()
    task = serializers.CharField(allow_null=True)
    policy = serializers.CharField(allow_null=True)
    why = serializers.CharField()
    policies = PolicyTried(many=True)
    state = serializers.ChoiceField(EscalationState.choices, allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    rows = StepRow(many=True)
    ends_early = serializers.BooleanField(help_text="More would follow.")
    recipients = serializers.ListField(child=serializers.DictField(), help_text="Whom the event itself would reach.")


class SimulationAsked(Shown):
    """Either `event` or `task`."""

    event = serializers.DictField(required=False, help_text="A CloudEvent, or the engine's own JSON.")
    task = serializers.CharField(required=False, help_text="The engine's id of an open task.")
    engine = serializers.CharField(required=False, help_text="Its slug, where there are several.")
    now = serializers.DateTimeField(required=False, help_text="The instant to begin at; the present one without.")


# --- the view ---------------------------------------------------------------------------------------------------------
class SimulationsView(PersonView):
    @docs.operation("simulate", {200: SimulationShown}, request=SimulationAsked)
    def post(self, request: Request) -> HttpResponse:
        """Who would be told when, by which channel and why, if nobody acts. Nothing is kept or sent."""
        user = self.recipient().user
        if self.caller().token is not None or user is None or not user.has_perms(RIGHTS):
            raise NotAllowed("This is for operators who are signed in at the desk.")
        return answer(simulate.as_json(simulate.run(request.data, timezone.now())))
