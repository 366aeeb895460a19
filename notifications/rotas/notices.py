"""Notices about duty: that a swap is requested or answered, and a note at each hand-over.

The note names the person before, and the open tasks. Each minute the person on duty is compared with the last look. Any
change is a hand-over: a turn, an override or a swap. So each hand-over is announced once; after the worker was away,
only the current state is announced.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications import reasons
from notifications.models import ANSWERABLE, DEADLINE, Notification, Recipient, Task
from notifications.people.stand_ins import StandIns
from notifications.reasons import Reason
from notifications.rotas import reasons as duty_reasons
from notifications.rotas import swaps
from notifications.rotas.duty import Duties, people_of, shifts_of
from notifications.rotas.models import Rota, RotaSwap, RotaWatch, SwapState
from notifications.rotas.swaps import SwapProposal
from notifications.rotas.turns import Shift
from notifications.routing import entitlement_review, system_notices
from notifications.routing.system_notices import NoticeSubject, Words
from notifications.wording.times import moment, when
from wfpush.queue import outage

log = structlog.get_logger(__name__)

TYPE = "wfpush.duty"
LATE = timedelta(hours=12)
"""Time after which a hand-over is no longer announced: a person on duty for so long knows."""
BEHIND, AHEAD = timedelta(days=35), timedelta(days=100)
NAMED = 5


def _send(
    rota: Rota,
    person: Recipient,
    worded: Callable[[], Words],
    why: Reason,
    now: datetime,
    *,
    instead_of: Recipient | None = None,
) -> Notification | None:
    """Send a notice about a rota; `worded` runs in the person's language and zone. None: nothing can be sent yet."""
    subject = NoticeSubject(
        type=TYPE,
        data={"rota": {"slug": rota.slug, "name": rota.name}},
        page=reverse("rotas:duty"),
        details={"duty": {"rota": rota.slug}},
        category=rota.category,
    )
    return system_notices.send(person, subject, worded, why, now, instead_of=instead_of)


# --- swaps ------------------------------------------------------------------------------------------------------------
@transaction.atomic
def ask_for_swap(proposal: SwapProposal, by: Recipient, now: datetime) -> RotaSwap:
    """Ask for a swap and notify the colleague. Raise CannotSwap."""
    swap = swaps.ask(proposal, by, now)
    _send(swap.rota, swap.asked_of, lambda: _request_words(swap, now), reasons.ASKED_BY(name=by), now)
    return swap


@transaction.atomic
def answer_swap(pk: int, person: Recipient, state: SwapState, now: datetime) -> RotaSwap:
    """Answer a swap and notify the other person. Raise CannotSwap or RotaSwap.DoesNotExist."""
    swap = swaps.answer(pk, person, state, now)
    other = swap.asked_of if state == SwapState.WITHDRAWN else swap.asked_by
    _send(swap.rota, other, lambda: _answer_words(swap, now), reasons.WRITTEN_TO(name=person), now)
    return swap


def _request_words(swap: RotaSwap, now: datetime) -> Words:
    names = {"name": swap.asked_by, "rota": swap.rota}
    title = _("%(name)s asks you to take over duty for %(rota)s") % names
    lines = [_times(swap, now), _("Accept or decline on your page of duty.")]
    return Words(title, "\n\n".join(lines), _times(swap, now))


def _answer_words(swap: RotaSwap, now: datetime) -> Words:
    form = {
        SwapState.ACCEPTED: _("%(other)s takes over your duty for %(rota)s"),
        SwapState.DECLINED: _("%(other)s cannot take over your duty for %(rota)s"),
        SwapState.WITHDRAWN: _("%(name)s no longer asks you to take over duty for %(rota)s"),
    }[SwapState(swap.state)]
    title = form % {"name": swap.asked_by, "other": swap.asked_of, "rota": swap.rota}
    return Words(title, _times(swap, now), _times(swap, now))


def _times(swap: RotaSwap, now: datetime) -> str:
    own_turn = _("From %(begins)s until %(ends)s.") % {
        "begins": moment(swap.begins_at, now), "ends": moment(swap.ends_at, now),
    }  # fmt: skip
    if swap.back_begins_at is None or swap.back_ends_at is None:
        return own_turn
    back = _("In return: from %(begins)s until %(ends)s.") % {
        "begins": moment(swap.back_begins_at, now), "ends": moment(swap.back_ends_at, now),
    }  # fmt: skip
    return f"{own_turn} {back}"


