"""The demo's own page says who can sign in and what was mailed, and only when `manage.py up --demo` tells it."""

import dataclasses
from email.message import EmailMessage
from pathlib import Path

import pytest

from demo.config import ConfigError, Settings
from demo.mail import BETWEEN
from tests.demo.recorder import Recorder
from tests.demo.service import Service, eventually, running
from tests.demo.test_config import GOOD

ACCOUNTS = {"admin": "s3cret-admin", "bob": "(password changed since)"}


def kept(folder: Path, *sent: tuple[str, str]) -> None:
    """As Django's file backend writes e-mails: a file for each connection."""
    folder.mkdir(exist_ok=True)
    parts = []
    for to, subject in sent:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "Nordlicht <service@nordlicht.example>", to, subject
        message["Date"] = "Sun, 29 Nov 2026 16:15:26 -0000"
        message.set_content("Grüße aus Berlin <b>")
        message.add_alternative('<p onclick="alert(1)">Grüße</p><script>alert(2)</script>', subtype="html")
        parts.append(message.as_bytes() + b"\n" + BETWEEN)
    (folder / f"20261129-1615{len(list(folder.iterdir())):02}-7.log").write_bytes(b"".join(parts))


async def test_accounts_and_ways_are_shown_when_they_are_given(settled: Settings, tmp_path: Path) -> None:
    told = dataclasses.replace(settled, accounts=ACCOUNTS, mail=tmp_path / "mail")
    async with running(told) as service:
        page = await service.page("/")
    assert "s3cret-admin" in page and "(password changed since)" in page
    for way in (f"{settled.wfpush_url}/", f"{settled.wfpush_url}/admin/", "/mail"):
        assert f'href="{way}"' in page


async def test_without_them_nothing_is_shown(service: Service) -> None:
    page = await service.page("/")
    assert "Password" not in page and "/mail" not in page and "Where to look" not in page
    assert "There is none yet." in await service.page("/mail")


async def test_mails_can_be_read_and_nothing_of_them_runs(settled: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    kept(folder, ("bob@example.com", "First"), ("post@lindner.example", "Your order"))
    kept(folder, ("post@lindner.example", "On the way"))
    async with running(dataclasses.replace(settled, mail=folder)) as service:
        page = await service.page("/mail")
        assert page.index("On the way") < page.index("Your order") < page.index("First")
        assert "First" not in await service.page("/mail/to/post@lindner.example")
        address = page.partition('href="/mail/2')[2].partition('"')[0]
        mail = await service.page(f"/mail/2{address}")
        assert "Grüße aus Berlin &lt;b&gt;" in mail and "post@lindner.example" in mail
        async with service.client.get(f"/mail/2{address}/html") as seen:
            assert "<p onclick" in await seen.text()
            policy = seen.headers["Content-Security-Policy"]
            assert "sandbox" in policy and "allow-scripts" not in policy and "default-src 'none'" in policy
        for wrong in ("../demo.json-0", "nothing.log-0", "20261129-161500-7.log-9", "x"):
            async with service.client.get("/mail/" + wrong.replace("/", "%2F")) as missing:
                assert missing.status == 404


async def test_a_process_leads_to_the_mails_of_its_customer(service: Service) -> None:
    started = await service.start()
    assert 'href="/mail/to/rechnungen%40acme.example"' in await service.page(f"/instances/{started['id']}")


async def test_customers_hear_under_the_brand_from_the_first_message_on(settings: Settings, wfpush: Recorder) -> None:
    async with running(dataclasses.replace(settings, brand="demo")):
        await eventually(lambda: wfpush.events, "the first event")
        customer = wfpush.people["acme"]
    assert customer == {
        "external": True,
        "brand": "demo",
        "name": "Acme GmbH",
        "email": "rechnungen@acme.example",
        "locale": "de",
    }
    assert wfpush.order[:3] == ["carol", "bob", "alice"]


def test_accounts_come_as_json() -> None:
    settings = Settings.from_env(GOOD | {"DEMO_ACCOUNTS": '{"bob": "x"}', "DEMO_MAIL": "/m", "DEMO_BRAND": "demo"})
    assert (settings.accounts, settings.mail, settings.brand) == ({"bob": "x"}, Path("/m"), "demo")
    with pytest.raises(ConfigError, match="DEMO_ACCOUNTS"):
        Settings.from_env(GOOD | {"DEMO_ACCOUNTS": "[1]"})
