"""The colours of static/wfpush/tokens.css can be read, in both modes."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from notifications.inbox.page_frame import DARK_GROUND, LIGHT_GROUND
from notifications.wording.colours import READABLE, contrast

TOKENS = (settings.BASE_DIR / "static/wfpush/tokens.css").read_text()
COLOURS = re.findall(r"--([\w-]+): var\(--if-light, (#[0-9a-f]{6})\) var\(--if-dark, (#[0-9a-f]{6})\);", TOKENS)
LIGHT, DARK = ({name: both[scheme] for name, *both in COLOURS} for scheme in (0, 1))
NON_TEXT = 3.0
"""What WCAG 2.2, 1.4.11 asks of the edges of controls."""


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "grounds"),
    [
        ("text", ("page", "surface", "hover", "chosen")),
        ("muted", ("page", "surface", "hover", "chosen")),
        ("accent-text", ("page", "surface", "hover", "chosen")),
        ("on-accent", ("accent",)),
        ("late", ("surface", "chosen", "late-ground")),
        ("soon", ("surface", "chosen", "soon-ground")),
        ("good", ("surface", "good-ground")),
    ],
)
def test_words_can_be_read(colours: dict[str, str], ink: str, grounds: tuple[str, ...]) -> None:
    assert {ground: contrast(colours[ink], colours[ground]) >= READABLE for ground in grounds} == dict.fromkeys(
        grounds, True
    )


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_edges_of_controls_can_be_seen(colours: dict[str, str]) -> None:
    assert contrast(colours["control"], colours["surface"]) >= NON_TEXT


def test_brands_are_measured_against_the_least_favourable_grounds() -> None:
    names = ("page", "surface", "hover", "chosen")

    assert darkest(LIGHT, names) == LIGHT_GROUND
    assert lightest(DARK, names) == DARK_GROUND


def test_the_desk_has_the_same_greys() -> None:
    greys = settings.UNFOLD["COLORS"]["base"]
    light = {"50": "page", "100": "hover", "200": "line", "300": "edge", "600": "muted"}
    dark = {"950": "page", "900": "surface", "800": "line", "700": "edge", "400": "muted"}

    assert {step: greys[step] for step in light} == {step: LIGHT[name] for step, name in light.items()}
    assert {step: greys[step] for step in dark} == {step: DARK[name] for step, name in dark.items()}


DESK_STYLES = sorted((settings.BASE_DIR / "static/wfpush/admin").glob("*.css"))
PICTURED = (".desk-lock", ".desk-mail")
"""A phone's lock screen and a letter, which look alike in both schemes."""


@pytest.mark.parametrize("style", DESK_STYLES, ids=lambda style: style.name)
def test_the_desk_has_no_palette_of_its_own(style: Path) -> None:
    lines = [line for line in style.read_text().splitlines() if not line.startswith(PICTURED)]
    raw = [colour for line in lines for colour in re.findall(r"[:( ](#[0-9a-f]{3,8})\b", line)]

    assert raw == []


def darkest(colours: dict[str, str], names: tuple[str, ...]) -> str:
    return max((colours[name] for name in names), key=lambda colour: contrast("#ffffff", colour))


def lightest(colours: dict[str, str], names: tuple[str, ...]) -> str:
    return max((colours[name] for name in names), key=lambda colour: contrast("#000000", colour))


STYLES = [
    "static/wfpush/inbox.css",
    "static/wfpush/pages.css",
    "notifications/customers/static/wfpush/customer.css",
    "escalations/team_time/static/team_time/page.css",
]
CORNER = r"(?:var\(--(?:radius|radius-small|round)\)|[0-3](?:px)?)"
OF_TOKENS = {
    "font-size": r"var\(--size-\d\)|inherit",
    "font-weight": r"var\(--weight(-strong)?\)|inherit",
    "border-radius": rf"{CORNER}( {CORNER})*|inherit|50%",
}
SPACES = r"(?:gap|(?:row|column)-gap|(?:padding|margin)(?:-[a-z-]+)?)"


@pytest.mark.parametrize("style", STYLES)
def test_sizes_weights_corners_and_spaces_are_those_of_the_tokens(style: str) -> None:
    text = re.sub(r"/\*.*?\*/", "", (settings.BASE_DIR / style).read_text(), flags=re.S)
    raw = [
        f"{name}: {value}"
        for name, allowed in OF_TOKENS.items()
        for value in re.findall(rf"(?<![\w-]){name}: ([^;}}]+)", text)
        if not re.fullmatch(allowed, value.strip())
    ]
    spaces = [
        f"{name}: {value}"
        for name, value in re.findall(rf"(?<![\w-])({SPACES}): ([^;}}]+)", text)
        if any(int(pixels) > 2 and int(pixels) % 4 for pixels in re.findall(r"(?<![\w.])-?(\d+)px", value))
    ]
    assert [*raw, *spaces] == []
