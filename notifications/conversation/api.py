"""The messages about a task, for its engine and for people who see it."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.serializers import (
    BooleanField,
    CharField,
    ChoiceField,
    DateTimeField,
    IntegerField,
    Serializer,
    UUIDField,
)

from notifications.answers import reassigning
from notifications.answers.respond import respond
from notifications.answers.submission import Answer, RecordedAnswer, RecordedMessage
from notifications.api.frame import changed, docs
from notifications.api.frame.authentication import EngineCaller, PersonCaller
from notifications.api.frame.base import EngineOrPersonView, PersonView, answer, query_of, validated
from notifications.api.frame.fields import ListOf, Ref
from notifications.api.frame.serializers import AttachmentIds, OptionalText
from notifications.api.frame.shown import AttachmentShown, PersonName, Shown
from notifications.api.inbox import own_notification
from notifications.api.operations.operation import Operation, Tag
from notifications.api.operations.story import ALICE, ASKED, BOB, CAROL, QUESTION, REPLY, SENT_FILE
from notifications.api.operations.tasks import TASKS
from notifications.api.responses import key_of
from notifications.api.tasks import task_of
from notifications.cases import visibility
from notifications.conversation import forwarding, posting
from notifications.conversation.posting import Words
from notifications.conversation.representation import messages_json
from notifications.errors import Changed, Invalid, NotAllowed, NotFound
from notifications.models import MOST_TEXT, AddresseeState, MessageKind, NotificationState, Recipient, Task, TaskMessage
from notifications.models.validators import MAX_ID
from notifications.people import resolver
from notifications.people.colleagues import colleagues
from notifications.types import Action, Json
from wfpush.web.fields import Text

MAX_ROWS = 200


class AddresseeShown(PersonName):
    on_behalf_of = PersonName(allow_null=True)
    state = ChoiceField(AddresseeState.values)


class MessageShown(Shown):
    id = UUIDField()
    number = IntegerField(help_text="Its place in the task's conversation, from 1.")
    kind = ChoiceField(MessageKind.values)
    by = PersonName(allow_null=True, help_text="Null: the engine.")
    to = AddresseeShown(many=True)
    text = CharField(help_text="The names of its files where nothing else was written.")
    attachments = AttachmentShown(many=True)
    reply_to = UUIDField(allow_null=True, help_text="The question's id.")
    at = DateTimeField()
    via = CharField(allow_null=True)
    late = BooleanField(help_text="It came after the decision.")
    engine = ChoiceField(
        ["waiting", "delivered", "kept", "handled", "refused", "failed"],
        allow_null=True,
        help_text="What became of it on its way to the engine. Null: it came from there.",
    )


class MessagePage(Shown):
    items = MessageShown(many=True)
    next = IntegerField(allow_null=True, help_text="The `after` of the next page.")


class MessageGiven(Serializer[Any]):
    kind = ChoiceField(MessageKind.choices, required=False, default=MessageKind.COMMENT.value)
    text = OptionalText(max_length=MOST_TEXT, help_text="Not needed with files.")
    attachments = AttachmentIds()
    to = ListOf(
        child=Ref(), required=False, default=list, most=20, help_text="Refs: who is asked, or who is mentioned."
    )
    reply_to = UUIDField(required=False, allow_null=True, help_text="The question's id.")
    by = OptionalText(max_length=MAX_ID, help_text="Engines: the ref of who wrote it.")
    engine = OptionalText(max_length=100, help_text="Its slug, where two have a task of this id.")


class MessagesQuery(Serializer[Any]):
    after = IntegerField(required=False, min_value=0, max_value=2**31 - 1, default=0)
    limit = IntegerField(required=False, min_value=1, default=50, help_text="At most 200 are given.")
    engine = CharField(required=False, max_length=100)


class TaskMessagesView(EngineOrPersonView):
    """The messages about a task. Engines name their own tasks; people name tasks that they see or were asked about."""

    @docs.operation("messages", {200: MessagePage}, 404, query=MessagesQuery)
    def get(self, request: Request, task_id: str) -> HttpResponse:
        """The messages about a task that the caller may see, in their order, after the given number."""
        query = query_of(request, MessagesQuery)
        rows = self._visible(task_id, query.get("engine", "")).filter(number__gt=query["after"]).order_by("number")
        limit = min(query["limit"], MAX_ROWS)
        messages = messages_json(rows[: limit + 1], self._reader())
        more = len(messages) > limit
        return answer({"items": messages[:limit], "next": messages[limit - 1]["number"] if more else None})

    @docs.operation("say", {200: MessageShown, 201: MessageShown}, 404, 409, 410, request=MessageGiven, idempotent=True)
    def post(self, request: Request, task_id: str) -> HttpResponse:
        """Ask, reply or comment. A question of a person is an answer of theirs, and pauses the clock as it does."""
        payload, caller = validated(MessageGiven, request.data), self.caller()
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
            return task_of(caller, task_id).messages.all()
        return visibility.seen_by(_visible_task(caller.recipient, task_id, engine), caller.recipient)

    # --- writing a message --------------------------------------------------------------------------------------------
    def _by_engine(self, caller: EngineCaller, task_id: str, payload: dict[str, Any], words: Words) -> RecordedMessage:
        task = task_of(caller, task_id)
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
            caller = self.caller()
            assurance = caller.assurance if isinstance(caller, PersonCaller) else ""
            return _ask(person, task, words, assurance)
        if payload["kind"] == MessageKind.REPLY:
            return posting.reply(person, task.pk, words, now)
        return posting.comment(person, task.pk, words, now)


def _visible_task(person: Recipient, task_id: str, engine: str) -> Task:
    """Return the task that the person sees. Raises NotFound, and Invalid if several engines have one."""
    tasks = Task.objects.filter(task_id=task_id).select_related("engine")
    candidates = tasks.filter(engine__slug=engine) if engine else tasks
    seen = [task for task in candidates if visibility.sees(task, person)]
    if not seen:
        raise NotFound("There is no such task of yours.")
    if len(seen) > 1:
        slugs = ", ".join(task.engine.slug for task in seen)
        raise Invalid.at("/engine", f"Several engines have a task of this id. Name one: {slugs}.")
    return seen[0]


def _ask(person: Recipient, task: Task, words: Words, assurance: str) -> RecordedMessage:
    """Record a question, which is an answer on the person's copy. Raises the errors of answers."""
    copy = visibility.copies_of(task).filter(recipient=person).exclude(state=NotificationState.INFO).first()
    offered = [Action.from_json(action) for action in copy.actions] if copy is not None else []
    asking = next((action.name for action in offered if action.effect == "request_info"), "")
    if copy is None or not asking:
        raise NotAllowed("You cannot ask about this task: it is not yours, or there is nobody to ask.")
    if len(words.to) > 1:
        raise Invalid.at("/to", "Ask one person at a time.")
    to = words.to[0] if words.to else ""
    question = Answer(
        asking,
        words.text,
        via=words.via,
        idempotency_key=words.key,
        to=to,
        files=tuple(words.files),
        assurance=assurance,
    )
    recorded: RecordedAnswer = respond(copy, question, now=timezone.now())
    return RecordedMessage(TaskMessage.objects.get(pk=recorded.response.pk), recorded.created)


