"""The channels there are, and what people call them."""

from django.utils.translation import gettext as _

from notifications.channel_facts import INBOX, all_facts, facts_of


def channel_names() -> list[str]:
    """As categories, steps and texts name them; the inbox is the first."""
    return [INBOX, *all_facts()]


def channel_name(channel: str) -> str:
    if channel == INBOX:
        return _("inbox")
    facts = facts_of(channel)
    return str(facts.label) if facts else channel
