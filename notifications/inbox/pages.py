"""The list, and one item beside it. Both are whole without JavaScript; neither changes anything."""

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from notifications.inbox.cards import Button, listing
from notifications.inbox.items import Item, item, own_notification
from notifications.inbox.session import PersonRequest, person_required
from notifications.inbox.words import spoken
from notifications.respond import MAX_COMMENT
from notifications.types import Json


@person_required
@require_safe
def inbox(request: PersonRequest) -> HttpResponse:
    return show(request, None)


@person_required
@require_safe
def open_item(request: PersonRequest, notification_id: UUID) -> HttpResponse:
    """An item, with the list beside it where there is room. `?answer=reject` asks for that answer's comment."""
    found = item(own_notification(request.recipient, notification_id), request.recipient, timezone.now())
    return show(request, found, asked=request.GET.get("answer", ""))


def show(
    request: PersonRequest, found: Item | None, *, asked: str = "", comment: str = "", fault: str = "", status: int = 200
) -> HttpResponse:
    """The page: `asked` names the answer whose comment is wanted, `fault` what was wrong with the one just sent."""
    context: dict[str, Any] = {
        "list": listing(request.recipient, timezone.now()),
        "item": found,
        "asked": _asked(found, asked),
        "comment": comment,
        "fault": fault,
        "answer_key": uuid4(),
        "max_comment": MAX_COMMENT,
        "settings": browser_settings(request),
    }
    return render(request, "inbox/inbox.html", context, status=status)


def _asked(found: Item | None, name: str) -> Button | None:
    buttons = found.card.buttons if found is not None else ()
    return next((button for button in buttons if button.action.name == name), None)


def browser_settings(request: PersonRequest) -> Json:
    """What the page's modules need to know, as a block of data (no inline script)."""
    return {
        "texts": spoken(),
        "ref": request.recipient.ref,
        "timezone": request.recipient.timezone,
        "language": request.LANGUAGE_CODE,
        "max_comment": MAX_COMMENT,
    }