# --- forwarding -------------------------------------------------------------------------------------------------------
class ForwardEffect(Shown):
    reassigns = BooleanField(help_text="The engine is asked to give the task to the colleague. Else that is a copy.")


class ForwardGiven(Serializer[Any]):
    to = Ref(help_text="The ref of a colleague.")
    note = Text(max_length=MOST_TEXT)
    revision = OptionalText(max_length=100, allow_null=True, help_text="That of the item as the person was shown it.")


class ForwardView(PersonView):
    """A person hands the task of an item to a colleague, with a note."""

    @docs.operation("forward_effect", {200: ForwardEffect}, 403, 404)
    def get(self, request: Request, notification_id: UUID) -> HttpResponse:
        """What forwarding the item does: the engine is asked to reassign its task, or the colleague gets a copy."""
        own = own_notification(self.recipient(), notification_id)
        if own.task is None or not forwarding.can_forward(own, own.recipient):
            raise NotAllowed("Only a task that waits for your answer can be forwarded.")
        return answer({"reassigns": reassigning.can_ask(own.task, own.recipient)})

    @docs.operation(
        "forward", {200: MessageShown, 201: MessageShown}, 403, 404, 409, 410, request=ForwardGiven, idempotent=True
    )
    def post(self, request: Request, notification_id: UUID) -> HttpResponse:
        """Forward the item. The colleague gets a copy with the note at once. For a colleague who is away, the 422 names
        the person who stands in."""
        own, payload = own_notification(self.recipient(), notification_id), validated(ForwardGiven, request.data)
        to = colleagues().filter(ref=payload["to"]).first()
        if to is None:
            raise Invalid.at("/to", f"Nobody is called {payload['to']!r} here.")
        words = Words(payload["note"], via=self.caller().via.value, key=key_of(request))
        try:
            outcome = forwarding.forward(own, to, words, timezone.now(), shown=payload.get("revision") or None)
        except Changed as refused:
            refused.extra |= changed.for_person(notification_id, refused.shown)
            raise
        message = messages_json(TaskMessage.objects.filter(pk=outcome.message.pk), own.recipient)
        return answer(message[0], 201 if outcome.created else 200)


