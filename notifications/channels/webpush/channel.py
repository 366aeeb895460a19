from collections.abc import Collection

from django.db.models import CharField, F, Func, Q, QuerySet, Value

from notifications.channels.base import BrandKeys, DeviceChannel
from notifications.channels.webpush import brand_keys, vapid_command
from notifications.channels.webpush.checks import alarms, diagnose
from notifications.channels.webpush.facts import FACTS
from notifications.channels.webpush.registration import REGISTRATION
from notifications.channels.webpush.transport import WebPush
from notifications.models import Delivery

_HOST = Func(F("device__address"), Value("/"), Value(3), function="split_part", output_field=CharField())
"""The host in the form in which browsers write endpoints. Hosts in other forms are recognised when sending."""


def at(service: str) -> Q:
    return Q(address__contains=f"//{service}/")


def elsewhere(rows: QuerySet[Delivery], services: Collection[str], besides: Q) -> QuerySet[Delivery]:
    return rows.alias(host=_HOST).filter(besides | ~Q(host__in=sorted(services)))


CHANNEL = DeviceChannel(
    facts=FACTS,
    transport=WebPush(),
    learn=brand_keys.learn,
    registration=REGISTRATION,
    at=at,
    elsewhere=elsewhere,
    diagnose=diagnose,
    alarms=alarms,
    keys=BrandKeys(of=brand_keys.shown, make=brand_keys.make, remove_unused=brand_keys.remove_unused),
    commands={"vapid": vapid_command.Command},
)
