"""The page “Where you are signed in”, for all accounts: by password, passkey or identity provider."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from notifications.inbox.page_frame import show_page
from notifications.people import useragent
from notifications.people.devices import session_digest
from notifications.second_factors import changes
from notifications.second_factors import sessions as browser_sessions
from notifications.second_factors.security_pages import user_of


@never_cache
@login_required
@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    here = session_digest(request.session.session_key)
    rows = [
        {"session": row, "name": useragent.name_of(row.browser), "here": row.digest == here}
        for row in browser_sessions.sessions_of(user_of(request))
    ]
    rows.sort(key=lambda row: not row["here"])
    return show_page(request, "second_factors/sessions.html", {"rows": rows, "now": timezone.now()})


@never_cache
@login_required
@require_POST
def end_one(request: HttpRequest, digest: str) -> HttpResponse:
    """End another session. This one ends by signing out."""
    user = user_of(request)
    if digest != session_digest(request.session.session_key) and browser_sessions.end_one(user, digest):
        changes.session_ended(request, user, "session_ended")
        messages.success(request, _("That browser is signed out."))
    return redirect("sessions")


@never_cache
@login_required
@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    browser_sessions.end_others(request, user)
    changes.session_ended(request, user, "sessions_ended")
    messages.success(request, _("You are signed out everywhere else."))
    return redirect("sessions")