urlpatterns: list[URLPattern] = [
    path("v1/tasks/<path:task_id>/messages", TaskMessagesView.as_view()),
    path("v1/notifications/<uuid:notification_id>/forward", ForwardView.as_view()),
]


# --- words of /api/docs -----------------------------------------------------------------------------------------------
REPLIED: Json = {
    "id": REPLY,
    "number": 2,
    "kind": "reply",
    "by": ALICE,
    "to": [{**BOB, "on_behalf_of": None, "state": "told"}],
    "text": "4100, as always.",
    "attachments": [SENT_FILE],
    "reply_to": QUESTION,
    "at": "2026-11-25T10:04:00Z",
    "via": "inbox",
    "late": False,
    "engine": "delivered",
}
TALK = {
    "items": [
        {**ASKED, "to": [{**ALICE, "on_behalf_of": None, "state": "replied"}], "engine": "delivered"},
        REPLIED,
    ],
    "next": None,
}
FORWARDED: Json = {
    **ASKED,
    "kind": "comment",
    "to": [{**CAROL, "on_behalf_of": None, "state": "told"}],
    "text": "Please decide: you know the supplier.",
}
WRONG_WORDS = (
    "`invalid`, `comment_required` (nothing was written), `invalid_answer` (too long) or `idempotency_key_reused`"
)

TAG = Tag(
    TASKS.name,
    "",
    {
        "messages": Operation("List the messages about a task", response=TALK),
        "say": Operation(
            "Ask, reply or comment on a task",
            request={"kind": "question", "text": "Which cost centre?", "to": ["alice"]},
            response=ASKED,
            meanings={
                200: "The same message again; no second effect",
                201: "It is recorded, and told to whom it is for",
                409: "`already_answered` (the task, or the question), `already_handled` or `withdrawn`",
                410: "`expired`: the task is past its time",
                422: WRONG_WORDS,
            },
        ),
        "forward_effect": Operation("Ask what forwarding does", response={"reassigns": True}),
        "forward": Operation(
            "Forward a task to a colleague",
            request={"to": "carol", "note": FORWARDED["text"]},
            response=FORWARDED,
            meanings={
                200: "The same forward again; no second effect",
                201: "It is recorded, and the colleague has a copy",
                403: "`not_allowed`: the item does not wait for an answer",
                409: "`already_answered`, `already_handled`, `withdrawn` or `changed`",
                410: "`expired`: the task is past its time",
                422: f"{WRONG_WORDS}; also `invalid` for a colleague who cannot get it",
            },
        ),
    },
)
