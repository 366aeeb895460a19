"""A channel is a folder and a line: nothing else in the project knows its name."""

import re
from pathlib import Path

import pytest
from pytest_django import Settings

from notifications.channel_facts import all_facts, channels_from_start, offered_channels, shown_on_lock_screens
from notifications.channels import registry
from notifications.models import Device, Response
from notifications.models.responses import via_choices
from tests.support.pigeon.transport import carried

ROOT = Path(__file__).resolve().parents[3]
KNOWS = {"wfpush/settings.py"}
"""The line of each."""
EXAMPLES = Path("notifications/api/operations")
"""Of the API's page, which show what a request for a channel looks like."""
COMMON = {"email"}
"""Is a word for other things, too: addresses of people."""


@pytest.fixture
def pigeons(settings: Settings) -> None:
    settings.CHANNELS = [*settings.CHANNELS, "tests.support.pigeon"]
    carried.clear()


def test_nothing_outside_its_folder_names_a_channel() -> None:
    files = [file for app in ("notifications", "escalations", "wfpush") for file in (ROOT / app).rglob("*.py")]
    word = re.compile(rf"\b({'|'.join(sorted(set(all_facts()) - COMMON))})\b")

    naming = {
        str(file.relative_to(ROOT))
        for file in files
        if {"migrations", "tests"}.isdisjoint(file.relative_to(ROOT).parts)
        and not file.is_relative_to(ROOT / "notifications" / "channels")
        and not file.is_relative_to(ROOT / EXAMPLES)
        and word.search(file.read_text(encoding="utf-8"))
    }

    assert naming == KNOWS


def test_facts_and_channels_are_of_the_same_names() -> None:
    assert list(registry.channels()) == list(all_facts()) == ["webpush", "fcm", "email", "appworks", "sms"]
    assert channels_from_start() == ["live", "webpush", "fcm", "email"]
    assert [each.name for each in registry.device_channels()] == ["webpush", "fcm"]
    assert shown_on_lock_screens() == {"", "live", "webpush", "fcm", "appworks", "sms"}


def test_choices_of_the_tables_come_from_the_channels(pigeons: None) -> None:
    assert [name for name, _ in Device._meta.get_field("channel").flatchoices] == ["webpush", "fcm"]
    assert [name for name, _ in Response._meta.get_field("via").flatchoices] == [name for name, _ in via_choices()]
    assert {name for name, _ in via_choices()} == {"inbox", "portal", "email", "webpush", "fcm", "api"}


def test_what_is_not_set_up_is_known_and_not_offered(pigeons: None, settings: Settings) -> None:
    assert offered_channels()[-1] == "pigeon"

    settings.PIGEONS_MOULT = True
    assert offered_channels() == ["live", "webpush", "fcm", "email", "appworks"]
    assert "pigeon" in all_facts()
