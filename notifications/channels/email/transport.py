"""E-mail over Django's backends: text and HTML, with links that open a page. Following a link changes nothing."""

import re
from email.utils import formataddr, parseaddr
from smtplib import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
)
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from notifications import reasons
from notifications.channels.email import facts
from notifications.errors import RecipientGone, ServiceRefuses, TransportError
from notifications.models import Recipient
from notifications.types import Action, Bundle, Json, Message
from notifications.wording.colours import ink_on
from notifications.wording.links import is_web_link
from notifications.wording.plaintext import clean_line, cut
from wfpush.observability.services import REFUSES

MAX_ADDRESS = 254
"""RFC 5321, 4.5.3.1.3."""

NO_SUCH_ADDRESS = re.compile(r"5\.1\.(?:1|2|3|6|10)\b")
"""RFC 3463, 3.2: bad mailbox, bad system, bad syntax, moved away; RFC 7505: the domain takes no mail."""

SHUTS_DOWN = 421
"""RFC 5321, 3.8: the server shuts down, for any command. Other 4xx codes are about one mail, or its address."""

URGENCY = {"urgent": ("1", "high"), "high": ("2", "high"), "low": ("5", "low")}
"""Priority to X-Priority and Importance, which mail programs show."""

TOGETHER = "together"
"""The category in the headers of a mail whose messages have several categories."""

MAX_SHOWN, MAX_BUTTONS = 60, 2
"""Rows of a digest's HTML, which stays below the 102 kB at which Gmail cuts it, and buttons of a row. The text has all
rows, and the page that a row opens all buttons."""

COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
ACCENT, ACCENT_DARK = "#0b57d0", "#a8c7fa"


class Email:
    channel = facts.FACTS.name
    without_address = facts.NO_ADDRESS()

    def address_of(self, recipient: Recipient) -> str | None:
        return recipient.email or None

    def send(self, address: str, message: Message, *, delivery_id: UUID, link: str) -> None:
        _send(mail_of(address, message, delivery_id, link))


def send_together(address: str, bundle: Bundle, mail_id: UUID) -> None:
    """Send one mail with all messages of the bundle. Raise TransportError."""
    _send(mail_of_several(address, bundle, mail_id))


def _send(mail: EmailMultiAlternatives) -> None:
    try:
        mail.send()
    except (SMTPException, OSError) as fault:
        raise explained(fault) from fault
    except ValueError as fault:  # BadHeaderError, and text that cannot be in a header
        raise TransportError(reasons.REFUSED_HERE(words=_quote(fault)), permanent=True) from fault


# --- the mail -------------------------------------------------------------------------------------------------------
def mail_of(address: str, message: Message, delivery_id: UUID, link: str) -> EmailMultiAlternatives:
    """Return the mail. Raise TransportError when the address cannot be in a header."""
    context = {
        "link": link,
        "engine_url": message.url if is_web_link(message.url) and not _is_ours(message) else "",
        "buttons": _buttons(message, link),
    }
    mail = _mail("message", address, message, context)
    mail.extra_headers = _headers(message, delivery_id)
    return mail


def _is_ours(message: Message) -> bool:
    """Return whether the message's address is a page of wfpush; the link of the item leads to it, too."""
    base = message.brand.get("base_url")
    return bool(base) and message.url.startswith(f"{base}/")


def mail_of_several(address: str, bundle: Bundle, mail_id: UUID) -> EmailMultiAlternatives:
    """Return one mail with all messages of the bundle. Raise TransportError when the address cannot be in a header."""
    rows = [
        {"case": "" if at else group.title, "said": each, "buttons": _buttons(each.message, each.link)[:MAX_BUTTONS]}
        for group in bundle.groups
        for at, each in enumerate(group.messages)
    ]
    context = {
        "rows": rows,
        "shown": rows[:MAX_SHOWN],
        "rest": max(len(rows) - MAX_SHOWN, 0),
        "inbox": f"{bundle.brand['base_url']}/",
        "asks": any(each.asks for each in bundle.messages),
    }
    mail = _mail("together", address, bundle, context)
    mail.extra_headers = _headers_of_several(bundle, mail_id)
    return mail


def _mail(template: str, address: str, content: Message | Bundle, context: Json) -> EmailMultiAlternatives:
    if not address.isprintable() or "@" not in address or len(address) > MAX_ADDRESS:
        raise TransportError(facts.NOT_AN_ADDRESS(), permanent=True)
    brand = content.brand
    context = {
        **context,
        "message": content,
        "brand": brand,
        "logo": brand.get("logo_url") if is_web_link(brand.get("logo_url")) else "",
        "colours": _colours(brand),
    }
    with translation.override(content.frame_language):
        text = render_to_string(f"email/{template}.txt", context)
        html = render_to_string(f"email/{template}.html", context)
    mail = EmailMultiAlternatives(content.title, text.strip() + "\n", _sender(brand), [address])
    mail.reply_to = [brand["reply_to"]] if brand.get("reply_to") else []
    mail.attach_alternative(html, "text/html")
    return mail


