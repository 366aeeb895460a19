"""The list, and one item beside it. Both work without JavaScript; neither changes anything."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from notifications.answers.given import MAX_COMMENT
from notifications.engines import connected_accounts
from notifications.forms.shown import FormView, words_of_forms
from notifications.forms.typed import Typed
from notifications.inbox import webapp
from notifications.inbox.cards import Button
from notifications.inbox.customers import CustomerPage, customer_page, is_for_customers
from notifications.inbox.filters import chips_of, filters_of
from notifications.inbox.finding import PLAIN, Finding, finding_of
from notifications.inbox.items import Item, item, own_notification
from notifications.inbox.listing import NOTHING, listing
from notifications.inbox.session import PersonRequest, person_required
from notifications.inbox.shell import show_page
from notifications.inbox.views import is_shown, views_of
from notifications.models import Recipient
from notifications.types import TAKES_AWAY, Json
from notifications.wording.languages import reading_language
from notifications.wording.sentences import say_of, spoken


@gzip_page
@person_required
@require_safe
def inbox(request: PersonRequest) -> HttpResponse:
    return show(request, None)


@gzip_page
@person_required
@require_safe
def open_item(request: PersonRequest, notification_id: UUID) -> HttpResponse:
    """An item, with the list beside it where there is room. `?answer=reject` opens the comment field of that answer."""
    try:
        own = own_notification(request.recipient, notification_id)
    except Http404:
        # The same page for items of others and for items that do not exist: links are passed round, families share
        # browsers.
        return show_page(request, "inbox/other_account.html", {"back": request.get_full_path()}, status=404)
    found = item(own, request.recipient, timezone.now())
    return show(request, found, asked=request.GET.get("answer", ""))


@gzip_page
@person_required
@require_safe
def offline(request: PersonRequest) -> HttpResponse:
    """The page that a browser keeps in order to open the inbox without a connection. It keeps the items by itself."""
    customer = CustomerPage(brand=request.recipient.brand) if request.recipient.external else None
    context: Json = {"list": NOTHING, "item": None, "offline": True, "max_comment": MAX_COMMENT, "customer": customer}
    context |= {"form_words": words_of_forms(), "settings": browser_settings(request)}
    return show_page(request, "inbox/inbox.html", context)


def show(
    request: PersonRequest,
    found: Item | None,
    *,
    asked: str = "",
    comment: str = "",
    fault: str = "",
    kept: str = "",
    written: str = "",
    written_fault: str = "",
    message: str = "",
    message_fault: str = "",
    snooze_fault: str = "",
    typed: Typed | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page. `asked`: the answer whose comment field is open; `fault`: what was wrong with the answer just sent;
    `kept`: the comment of an answer that came too late; `message`: a comment to colleagues, and what was wrong with it;
    `written`: the same, of a customer's message about their case; `typed`: what was filled into the
    form, and what was wrong with that.
    """
    wanted = asked_of(found.card.buttons if found else (), asked or (found.reply if found else ""))
    button = wanted if wanted is not None and (wanted.asks or not wanted.fills) else None
    finding = finding_of(request.GET)
    customer = None
    if is_for_customers(request.recipient, finding):
        customer = customer_page(request.recipient, finding, timezone.now())
        shown = replace(listing(request.recipient, timezone.now()), finding=finding)
    else:
        shown = listing(request.recipient, timezone.now(), finding)
    context: dict[str, Any] = {
        "list": shown,
        "customer": customer,
        "chips": chips_of(shown, request.recipient),
        "views": [(view, is_shown(view, finding)) for view in views_of(request.recipient)],
        "filters": filters_of(request.recipient, finding) if finding.filters_open else [],
        "item": found,
        "asked": button,
        "question": question_of(button, request.recipient),
        "hint": hint_of(button, request.recipient),
        "focus": bool(asked),
        "written": written,
        "written_fault": written_fault,
        **_form_of(found, button, typed, reading_language(request.recipient), focus=bool(asked)),
        "message": message,
        "message_fault": message_fault,
        "comment": comment,
        "fault": fault,
        "kept": kept,
        "snooze_fault": snooze_fault,
        "max_comment": MAX_COMMENT,
        "unconnected": list(connected_accounts.missing_for(request.recipient)),
        "settings": browser_settings(request, finding),
    }
    brand = customer.brand if customer else None
    return show_page(request, "inbox/inbox.html", context, brand=brand, status=status)


def _form_of(found: Item | None, asked: Button | None, typed: Typed | None, language: str, *, focus: bool) -> Json:
    """The fields of the item's form, where an answer takes their values: the one whose comment field is open, else one
    of all."""
    answers = [asked] if asked is not None else found.card.buttons if found is not None else ()
    if found is None or found.form is None or not found.card.is_open:
        return {}
    if not found.form.unshown and not any(each.action.values != "none" for each in answers):
        return {}
    texts, faults = (typed.texts, typed.faults) if typed is not None else (None, ())
    view = FormView(found.form, language, texts, faults, focus=focus and not faults)
    return {"fields": view, "form_id": "answer" if asked is not None else "decide"}


def asked_of(buttons: Iterable[Button], name: str) -> Button | None:
    """The answer of that name, if it is offered."""
    return next((button for button in buttons if button.action.name == name), None)


def question_of(button: Button | None, reader: Recipient) -> str:
    """The question above the comment field."""
    return say_of("ask", button.action.name, customer=reader.external) if button else ""


def hint_of(button: Button | None, reader: Recipient) -> str:
    """Where the comment goes."""
    return say_of("hint", button.action.name, customer=reader.external) if button else ""


def browser_settings(request: PersonRequest, finding: Finding = PLAIN) -> Json:
    """What the page's modules need to know, as a JSON block (no inline script)."""
    return {
        "texts": spoken(customer=request.recipient.external),
        "now": timezone.now().isoformat(),
        "list": finding.suffix,
        "ref": request.recipient.ref,
        "customer": request.recipient.external,
        "timezone": request.recipient.timezone or "UTC",
        "learn_timezone": "" if request.recipient.timezone else reverse("inbox:timezone"),
        "language": request.LANGUAGE_CODE,
        "max_comment": MAX_COMMENT,
        "never_primary": sorted(TAKES_AWAY),
        "icons": static("wfpush/icons.svg"),
        "sign_in": reverse("inbox:sign-in"),
        "worker": reverse("inbox:worker"),
        "version": webapp.worker().version,
        "brand": request.recipient.brand.slug if request.recipient.brand else "",
    }
