"""Limits what strangers can ask of the addresses of sign-on, by their network address."""

from django.http import HttpRequest, HttpResponse

from notifications.inbox.page_frame import show_page
from notifications.intake import throttling
from notifications.sign_on.refusals import REFUSALS
from wfpush.web.proxies import address_of


def limited(request: HttpRequest) -> bool:
    """Count a request. Return whether its address has sent too many in this minute."""
    address = address_of(request.META.get("REMOTE_ADDR", ""))
    return throttling.throttle.count(throttling.Quota.usual("stranger", address)).is_over


def too_many(request: HttpRequest) -> HttpResponse:
    response = show_page(request, "sign_on/refused.html", {"words": str(REFUSALS["busy"].person)}, status=429)
    response["Retry-After"] = str(throttling.WINDOW)
    return response
