"""Sign-in links: what one opens, what one says that has ended, and how people get another one by themselves."""

from datetime import timedelta
from typing import Literal

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

from notifications.inbox.session import form_only, in_language_of, may_use_link, recipient_of, sign_in_as
from notifications.inbox.shell import show_page
from notifications.inbox.signin import local_path
from notifications.models import Recipient, SignInLink
from notifications.people import link_mails
from notifications.people.brands import brand_for
from notifications.people.recipient_tokens import LINK_LIFE
from wfpush.crypto import digest_of

Over = Literal["used", "old", "withdrawn", "unknown"]

CUT_SHORT = LINK_LIFE - timedelta(minutes=1)
"""A link that ends earlier than this after it was made was withdrawn."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button. Only its POST signs in, so programs that preview links in e-mails do not use up the
    link."""
    found = _found(token)
    if found is not None and recipient_of(request) == found.recipient:
        return redirect(local_path(found.next))
    if found is None:
        return _over(request)
    with in_language_of(found.recipient, request):
        if not _still_good(found):
            return _over(request, found, token)
        if request.method == "POST":
            return _use(request, found, token)
        context = {"invited": found.recipient}
        return show_page(request, "inbox/link.html", context, brand=brand_for(found.recipient))


@never_cache
@csrf_protect
@form_only
def again(request: HttpRequest, token: str) -> HttpResponse:
    """Whoever has a link that has ended gets a new one, at the address on file."""
    found = _found(token)
    if found is None:
        return _over(request)
    with in_language_of(found.recipient, request):
        asked = link_mails.ask(found.recipient, local_path(found.next), timezone.now())
        if asked == "cannot":
            return _over(request, found, token)
        return link_sent(request, found.recipient, too_many=asked == "too_many")


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def new_link(request: HttpRequest) -> HttpResponse:
    """Whoever has no link writes an e-mail address. The answer is the same whether we know it or not."""
    back = local_path(request.POST.get("next") or request.GET.get("next") or "")
    email, fault = request.POST.get("email", "").strip()[:254], ""
    if request.method == "POST":
        try:
            validate_email(email)
        except ValidationError:
            fault = _("Write your e-mail address, such as erin@example.com.")
        else:
            in_time = link_mails.ask_by_address(email, request.META.get("REMOTE_ADDR", ""), back, timezone.now())
            return link_sent(request, None, too_many=not in_time)
    context = {"next": back, "email": email, "fault": fault}
    return show_page(request, "inbox/link_new.html", context, status=422 if fault else 200)


def link_sent(request: HttpRequest, person: Recipient | None, *, too_many: bool) -> HttpResponse:
    """`person` is known only to whoever has had a link of theirs."""
    context = {"known": person is not None, "too_many": too_many}
    brand = brand_for(person) if person else None
    return show_page(request, "inbox/link_sent.html", context, brand=brand, status=429 if too_many else 200)


def _found(token: str) -> SignInLink | None:
    rows = SignInLink.objects.select_related("recipient__user", "recipient__brand")
    return rows.filter(digest=digest_of(token)).first()


def _over(request: HttpRequest, found: SignInLink | None = None, token: str = "") -> HttpResponse:
    person = found.recipient if found else None
    context = {
        "why": _why(found),
        "token": token if person and link_mails.can_be_mailed(person) else "",
        "closed": person is not None and not may_use_link(person),
        "has_password": person is None or not person.external,
    }
    brand = brand_for(person) if person else None
    return show_page(request, "inbox/link_over.html", context, brand=brand, status=410)


def _why(found: SignInLink | None) -> Over:
    if found is None:
        return "unknown"
    if found.used_at is not None:
        return "used"
    return "withdrawn" if found.expires_at - found.created_at < CUT_SHORT else "old"


def _still_good(link: SignInLink) -> bool:
    return link.used_at is None and link.expires_at > timezone.now() and may_use_link(link.recipient)


def _use(request: HttpRequest, found: SignInLink, token: str) -> HttpResponse:
    with transaction.atomic():
        # Of two presses at the same time only one changes the row, and signs in.
        if not SignInLink.objects.filter(pk=found.pk, used_at=None).update(used_at=timezone.now()):
            found.refresh_from_db(fields=["used_at"])
            return _over(request, found, token)
        sign_in_as(request, found.recipient)
    return HttpResponseRedirect(local_path(found.next))
