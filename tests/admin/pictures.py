"""Makes the pictures of the guide for administrators: `make pictures`."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Page

from notifications.models import Event
from tests.admin.desk import Visit
from tests.admin.guide import IMAGES, SCHEMES, SHOTS, Shot
from tests.admin.world import World

COLOURS = 64
WIDTH, HEIGHT, HIGHEST = 1_280, 800, 2_400
"""Pixels. Below the highest a whole page is cut off."""


@pytest.mark.browser
@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
def test_pictures_are_made(shot: Shot, evening: World, browse: Callable[[Visit], Any]) -> None:
    address, now = shot.address(evening), timezone.now()
    Event.objects.filter(received_at__gt=now).update(received_at=now)  # the story's escalations come hours later

    def visit(page: Page) -> dict[str, bytes]:
        found = {}
        for scheme, end in SCHEMES.items():
            page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(address)
            shot.ready(page)
            page.wait_for_load_state("networkidle")
            assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH
            height = page.evaluate("document.documentElement.scrollHeight") if shot.whole else HEIGHT
            page.set_viewport_size({"width": WIDTH, "height": min(height, HIGHEST)})
            page.evaluate(
                "[document.scrollingElement, document.getElementById('main')].forEach((each) => each?.scrollTo(0, 0))"
            )
            found[end] = page.screenshot()
        return found

    for end, png in browse(visit).items():
        few = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(IMAGES / f"{shot.name}{end}.png", optimize=True)
