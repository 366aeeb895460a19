"""The pages of the list, and of one item beside it. Both work without JavaScript; neither changes anything."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, QueryDict
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from notifications.additions import AnswerProof, FirstPage
from notifications.answers.submission import MAX_COMMENT
from notifications.attachments import storage
from notifications.channel_facts import facts_of_channel
from notifications.engines import connected_accounts
from notifications.forms.rendering import FormView, words_of_forms
from notifications.forms.typed_input import TypedForm
from notifications.inbox import webapp
from notifications.inbox.amounts import totals_of
from notifications.inbox.cards import Button
from notifications.inbox.items import Item, item, own_notification
from notifications.inbox.list_query import PLAIN, Finding, finding_of
from notifications.inbox.listing import NOTHING, Listing, chips_of, filters_of, listing
from notifications.inbox.page_frame import show_page
from notifications.inbox.sign_in.session import PersonRequest, person_required
from notifications.inbox.uploads import File, file_rules
from notifications.inbox.views import is_shown, views_of
from notifications.items import undo_window
from notifications.models import Brand, Recipient
from notifications.types import TAKES_AWAY, Json
from notifications.wording.languages import reading_language
from notifications.wording.sentences import say_of, spoken
from wfpush import features


@dataclass(frozen=True)
class ListPage:
    """The page with the list. `template` extends "inbox/inbox.html", and `context` is what it needs besides."""

    listing: Listing
    template: str = "inbox/inbox.html"
    context: Json = field(default_factory=dict)
    brand: Brand | None = None


@gzip_page
@person_required
@require_safe
def inbox(request: PersonRequest) -> HttpResponse:
    return show(request, None)


@gzip_page
@person_required
@require_safe
def open_item(request: PersonRequest, notification_id: UUID) -> HttpResponse:
    """Show an item, with the list beside it where there is room. `?answer=reject` opens the comment field of that
    answer. `?by=email` names the channel whose message led here."""
    try:
        own = own_notification(request.recipient, notification_id)
    except Http404:
        # Other people's items and missing ones get the same page: links are passed round, families share browsers.
        return show_page(request, "inbox/other_account.html", {"back": request.get_full_path()}, status=404)
    inbox_item = item(own, request.recipient, timezone.now(), shown=request.GET.get("shown"))
    return show(request, inbox_item, RefusedInput(asked=request.GET.get("answer", "")))


@gzip_page
@person_required
@require_safe
def offline(request: PersonRequest) -> HttpResponse:
    """Show the page that a browser stores to open the inbox without a connection. The browser stores the items
    itself."""
    page = _list_page(request.recipient, None, timezone.now())
    context: Json = {"list": page.listing, "item": None, "offline": True, "max_comment": MAX_COMMENT, **page.context}
    rules = file_rules()
    words = words_of_forms() | {"file_hint": rules["one"], "photo_hint": rules["photo"]}
    context |= {"file_rules": rules, "form_words": words, "settings": browser_settings(request)}
    return show_page(request, page.template, context)


@dataclass(frozen=True)
class RefusedInput:
    """Refused input, to be shown again with its faults. The templates use these field names."""

    asked: str = ""
    """The answer whose comment field is open, with its `comment`, `typed` values and `fault`."""
    comment: str = ""
    fault: str = ""
    typed: TypedForm | None = None
    unsent: str = ""
    """The comment of an answer that came too late."""
    changed: bool = False
    """True if the answer was refused because the item has changed."""
    message: str = ""
    message_fault: str = ""
    """A comment to colleagues."""
    snooze_fault: str = ""
    attached: Sequence[File] = ()
    message_attached: Sequence[File] = ()
    """Stored files of each of these inputs."""


NOTHING_SENT = RefusedInput()


def show(
    request: PersonRequest, inbox_item: Item | None, sent: RefusedInput = NOTHING_SENT, *, status: int = 200
) -> HttpResponse:
    """Show the page, with an item or without one."""
    reader, finding, now = request.recipient, finding_of(request.GET), timezone.now()
    page = _list_page(reader, finding, now)
    context: dict[str, Any] = {
        **_item_context(request, inbox_item, sent),
        "list": page.listing,
        "chips": list(chips_of(page.listing, reader)),
        "views": [(view, is_shown(view, finding)) for view in views_of(reader)],
        "filters": filters_of(reader, finding) if finding.filters_open else [],
        "totals": totals_of(reader, now) if finding == Finding(tab="done") else [],
        "settings": browser_settings(request, finding),
        **page.context,
    }
    return show_page(request, page.template, context, brand=page.brand, status=status)


@gzip_page
@person_required
@require_safe
def item_parts(request: PersonRequest, notification_id: UUID) -> HttpResponse:
    """Return the item alone, for a page that has the list already. The query is that of the item's page."""
    own, shown = own_notification(request.recipient, notification_id), request.GET.get("shown")
    inbox_item = item(own, request.recipient, timezone.now(), shown=shown)
    context = _item_context(request, inbox_item, RefusedInput(asked=request.GET.get("answer", "")))
    return show_page(request, "inbox/_reader.html", {**context, "list": Listing(finding=finding_of(request.GET))})


