"""Swaps of duty between colleagues: requests, and their answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from notifications.models import Recipient
from notifications.rotas.duty import shifts_of
from notifications.rotas.models import Rota, RotaLayer, RotaSwap, SwapState
from notifications.rotas.turns import Shift

AHEAD = timedelta(days=120)
MOST_ASKED = 20
"""Swaps that one person requests at a time."""


class CannotSwap(Exception):
    """Raised for a swap that is impossible. The sentence says why."""


@dataclass(frozen=True)
class SwapProposal:
    """A proposed swap. `turn`: one's own time that the other is asked to take; `back`: theirs in return."""

    rota: Rota
    of: Recipient
    turn: Shift
    back: Shift | None = None


def rotas_of(person: Recipient) -> QuerySet[Rota]:
    """Return the rotas in which the person takes turns, or is a member of the team."""
    layers = RotaLayer.objects.filter(people__contains=[person.pk]).values("rota")
    mine = Q(pk__in=layers) | Q(feed_shifts__person=person) | Q(overrides__person=person) | Q(team__members=person)
    return Rota.objects.filter(mine).select_related("team").distinct()


def colleagues_of(rota: Rota, person: Recipient) -> list[Recipient]:
    """Return the people who can be asked: all who take turns there, and the team."""
    keys = {pk for people in rota.layers.values_list("people", flat=True) for pk in people}
    near = Q(pk__in=keys) | Q(teams=rota.team_id)
    people = Recipient.objects.filter(near, engine=None, active=True).exclude(pk=person.pk)
    return list(people.distinct().order_by("name", "ref"))


def turns_of(shifts: Sequence[Shift], person: Recipient) -> list[Shift]:
    return [shift for shift in shifts if shift.who == person.pk]


@transaction.atomic
def ask(proposal: SwapProposal, by: Recipient, now: datetime) -> RotaSwap:
    """Store a request for a swap. Raise CannotSwap."""
    rotas = Rota.objects.select_related("team", "category").select_for_update(of=("self",), no_key=True)
    rota = rotas.get(pk=proposal.rota.pk)
    shifts, proposal = shifts_of(rota, now, now + AHEAD), _from_now(proposal, now)
    if not _has(shifts, by, proposal.turn) or proposal.turn.ends <= now:
        raise CannotSwap(_("You are not on duty then any more. Look at your turns again."))
    if proposal.back is not None and (not _has(shifts, proposal.of, proposal.back) or proposal.back.ends <= now):
        raise CannotSwap(_("%(person)s is not on duty then any more. Choose another turn.") % {"person": proposal.of})
    mine = RotaSwap.objects.filter(asked_by=by, state=SwapState.ASKED)
    if mine.filter(rota=rota, begins_at__lt=proposal.turn.ends, ends_at__gt=proposal.turn.begins).exists():
        raise CannotSwap(_("You have asked for this turn already. Withdraw that first."))
    if mine.count() >= MOST_ASKED:
        raise CannotSwap(_("You have asked for many swaps that nobody has answered. Withdraw some first."))
    back = proposal.back
    return RotaSwap.objects.create(
        rota=rota,
        asked_by=by,
        asked_of=proposal.of,
        begins_at=proposal.turn.begins,
        ends_at=proposal.turn.ends,
        back_begins_at=back.begins if back else None,
        back_ends_at=back.ends if back else None,
        asked_at=now,
    )


def _from_now(proposal: SwapProposal, now: datetime) -> SwapProposal:
    """Cut turns that have begun to the time that is left of them."""
    back = proposal.back
    return replace(
        proposal,
        turn=replace(proposal.turn, begins=max(proposal.turn.begins, now)),
        back=replace(back, begins=max(back.begins, now)) if back is not None else None,
    )


def _has(shifts: Sequence[Shift], person: Recipient, turn: Shift) -> bool:
    """Return whether the person is on duty for all of the time."""
    return any(
        each.who == person.pk and each.begins <= turn.begins and turn.ends <= each.ends for each in shifts
    )  # fmt: skip


def answer(pk: int, person: Recipient, state: SwapState, now: datetime) -> RotaSwap:
    """Accept, decline or withdraw a swap, in a transaction. Raise CannotSwap or RotaSwap.DoesNotExist."""
    party_field = "asked_by" if state == SwapState.WITHDRAWN else "asked_of"
    swaps = RotaSwap.objects.select_related("rota__team", "rota__category", "asked_by__brand", "asked_of__brand")
    swap = swaps.select_for_update(of=("self",)).get(pk=pk, **{party_field: person})
    if swap.state != SwapState.ASKED or swap.ends_at <= now:
        raise CannotSwap(_("This was answered or withdrawn meanwhile, or is over."))
    if state == SwapState.ACCEPTED:
        _check(swap, now)
        swap.begins_at = max(swap.begins_at, now)  # time that has passed is not swapped
        if swap.back_begins_at is not None:
            swap.back_begins_at = max(swap.back_begins_at, now)
    swap.state, swap.answered_at = state, now
    swap.save()
    return swap


def _check(swap: RotaSwap, now: datetime) -> None:
    """Raise CannotSwap if the rota has changed since the request."""
    Rota.objects.select_for_update(no_key=True).get(pk=swap.rota_id)
    shifts = shifts_of(swap.rota, now, now + AHEAD)
    own_turn = Shift(max(swap.begins_at, now), swap.ends_at, swap.asked_by_id)
    if not _has(shifts, swap.asked_by, own_turn):
        raise CannotSwap(_("%(person)s is not on duty then any more.") % {"person": swap.asked_by})
    if swap.back_ends_at is None or swap.back_begins_at is None:
        return
    if swap.back_ends_at <= now or not _has(
        shifts, swap.asked_of, Shift(max(swap.back_begins_at, now), swap.back_ends_at, swap.asked_of_id)
    ):
        raise CannotSwap(_("You are not on duty any more at the time that was offered in return."))


def end_unanswered(now: datetime) -> int:
    """End swaps whose time has passed without an answer. Return their number."""
    over = RotaSwap.objects.filter(state=SwapState.ASKED, ends_at__lte=now)
    swaps = list(over[:100])
    for swap in swaps:
        swap.state, swap.answered_at = SwapState.OVER, now
        swap.save()
    return len(swaps)
