"""The page on which a person forwards an item to a colleague, with a note. It works without JavaScript."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from notifications import errors
from notifications.answers import reassigning
from notifications.conversation import forwarding
from notifications.conversation.posting import Words
from notifications.inbox.answers import cleaned_comment
from notifications.inbox.cards import card
from notifications.inbox.items import own_notification
from notifications.inbox.page_frame import show_page
from notifications.inbox.sign_in.session import PersonRequest, person_required
from notifications.models import MOST_TEXT, Notification, Recipient, Task, Via
from notifications.people.colleagues import find_colleague, label, proposed_names
from notifications.wording.directions import all_apart
from wfpush.identifiers import uuid7


@dataclass(frozen=True)
class ForwardForm:
    """The form: who gets the item, by a name, and the note. Each may have a fault. `key`: a form that is sent twice
    counts once."""

    to: str = ""
    note: str = ""
    key: str = ""
    to_faults: Sequence[str] = ()
    note_fault: str = ""
    fault: str = ""


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: PersonRequest, notification_id: UUID) -> HttpResponse:
    """Show the form, and forward the item. An item that cannot be forwarded any more is shown instead."""
    item = own_notification(request.recipient, notification_id)
    if request.recipient.external or item.task is None:
        raise Http404
    if request.method == "POST":
        return _forward(request, item)
    if not forwarding.can_forward(item, request.recipient):
        return redirect("inbox:item", item.pk)
    return _show(request, item, ForwardForm())


def _forward(request: PersonRequest, item: Notification) -> HttpResponse:
    typed, note = request.POST.get("to", "").strip(), cleaned_comment(request.POST.get("note", ""))
    key = request.POST.get("key", "")[:200].replace("\x00", "")
    words = Words(note, via=Via.INBOX, key=key)
    shown = request.POST.get("revision", "")
    try:
        to = find_colleague(typed)
        forwarding.forward(item, to, words, timezone.now(), shown=shown)
    except ValidationError as fault:
        return _refuse(request, item, ForwardForm(typed, note, key, to_faults=fault.messages))
    except forwarding.ColleagueAway as fault:
        stand_in = label(fault.stand_in) if fault.stand_in is not None else typed
        return _refuse(request, item, ForwardForm(stand_in, note, key, to_faults=[fault.detail]))
    except errors.Invalid as fault:
        return _refuse(request, item, ForwardForm(typed, note, key, to_faults=[fault.detail]))
    except (errors.CommentRequired, errors.InvalidAnswer) as fault:
        return _refuse(request, item, ForwardForm(typed, note, key, note_fault=_fault_of_note(fault)))
    except errors.IdempotencyKeyReused:
        detail = _("You have forwarded this already. Press the button again to forward it once more.")
        return _refuse(request, item, ForwardForm(typed, note, fault=detail))
    except errors.Changed:
        detail = _("This has changed since you opened the page. Check it, then press the button again.")
        return _refuse(request, item, ForwardForm(typed, note, key, fault=detail))
    except errors.Failure:
        pass  # the task is over, or was given to somebody else: the item says so
    return redirect(f"{reverse('inbox:item', args=[item.pk])}#conversation")


def _fault_of_note(fault: errors.Failure) -> str:
    if isinstance(fault, errors.CommentRequired):
        return _("Write a note for your colleague.")
    return _("Your note is too long. Shorten it to %(most)s characters.") % {"most": f"{MOST_TEXT:,}"}


def _refuse(request: PersonRequest, item: Notification, form: ForwardForm) -> HttpResponse:
    return _show(request, own_notification(request.recipient, item.pk), form, status=422)


def _show(request: PersonRequest, item: Notification, form: ForwardForm, *, status: int = 200) -> HttpResponse:
    assert item.task is not None  # the page is of tasks only
    context = {
        "n": item,
        "card": card(item, request.recipient, timezone.now()),
        "form": form,
        "key": form.key or str(uuid7()),
        "effect": _effect(item.task, request.recipient, _("Your colleague")),
        "effect_named": _effect(item.task, request.recipient, "{name}"),
        "people": proposed_names(request.recipient),
        "max_note": MOST_TEXT,
    }
    return show_page(request, "conversation/forward.html", context, status=status)


def _effect(task: Task, reader: Recipient, name: str) -> str:
    """Return what happens when the reader forwards the task to the colleague of this name."""
    if reassigning.can_ask(task, reader):
        names = {"name": name, **all_apart(engine=task.engine)}
        return (
            _("%(name)s becomes responsible in %(engine)s. The item leaves your inbox when %(engine)s confirms it.")
            % names
        )
    return _("%(name)s gets a copy with your note. You stay responsible.") % {"name": name}