# --- hand-overs -------------------------------------------------------------------------------------------------------
def tell_of_hand_overs(now: datetime) -> int:
    """Announce hand-overs, once a minute. Return how many were announced."""
    swaps.end_unanswered(now)
    return sum(_check_safely(pk, now) for pk in Rota.objects.order_by("pk").values_list("pk", flat=True))


def _check_safely(pk: int, now: datetime) -> bool:
    try:
        return _check(pk, now)
    except Exception as fault:  # one rota's fault must not silence the others
        if outage.database_is_away(fault):
            raise
        log.exception("hand_over_not_told", rota=pk)
        return False


@transaction.atomic
def _check(pk: int, now: datetime) -> bool:
    """Update a rota's watch; return whether a hand-over was announced. Concurrent calls wait for its lock."""
    rota = Rota.objects.select_related("team", "category").select_for_update(of=("self",), no_key=True).get(pk=pk)
    watch = RotaWatch.objects.filter(rota=rota).first()
    if watch is not None and watch.looked_at >= now:
        return False
    shifts = shifts_of(rota, now - BEHIND, now + AHEAD)
    current = next((shift for shift in shifts if shift.begins <= now < shift.ends), None)
    on_duty = _pass_on(rota, watch, now)
    seen = {"looked_at": now, "person_id": current.who if current else None, "on_duty": on_duty}
    RotaWatch.objects.update_or_create(rota=rota, defaults=seen)
    if watch is None or current is None:
        return False
    has_changed = current.begins > watch.looked_at or watch.person_id != current.who
    if not has_changed or now - max(current.begins, watch.looked_at) > LATE:
        return False
    return _announce(rota, current, shifts, now)


def _pass_on(rota: Rota, watch: RotaWatch | None, now: datetime) -> list[int]:
    """Pass open items of people who are no longer on duty to the people on duty. Return these, or the last ones."""
    before = watch.on_duty if watch is not None else []
    on_duty = [person.pk for person in Duties(now).people(rota)]
    if not on_duty:
        return before
    entitlement_review.request(set(before) - set(on_duty), now)
    return on_duty


def _announce(rota: Rota, current: Shift, shifts: Sequence[Shift], now: datetime) -> bool:
    before = next((shift for shift in reversed(shifts) if shift.ends <= current.begins), None)
    people = people_of([current, *([before] if before else [])])
    person = people[current.who]
    stand_in = StandIns(now).of([person]).get(person.pk)
    had_it = people.get(before.who) if before else None
    notification = _send(
        rota,
        stand_in or person,
        lambda: note(rota, current, had_it, now),
        duty_reasons.ON_DUTY(rota=rota.name),
        now,
        instead_of=person if stand_in else None,
    )
    return notification is not None


# --- the words of a note ----------------------------------------------------------------------------------------------
def note(rota: Rota, current: Shift, before: Recipient | None, now: datetime) -> Words:
    title = _("You are on duty for %(rota)s") % {"rota": rota}
    until = _("Until %(time)s.") % {"time": moment(current.ends, now)}
    had = _("Before you: %(name)s.") % {"name": before} if before else _("Nobody was on duty before you.")
    waiting = Task.objects.filter(teams=rota.team_id, state__in=ANSWERABLE)
    count = waiting.count()
    if not count:
        still = _("Nothing is open in %(team)s.") % {"team": rota.team}
        return Words(title, f"{until} {had}\n\n{still}", f"{until} {still}")
    still = ngettext("%(count)d task is open in %(team)s.", "%(count)d tasks are open in %(team)s.", count)
    still %= {"count": count, "team": rota.team}
    first = waiting.select_related("case").order_by(DEADLINE.asc(nulls_last=True), "pk")[:NAMED]
    lines = [_line(task, now) for task in first]
    if count > NAMED:
        lines.append(ngettext("and %(count)d other", "and %(count)d others", count - NAMED) % {"count": count - NAMED})
    return Words(title, "\n\n".join([f"{until} {had}", still, "\n".join(lines)]), f"{until} {still}")


def _line(task: Task, now: datetime) -> str:
    name = str(task)
    if task.deadline is None:
        return f"• {name}"
    form = _("• %(name)s, was due %(time)s") if task.deadline < now else _("• %(name)s, due %(time)s")
    return form % {"name": name, "time": when(task.deadline, now)}
