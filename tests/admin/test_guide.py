"""The guide for administrators has a picture of each page, light and dark. `make pictures` makes them anew."""

import pytest

from tests.admin.guide import GUIDE, SCHEMES, SHOTS


@pytest.mark.parametrize("name", [f"{shot.name}{end}.png" for shot in SHOTS for end in SCHEMES.values()])
def test_the_guide_shows_the_page(name: str) -> None:
    assert f"(images/{name})" in GUIDE.read_text(encoding="utf-8")
    assert (GUIDE.parent / "images" / name).is_file()
