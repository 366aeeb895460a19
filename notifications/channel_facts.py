"""Facts about each channel for tables, templates and texts; a channel's code builds on them.

In: `settings.CHANNELS`, the channels' packages in the order in which the starter configuration tries them.
Out: the `FACTS` of each, by its name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Literal

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext

Text = str | Promise

INBOX = "live"
"""The inbox's name in categories and the ledger. Every message is in the inbox; nothing has to be sent."""

Trust = Literal["", "mailbox", "device"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts about one channel. `label` and `answers_label` are texts for people: where a message went, how an answer
    came.

    `devices`: the English plural for its devices; empty for a channel that sends to an address of the person. `trust`:
    the place whose answers count without sign-in; a mailbox only gives answers that are not final, unless a route
    allows more. `on_lock_screens`: devices show its titles and short texts before anybody signs in. `from_start`: the
    starter configuration and new categories use it. `is_set_up`: returns whether this installation has its settings; if
    not, the desk does not offer it. `remedy`: what an administrator does if its service fails, in English.
    """

    name: str
    label: Text
    devices: str = ""
    trust: Trust = ""
    answers_label: Text = ""
    on_lock_screens: bool
    from_start: bool
    is_set_up: Callable[[], bool] = lambda: True
    remedy: str = ""


def all_facts() -> Mapping[str, Facts]:
    """Return the channels' facts, in the order of the settings."""
    return _loaded(tuple(settings.CHANNELS))


def facts_of_channel(channel: str) -> Facts | None:
    """Return the channel's facts; None for the inbox, and for a channel that does not exist (any more)."""
    return all_facts().get(channel)


def channel_names() -> list[str]:
    """Return the channels in the order of categories, steps and texts; the inbox is the first."""
    return [INBOX, *all_facts()]


def channel_name(channel: str) -> str:
    """Return the channel's label in the reader's language; its name if it does not exist (any more)."""
    if channel == INBOX:
        return gettext("inbox")
    facts = facts_of_channel(channel)
    return str(facts.label) if facts else channel


def reaches_devices(channel: str) -> bool:
    facts = facts_of_channel(channel)
    return facts is not None and bool(facts.devices)


def device_channels() -> list[str]:
    return [facts.name for facts in all_facts().values() if facts.devices]


def channels_from_start() -> list[str]:
    """Return the channels of a new category, in this order."""
    return [INBOX, *(facts.name for facts in all_facts().values() if facts.from_start)]


def offered_channels() -> list[str]:
    """Return the channels that categories, steps and texts may choose: the inbox and those that are set up."""
    return [INBOX, *(facts.name for facts in all_facts().values() if facts.is_set_up())]


def shown_on_lock_screens() -> set[str]:
    """Return the channels whose texts devices show before sign-in, including the inbox and the text of all channels."""
    return {"", INBOX, *(facts.name for facts in all_facts().values() if facts.on_lock_screens)}


def device_choices() -> Sequence[tuple[str, Text]]:
    return [(facts.name, facts.label) for facts in all_facts().values() if facts.devices]


def channel_choices() -> Sequence[tuple[str, Text]]:
    return [(facts.name, facts.label) for facts in all_facts().values()]


def answer_choices() -> Sequence[tuple[str, Text]]:
    return [(facts.name, facts.answers_label) for facts in all_facts().values() if facts.trust]


@cache
def _loaded(packages: tuple[str, ...]) -> Mapping[str, Facts]:
    facts_list = [import_module(f"{package}.facts").FACTS for package in packages]
    return MappingProxyType({facts.name: facts for facts in facts_list})
