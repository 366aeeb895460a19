"""What each channel says of itself that tables, templates and words must know; a channel's code builds on those.

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

Text = str | Promise

INBOX = "live"
"""The inbox itself, as categories and the ledger call it: every message is there, and nothing has to be sent."""

Trust = Literal["", "mailbox", "device"]


def always() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A channel's own. `label` and `answers_label` are what people read: where a message went, how an answer came.

    `devices`: what its devices are called in English, several of them; empty for a channel that reaches an address of
    the person. `trust`: whose answers its messages take without signing in; a mailbox's are for what is not final,
    unless a route allows more. `on_lock_screens`: devices show its titles and short texts before anybody signs in.
    `from_start`: the starter configuration and new categories use it. `is_set_up`: whether this installation has what
    it needs; where that is not so, the desk does not offer it.
    """

    name: str
    label: Text
    devices: str = ""
    trust: Trust = ""
    answers_label: Text = ""
    on_lock_screens: bool
    from_start: bool
    is_set_up: Callable[[], bool] = always


def all_facts() -> Mapping[str, Facts]:
    """Channel to facts, in the order of the settings."""
    return _loaded(tuple(settings.CHANNELS))


def facts_of(channel: str) -> Facts | None:
    """None for the inbox, and for a channel that is not there (any more)."""
    return all_facts().get(channel)


def reaches_devices(channel: str) -> bool:
    facts = facts_of(channel)
    return facts is not None and bool(facts.devices)


def device_channels() -> list[str]:
    return [facts.name for facts in all_facts().values() if facts.devices]


def channels_from_start() -> list[str]:
    """What a new category tries, in this order."""
    return [INBOX, *(facts.name for facts in all_facts().values() if facts.from_start)]


def offered_channels() -> list[str]:
    """Those that categories, steps and texts may choose: what is not set up is no choice."""
    return [INBOX, *(facts.name for facts in all_facts().values() if facts.is_set_up())]


def shown_on_lock_screens() -> set[str]:
    """Channels of texts that devices show to everybody; the inbox's and the text of all channels are among them."""
    return {"", INBOX, *(facts.name for facts in all_facts().values() if facts.on_lock_screens)}


def device_choices() -> Sequence[tuple[str, Text]]:
    return [(facts.name, facts.label) for facts in all_facts().values() if facts.devices]


def answer_choices() -> Sequence[tuple[str, Text]]:
    return [(facts.name, facts.answers_label) for facts in all_facts().values() if facts.trust]


@cache
def _loaded(packages: tuple[str, ...]) -> Mapping[str, Facts]:
    found = [import_module(f"{package}.facts").FACTS for package in packages]
    return MappingProxyType({facts.name: facts for facts in found})
