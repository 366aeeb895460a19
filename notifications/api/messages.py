"""A task as its engine sees it, and the conversation about the task for its engine and for people who see it."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.serializers import CharField, ChoiceField, DateTimeField, DictField, IntegerField, UUIDField

from notifications.answers.respond import respond
from notifications.answers.submission import Answer, RecordedAnswer
from notifications.api import docs, serializers
from notifications.api.authentication import EngineCaller, PersonCaller
from notifications.api.base import EngineOrPersonView, EngineView, answer, query_of, validated
from notifications.api.responses import key_of
from notifications.api.shown import MessageShown, PersonName, Shown
from notifications.conversation import participants, posting
from notifications.conversation.posting import RecordedMessage, Words
from notifications.conversation.representation import messages_json
from notifications.errors import Invalid, NotAllowed, NotFound
from notifications.items.representation import task_json
from notifications.models import CallbackState, MessageKind, NotificationState, Recipient, Task, TaskMessage, TaskState
from notifications.people import resolver
from notifications.types import Action

MAX_ROWS = 200


class MessagePage(Shown):
    items = MessageShown(many=True)
    next = IntegerField(allow_null=True, help_text="The `after` of the next page.")


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


class TaskAnswers(Shown):
    id = CharField()
    state = ChoiceField(TaskState.values)
    answers = TaskAnswer(many=True)


class TaskView(EngineView):
    @docs.operation("task", {200: TaskAnswers}, 404)
    def get(self, request: Request, task_id: str) -> HttpResponse:
        """A task's state and answers, each with the call that tells the engine."""
        return answer(task_json(_task_of(self.caller(), task_id)))


class TaskMessagesView(EngineOrPersonView):
    """The messages about a task. Engines name their own tasks; people name tasks that they see or were asked about."""

    @docs.operation("messages", {200: MessagePage}, 404, query=serializers.MessagesQuery)
    def get(self, request: Request, task_id: str) -> HttpResponse:
        """The messages about a task that the caller may see, in their order, after the given number."""
        query = query_of(request, serializers.MessagesQuery)
        rows = self._visible(task_id, query.get("engine", "")).filter(number__gt=query["after"]).order_by("number")
        limit = min(query["limit"], MAX_ROWS)
        messages = messages_json(rows[: limit + 1], self._reader())
        more = len(messages) > limit
        return answer({"items": messages[:limit], "next": messages[limit - 1]["number"] if more else None})

    @docs.operation(
        "say", {200: MessageShown, 201: MessageShown}, 404, 409, 410, request=serializers.MessageGiven, idempotent=True
    )
    def post(self, request: Request, task_id: str) -> HttpResponse:
        """Ask, reply or comment. A question of a person is an answer of theirs, and pauses the clock as it does."""
        payload, caller = validated(serializers.MessageGiven, request.data), self.caller()
        words = Words(
            payload["text"],
            tuple(payload["to"]),
            payload.get("reply_to"),
            via=caller.via.value if isinstance(caller, PersonCaller) else "api",
            key=key_of(request),
            files=payload["attachments"],
        )
        if isinstance(caller, EngineCaller):
            outcome = self._by_engine(caller, task_id, payload, words)
        else:
            outcome = self._by_person(caller.recipient, task_id, payload, words)
        (shown_as,) = messages_json(TaskMessage.objects.filter(pk=outcome.message.pk), self._reader())
        return answer(shown_as, 201 if outcome.created else 200)

    # --- the caller ---------------------------------------------------------------------------------------------------
    def _reader(self) -> Recipient | None:
        caller = self.caller()
        return caller.recipient if isinstance(caller, PersonCaller) else None

    def _visible(self, task_id: str, engine: str) -> QuerySet[TaskMessage]:
        caller = self.caller()
        if isinstance(caller, EngineCaller):
            return _task_of(caller, task_id).messages.all()
        return participants.seen_by(_visible_task(caller.recipient, task_id, engine), caller.recipient)

    # --- writing a message --------------------------------------------------------------------------------------------
    def _by_engine(self, caller: EngineCaller, task_id: str, payload: dict[str, Any], words: Words) -> RecordedMessage:
        task = _task_of(caller, task_id)
        by_ref = resolver.find_people(caller.engine, {*words.to, *([payload["by"]] if payload["by"] else [])})
        unknown = [ref for ref in (*words.to, payload["by"]) if ref and ref not in by_ref]
        if unknown:
            pointer = "/to" if unknown[0] in words.to else "/by"
            raise Invalid.at(pointer, f"Nobody is called {unknown[0]!r} here.")
        author = by_ref[payload["by"]] if payload["by"] else None
        to = [by_ref[ref] for ref in dict.fromkeys(words.to) if by_ref[ref].active]
        return posting.by_engine(task.pk, words, payload["kind"], author, to, timezone.now())

    def _by_person(self, person: Recipient, task_id: str, payload: dict[str, Any], words: Words) -> RecordedMessage:
        task, now = _visible_task(person, task_id, payload["engine"]), timezone.now()
        if payload["by"]:
            raise NotAllowed("Only engines say who wrote a message. Leave `by` out.")
        if payload["kind"] == MessageKind.QUESTION:
            return _ask(person, task, words)
        if payload["kind"] == MessageKind.REPLY:
            return posting.reply(person, task.pk, words, now)
        return posting.comment(person, task.pk, words, now)


def _task_of(caller: EngineCaller, task_id: str) -> Task:
    """Return the engine's task of this id. Raises NotFound."""
    task = Task.objects.filter(engine=caller.engine, task_id=task_id).first()
    if task is None:
        raise NotFound("There is no such task of this engine.")
    return task


def _visible_task(person: Recipient, task_id: str, engine: str) -> Task:
    """Return the task that the person sees. Raises NotFound, and Invalid if several engines have one."""
    tasks = Task.objects.filter(task_id=task_id).select_related("engine")
    candidates = tasks.filter(engine__slug=engine) if engine else tasks
    seen = [task for task in candidates if participants.sees(task, person)]
    if not seen:
        raise NotFound("There is no such task of yours.")
    if len(seen) > 1:
        slugs = ", ".join(task.engine.slug for task in seen)
        raise Invalid.at("/engine", f"Several engines have a task of this id. Name one: {slugs}.")
    return seen[0]


def _ask(person: Recipient, task: Task, words: Words) -> RecordedMessage:
    """Record a question, which is an answer on the person's copy. Raises the errors of answers."""
    copy = participants.copies_of(task).filter(recipient=person).exclude(state=NotificationState.INFO).first()
    offered = [Action.from_json(action) for action in copy.actions] if copy is not None else []
    asking = next((action.name for action in offered if action.effect == "request_info"), "")
    if copy is None or not asking:
        raise NotAllowed("You cannot ask about this task: it is not yours, or there is nobody to ask.")
    if len(words.to) > 1:
        raise Invalid.at("/to", "Ask one person at a time.")
    to = words.to[0] if words.to else ""
    question = Answer(asking, words.text, via=words.via, idempotency_key=words.key, to=to, files=tuple(words.files))
    recorded: RecordedAnswer = respond(copy, question, now=timezone.now())
    return RecordedMessage(TaskMessage.objects.get(pk=recorded.response.pk), recorded.created)
