"""The font of the desk's icons has each one that a page names."""

from django.contrib.staticfiles import finders

from tools import desk_icons


def test_it_is_the_one_that_browsers_get() -> None:
    assert finders.find("unfold/fonts/material-symbols/Material-Symbols-Outlined.woff2") == str(
        desk_icons.ROOT / desk_icons.FONT
    )
    assert (desk_icons.ROOT / desk_icons.FONT).read_bytes().startswith(b"wOF2")


def test_it_has_what_pages_name() -> None:
    made_of, *listed = desk_icons.LIST.read_text(encoding="utf-8").split()
    assert made_of == desk_icons.digest(), "unfold has another font: run python -m tools.desk_icons"
    missing = desk_icons.words_of_pages() & {name for name in listed if not name.startswith("+")}
    assert missing == set(), "run python -m tools.desk_icons"
    assert {"+dashboard", "+search", "+chevron_right"} <= set(listed)
