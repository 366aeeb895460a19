"""The conversation on the desk's page of a task."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.desk.base import ReadOnlyInline
from notifications.admin.desk.decorators import display
from notifications.admin.desk.display import NOTHING, link, mark
from notifications.attachments.representation import size_said
from notifications.models import Callback, CallbackState, TaskMessage


class MessageInline(ReadOnlyInline):
    model = TaskMessage
    related = ["author", "reply_to"]
    fields = ["number", "kind", "person", "for_whom", "text", "files", "via", "at", "was_late", "engine_says"]
    verbose_name_plural = _("conversation")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TaskMessage]:
        messages: QuerySet[TaskMessage] = super().get_queryset(request)
        call = Callback.objects.filter(pk=OuterRef("pk")).values("state")
        messages = messages.annotate(call=Subquery(call[:1])).order_by("number")
        return messages.prefetch_related("addressees__person", "addressees__away", "attachments")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may view answers: the conversation belongs to them."""
        return request.user.has_perm("notifications.view_response")

    @display(description=_("person"))
    def person(self, message: TaskMessage) -> str:
        return link(message.author) if message.author else message.author_name or str(message.task.engine)

    @display(description=_("for"))
    def for_whom(self, message: TaskMessage) -> str:
        return ", ".join(f"{each.person} ({each.get_state_display()})" for each in message.addressees.all())

    @display(description=_("files"))
    def files(self, message: TaskMessage) -> str:
        return ", ".join(f"{each.name} ({size_said(each.size)})" for each in message.attachments.all())

    @display(description=_("late"))
    def was_late(self, message: TaskMessage) -> SafeString:
        return mark("bad", gettext("late")) if message.late else NOTHING

    @display(description=_("engine"))
    def engine_says(self, message: Any) -> str:
        return str(CallbackState(message.call).label) if message.call else link(None)
