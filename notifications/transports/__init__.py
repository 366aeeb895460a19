"""The channels, one file each. A new one is its file and its line here."""

from notifications.transports.appworks import AppWorks
from notifications.transports.base import Transport
from notifications.transports.email import Email
from notifications.transports.fcm import Fcm
from notifications.transports.webpush import WebPush

__all__ = ["TRANSPORTS", "Transport", "transport_for"]

TRANSPORTS: tuple[Transport, ...] = (WebPush(), Fcm(), Email(), AppWorks())


_BY_CHANNEL = {transport.channel: transport for transport in TRANSPORTS}


def transport_for(channel: str) -> Transport | None:
    """The transport of a channel; None for one there is none of, and for the inbox itself (`live`)."""
    return _BY_CHANNEL.get(channel)
