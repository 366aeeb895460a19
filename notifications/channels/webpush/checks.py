"""Finds faults that prevent messages to registered browsers: for `manage.py doctor` and the desk's overview."""

from collections import Counter
from collections.abc import Callable, Iterator

from django.db.models import CharField, Count, F, Func, QuerySet, Value
from django.utils.translation import gettext as _

from notifications.channels.webpush import brand_keys, endpoints, vapid
from notifications.channels.webpush.facts import FACTS
from notifications.models import Device, PushKey


def diagnose(say: Callable[[str], object]) -> Iterator[str]:
    yield from brand_keys.faults()
    brands = PushKey.objects.values("public_key")
    orphans = _browsers().exclude(sender__in=vapid.signer().public_keys).exclude(sender__in=brands).count()
    if orphans:
        yield (
            f"{orphans} browsers subscribed under a key that VAPID_PRIVATE_KEY no longer has: put it back after"
            " the newest one, until they have come back."
        )
    for service, count in not_admitted().items():
        yield (
            f"{service} is not in PUSH_ALLOWED_HOSTS: browsers registered there ({count}) get no messages."
            " Add it, or remove them."
        )


def alarms() -> Iterator[str]:
    text = _(
        "%(service)s is not in PUSH_ALLOWED_HOSTS: browsers registered there (%(count)s) get no messages. Add it, or"
        " remove them."
    )
    for service, count in not_admitted().items():
        yield text % {"service": service, "count": count}


def not_admitted() -> dict[str, int]:
    """Return push services that the settings no longer allow, and how many browsers are registered at each."""
    origin = Func(F("address"), Value("^[^/]*//[^/]*"), function="substring", output_field=CharField())
    counted = _browsers().values_list(origin).annotate(Count("pk"))
    browsers: Counter[str] = Counter()
    for address, count in counted:
        if endpoints.objection(address):
            browsers[endpoints.service_of(address)] += count
    return dict(sorted(browsers.items()))


def _browsers() -> QuerySet[Device]:
    return Device.objects.filter(channel=FACTS.name).order_by()
