"""nginx as it is shipped bounds how many requests of one network address are under way."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.deploy.proxy import Line, Proxy
from tests.support.receiver import receiving
from tests.support.waiting import eventually

pytestmark = pytest.mark.processes


def test_requests_of_one_address_beyond_the_bound_are_refused_until_others_are_answered(tmp_path: Path) -> None:
    with receiving() as web:
        web.held = "/slow"
        port = urlsplit(web.url).port
        assert port is not None
        proxy = Proxy(tmp_path, [port, port], at_once=2)
        with proxy.running(), ThreadPoolExecutor(2) as others:
            eventually(lambda: listens(proxy), "nginx passes requests on")
            slow = [others.submit(Line(proxy).ask, "/slow") for _ in range(2)]
            eventually(lambda: len(web.at("/slow")) == 2, "both are under way")
            assert Line(proxy).ask("/") == 429
            web.gate.set()
            assert [each.result() for each in slow] == [204, 204]
            assert Line(proxy).ask("/") == 204


def listens(proxy: Proxy) -> bool:
    try:
        return Line(proxy).ask("/") == 204
    except OSError:
        return False
