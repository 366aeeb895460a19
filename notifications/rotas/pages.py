"""The page of duty: the people on duty in one's rotas now and next, one's turns, and swaps with colleagues. Also the
calendars that rotas offer."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from notifications.inbox.page_frame import show_page
from notifications.inbox.sign_in.session import PersonRequest, person_required
from notifications.inbox.wall_clock import WallClock
from notifications.models import Recipient
from notifications.rotas import calendar_export, duty, notices, swaps, turns
from notifications.rotas.models import Rota, RotaSwap, SwapState
from notifications.rotas.swaps import AHEAD, CannotSwap, SwapProposal
from notifications.rotas.turns import Shift
from notifications.wording.times import moment
from wfpush import zones

MOST_ROTAS = 20
MOST_TURNS = 12
"""Turns that are shown of oneself, and of each colleague for a swap."""
ANSWERS = {"accept": SwapState.ACCEPTED, "decline": SwapState.DECLINED, "withdraw": SwapState.WITHDRAWN}


# --- the page's content -----------------------------------------------------------------------------------------------
@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: PersonRequest) -> HttpResponse:
    if request.recipient.external:
        raise Http404
    if request.method != "POST":
        return _show(request)
    try:
        message = _ask(request) if request.POST.get("do") == "ask" else _answer(request)
    except (CannotSwap, ValidationError) as fault:
        text = " ".join(fault.messages) if isinstance(fault, ValidationError) else str(fault)
        return _show(request, fault=text, status=422)
    messages.success(request, message)
    return redirect("rotas:duty")


def _show(request: PersonRequest, *, fault: str = "", status: int = 200) -> HttpResponse:
    person, now = request.recipient, timezone.now()
    rotas = list(swaps.rotas_of(person)[:MOST_ROTAS])
    shifts_by_rota = {
        pk: turns.shifts(each, now, now + AHEAD) for pk, each in duty.definitions(rotas, now, now + AHEAD).items()
    }
    people = duty.people_of(shift for shifts in shifts_by_rota.values() for shift in shifts)
    # The reader's own requests for times that are not over.
    mine = RotaSwap.objects.filter(asked_by=person, ends_at__gt=now).exclude(state=SwapState.WITHDRAWN)
    mine = mine.select_related("rota", "asked_by", "asked_of")
    context = {
        "rotas": [_rota_context(rota, shifts_by_rota[rota.pk], people, person, now) for rota in rotas],
        "turns": list(_turns(rotas, shifts_by_rota, person, now)),
        "asked_of_me": [_swap_context(each, person, now) for each in _open_swaps().filter(asked_of=person)],
        "asked_by_me": [_swap_context(each, person, now) for each in mine[:MOST_TURNS]],
        "fault": fault,
        "zone": timezone.get_current_timezone_name(),
    }
    return show_page(request, "rotas/duty.html", context, status=status)


def _rota_context(
    rota: Rota, shifts: Sequence[Shift], people: Mapping[int, Recipient], me: Recipient, now: datetime
) -> dict[str, Any]:
    """Return one of the reader's rotas, with the people on duty now and next."""
    current = next((each for each in shifts if each.begins <= now), None)
    later = next((each for each in shifts if each.begins > now), None)
    if current is None:
        current_text = _("Nobody is on duty.")
    else:
        current_text = _("%(name)s until %(time)s") % {"name": people[current.who], "time": moment(current.ends, now)}
    successor = {"name": people[later.who], "time": moment(later.begins, now)} if later else {}
    following = _("Then %(name)s from %(time)s") % successor if successor else _("Nobody is on duty after that.")
    mine = current is not None and current.who == me.pk
    return {"rota": rota, "now": current_text, "following": following, "mine": mine}


def _turns(
    rotas: Sequence[Rota], shifts_by_rota: Mapping[int, Sequence[Shift]], me: Recipient, now: datetime
) -> Iterator[dict[str, Any]]:
    """Yield the reader's turns, with the form values for a swap request."""
    mine = [(shift, rota) for rota in rotas for shift in swaps.turns_of(shifts_by_rota[rota.pk], me)]
    open_swaps = list(_open_swaps().filter(asked_by=me))
    others = {rota.pk: _colleagues(rota, shifts_by_rota[rota.pk], me, now) for rota in {rota for _, rota in mine}}
    for shift, rota in sorted(mine, key=lambda each: each[0].begins)[:MOST_TURNS]:
        waits = any(each.rota_id == rota.pk and each.begins_at < shift.ends and each.ends_at > shift.begins
                    for each in open_swaps)  # fmt: skip
        yield {
            "rota": rota,
            "says": _span(shift.begins, shift.ends, now),
            "begins": f"{timezone.localtime(shift.begins):%Y-%m-%dT%H:%M}",
            "ends": f"{timezone.localtime(shift.ends):%Y-%m-%dT%H:%M}",
            "now": shift.begins <= now,
            "has_request": waits,
            "others": others[rota.pk],
        }


def _colleagues(rota: Rota, shifts: Sequence[Shift], me: Recipient, now: datetime) -> list[dict[str, Any]]:
    """Return the colleagues, with their turns that can be had in return."""
    return [
        {
            "name": str(each),
            "value": str(each.pk),
            "turns": [
                (f"{each.pk} {shift.begins.isoformat()} {shift.ends.isoformat()}", _span(shift.begins, shift.ends, now))
                for shift in swaps.turns_of(shifts, each)[:MOST_TURNS]
            ],
        }
        for each in swaps.colleagues_of(rota, me)
    ]


