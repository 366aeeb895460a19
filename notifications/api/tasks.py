"""A task as its engine sees it."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.serializers import CharField, ChoiceField, DateTimeField, DictField, IntegerField, UUIDField

from notifications.api.frame import docs
from notifications.api.frame.authentication import EngineCaller
from notifications.api.frame.base import EngineView, answer
from notifications.api.frame.shown import PersonName, Shown, TaskOfNotification
from notifications.errors import NotFound
from notifications.items.representation import task_json
from notifications.models import CallbackState, Task


class CallbackShown(Shown):
    state = ChoiceField(CallbackState.values)
    attempts = IntegerField()
    last_status = IntegerField(allow_null=True)
    next_at = DateTimeField(allow_null=True)


class TaskAnswer(Shown):
    id = UUIDField()
    action = CharField()
    by = PersonName()
    at = DateTimeField()
    callback = CallbackShown()
    values = DictField(required=False, help_text="What was filled into the task's form, by field.")


class TaskAnswers(TaskOfNotification):
    answers = TaskAnswer(many=True)


class TaskView(EngineView):
    @docs.operation("task", {200: TaskAnswers}, 404)
    def get(self, request: Request, task_id: str) -> HttpResponse:
        """A task's state and answers, each with the call that tells the engine."""
        return answer(task_json(task_of(self.caller(), task_id)))


def task_of(caller: EngineCaller, task_id: str) -> Task:
    """Return the engine's task of this id. Raises NotFound."""
    task = Task.objects.filter(engine=caller.engine, task_id=task_id).first()
    if task is None:
        raise NotFound("There is no such task of this engine.")
    return task