def _headers(message: Message, delivery_id: UUID) -> dict[str, str]:
    headers = _usual_headers(delivery_id, message.category, message) | _leaving(message)
    if message.thread:
        headers |= _answers(message.thread, message.brand)
    if message.priority in URGENCY:
        headers["X-Priority"], headers["Importance"] = URGENCY[message.priority]
    return headers


def _headers_of_several(bundle: Bundle, mail_id: UUID) -> dict[str, str]:
    """Return the headers that hold for all messages of the bundle."""
    categories = {each.message.category for each in bundle.messages}
    headers = _usual_headers(mail_id, categories.pop() if len(categories) == 1 else TOGETHER, bundle) | _leaving(bundle)
    threads = {each.message.thread for each in bundle.messages}
    if len(threads) == 1 and "" not in threads:
        headers |= _answers(threads.pop(), bundle.brand)
    return headers


def _usual_headers(id: UUID, category: str, content: Message | Bundle) -> dict[str, str]:
    host = _host(content.brand)
    return {
        "Message-ID": f"<{id}@{host}>",  # the same on every try: a mail that arrives twice is shown once
        "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office replies
        "X-Auto-Response-Suppress": "All",
        "List-Id": f"<{category}.notifications.{host}>",  # RFC 2919: for people's filters
        "Content-Language": content.language,
    }


def _leaving(content: Message | Bundle) -> dict[str, str]:
    """Return the headers of RFC 8058: mail programs unsubscribe by one POST, without asking back."""
    if not content.leave_url:
        return {}
    return {"List-Unsubscribe": f"<{content.leave_url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _answers(thread: str, brand: Json) -> dict[str, str]:
    return dict.fromkeys(("In-Reply-To", "References"), f"<{thread}@{_host(brand)}>")


def _host(brand: Json) -> str:
    return urlsplit(brand.get("base_url") or settings.BASE_URL).hostname or "localhost"


def _sender(brand: Json) -> str:
    """Return the brand's own sender, else ours with the brand's name."""
    if brand.get("from_email"):
        return str(brand["from_email"])
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return formataddr((brand.get("name") or name, address))


def _buttons(message: Message, link: str) -> list[Json]:
    return [_button(action, link, first=not at) for at, action in enumerate(message.actions)]


def _button(action: Action, link: str, *, first: bool) -> Json:
    return {
        "label": f"{action.title}…" if action.comment == "required" else action.title,
        "url": f"{link}?answer={quote(action.name, safe='')}",
        "stands_out": first and not action.takes_away,
    }


# --- colours --------------------------------------------------------------------------------------------------------
def _colours(brand: Json) -> dict[str, str]:
    accent, dark = _colour(brand.get("accent"), ACCENT), _colour(brand.get("accent_dark"), ACCENT_DARK)
    return {"accent": accent, "on_accent": ink_on(accent), "dark": dark, "on_dark": ink_on(dark)}


def _colour(value: Any, default: str) -> str:
    return value if isinstance(value, str) and COLOUR.fullmatch(value) else default


# --- mail servers' answers ------------------------------------------------------------------------------------------
def explained(fault: SMTPException | OSError) -> TransportError:
    """Return the error. 5xx is permanent; others may pass, even a broken connection or a refused password."""
    if isinstance(fault, SMTPAuthenticationError) and 500 <= fault.smtp_code <= 599:
        return ServiceRefuses(facts.NOT_TAKEN(words=_quote(fault)))
    code, reply = _reply(fault)
    if not 500 <= code <= 599:
        works = 400 <= code <= 499 and code != SHUTS_DOWN
        return TransportError(facts.NOT_TAKEN(words=reply), works=works)
    if NO_SUCH_ADDRESS.match(reply):
        return RecipientGone(facts.NO_SUCH_ADDRESS(words=f"{code} {reply}"))
    return TransportError(facts.REFUSED(words=f"{code} {reply}"), permanent=True, service_state=REFUSES)


def _reply(fault: SMTPException | OSError) -> tuple[int, str]:
    """Return the server's code and text; 0 if the fault says nothing of this mail."""
    if isinstance(fault, SMTPRecipientsRefused):
        code, words = next(iter(fault.recipients.values()))
        return code, _quote(words)
    if isinstance(fault, SMTPAuthenticationError | SMTPConnectError) or not isinstance(fault, SMTPResponseException):
        return 0, _quote(fault)
    return fault.smtp_code, _quote(fault.smtp_error)


def _quote(words: object) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words) or type(words).__name__
    return cut(clean_line(text), 300)
