"""Which deliveries and devices belong to a push service, for claims and pauses."""

from collections.abc import Collection

from django.db.models import CharField, F, Func, Q, QuerySet, Value

from notifications.models import Delivery

_HOST = Func(F("device__address"), Value("/"), Value(3), function="split_part", output_field=CharField())
"""The host in the form in which browsers write endpoints. One in another form is recognised when it is sent to."""


def at(service: str) -> Q:
    return Q(address__contains=f"//{service}/")


def elsewhere(rows: QuerySet[Delivery], services: Collection[str], besides: Q) -> QuerySet[Delivery]:
    return rows.alias(host=_HOST).filter(besides | ~Q(host__in=sorted(services)))
