from django.conf import settings
from django.db.models import F

from notifications.channels.base import PersonChannel, Places, Receipts
from notifications.channels.sms.callbacks import read
from notifications.channels.sms.checks import diagnose
from notifications.channels.sms.facts import FACTS
from notifications.channels.sms.transport import TextMessages

TRANSPORT = TextMessages()


def most_an_hour() -> int:
    most: int = settings.SMS.most_an_hour if settings.SMS is not None else 0
    return most


def gateway() -> str:
    """The host, as reasons and the desk name it."""
    return str(settings.SMS.gateway.host) if settings.SMS is not None else FACTS.name


CHANNEL = PersonChannel(
    facts=FACTS,
    transport=TRANSPORT,
    places=Places(most=10, each=10, by=F("channel")),  # one gateway: as many as its window may have at most
    service=gateway,
    diagnose=diagnose,
    never_twice=True,  # each is paid for, and disturbs
    most_an_hour=most_an_hour,
    receipts=Receipts(read=read, listen=TRANSPORT.listen, hang_up=TRANSPORT.hang_up),
)
