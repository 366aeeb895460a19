"""Faults of the AppWorks Gateway, for `manage.py doctor`."""

from collections.abc import Callable, Iterator

from django.conf import settings

from notifications.channels.appworks.facts import FACTS, KEY_REFUSED
from notifications.channels.appworks.gateway import Gateway
from notifications.models import Category, Delivery, DeliveryState
from notifications.reasons import WAITS_FOR_SERVICE
from wfpush.net.http import OutboundError, check_url


def diagnose(say: Callable[[str], object]) -> Iterator[str]:
    """Yield the faults of the setup, if a gateway is set or a category uses the channel."""
    gateway: Gateway | None = settings.APPWORKS_GATEWAY
    categories = ", ".join(map(str, Category.objects.filter(channels__contains=[FACTS.name])))
    if gateway is None:
        if categories:
            yield (
                f"appworks is among the channels of {categories}, and no gateway is set up: set APPWORKS_GATEWAY_URL"
                " and APPWORKS_GATEWAY_KEY, or take it out."
            )
        return
    say(f"AppWorks Gateway: {gateway.url}")
    try:
        check_url(gateway.address, settings.OUTBOUND_ALLOWED_CIDRS)
    except OutboundError as fault:
        yield f"APPWORKS_GATEWAY_URL: {fault.detail}"
    refused = Delivery.objects.filter(
        channel=FACTS.name,
        state=DeliveryState.PENDING,
        reason_fact__code__in=[KEY_REFUSED.name, WAITS_FOR_SERVICE.name],
    ).count()
    if refused:
        yield f"{refused} messages wait because the AppWorks Gateway refuses us: look at APPWORKS_GATEWAY_KEY."
