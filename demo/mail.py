"""The e-mails that wfpush has kept in a folder instead of sending them, and their pages."""

import email
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from aiohttp import web

from demo import pages
from demo.html import el
from demo.server import CONNECTION, NotFound, page_of

BETWEEN = b"-" * 79 + b"\n"
"""Between the messages of a file, as Django's file backend writes them."""
NAME = re.compile(r"[\w.-]+\.log")
MOST = 100


@dataclass(frozen=True)
class Mail:
    """`id`: its file and its place in it."""

    id: str
    to: str
    sender: str
    subject: str
    date: str
    text: str
    html: str


class Mailbox:
    """`folder` is None where wfpush sends its e-mails by a server."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def newest(self, to: str = "") -> list[Mail]:
        """At most MOST, the newest first; of one address, if `to` names it."""
        mails: list[Mail] = []
        for file in sorted(self._files(), reverse=True):
            mails += [mail for mail in reversed(list(_read(file))) if not to or to.lower() in mail.to.lower()]
            if len(mails) >= MOST:
                break
        return mails[:MOST]

    def one(self, mail_id: str) -> Mail:
        """Raises KeyError."""
        name, _, place = mail_id.rpartition("-")
        if self.folder is None or not NAME.fullmatch(name) or not place.isdecimal():
            raise KeyError(mail_id)
        mails = [mail for mail in _read(self.folder / name) if mail.id == mail_id]
        if not mails:
            raise KeyError(mail_id)
        return mails[0]

    def _files(self) -> list[Path]:
        return list(self.folder.glob("*.log")) if self.folder is not None and self.folder.is_dir() else []


def _read(file: Path) -> Iterator[Mail]:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return
    for place, raw in enumerate(part for part in content.split(BETWEEN) if part.strip()):
        message = email.message_from_bytes(raw, EmailMessage, policy=default)
        yield Mail(
            f"{file.name}-{place}",
            str(message["To"] or ""),
            str(message["From"] or ""),
            str(message["Subject"] or ""),
            str(message["Date"] or ""),
            _part(message, "plain"),
            _part(message, "html"),
        )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""


# --- the pages --------------------------------------------------------------------------------------------------------
MAIL = web.AppKey("mail", Mailbox)

OF_MAILS = "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src * data:"
"""Nothing of an e-mail runs here."""


def add_to(app: web.Application, mailbox: Mailbox) -> None:
    app[MAIL] = mailbox
    app.add_routes(
        [
            web.get("/mail", show_mails),
            web.get("/mail/to/{to}", show_mails),
            web.get("/mail/{id}", show_mail),
            web.get("/mail/{id}/html", show_html),
        ]
    )


async def show_mails(request: web.Request) -> web.Response:
    newest = request.app[MAIL].newest(request.match_info.get("to", ""))
    return page_of(request, pages.titled("E-mails", request.app[CONNECTION], *mails(newest)))


async def show_mail(request: web.Request) -> web.Response:
    mail = _mail(request)
    return page_of(request, pages.titled(mail.subject, request.app[CONNECTION], *one_mail(mail)))


async def show_html(request: web.Request) -> web.Response:
    headers = {"Content-Security-Policy": OF_MAILS}
    return web.Response(text=_mail(request).html, content_type="text/html", charset="utf-8", headers=headers)


def _mail(request: web.Request) -> Mail:
    try:
        return request.app[MAIL].one(request.match_info["id"])
    except KeyError:
        raise NotFound(text="There is no such e-mail.") from None


def mails(messages: Sequence[Mail]) -> list[ET.Element]:
    if not messages:
        return [el("p", "There is none yet.", cls="empty")]
    rows = [
        el(
            "li",
            el("a", mail.subject, href=f"/mail/{mail.id}", cls="title"),
            el("span", mail.date.rpartition(" ")[0], cls="when"),
            el("p", f"to {mail.to}", cls="step"),
        )
        for mail in messages
    ]
    return [el("ul", *rows, cls="rows")]


def one_mail(mail: Mail) -> list[ET.Element]:
    head = [("From", mail.sender), ("To", mail.to), ("Date", mail.date)]
    look = el("p", el("a", "As they see it", href=f"/mail/{mail.id}/html", id="as-seen")) if mail.html else None
    return [
        el("p", " · ".join(f"{name}: {text}" for name, text in head), cls="lead"),
        *([look] if look is not None else []),
        el("pre", mail.text, tabindex="0", cls="mail"),
    ]
