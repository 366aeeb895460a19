"""The page that the unsubscribe link of an e-mail opens, and the POST of mail programs (RFC 8058).

The token in the address is the only credential, and cookies count for nothing: mail programs have none. So there is no
CSRF token either, as RFC 8058 demands. GET changes nothing, since mail scanners follow every link.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from notifications.customers import unsubscribe_links
from notifications.customers.unsubscribe_links import Leave
from notifications.inbox.page_frame import show_page
from notifications.inbox.sign_in.emails import discreet
from notifications.inbox.sign_in.links import link_sent
from notifications.inbox.sign_in.session import PersonRequest, in_language_of, person_required
from notifications.people import link_mails
from notifications.people.brands import brand_for

ONE_CLICK = {"List-Unsubscribe": ["One-Click"]}
"""RFC 8058, 3.1: the only content of the POST."""


@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, token: str) -> HttpResponse:
    leave = unsubscribe_links.read(token)
    if leave is None:
        return _show_ended(request)
    with in_language_of(leave.recipient, request):
        if request.method != "POST":
            return _show(request, leave, token)
        if dict(request.POST.lists()) != ONE_CLICK:
            return _show(request, leave, token, status=400)
        if leave.current and not leave.mandatory:
            unsubscribe_links.turn_off(leave, timezone.now())
        return _show(request, leave, token)


@never_cache
@csrf_exempt
@require_POST
def undo(request: HttpRequest, token: str) -> HttpResponse:
    leave = unsubscribe_links.read(token)
    if leave is None:
        return _show_ended(request)
    if leave.current:
        unsubscribe_links.turn_on(leave, timezone.now())
    return discreet(redirect("customers:unsubscribe", token))


@never_cache
@csrf_exempt
@require_POST
def send_link(request: HttpRequest, token: str) -> HttpResponse:
    """Send a sign-in link to the address of the e-mail."""
    leave = unsubscribe_links.read(token)
    if leave is None or not _may_be_sent_a_link(leave):
        return _show_ended(request)
    with in_language_of(leave.recipient, request):
        outcome = link_mails.ask(leave.recipient, reverse("inbox:settings"), timezone.now())
        return discreet(link_sent(request, leave.recipient, too_many=outcome == "too_many"))


@never_cache
@require_POST
@person_required
def turn_on(request: PersonRequest, unsubscription_id: int) -> HttpResponse:
    """Undo an unsubscription on the person's own page."""
    leave = unsubscribe_links.left_by(request.recipient, unsubscription_id)
    if leave is not None:
        unsubscribe_links.turn_on(leave, timezone.now())
    return redirect("inbox:list")


def _show(request: HttpRequest, leave: Leave, token: str, status: int = 200) -> HttpResponse:
    recipient = leave.recipient
    brand = brand_for(recipient)
    context = {
        "token": token,
        "current": leave.current,
        "mandatory": leave.mandatory,
        "why": leave.category.mandatory_reason,
        "off": unsubscribe_links.is_off(leave),
        "category": leave.category.name_in(translation.get_language() or ""),
        "mailable": _may_be_sent_a_link(leave),
        "to_customer": recipient.external,
    }
    return discreet(show_page(request, "customers/unsubscribe.html", context, brand=brand, status=status))


def _may_be_sent_a_link(leave: Leave) -> bool:
    return leave.current and leave.recipient.external and link_mails.can_be_mailed(leave.recipient)


def _show_ended(request: HttpRequest) -> HttpResponse:
    return discreet(show_page(request, "customers/unsubscribe_over.html", status=410))
