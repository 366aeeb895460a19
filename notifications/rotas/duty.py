"""Stored rotas, read for a time: the people on duty at an instant, and the shifts until another."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet

from notifications.models import Recipient
from notifications.rotas import turns
from notifications.rotas.models import Rota, RotaFeedShift, RotaLayer, RotaOverride, RotaSwap, SwapState
from notifications.rotas.turns import Definition, Layer, Override, Shift, SwapHalf
from wfpush import zones

MOST_CHANGES = 2_000
"""Overrides, swaps and shifts of calendars that are read for one time, of all rotas together."""


def definitions(rotas: Iterable[Rota], begins: datetime, ends: datetime) -> dict[int, Definition]:
    """Return definitions by rota key, with all changes that touch the time. Five queries for any number of rotas."""
    by_key = {rota.pk: rota for rota in rotas}
    if not by_key:
        return {}
    layers = list(RotaLayer.objects.filter(rota__in=by_key))
    there = set(_people({pk for layer in layers for pk in layer.people}).values_list("pk", flat=True))

    def touching(rows: QuerySet[RotaOverride]) -> Sequence[RotaOverride]:
        return list(rows.filter(rota__in=by_key, ends_at__gt=begins, begins_at__lt=ends)[:MOST_CHANGES])

    overrides = touching(RotaOverride.objects.order_by("pk"))
    feed = touching(RotaFeedShift.objects.exclude(person=None).order_by("begins_at", "pk"))  # type: ignore[arg-type]
    swaps = _swaps(by_key, begins, ends)
    return {
        pk: Definition(
            zones.zone(rota.timezone),
            tuple(_layer(each, there) for each in layers if each.rota_id == pk)[: turns.MOST_LAYERS],
            tuple(
                Override(each.layer, each.begins_at, each.ends_at, each.person_id)
                for each in overrides
                if each.rota_id == pk
            ),
            tuple(half for each in swaps if each.rota_id == pk for half in _halves(each)),
            tuple(
                Shift(each.begins_at, each.ends_at, each.person_id)
                for each in feed
                if each.rota_id == pk and each.person_id is not None
            ),
        )
        for pk, rota in by_key.items()
    }


def _people(keys: set[int]) -> QuerySet[Recipient]:
    return Recipient.objects.filter(pk__in=keys, engine=None, active=True)


def _layer(row: RotaLayer, there: set[int]) -> Layer:
    return Layer(
        row.position,
        tuple(pk if pk in there else None for pk in row.people[: turns.MOST_PEOPLE]),
        row.begins_on,
        row.hand_over,
        row.days,
        frozenset(row.weekdays),
        row.from_time,
        row.until_time,
    )


def _swaps(rotas: Iterable[int], begins: datetime, ends: datetime) -> Sequence[RotaSwap]:
    """Return swaps in the order in which they were accepted. Their two turns may be at quite different times."""
    rows = RotaSwap.objects.filter(rota__in=rotas, state=SwapState.ACCEPTED)
    touches = rows.filter(ends_at__gt=begins, begins_at__lt=ends)
    touches |= rows.filter(back_ends_at__gt=begins, back_begins_at__lt=ends)
    return list(touches.order_by("answered_at", "pk")[:MOST_CHANGES])


def _halves(row: RotaSwap) -> list[SwapHalf]:
    halves = [SwapHalf(row.begins_at, row.ends_at, row.asked_by_id, row.asked_of_id)]
    if row.back_begins_at is not None and row.back_ends_at is not None:
        halves.append(SwapHalf(row.back_begins_at, row.back_ends_at, row.asked_of_id, row.asked_by_id))
    return halves


def shifts_of(rota: Rota, begins: datetime, ends: datetime) -> list[Shift]:
    ends = min(ends, begins + turns.MAX_PERIOD)
    return turns.shifts(definitions([rota], begins, ends)[rota.pk], begins, ends)


def people_of(shifts: Iterable[Shift]) -> dict[int, Recipient]:
    """Return the people of the shifts, by key."""
    return Recipient.objects.select_related("brand").in_bulk({shift.who for shift in shifts})


class Duties:
    """The duties for a batch of events or steps: each rota is read once, and only when a target names it.

    `cached`: definitions that were read before, for a time in which `now` lies.
    """

    def __init__(self, now: datetime, cached: Mapping[int, Definition] | None = None) -> None:
        self.now = now
        self._cached = cached or {}
        self._rotas: dict[str, Rota | None] = {}
        self._people: dict[int, list[Recipient]] = {}

    def rota(self, ref: str) -> Rota | None:
        """Return the rota with this key, as text; None if there is none."""
        if not ref.isdecimal():
            return None
        if ref not in self._rotas:
            self._rotas[ref] = Rota.objects.filter(pk=ref).select_related("team").first()
        return self._rotas[ref]

    def people(self, rota: Rota) -> Sequence[Recipient]:
        """Return the people on duty: the first counts, and those of later layers where the first cannot be notified."""
        if rota.pk not in self._people:
            until = self.now + timedelta(seconds=1)
            definition = self._cached.get(rota.pk) or definitions([rota], self.now, until)[rota.pk]
            keys = turns.on_duty(definition, self.now)
            by_key = Recipient.objects.select_related("brand").in_bulk(keys)
            self._people[rota.pk] = [by_key[key] for key in keys if key in by_key]
        return self._people[rota.pk]
