"""The pages of customers: the form for a message about their case, and unsubscribing."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from notifications import errors
from notifications.customers import case_messages, unsubscribing
from notifications.inbox.answers import cleaned_comment, explain, refuse_faulty
from notifications.inbox.pages import RefusedInput, show
from notifications.inbox.sign_in.session import PersonRequest, form_only, person_required
from notifications.inbox.uploads import File, attached
from notifications.preferences import following


@dataclass(frozen=True)
class RefusedMessage(RefusedInput):
    """A refused message about a case, with its stored files."""

    written: str = ""
    written_fault: str = ""
    written_attached: Sequence[File] = ()


@form_only
@person_required
def write_in(request: PersonRequest, case_id: int) -> HttpResponse:
    """Send a customer's message about their case."""
    reader, text = request.recipient, cleaned_comment(request.POST.get("text", ""))
    case = get_object_or_404(following.cases_of(reader), pk=case_id)
    if not reader.external:
        raise Http404
    files = attached(request, reader, timezone.now())
    key = request.POST.get("key", "")[:200]
    try:
        refuse_faulty(files)
        case_messages.write_in(reader, case, text, timezone.now(), key=key, files=files.ids)
    except errors.NotFound as nobody:
        raise Http404 from nobody
    except errors.Failure as failure:
        too_often = _("You have written too often in the last hour. Wait a while, or contact us in another way.")
        fault = too_often if isinstance(failure, errors.TooMany) else explain(failure, reader, asks=True)
        sent = RefusedMessage(written=text, written_fault=fault, written_attached=files.files)
        return show(request, None, sent, status=failure.status)
    messages.success(request, _("Sent. You find your message below."))
    return redirect(f"{reverse('inbox:list')}?case={case.pk}#messages")


app_name = "customers"

urlpatterns: list[URLPattern] = [
    path("cases/<int:case_id>/messages", write_in, name="write-in"),
    path("u/<str:token>", unsubscribing.page, name="unsubscribe"),
    path("u/<str:token>/undo", unsubscribing.undo, name="unsubscribe-undo"),
    path("u/<str:token>/link", unsubscribing.send_link, name="unsubscribe-link"),
    path("unsubscribed/<int:unsubscription_id>/undo", unsubscribing.turn_on, name="turn-on-again"),
]
