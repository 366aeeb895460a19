"""The page that an e-mail's link opens. The link alone is enough to read, to acknowledge, and to reply to a question.

The token in the address is the only credential. The session counts for nothing here, so CSRF cannot misuse it. CSRF
protection would only refuse browsers that send `Origin: null` because they were told to send no referrer.
"""

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from notifications import reasons
from notifications.answers.questions import REPLY
from notifications.answers.respond import refuse_dead_token, take_with_token
from notifications.errors import Changed, CommentRequired, Expired, Failure, Invalid, InvalidAnswer
from notifications.inbox.answers import answer_in_form, explain, refuse_faulty
from notifications.inbox.cards import Button
from notifications.inbox.items import Item, item
from notifications.inbox.page_frame import show_page
from notifications.inbox.pages import asked_of, open_answer
from notifications.inbox.sign_in.links import link_sent
from notifications.inbox.sign_in.session import in_language_of, recipient_of, sign_in_url
from notifications.inbox.uploads import attached
from notifications.items.action_tokens import NEED_NO_SIGN_IN
from notifications.items.outcomes import why_withdrawn
from notifications.items.representation import notification_queryset
from notifications.models import ActionToken, Recipient
from notifications.people import link_mails
from notifications.people.brands import brand_for
from notifications.types import Json
from wfpush.crypto import digest_of


