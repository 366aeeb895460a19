"""Asking for a swap of duty and answering it, with what the other hears of it."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from notifications import reasons
from notifications.handover.telling import tell
from notifications.models import Recipient, RotaSwap, SwapState
from notifications.rotas import swaps
from notifications.rotas.swaps import Wanted
from notifications.routing.notice import Words
from notifications.wording.times import moment


@transaction.atomic
def ask(proposal: Wanted, by: Recipient, now: datetime) -> RotaSwap:
    """Ask for a swap and notify the colleague. Raises CannotSwap."""
    swap = swaps.ask(proposal, by, now)
    tell(swap.rota, swap.asked_of, lambda: _request_words(swap, now), reasons.ASKED_BY(name=by), now)
    return swap


@transaction.atomic
def answer(pk: int, person: Recipient, state: SwapState, now: datetime) -> RotaSwap:
    """Raises CannotSwap, RotaSwap.DoesNotExist."""
    swap = swaps.answer(pk, person, state, now)
    other = swap.asked_of if state == SwapState.WITHDRAWN else swap.asked_by
    tell(swap.rota, other, lambda: _answered(swap, now), reasons.WRITTEN_TO(name=person), now)
    return swap


def _request_words(swap: RotaSwap, now: datetime) -> Words:
    names = {"name": swap.asked_by, "rota": swap.rota}
    title = _("%(name)s asks you to take over duty for %(rota)s") % names
    lines = [_times(swap, now), _("Accept or decline on your page of duty.")]
    return Words(title, "\n\n".join(lines), _times(swap, now))


def _answered(swap: RotaSwap, now: datetime) -> Words:
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
