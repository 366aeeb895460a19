"""The channels there are, and what people call them."""

from django.utils.translation import gettext as _

from notifications.channels import TRANSPORTS

CHANNELS = ("live", *(transport.channel for transport in TRANSPORTS))


def channel_name(channel: str) -> str:
    names = {
        "live": _("inbox"),
        "email": _("e-mail"),
        "webpush": _("browser"),
        "fcm": _("app"),
        "appworks": _("AppWorks app"),
    }
    return names.get(channel, channel)