def _span(begins: datetime, ends: datetime, now: datetime) -> str:
    return _("%(begins)s – %(ends)s") % {"begins": moment(begins, now), "ends": moment(ends, now)}


def _open_swaps() -> QuerySet[RotaSwap]:
    waiting = RotaSwap.objects.filter(state=SwapState.ASKED, ends_at__gt=timezone.now())
    return waiting.select_related("rota", "asked_by", "asked_of").order_by("begins_at")


def _swap_context(swap: RotaSwap, me: Recipient, now: datetime) -> dict[str, Any]:
    """Return a swap that waits for an answer, or was answered lately."""
    if swap.asked_of_id == me.pk:
        text, other = _("%(name)s asks you to take over duty for %(rota)s"), swap.asked_by
    else:
        other = swap.asked_of
        text = {
            SwapState.ASKED: _("You asked %(name)s to take over duty for %(rota)s"),
            SwapState.ACCEPTED: _("%(name)s takes over your duty for %(rota)s"),
            SwapState.DECLINED: _("%(name)s cannot take over your duty for %(rota)s"),
        }[SwapState(swap.state)]
    says = text % {"name": other, "rota": swap.rota}
    return {"pk": swap.pk, "says": says, "times": _times(swap, now), "state": swap.state}


def _times(swap: RotaSwap, now: datetime) -> str:
    own_turn = _span(swap.begins_at, swap.ends_at, now)
    if swap.back_begins_at is None or swap.back_ends_at is None:
        return own_turn
    return _("%(times)s; in return %(back)s") % {
        "times": own_turn, "back": _span(swap.back_begins_at, swap.back_ends_at, now),
    }  # fmt: skip


# --- the page's actions -----------------------------------------------------------------------------------------------
def _ask(request: PersonRequest) -> str:
    """Ask a colleague for a swap and return the message to show. Raises CannotSwap and ValidationError."""
    me, form_data = request.recipient, request.POST
    rota = swaps.rotas_of(me).filter(slug=form_data.get("rota", "")[:100].replace("\x00", "")).first()
    if rota is None:
        raise CannotSwap(_("You are not in this rota any more."))
    key, back = _chosen(form_data.get("other", ""))
    other = next((each for each in swaps.colleagues_of(rota, me) if each.pk == key), None)
    if other is None:
        raise CannotSwap(_("Choose a colleague."))
    zone = timezone.get_current_timezone()
    wall_clock = WallClock(error_messages={"required": _("Enter the dates.")})
    begins, ends = (zones.first_instant(zone, wall_clock.clean(form_data.get(name, ""))) for name in ("begins", "ends"))
    if ends <= begins:
        raise CannotSwap(_("The end must be after the start."))
    theirs = Shift(*back, other.pk) if back else None
    notices.ask_for_swap(SwapProposal(rota, other, Shift(begins, ends, me.pk), theirs), me, timezone.now())
    return _("%(name)s was asked. You are notified of the answer.") % {"name": other}


def _chosen(text: str) -> tuple[int, tuple[datetime, datetime] | None]:
    """Return a colleague's key, and their turn to take in return, if any. Raises CannotSwap."""
    key, *times = text.split(" ")
    try:
        begins, ends = (datetime.fromisoformat(each) for each in times) if times else (None, None)
        colleague_key = int(key)
    except ValueError as fault:
        raise CannotSwap(_("Choose a colleague.")) from fault
    if begins is None or ends is None:
        return colleague_key, None
    if begins.tzinfo is None or ends.tzinfo is None or begins >= ends:
        raise CannotSwap(_("Choose a colleague."))
    return colleague_key, (begins, ends)


def _answer(request: PersonRequest) -> str:
    """Answer a swap and return the message to show. Raises CannotSwap and Http404."""
    state, pk = ANSWERS.get(request.POST.get("do", "")), request.POST.get("swap", "")
    if state is None or not pk.isdecimal() or len(pk) > 18:
        raise Http404
    try:
        swap = notices.answer_swap(int(pk), request.recipient, state, timezone.now())
    except RotaSwap.DoesNotExist as fault:
        raise Http404 from fault
    return {
        SwapState.ACCEPTED: _("You take over. %(name)s is notified."),
        SwapState.DECLINED: _("Declined. %(name)s is notified."),
        SwapState.WITHDRAWN: _("Withdrawn."),
    }[state] % {"name": swap.asked_by}


# --- the calendar that a rota offers ----------------------------------------------------------------------------------
@require_safe
def calendar(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    rota = calendar_export.at_address(slug, token)
    if rota is None:
        raise Http404
    response = HttpResponse(
        calendar_export.calendar_of(rota, timezone.now()), content_type="text/calendar; charset=utf-8"
    )
    response["Content-Disposition"] = f'inline; filename="{rota.slug}.ics"'
    response["Cache-Control"] = "private, max-age=300"
    return response


app_name = "rotas"
urlpatterns: list[URLPattern] = [
    path("duty", page, name="duty"),
    path("rotas/<slug:slug>/<str:token>.ics", calendar, name="calendar"),
]
