import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from notifications.inbox.brands import DARK_GROUND, LIGHT_GROUND, accent, style_url
from notifications.wording.colours import READABLE, contrast
from tests.factories import BrandFactory

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)  # the standard's own example of enough
    assert contrast("#ffffff", "#ffffff") == pytest.approx(1)


@given(colours, st.sampled_from([LIGHT_GROUND, DARK_GROUND]))
def test_whatever_colour_a_brand_has_its_words_can_be_read(colour: str, page: str) -> None:
    found = accent(colour, page)

    assert found.ground == colour
    assert contrast(found.on_ground, found.ground) >= READABLE
    assert contrast(found.text, page) >= READABLE


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert accent("#7a1fa2", LIGHT_GROUND).text == "#7a1fa2"


@pytest.mark.django_db
def test_a_style_is_kept_for_good_under_the_address_that_names_its_colours() -> None:
    brand = BrandFactory(slug="acme", accent="#7a1fa2")
    address = style_url(brand)

    response = Client().get(address)

    assert response["Content-Type"] == "text/css; charset=utf-8"
    assert "--accent:#7a1fa2;--on-accent:#ffffff" in response.content.decode()
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
