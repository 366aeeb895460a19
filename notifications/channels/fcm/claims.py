"""Which deliveries and devices are a Firebase project's: what claims and pauses ask."""

from collections.abc import Collection

from django.db.models import Q, QuerySet

from notifications.models import Delivery


def at(service: str) -> Q:
    return Q(sender=_project(service))


def elsewhere(rows: QuerySet[Delivery], services: Collection[str], besides: Q) -> QuerySet[Delivery]:
    return rows.filter(besides | ~Q(device__sender__in=set(map(_project, services))))


def _project(service: str) -> str:
    """Without the way that the project sends by (`transport.THROUGH`)."""
    return service.partition("/")[0]
