import socket
from collections.abc import Callable, Iterator

from django.conf import settings
from django.db.models import F

from notifications.channels.base import PersonChannel, Places, Receipts
from notifications.channels.sms.callbacks import read
from notifications.channels.sms.config import Http, Sms
from notifications.channels.sms.facts import FACTS
from notifications.channels.sms.transport import TextMessages, e164
from notifications.models import Category, Recipient
from wfpush.net.http import OutboundError, check_url

ANSWERS_WITHIN = 3.0


def diagnose(say: Callable[[str], object]) -> Iterator[str]:
    """Yield the faults of the setup, if a gateway is set or a category uses the channel."""
    sms: Sms | None = settings.SMS
    categories = ", ".join(map(str, Category.objects.filter(channels__contains=[FACTS.name])))
    if sms is None:
        if categories:
            yield f"sms is among the channels of {categories}, and no gateway is set up: set SMS_URL, or take it out."
        return
    say(f"SMS gateway: {sms.gateway.host}, {_numbers(sms)}")
    yield from _faults(sms)


def _faults(sms: Sms) -> Iterator[str]:
    gateway = sms.gateway
    if isinstance(gateway, Http):
        try:
            check_url(gateway.url, settings.OUTBOUND_ALLOWED_CIDRS)
        except OutboundError as fault:
            yield f"SMS_URL: {fault.detail}"
        return
    try:  # a second sign-in could end the first, so a connection has to do
        socket.create_connection((gateway.host, gateway.port), ANSWERS_WITHIN).close()
    except OSError as fault:
        yield f"SMS_URL: {gateway.host}:{gateway.port} does not answer ({fault}). Messages wait for it."


def _numbers(sms: Sms) -> str:
    """Return how many people have phone numbers that can be read, and how many have others."""
    phones = Recipient.objects.filter(active=True).exclude(phone="").values_list("phone", flat=True)
    readable = [e164(phone, sms.country_code) is not None for phone in phones.iterator()]
    sentence = f"{readable.count(True)} people have phone numbers"
    unread = readable.count(False)
    return f"{sentence}; {unread} numbers cannot be read (SMS_COUNTRY_CODE)" if unread else sentence


TRANSPORT = TextMessages()


def most_an_hour() -> int:
    most: int = settings.SMS.most_an_hour if settings.SMS is not None else 0
    return most


def gateway() -> str:
    """Return the host, as reasons and the desk name it."""
    return str(settings.SMS.gateway.host) if settings.SMS is not None else FACTS.name


CHANNEL = PersonChannel(
    facts=FACTS,
    transport=TRANSPORT,
    places=Places(most=10, each=10, by=F("channel")),  # one gateway: as many as its window has at most
    service=gateway,
    diagnose=diagnose,
    never_twice=True,  # each is paid for, and disturbs
    most_an_hour=most_an_hour,
    receipts=Receipts(read=read, listen=TRANSPORT.listen, hang_up=TRANSPORT.hang_up),
)
