"""Pages for errors say in plain words what to do."""

import logging

import pytest
from django.template.loader import render_to_string
from django.test import Client

from notifications.inbox import pages
from tests.inbox.browser import Page, signed_in
from tests.support.story import Story


@pytest.mark.django_db
def test_an_address_that_leads_nowhere() -> None:
    page = Page(Client(), Client().get("/nowhere", headers={"Accept": "text/html"}))

    assert page.status == 404
    assert page.text.startswith("Skip to the content wfpush There is nothing here")
    assert page.link("Open the inbox") == "/"


@pytest.mark.django_db
def test_the_same_in_german() -> None:
    response = Client().get("/nowhere", headers={"Accept": "text/html", "Accept-Language": "de"})

    assert "Hier ist nichts" in response.content.decode()


def test_a_fault_of_ours(story: Story, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The database being away has a page of its own: tests/wfpush/postgres/test_database_away.py."""

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(pages, "listing", broken)
    client = signed_in(story.bob)
    client.raise_request_exception = False

    with caplog.at_level(logging.CRITICAL):
        page = Page(client, client.get("/", headers={"Accept": "text/html"}))

    assert page.status == 500
    assert "It is our mistake, not yours" in page.text
    assert "secret detail" not in page.response.content.decode()


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_every_page_of_trouble_can_be_shown_without_a_request_or_a_database(status: int) -> None:
    assert "<h1>" in render_to_string(f"errors/{status}.html")
