"""The channels and their names on pages."""

from django.utils.translation import gettext as _

from notifications.channel_facts import INBOX, all_facts, facts_of_channel


def channel_names() -> list[str]:
    """In the order of categories, steps and texts; the inbox is the first."""
    return [INBOX, *all_facts()]


def channel_name(channel: str) -> str:
    if channel == INBOX:
        return _("inbox")
    facts = facts_of_channel(channel)
    return str(facts.label) if facts else channel
