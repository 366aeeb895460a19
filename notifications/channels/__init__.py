"""The channels by which messages leave, a folder for each. A new one is its folder and its line here.

In: an address and a message. No channel touches the database.
Out: the message, sent; or a TransportError that says whether another try helps.
"""

from notifications.channels.appworks.transport import AppWorks
from notifications.channels.base import Transport
from notifications.channels.email.transport import Email
from notifications.channels.fcm.transport import Fcm
from notifications.channels.webpush.transport import WebPush

__all__ = ["TRANSPORTS", "Transport", "transport_for"]

TRANSPORTS: tuple[Transport, ...] = (WebPush(), Fcm(), Email(), AppWorks())


_BY_CHANNEL = {transport.channel: transport for transport in TRANSPORTS}


def transport_for(channel: str) -> Transport | None:
    """The transport of a channel; None for one there is none of, and for the inbox itself (`live`)."""
    return _BY_CHANNEL.get(channel)
