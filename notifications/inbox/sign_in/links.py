"""Sign-in links: their page, the page of a link that has ended, and requests for a new one."""

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from notifications.inbox.page_frame import show_page
from notifications.inbox.sign_in.session import form_only, in_language_of, may_use_link, recipient_of, sign_in_as
from notifications.inbox.sign_in.signin import local_path
from notifications.inbox.sign_in.ways import take_over
from notifications.models import Recipient, SignInLink
from notifications.people import link_mails
from notifications.people.brands import brand_for
from notifications.people.recipient_tokens import LINK_LIFE
from wfpush.crypto import digest_of

CUT_SHORT = LINK_LIFE - timedelta(minutes=1)
"""The least life of a link that was not withdrawn."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Show a page with a button. Only its POST signs in, so programs that preview links in e-mails do not use up the
    link."""
    sign_in_link = _sign_in_link(token)
    if sign_in_link is not None and recipient_of(request) == sign_in_link.recipient:
        return redirect(local_path(sign_in_link.next))
    if sign_in_link is None:
        return _show_ended(request)
    with in_language_of(sign_in_link.recipient, request):
        person = sign_in_link.recipient
        if sign_in_link.used_at is not None or sign_in_link.expires_at <= timezone.now() or not may_use_link(person):
            return _show_ended(request, sign_in_link, token)
        if request.method == "POST":
            return _use(request, sign_in_link, token)
        return show_page(request, "inbox/link.html", {"invited": person}, brand=brand_for(person))


@never_cache
@csrf_protect
@form_only
def resend_link(request: HttpRequest, token: str) -> HttpResponse:
    """Send a new link to a person whose link has ended, at their address on file."""
    sign_in_link = _sign_in_link(token)
    if sign_in_link is None:
        return _show_ended(request)
    with in_language_of(sign_in_link.recipient, request):
        outcome = link_mails.ask(sign_in_link.recipient, local_path(sign_in_link.next), timezone.now())
        if outcome == "cannot":
            return _show_ended(request, sign_in_link, token)
        return link_sent(request, sign_in_link.recipient, too_many=outcome == "too_many")


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def new_link(request: HttpRequest) -> HttpResponse:
    """Send a link to a typed e-mail address. The response is the same for known and unknown addresses."""
    back = local_path(request.POST.get("next") or request.GET.get("next") or "")
    email, fault = request.POST.get("email", "").strip()[:254], ""
    if request.method == "POST":
        try:
            validate_email(email)
        except ValidationError:
            fault = _("Enter your e-mail address, such as erin@example.com.")
        else:
            in_time = link_mails.ask_by_address(email, request.META.get("REMOTE_ADDR", ""), back, timezone.now())
            return link_sent(request, None, too_many=not in_time)
    context = {"next": back, "email": email, "fault": fault}
    return show_page(request, "inbox/link_new.html", context, status=422 if fault else 200)


def link_sent(request: HttpRequest, person: Recipient | None, *, too_many: bool) -> HttpResponse:
    """Show that a link was sent. `person` is None if the request came with a typed address, which may be unknown."""
    context = {"known": person is not None, "too_many": too_many}
    brand = brand_for(person) if person else None
    return show_page(request, "inbox/link_sent.html", context, brand=brand, status=429 if too_many else 200)


def _sign_in_link(token: str) -> SignInLink | None:
    rows = SignInLink.objects.select_related("recipient__user", "recipient__brand")
    return rows.filter(digest=digest_of(token)).first()


def _show_ended(request: HttpRequest, sign_in_link: SignInLink | None = None, token: str = "") -> HttpResponse:
    person = sign_in_link.recipient if sign_in_link else None
    if sign_in_link is None:
        why = "unknown"
    elif sign_in_link.used_at is not None:
        why = "used"
    else:
        why = "withdrawn" if sign_in_link.expires_at - sign_in_link.created_at < CUT_SHORT else "old"
    context = {
        "why": why,
        "token": token if person and link_mails.can_be_mailed(person) else "",
        "closed": person is not None and not may_use_link(person),
        "has_password": person is None or not person.external,
    }
    brand = brand_for(person) if person else None
    return show_page(request, "inbox/link_over.html", context, brand=brand, status=410)


def _use(request: HttpRequest, sign_in_link: SignInLink, token: str) -> HttpResponse:
    with transaction.atomic():
        # If the button is pressed twice at the same time, only one request changes the row, and signs in.
        if not SignInLink.objects.filter(pk=sign_in_link.pk, used_at=None).update(used_at=timezone.now()):
            sign_in_link.refresh_from_db(fields=["used_at"])
            return _show_ended(request, sign_in_link, token)
        user, back = sign_in_link.recipient.user, local_path(sign_in_link.next)
        if user is not None and (response := take_over(request, user, back, by_link=True)) is not None:
            return response
        sign_in_as(request, sign_in_link.recipient)
    return HttpResponseRedirect(back)
