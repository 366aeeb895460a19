"""Static files come compressed to whoever takes them so."""

import gzip
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client, RequestFactory

from wfpush.web import static_files
from wfpush.web.static_files import StaticFilesMiddleware

STYLE = settings.BASE_DIR / "static/wfpush/inbox.css"


@pytest.fixture
def serve(tmp_path: Path, settings: Any) -> Any:
    settings.DATA_DIR = tmp_path
    middleware = StaticFilesMiddleware(lambda request: HttpResponse("no file"))
    return lambda url, **headers: middleware(RequestFactory().get(url, headers=headers))


def body(response: Any) -> bytes:
    return b"".join(response)


def test_a_file_is_sent_as_each_takes_it(serve: Any) -> None:
    small = serve("/static/wfpush/inbox.css", accept_encoding="br, gzip")
    plain = serve("/static/wfpush/inbox.css")

    assert small["Content-Encoding"] == "gzip"
    assert small["Vary"] == plain["Vary"] == "Accept-Encoding"
    assert small["Content-Type"] == plain["Content-Type"] == 'text/css; charset="utf-8"'
    assert gzip.decompress(body(small)) == body(plain) == STYLE.read_bytes()
    assert int(small["Content-Length"]) < int(plain["Content-Length"]) / 2
    assert "Content-Encoding" not in plain


def test_a_file_that_is_known_is_not_sent_again(serve: Any) -> None:
    first = serve("/static/wfpush/inbox.css", accept_encoding="gzip")

    assert serve("/static/wfpush/inbox.css", accept_encoding="gzip", if_none_match=first["ETag"]).status_code == 304


@pytest.mark.parametrize("name", ["wfpush/icons/192.png", "wfpush/favicon.svg"])
def test_what_would_not_become_smaller_is_sent_as_it_is(serve: Any, name: str) -> None:
    response = serve(f"/static/{name}", accept_encoding="gzip")

    assert "Content-Encoding" not in response
    assert body(response) == (settings.BASE_DIR / "static" / name).read_bytes()


@pytest.mark.parametrize(("temporary_folder", "encoding"), [("temporary", "gzip"), ("taken", None)])
def test_where_the_data_folder_takes_no_files_copies_lie_elsewhere_if_anywhere(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, temporary_folder: str, encoding: str | None
) -> None:
    (tmp_path / "taken").write_text("a file where a folder is needed")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / temporary_folder))
    monkeypatch.setattr(static_files, "_own_folder", cache(static_files._own_folder.__wrapped__))
    settings.DATA_DIR = tmp_path / "taken"
    middleware = StaticFilesMiddleware(lambda request: HttpResponse("no file"))

    response = middleware(RequestFactory().get("/static/wfpush/inbox.css", headers={"accept-encoding": "gzip"}))

    assert response.get("Content-Encoding") == encoding
    content = body(response)
    assert (gzip.decompress(content) if encoding else content) == STYLE.read_bytes()


def test_anything_else_goes_on(serve: Any) -> None:
    assert serve("/static/wfpush/nothing.css").content == b"no file"


@pytest.mark.django_db
def test_pages_of_the_desk_have_them_too(client: Client) -> None:
    response = client.get("/static/unfold/css/styles.css", headers={"accept-encoding": "gzip"})

    assert response["Content-Encoding"] == "gzip"
