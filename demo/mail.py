"""The e-mails that wfpush has kept in a folder instead of sending them, for the engine's pages."""

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

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
