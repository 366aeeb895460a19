"""Which deliveries and devices are a push service's: what claims and pauses ask."""

from collections.abc import Collection

from django.db.models import CharField, F, Func, Q, QuerySet, Value

from notifications.models import Delivery

_HOST = Func(F("device__address"), Value("/"), Value(3), function="split_part", output_field=CharField())
"""As browsers write endpoints. One that is written otherwise is found out when it is to be sent."""


def at(service: str) -> Q:
    return Q(address__contains=f"//{service}/")


def elsewhere(rows: QuerySet[Delivery], services: Collection[str], besides: Q) -> QuerySet[Delivery]:
    return rows.alias(host=_HOST).filter(besides | ~Q(host__in=sorted(services)))
