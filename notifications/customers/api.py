"""A case as its customers see it, for portals of their own."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.serializers import BooleanField, CharField, ChoiceField, DateTimeField, Serializer, UUIDField

from notifications.api.following import cases_of
from notifications.api.frame import docs
from notifications.api.frame.base import PersonView, answer, query_of, validated
from notifications.api.frame.serializers import AttachmentIds, OptionalText
from notifications.api.frame.shown import Shown
from notifications.api.operations.operation import Operation, Tag
from notifications.api.operations.story import BOB, ERIN
from notifications.api.operations.tasks import TASKS
from notifications.api.responses import key_of
from notifications.conversation import participants
from notifications.conversation.api import WRONG_WORDS, MessageShown
from notifications.conversation.representation import messages_json
from notifications.customers import case_messages
from notifications.customers.milestones import progress_of
from notifications.errors import Invalid, NotAllowed
from notifications.items.representation import iso_utc
from notifications.models import MOST_TEXT, Case, Recipient, TaskMessage
from notifications.types import Json

MAX_ROWS = 200


class MilestoneShown(Shown):
    label = CharField()  # type: ignore[assignment]
    state = ChoiceField(["done", "now", "ahead"])
    at = DateTimeField(allow_null=True, help_text="When it was reached.")


class CaseShown(Shown):
    id = CharField()
    title = CharField()
    type = CharField(allow_null=True)
    status = CharField(allow_null=True, help_text="As events name it.")
    milestones = MilestoneShown(many=True, help_text="Empty where no way of a case fits, or none of its steps.")
    note = CharField(allow_null=True, help_text="What customers read while the case is there.")
    news = CharField(allow_null=True, help_text="The status in words, where it is none of the milestones.")
    can_write = BooleanField(help_text="Whether somebody reads what the person writes about it.")
    question = UUIDField(allow_null=True, help_text="The message that the next one of theirs replies to.")


class CaseMessages(Shown):
    items = MessageShown(many=True)


class CaseQuery(Serializer[Any]):
    engine = CharField(required=False, max_length=100, help_text="Where two have a case of this id.")


class CaseMessageGiven(Serializer[Any]):
    text = OptionalText(max_length=MOST_TEXT, help_text="Not needed with files.")
    attachments = AttachmentIds()
    engine = OptionalText(max_length=100, help_text="Its slug, where two have a case of this id.")


class CaseView(PersonView):
    """The view of one case. People see cases that they were notified of."""

    @docs.operation("case", {200: CaseShown}, 404, query=CaseQuery)
    def get(self, request: Request, case_id: str) -> HttpResponse:
        """How far a case has come, in the person's language, and whether they can write about it."""
        case = _case(self.recipient(), case_id, query_of(request, CaseQuery).get("engine", ""))
        return answer(case_json(case, self.recipient()))


class CaseMessagesView(PersonView):
    @docs.operation("case_messages", {200: CaseMessages}, 404, query=CaseQuery)
    def get(self, request: Request, case_id: str) -> HttpResponse:
        """What concerns the person in the conversations about the case's tasks: the newest messages, oldest first."""
        case = _case(self.recipient(), case_id, query_of(request, CaseQuery).get("engine", ""))
        newest = (
            participants.seen_of_case(case, self.recipient()).order_by("-at").values_list("pk", flat=True)[:MAX_ROWS]
        )
        rows = TaskMessage.objects.filter(pk__in=list(newest)).order_by("at")
        return answer({"items": messages_json(rows, self.recipient())})

    @docs.operation(
        "write_in",
        {200: MessageShown, 201: MessageShown},
        403,
        404,
        409,
        request=CaseMessageGiven,
        idempotent=True,
    )
    def post(self, request: Request, case_id: str) -> HttpResponse:
        """External people write about their case: a reply if they were asked something, else to whoever works on it."""
        payload, person = validated(CaseMessageGiven, request.data), self.recipient()
        case = _case(person, case_id, payload["engine"])
        if not person.external:
            raise NotAllowed("Only external people write about a case. Write about one of its tasks.")
        outcome = case_messages.write_in(
            person, case, payload["text"], timezone.now(), key=key_of(request), files=payload["attachments"]
        )
        (shown_as,) = messages_json(TaskMessage.objects.filter(pk=outcome.message.pk), person)
        return answer(shown_as, 201 if outcome.created else 200)


def _case(person: Recipient, case_id: str, engine: str) -> Case:
    """Return the person's case of this id. Raises NotFound, and Invalid if several engines have one."""
    cases: Sequence[Case] = cases_of(person, case_id, engine)
    if len(cases) > 1:
        slugs = ", ".join(sorted(case.engine.slug for case in cases))
        raise Invalid.at("/engine", f"Several engines have a case of this id. Name one: {slugs}.")
    return cases[0]


def case_json(case: Case, reader: Recipient) -> Json:
    progress = progress_of(case, reader.locale)
    question = case_messages.open_question(reader, case)
    can_write = reader.external and (question is not None or case_messages.task_to_write_to(case, reader) is not None)
    return {
        "id": case.case_id,
        "title": case.title,
        "type": case.type or None,
        "status": case.status or None,
        "milestones": [{"label": step.label, "state": step.state, "at": iso_utc(step.at)} for step in progress.steps],
        "note": progress.note or None,
        "news": progress.news or None,
        "can_write": can_write,
        "question": str(question.message_id) if question else None,
    }


urlpatterns: list[URLPattern] = [
    path("v1/cases/<path:case_id>/messages", CaseMessagesView.as_view()),
    path("v1/cases/<path:case_id>", CaseView.as_view()),
]


# --- words of /api/docs -----------------------------------------------------------------------------------------------
CASE: Json = {
    "id": "R-88",
    "title": "Broken heating",
    "type": "repair",
    "status": "assigned",
    "milestones": [
        {"label": "Received", "state": "done", "at": "2026-11-25T09:00:00Z"},
        {"label": "In progress", "state": "now", "at": "2026-11-25T10:00:00Z"},
        {"label": "Completed", "state": "ahead", "at": None},
    ],
    "note": "Somebody is taking care of it. You will hear when there is news.",
    "news": None,
    "can_write": True,
    "question": None,
}
WRITTEN: Json = {
    "id": "01a21070-6f1c-7b3d-9c55-2d1f4f6f0b21",
    "number": 1,
    "kind": "comment",
    "by": ERIN,
    "to": [{**BOB, "on_behalf_of": None, "state": "told"}],
    "text": "Please ring twice.",
    "attachments": [],
    "reply_to": None,
    "at": "2026-11-25T10:20:00Z",
    "via": "portal",
    "late": False,
    "engine": "waiting",
}

TAG = Tag(
    TASKS.name,
    "",
    {
        "case": Operation("Show how far a case has come", response=CASE),
        "case_messages": Operation("List the messages about a case", response={"items": [WRITTEN]}),
        "write_in": Operation(
            "Write about a case as a customer",
            request={"text": "Please ring twice."},
            response=WRITTEN,
            meanings={
                200: "The same message again; no second effect",
                201: "It is recorded, and told to whom it is for",
                409: "`already_answered`: there is another reply to the question",
                422: WRONG_WORDS,
            },
        ),
    },
)
