"""A task, as its engine asks for it."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from notifications.api import docs, shown
from notifications.api.base import EngineView, answer
from notifications.errors import NotFound
from notifications.items.representation import task_json
from notifications.models import Task


class TaskView(EngineView):
    @extend_schema(operation_id="task", responses=docs.responses({200: shown.TaskAnswers}, 404))
    def get(self, request: Request, task_id: str) -> HttpResponse:
        """A task's state and answers, each with the call that tells the engine."""
        task = Task.objects.filter(engine=self.engine(), task_id=task_id).first()
        if task is None:
            raise NotFound("There is no such task of this engine.")
        return answer(task_json(task))
