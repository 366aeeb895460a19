"""The page on which people connect their own accounts at engines, and the OAuth2 redirects there and back."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from notifications.engines import connected_accounts
from notifications.engines.connected_accounts import ConnectionFailed, SignIn
from notifications.inbox.page_frame import show_page
from notifications.inbox.sign_in.session import PersonRequest, form_only, person_required
from notifications.items.outcomes import parse_time
from notifications.models import ConnectedAccount, Engine, InTheNameOf, Recipient
from notifications.wording.directions import all_apart, apart
from notifications.wording.times import day

log = structlog.get_logger(__name__)

KEY = "connecting"
"""Session key of sign-ins at engines that have begun and not ended."""
AT_ONCE = 3
"""Unfinished sign-ins that a session remembers: nobody signs in with more tabs than that."""
WITHIN = timedelta(minutes=15)


@person_required
@require_safe
def page(request: PersonRequest) -> HttpResponse:
    engines = list(connected_accounts.shown_to(request.recipient))
    own = {account.engine_id: account for account in request.recipient.accounts.all()}
    rows = [_row(engine, own.get(engine.pk), request.recipient) for engine in engines]
    return show_page(request, "inbox/accounts.html", {"rows": rows})


def _row(engine: Engine, account: ConnectedAccount | None, person: Recipient) -> dict[str, Any]:
    """Return an engine as the page shows it. `connected`: the connection works; `ended`: it no longer works."""
    works = account is not None and account.works
    count = connected_accounts.waiting(person).filter(engine=engine).count() if not works else 0
    text = ngettext("%(count)d answer of yours waits for it.", "%(count)d answers of yours wait for it.", count)
    return {
        "engine": engine,
        "host": _host(engine),
        "connected": _connected_since(account) if account is not None and works else "",
        "ended": account is not None and not works,
        "needed": engine.personal.mode == InTheNameOf.PERSON,
        "waiting": text % {"count": count} if count else "",
    }


def _connected_since(account: ConnectedAccount) -> str:
    date = day(timezone.localtime(account.connected_at).date(), timezone.localtime().date())
    if account.name:
        return _("Connected as {name} since {date}.").format(name=apart(account.name), date=date)
    return _("Connected since {date}.").format(date=date)


def _host(engine: Engine) -> str:
    return urlsplit(engine.personal.authorize_url).netloc


# --- redirects to the engine and back ---------------------------------------------------------------------------------
@form_only
@person_required
def connect(request: PersonRequest, slug: str) -> HttpResponse:
    """Show a page that leads to the engine, since browsers apply a form's policy (form-action) to redirects, too."""
    engine = get_object_or_404(connected_accounts.connectable(), slug=slug)
    sign_in = SignIn()
    attempt = {"engine": engine.pk, "recipient": request.recipient.pk, "at": timezone.now().isoformat()}
    request.session[KEY] = [*request.session.get(KEY, []), {**attempt, **asdict(sign_in)}][-AT_ONCE:]
    context = {"engine": engine, "host": _host(engine), "address": connected_accounts.address_of(engine, sign_in)}
    return show_page(request, "inbox/account_leaving.html", context)


@person_required
@require_safe
def sign_in_returned(request: PersonRequest, slug: str) -> HttpResponse:
    """Handle the redirect back from the engine's sign-in: with a code, or with an error."""
    engine = get_object_or_404(connected_accounts.connectable(), slug=slug)
    sign_in = _pop_attempt(request, engine, request.GET.get("state", ""), timezone.now())
    if sign_in is None:
        messages.error(request, _("This sign-in was started elsewhere, or too long ago. Please connect again."))
    elif "code" not in request.GET:
        messages.error(request, _refusal(engine, request.GET.get("error", "")))
    else:
        _finish(request, engine, sign_in, request.GET["code"])
    return redirect("inbox:accounts")


def _pop_attempt(request: PersonRequest, engine: Engine, state: str, now: datetime) -> SignIn | None:
    """Use up and return the sign-in with this state, if this person began it at this engine in this browser."""
    attempts: list[dict[str, Any]] = request.session.get(KEY, [])
    attempt = next((each for each in attempts if each["state"] == state), None)
    if attempt is None:
        return None
    request.session[KEY] = [each for each in attempts if each is not attempt]
    at = parse_time(attempt["at"])
    own = (attempt["engine"], attempt["recipient"]) == (engine.pk, request.recipient.pk)
    return SignIn(state, attempt["verifier"]) if own and at is not None and now - at < WITHIN else None


def _refusal(engine: Engine, error: str) -> str:
    """Return a sentence for the error. The text in the redirect may come from anybody, so it is not repeated."""
    if error == "access_denied":
        return _("Not connected: %(engine)s did not allow it.") % all_apart(engine=engine)
    log.warning("account_not_connected", engine=engine.slug, error=error[:100])
    return _("%(engine)s could not sign you in. Please try again, or contact your administrator.") % all_apart(
        engine=engine
    )


def _finish(request: PersonRequest, engine: Engine, sign_in: SignIn, code: str) -> None:
    waiting = connected_accounts.waiting(request.recipient).filter(engine=engine).count()
    try:
        account = connected_accounts.connect(engine, request.recipient, sign_in, code, timezone.now())
    except ConnectionFailed as fault:
        messages.error(request, str(fault))
        return
    with_name = _("%(engine)s is connected as %(name)s. Your answers there are given in your own name.")
    plain = _("%(engine)s is connected. Your answers there are given in your own name.")
    text = (with_name if account.name else plain) % all_apart(engine=engine, name=account.name)
    sent = ngettext(
        "%(count)d answer that waited is on its way.", "%(count)d answers that waited are on their way.", waiting
    )
    messages.success(request, f"{text} {sent % {'count': waiting}}" if waiting else text)


@form_only
@person_required
def disconnect(request: PersonRequest, slug: str) -> HttpResponse:
    engine = get_object_or_404(Engine, slug=slug)
    if connected_accounts.disconnect(engine, request.recipient):
        messages.success(request, _("%(engine)s is no longer connected.") % all_apart(engine=engine))
    return redirect("inbox:accounts")
