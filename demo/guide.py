"""Where to look in the demo: who can sign in, and the e-mails that nobody was sent."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence

from demo.html import el
from demo.mail import Mail
from demo.people import EVERYBODY

ROLES = {
    "admin": "sets everything up at the desk",
    "alice": "requests, and hears what becomes of it; Bob is her manager",
    "bob": "approves, and inspects on site; Carol is his manager",
    "carol": "approves, leads Finance, and hears what runs late",
}


def where_to_look(accounts: Mapping[str, str], has_mail: bool, url: str) -> list[ET.Element]:
    """Nothing without accounts: only `manage.py up --demo` gives them."""
    if not accounts:
        return []
    names = {person.ref: person.name for person in EVERYBODY}
    rows = [
        el(
            "tr",
            el("th", names.get(ref, ref), scope="row"),
            el("td", el("code", ref)),
            el("td", el("code", password)),
            el("td", ROLES.get(ref, "")),
        )
        for ref, password in accounts.items()
    ]
    heads = el("tr", *[el("th", title, scope="col") for title in ("Who", "Sign in as", "Password", "What they do")])
    mail = el("a", "E-mails, those to customers too", href="/mail") if has_mail else None
    links = [
        el("a", "Inbox", href=f"{url}/"),
        el("a", "Administrators' desk", href=f"{url}/admin/"),
        *([mail] if mail is not None else []),
    ]
    frame = el("div", el("table", el("thead", heads), el("tbody", *rows)), cls="scroll", tabindex="0", role="region")
    frame.set("aria-label", "Accounts")
    return [
        el("ul", *[el("li", link) for link in links], cls="links"),
        frame,
        el(
            "p",
            "They are of this demo alone. Sign in as two of them in two browsers, or in a private window. Customers "
            "have no password: “Show what … sees” on a process leads to their page.",
            cls="quiet",
        ),
    ]


def mails(messages: Sequence[Mail]) -> list[ET.Element]:
    """`/mail`"""
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
    """`/mail/<id>`"""
    head = [("From", mail.sender), ("To", mail.to), ("Date", mail.date)]
    look = el("p", el("a", "As they see it", href=f"/mail/{mail.id}/html", id="as-seen")) if mail.html else None
    return [
        el("p", " · ".join(f"{name}: {text}" for name, text in head), cls="lead"),
        *([look] if look is not None else []),
        el("pre", mail.text, tabindex="0", cls="mail"),
    ]
