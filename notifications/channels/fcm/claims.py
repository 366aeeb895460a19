"""Which deliveries and devices belong to a Firebase project, for claims and pauses."""

from collections.abc import Collection

from django.db.models import Q, QuerySet

from notifications.models import Delivery


def at(service: str) -> Q:
    return Q(sender=_project(service))


def elsewhere(rows: QuerySet[Delivery], services: Collection[str], besides: Q) -> QuerySet[Delivery]:
    return rows.filter(besides | ~Q(device__sender__in=set(map(_project, services))))


def _project(service: str) -> str:
    """Without the way by which the project sends (`transport.THROUGH`)."""
    return service.partition("/")[0]
