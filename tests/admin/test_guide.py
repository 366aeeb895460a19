"""The guide for administrators has a picture of each page, light and dark. `make pictures` makes them anew."""

from tests.admin.guide import GUIDE, SCHEMES, SHOTS


def test_the_guide_shows_each_page() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    names = [f"{shot.name}{end}.png" for shot in SHOTS for end in SCHEMES.values()]
    assert [name for name in names if f"(images/{name})" not in text] == []
    assert [name for name in names if not (GUIDE.parent / "images" / name).is_file()] == []
