"""The guide for administrators has a picture of each page, light and dark. `make pictures` makes them anew."""

from notifications.admin.desk.navigation import DAILY, REST
from tests.admin.guide import IMAGES, SCHEMES, SHOTS
from tests.support.documentation import read


def test_the_guide_shows_each_page() -> None:
    text = read("docs/administrators")
    names = [f"{shot.name}{end}.png" for shot in SHOTS for end in SCHEMES.values()]
    assert [name for name in names if f"(../images/{name})" not in text] == []
    assert [name for name in names if not (IMAGES / name).is_file()] == []


def test_the_report_has_measured_every_list_that_the_desk_leads_to() -> None:
    report = read("docs/measurements.md")
    pages = {place.address() for section in (DAILY | REST).values() for place in section.places}
    assert [page for page in pages if f"`{page}`" not in report] == []
