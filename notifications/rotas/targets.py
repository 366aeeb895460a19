"""“Whoever is on duty”: the kind of target that names a rota, and the entitlement of people on duty."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from notifications.feature_targets import FeatureTarget, Period
from notifications.models import Notification, RouteTarget
from notifications.rotas import reasons, turns
from notifications.rotas.duty import Duties, definitions
from notifications.rotas.models import Rota
from notifications.routing import targets
from notifications.routing.entitlement import EntitlementKind, Entitlements
from notifications.routing.entitlement_search import Search
from notifications.types import Json

DUTY = "duty"


def find(search: targets.Search) -> targets.People:
    """Return the first person on duty who is not out. If everybody is out, return the first: nobody stands in."""
    duties = search.shared(Duties)
    rota = duties.rota(search.ref)
    if rota is None:
        search.leave_out(f"#{search.ref}", reasons.ROTA_GONE())
        return []
    people = duties.people(rota)
    if not people:
        search.leave_out(rota.slug, reasons.NOBODY_ON_DUTY(rota=rota.name))
        return []
    person = next((candidate for candidate in people if not search.is_out(candidate)), people[0])
    return [(person, reasons.ON_DUTY(rota=rota.name, key=rota.pk))]


def may_be(ref: str, person: int) -> bool:
    """Return whether the rota names the person in a layer, an override or its calendar."""
    named = Q(layers__people__contains=[person]) | Q(overrides__person=person) | Q(feed_shifts__person=person)
    return Rota.objects.filter(named, pk=ref).exists()


def over(refs: Iterable[str], begins: datetime, ends: datetime) -> Period:
    rotas = definitions(Rota.objects.filter(pk__in=refs), begins, ends)
    shifts = [shift for rota in rotas.values() for shift in turns.shifts(rota, begins, ends)]
    edges = sorted({edge for shift in shifts for edge in (shift.begins, shift.ends) if begins < edge < ends})
    return Period(Duties, lambda instant: Duties(instant, rotas), edges)


TARGET = FeatureTarget(
    value=DUTY,
    label=_("who is on duty"),
    row_label=_("duty rota"),
    unnamed=_("Choose the duty rota."),
    sentence=_("the person on duty for %(name)s"),
    model="rotas.rota",
    find=find,
    may_be=may_be,
    over=over,
    is_one_person=True,
)


# --- entitlement ------------------------------------------------------------------------------------------------------
def _rota_of(entitlements: Entitlements, fact: Json) -> Rota | None:
    key = fact.get("key") or Rota.objects.filter(name=fact.get("rota")).values_list("pk", flat=True).first()
    return entitlements.roster.shared(Duties).rota(str(key or ""))


def _is_on_duty(entitlements: Entitlements, person: int, fact: Json, copy: Notification) -> bool:
    """Return whether the person is on duty, or nobody is: a night without duty must not leave a task without people."""
    rota = _rota_of(entitlements, fact)
    people = entitlements.roster.shared(Duties).people(rota) if rota is not None else []
    return not people or person in {member.pk for member in people}


def _on_duty(entitlements: Entitlements, fact: Json, copy: Notification) -> targets.People:
    rota = _rota_of(entitlements, fact)
    if rota is None:
        return []
    return targets.people_for(DUTY, Search(entitlements, copy, RouteTarget(kind=DUTY, ref=str(rota.pk))))


ENTITLEMENT = EntitlementKind(reasons.ON_DUTY, _is_on_duty, _on_duty, reasons.NO_LONGER_ON_DUTY, ["rota"])
