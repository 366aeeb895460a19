from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F

from notifications.channels.appworks.config import Gateway
from notifications.channels.appworks.facts import FACTS, KEY_REFUSED
from notifications.channels.appworks.transport import AppWorks
from notifications.channels.base import PersonChannel, Places
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


def host() -> str:
    """Return the host of the gateway, or the channel's name if no gateway is set up."""
    gateway: Gateway | None = settings.APPWORKS_GATEWAY
    return (urlsplit(gateway.url).hostname if gateway is not None else None) or FACTS.name


CHANNEL = PersonChannel(
    facts=FACTS,
    transport=AppWorks(),
    places=Places(most=8, each=4, by=F("channel")),  # all four calls that the gateway may have (keyed_limits.py)
    service=host,
    diagnose=diagnose,
)
