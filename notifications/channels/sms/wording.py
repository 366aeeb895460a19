"""What a text message says: title, key facts and short text, cut to the parts that it may have, and the link, whole."""

from notifications.channels.sms.alphabet import parts_of, plain
from notifications.channels.sms.facts import LONG_LINK
from notifications.errors import TransportError
from notifications.types import Message
from notifications.wording.plaintext import clean, clean_line, cut


def text_of(message: Message, link: str, most: int) -> str:
    """A text of at most `most` parts. Never the long body: lock screens show it to everybody.

    Raises TransportError where the link alone takes more.
    """
    title, short = clean_line(message.title), clean(message.short_body)
    lines = [message.glance, short] if short.startswith(title) else [title, message.glance, short]
    full_text = "\n".join(filter(None, lines))
    longest = _longest(full_text, link, most)
    if longest is None:
        raise TransportError(LONG_LINK(most=most), permanent=True)
    return longest


def _longest(full_text: str, link: str, most: int) -> str | None:
    """Find the longest beginning that fits, by bisection: a longer text takes at least as many parts."""
    least, top = 0, len(full_text)
    longest = _with_link("", link, most)
    while least <= top:
        middle = (least + top) // 2
        shorter = cut(full_text, middle) if middle else ""
        text = _with_link("" if shorter == "…" else shorter, link, most)
        if text is None:
            top = middle - 1
        else:
            longest, least = text, middle + 1
    return longest


def _with_link(body: str, link: str, most: int) -> str | None:
    """None if it takes too many parts."""
    text = plain(f"{body}\n{link}" if body else link)
    return text if len(parts_of(text)) <= most else None
