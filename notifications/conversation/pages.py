"""The form below an item with which people write to colleagues about its task. It works without JavaScript."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone

from notifications import errors
from notifications.conversation import forward_page, posting
from notifications.conversation.item_panel import conversation_of, mentioned
from notifications.conversation.posting import Words
from notifications.inbox.answers import cleaned_comment, explain, refuse_faulty
from notifications.inbox.items import item, own_notification
from notifications.inbox.pages import RefusedInput, show
from notifications.inbox.sign_in.session import PersonRequest, form_only, person_required
from notifications.inbox.uploads import attached
from notifications.models import Via

app_name = "conversation"


@form_only
@person_required
def comment(request: PersonRequest, notification_id: UUID) -> HttpResponse:
    """Write to colleagues about an item's task, without deciding."""
    notification = own_notification(request.recipient, notification_id)
    if notification.task_id is None:
        raise Http404
    talk = conversation_of(notification, request.recipient, timezone.now())
    text = cleaned_comment(request.POST.get("text", ""))
    to = mentioned(text, request.POST.getlist("to"), talk)
    files = attached(request, request.recipient, timezone.now())
    words = Words(text, tuple(to), via=Via.INBOX, key=request.POST.get("key", "")[:200], files=files.ids)
    try:
        refuse_faulty(files)
        posting.comment(request.recipient, notification.task_id, words, timezone.now())
    except errors.NotFound as unknown:
        raise Http404 from unknown
    except errors.Failure as failure:
        inbox_item = item(notification, request.recipient, timezone.now())
        fault = explain(failure, request.recipient, asks=True)
        sent = RefusedInput(message=text, message_fault=fault, message_attached=files.files)
        return show(request, inbox_item, sent, status=failure.status)
    return redirect("inbox:item", notification.pk)


urlpatterns: list[URLPattern] = [
    path("n/<uuid:notification_id>/comment", comment, name="comment"),
    path("n/<uuid:notification_id>/forward", forward_page.page, name="forward"),
]
