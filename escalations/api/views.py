"""Simulations, for operators."""

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from escalations.api import shown
from escalations.forecast import simulation_request
from notifications.api import docs
from notifications.api.base import PersonView, answer
from notifications.errors import NotAllowed

RIGHTS = ("notifications.view_event", "escalations.view_escalation")


class SimulationsView(PersonView):
    @docs.operation("simulate", {200: shown.SimulationShown}, request=shown.SimulationAsked)
    def post(self, request: Request) -> HttpResponse:
        """Who would be told when, by which channel and why, if nobody acts. Nothing is kept or sent."""
        user = self.recipient().user
        if self.caller().token is not None or user is None or not user.has_perms(RIGHTS):
            raise NotAllowed("This is for operators who are signed in at the desk.")
        return answer(simulation_request.as_json(simulation_request.run(request.data, timezone.now())))
