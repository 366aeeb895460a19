import re

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from notifications.inbox.page_frame import DARK_GROUND, LIGHT_GROUND, style_of, style_url
from notifications.models import Brand
from notifications.wording.colours import READABLE, contrast
from tests.factories import BrandFactory

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)  # the standard's own example of enough
    assert contrast("#ffffff", "#ffffff") == pytest.approx(1)


@given(colours, colours)
def test_whatever_colour_a_brand_has_its_words_can_be_read(light: str, dark: str) -> None:
    style = style_of(Brand(accent=light, accent_dark=dark))
    declarations = re.findall("--accent:(.{7});--on-accent:(.{7});--accent-text:(.{7})", style)

    assert [ground for ground, _, _ in declarations] == [light, dark]
    for (ground, on_ground, text), page in zip(declarations, (LIGHT_GROUND, DARK_GROUND), strict=True):
        assert contrast(on_ground, ground) >= READABLE
        assert contrast(text, page) >= READABLE


@pytest.mark.django_db
def test_a_style_is_kept_for_good_under_the_address_that_names_its_colours() -> None:
    brand = BrandFactory(slug="acme", accent="#7a1fa2")
    address = style_url(brand)

    response = Client().get(address)

    assert response["Content-Type"] == "text/css; charset=utf-8"
    assert "--accent:#7a1fa2;--on-accent:#ffffff;--accent-text:#7a1fa2" in response.content.decode()
    assert "immutable" in response["Cache-Control"]

    brand.accent = "#0b57d0"
    assert style_url(brand) != address


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["", "?v=", "?v=old"])
def test_any_other_address_of_it_is_asked_again_soon(query: str) -> None:
    BrandFactory(slug="acme")

    assert Client().get(f"/brand/acme.css{query}")["Cache-Control"] == "public, max-age=300"


@pytest.mark.django_db
def test_an_unknown_brand_has_no_style() -> None:
    assert Client().get("/brand/nobody.css").status_code == 404