@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def email_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show the page, or take an answer. GET and HEAD change nothing, since mail scanners follow every link. No Referer
    header tells other sites the token."""
    row = _row(token)
    if row is None or not row.recipient.may_act:
        response = _show_ended(request, "")
    else:
        with in_language_of(row.recipient, request):
            # A form that sets a cookie, as in the footers of other pages, would be refused: it sends no referrer.
            if request.GET.get("language") in dict(settings.LANGUAGES):
                translation.activate(request.GET["language"])
            response = _page(request, row, token)
    return discreet(response)


@never_cache
@csrf_exempt
@require_POST
def send_link(request: HttpRequest, token: str) -> HttpResponse:
    """Send a customer a sign-in link that leads to the item, to the address of their e-mail."""
    row = _row(token)
    if row is None or not row.recipient.external or not link_mails.can_be_mailed(row.recipient):
        return discreet(_show_ended(request, ""))
    with in_language_of(row.recipient, request):
        outcome = link_mails.ask(row.recipient, _item_url(row, None), timezone.now())
        return discreet(link_sent(request, row.recipient, too_many=outcome == "too_many"))


def _row(token: str) -> ActionToken | None:
    rows = ActionToken.objects.select_related("recipient__brand", "recipient__user", "delivery")
    return rows.filter(digest=digest_of(token)).first()


def discreet(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


def _show_ended(request: HttpRequest, reason: str, person: Recipient | None = None, token: str = "") -> HttpResponse:
    """Show that the link has ended. `person` is the recipient of the e-mail, if known; customers can request a link
    here."""
    mailable = person is not None and person.external and link_mails.can_be_mailed(person)
    context = {"reason": reason, "token": token if mailable else "", "addressed": person}
    brand = brand_for(person) if person else None
    return show_page(request, "inbox/email_over.html", context, brand=brand, status=410)


def _page(request: HttpRequest, row: ActionToken, token: str) -> HttpResponse:
    try:
        refuse_dead_token(row, timezone.now())
    except Expired:
        why = why_withdrawn(reasons.read(row, "void_reason"), row.recipient) if row.voided_at else ""
        return _show_ended(request, why, row.recipient, token)
    inbox_item = _item(row, row.revision or None)
    if request.method == "POST":
        return _answer(request, row, token, inbox_item)
    if recipient_of(request) == row.recipient:
        return redirect(_item_url(row, asked_of(inbox_item.card.buttons, request.GET.get("answer", ""))))
    return _show(request, row, token, inbox_item, answer_name=request.GET.get("answer", ""))


def _answer(request: HttpRequest, row: ActionToken, token: str, inbox_item: Item) -> HttpResponse:
    """Record an answer that the link may give. Otherwise lead back to the page, which explains how to answer."""
    submitted = replace(answer_in_form(request, row.delivery.channel), assurance="")
    possible = {button.action.name for button in answers_here(row, inbox_item)}
    if inbox_item.notification.task_id is None:  # a reply is kept even if the task was decided while it was written
        possible |= {REPLY["action"]}.intersection(row.actions)
    if submitted.action not in possible:
        if inbox_item.card.is_open:
            return redirect("inbox:email", token)
        return _too_late(request, row, token, submitted.comment)
    files = attached(request, row.recipient, timezone.now())
    written: Json = {"comment": submitted.comment, "attached": files.files}
    try:
        refuse_faulty(files)
        take_with_token(token, replace(submitted, files=files.ids), now=timezone.now(), on_page=True)
    except (CommentRequired, Invalid, InvalidAnswer) as failure:
        fault = explain(failure, row.recipient, asks=inbox_item.notification.task_id is None)
        written |= {"fault": fault, "status": failure.status}
        return _show(request, row, token, inbox_item, answer_name=submitted.action, **written)
    except Changed as failure:
        open_action = submitted.action if submitted.comment or files.files else ""
        written |= {"changed": True, "status": failure.status}
        return _show(request, row, token, _item(row, failure.shown), answer_name=open_action, **written)
    except Failure:
        return _too_late(request, row, token, submitted.comment)
    return redirect("inbox:email", token)


def _too_late(request: HttpRequest, row: ActionToken, token: str, comment: str) -> HttpResponse:
    """Show the outcome, since another person or the engine was first, and give the comment back."""
    if not comment:
        return redirect("inbox:email", token)
    return _show(request, row, token, _item(row, None), answer_name="", unsent=comment, status=409)


def _item(row: ActionToken, shown: str | None) -> Item:
    """Return the current item, with its changes since the revision that the mail or the page showed."""
    return item(notification_queryset().get(pk=row.notification_id), row.recipient, timezone.now(), shown=shown)


def answers_here(row: ActionToken, inbox_item: Item) -> list[Button]:
    """Return the answers that the link alone may give. Forms are filled in in the inbox, and answers signed there."""
    everything = inbox_item.notification.answer_from_email
    signed = inbox_item.proofs.names if inbox_item.proofs is not None else ()
    here = [each for each in inbox_item.card.buttons if each.action.name not in signed]
    offered = [each for each in here if each.action.name in row.actions and not each.fills]
    return [button for button in offered if everything or button.action.effect in NEED_NO_SIGN_IN]


def _item_url(row: ActionToken, button: Button | None) -> str:
    """Return the item's address in the inbox. It opens the answer's field if `button` needs a comment or values."""
    asks = button is not None and (button.asks or button.fills)
    query = {"answer": button.action.name} if button and asks else {}
    query["by"] = row.delivery.channel
    return f"{reverse('inbox:item', args=[row.notification_id])}?{urlencode(query)}"


def sign_in_to(button: Button) -> str:
    names = {"approve": _("Sign in to approve"), "reject": _("Sign in to reject"), "complete": _("Sign in to complete")}
    return names.get(button.action.name, _("Sign in to answer"))


def _show(
    request: HttpRequest,
    row: ActionToken,
    token: str,
    inbox_item: Item,
    *,
    answer_name: str,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    here = answers_here(row, inbox_item)
    elsewhere = [each for each in inbox_item.card.buttons if each not in here]
    sign_in_button = asked_of(elsewhere, answer_name) or next(iter(elsewhere), None)
    context = {
        "item": inbox_item,
        "addressed": row.recipient,
        "token": token,
        "other": recipient_of(request) or (request.user if request.user.is_authenticated else None),
        "here": here,
        "elsewhere": elsewhere,
        "fills": any(each.fills for each in elsewhere),
        "sign_in_to": sign_in_to(sign_in_button) if sign_in_button else "",
        "sign_in_url": sign_in_url(_item_url(row, sign_in_button)),
        "inbox_url": _item_url(row, sign_in_button),
        **open_answer(asked_of(here, answer_name or inbox_item.reply), row.recipient, focus=bool(answer_name)),
        **more,
    }
    brand = inbox_item.notification.brand or row.recipient.brand
    return show_page(request, "inbox/email.html", context, brand=brand, status=status)
