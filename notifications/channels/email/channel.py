from uuid import UUID

from django.conf import settings
from django.db.models import CharField, F, Func, Value
from django.db.models.functions import Lower

from notifications.channels.base import PersonChannel, Places, RenderedMessage
from notifications.channels.email.facts import FACTS
from notifications.channels.email.senders import diagnose, identity
from notifications.channels.email.transport import Email, mail_of, send_together
from notifications.types import Message

DOMAIN = Lower(Func(F("address"), Value("^.*@"), Value(""), function="regexp_replace", output_field=CharField()))

NO_ID = UUID(int=0)
EXAMPLE_ADDRESS = "alice@example.org"


def server() -> str:
    return str(settings.EMAIL_HOST)


def written(message: Message, link: str) -> RenderedMessage:
    """Return the mail's text for the desk's preview. Raise TransportError."""
    mail = mail_of(EXAMPLE_ADDRESS, message, NO_ID, link)
    html = next((str(content) for content, kind in mail.alternatives if kind == "text/html"), "")
    return RenderedMessage(str(mail.subject), str(mail.body), html)


CHANNEL = PersonChannel(
    facts=FACTS,
    transport=Email(),
    places=Places(most=16, each=8, by=DOMAIN),  # mail servers allow some 20 connections; EMAIL_TIMEOUT is for each step
    service=server,
    written=written,
    together=send_together,
    diagnose=diagnose,
    identity=identity,
)