def _item_context(request: PersonRequest, inbox_item: Item | None, sent: RefusedInput) -> Json:
    """Return what the templates of an item need."""
    reader = request.recipient
    open_button = asked_of(
        inbox_item.card.buttons if inbox_item else (), sent.asked or (inbox_item.reply if inbox_item else "")
    )
    button = open_button if open_button is not None and (open_button.asks or not open_button.fills) else None
    return {
        **vars(sent),
        **_form_of(inbox_item, button, sent.typed, reading_language(reader), focus=bool(sent.asked)),
        "opened_by": came_by(request.GET),
        "item": inbox_item,
        **open_answer(button, reader, focus=bool(sent.asked)),
        "unconnected": list(connected_accounts.missing_for(reader)),
    }


def _list_page(reader: Recipient, finding: Finding | None, now: datetime) -> ListPage:
    """Return the page that a feature has for the reader, else the list. `finding`: None without a connection."""
    pages = (import_string(each.page)(reader, finding, now) for each in features.added(FirstPage))
    own: ListPage | None = next((page for page in pages if page is not None), None)
    return own or ListPage(NOTHING if finding is None else listing(reader, now, finding))


def _form_of(
    inbox_item: Item | None, button: Button | None, typed: TypedForm | None, language: str, *, focus: bool
) -> Json:
    """Return the fields of the item's form if an answer takes their values: that of `button`, else any of them."""
    answers = [button] if button is not None else inbox_item.card.buttons if inbox_item is not None else ()
    if inbox_item is None or inbox_item.form is None or not inbox_item.card.is_open:
        return {}
    if not inbox_item.form.unshown and not any(each.action.values != "none" for each in answers):
        return {}
    texts, faults = (typed.texts, typed.faults) if typed is not None else (None, ())
    files = typed.files if typed is not None else {}
    view = FormView(inbox_item.form, language, texts, faults, files, focus=focus and not faults)
    return {"fields": view, "form_id": "answer" if button is not None else "decide"}


def asked_of(buttons: Iterable[Button], name: str) -> Button | None:
    """Return the button of the answer with this name, if it is offered."""
    return next((button for button in buttons if button.action.name == name), None)


def came_by(query: QueryDict) -> str:
    """Return the channel whose message led here; empty for none."""
    channel = query.get("by", "")
    return channel if facts_of_channel(channel) is not None else ""


def open_answer(button: Button | None, reader: Recipient, *, focus: bool) -> Json:
    """Return the template context of an answer's open comment field: the `question` above it, the `hint` where the
    comment goes, and whether files go with it, as with answers that are messages."""
    return {
        "asked": button,
        "question": say_of("ask", button.action.name, customer=reader.external) if button else "",
        "hint": say_of("hint", button.action.name, customer=reader.external) if button else "",
        "focus": focus,
        "max_comment": MAX_COMMENT,
        "file_rules": file_rules(),
        "attaches": button is not None and button.action.effect in ("reply", "request_info"),
    }


def browser_settings(request: PersonRequest, finding: Finding = PLAIN) -> Json:
    """Return the settings of the page's modules, for a JSON block (no inline script)."""
    return {
        "texts": spoken(customer=request.recipient.external),
        "now": timezone.now().isoformat(),
        "list": finding.suffix,
        "ref": request.recipient.ref,
        "customer": request.recipient.external,
        "timezone": request.recipient.timezone or "UTC",
        "learn_timezone": "" if request.recipient.timezone else reverse("inbox:timezone"),
        "language": request.LANGUAGE_CODE,
        "locale": request.recipient.locale,
        "max_comment": MAX_COMMENT,
        "max_file": storage.largest(),
        "never_primary": sorted(TAKES_AWAY),
        "undo": bool(undo_window.HELD),
        "icons": static("wfpush/icons.svg"),
        "sign_in": reverse("inbox:sign-in"),
        "worker": reverse("inbox:worker"),
        "version": webapp.worker().version,
        "brand": request.recipient.brand.slug if request.recipient.brand else "",
        "signer": next((each.module for each in features.added(AnswerProof)), ""),
    }
