"""People's pages speak one language as a whole, and names of the other direction leave sentences in their order."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from notifications.models import Recipient, TemplateText
from tests.inbox.browser import Page, get, signed_in
from tests.support.story import Story
from tools.messages import PLACEHOLDER, read

OTHERS = [code for code, _name in settings.LANGUAGES if code != "en"]
PEOPLES = (
    *("templates/inbox", "templates/base", "notifications/inbox", "notifications/items", "notifications/wording"),
    *(package.replace(".", "/") for package in settings.FEATURES.values()),
)
PAGES = ("/", "/?tab=updates", "/?tab=all", "/?q=nothing", "/devices", "/password", "/accounts", "/several")
if "absences" in settings.FEATURES:
    PAGES += ("/absence", "/absence/calendar")
OF_STRANGERS = ("/sign-in", "/link", "/nothing-here")
SAID_IN = ("aria-label", "title", "placeholder", "alt")


@cache
def english(language: str) -> re.Pattern[str]:
    """What pages say in English, and otherwise in this language."""
    ours = [
        str(text)
        for message in read(language)
        if any(path.startswith(PEOPLES) for path, _line in message.locations) and message.string != message.id
        for text in ([message.id] if isinstance(message.id, str) else message.id)
    ]
    known = [
        re.sub(r"(%\\\(\w+\\\)[sd]|\\\{\w*\\\})", ".+", re.escape(text)) for text in ours if PLACEHOLDER.sub("", text)
    ]
    return re.compile("|".join(sorted(known, key=len, reverse=True)))


def said(page: Page) -> Iterator[str]:
    for element in page.tree.iter():
        if not isinstance(element.tag, str) or element.tag in ("script", "style"):
            continue
        of_attributes = [element.get(name, "") for name in SAID_IN]
        for text in (element.text or "", element.tail or "", *of_attributes):
            if words := " ".join(text.split()):
                yield words


def walk(story: Story, person: Recipient) -> Iterator[Page]:
    client = signed_in(person)
    for path in PAGES:
        yield get(client, path)
    for copy in story.inbox(person):
        yield get(client, f"/n/{copy.pk}")
        yield get(client, f"/n/{copy.pk}").press(next(iter(get(client, f"/n/{copy.pk}").buttons())))


@pytest.mark.parametrize("language", OTHERS)
def test_no_page_says_in_english_what_its_language_can_say(story: Story, language: str) -> None:
    Recipient.objects.update(locale=language)
    story.assign(form=None, description="4711", due_at="2026-12-24T17:00:00Z")
    pages = [
        *walk(story, story.bob),
        *(get(Client(headers={"accept-language": language}), path) for path in OF_STRANGERS),
    ]

    left = {(page.url, text) for page in pages for text in said(page) if english(language).fullmatch(text)}

    assert all(page.tree.get("lang") == language for page in pages)
    assert left == set()


def test_a_name_from_right_to_left_stays_a_name_in_a_sentence(story: Story) -> None:
    Recipient.objects.filter(pk=story.bob.pk).update(name="محمد علي")
    story.assign()
    page = get(signed_in(story.bob), "/")

    assert "Signed in as \u2068محمد علي\u2069" in page.text


def test_what_is_written_in_arabic_is_set_from_right_to_left(story: Story) -> None:
    Recipient.objects.filter(pk=story.bob.pk).update(locale="ar")
    TemplateText.objects.filter(language="de").update(language="ar", title="الموافقة على {{ task.name }}")
    story.assign()
    copy = story.copy(story.bob)

    page = get(signed_in(story.bob), f"/n/{copy.pk}")

    assert copy.title == "الموافقة على \u2068Approve invoice 4711\u2069"
    assert [(each.get("lang"), each.get("dir")) for each in slots(page, "title", "body")] == [("ar", "rtl")] * 2
    assert page.tree.get("dir") is None  # the page itself is in English: there is no Arabic in locale/


def slots(page: Page, *names: str) -> list[Any]:
    return [page.tree.xpath(f"//article//*[@data-slot='{name}']")[0] for name in names]
