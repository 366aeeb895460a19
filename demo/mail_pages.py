"""The pages of the e-mails that nobody was sent."""

from aiohttp import web

from demo import pages
from demo.guide import mails, one_mail
from demo.mail import Mail, Mailbox
from demo.server import CONNECTION, NotFound, page_of

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
    """`/mail`, and `/mail/to/{address}`"""
    newest = request.app[MAIL].newest(request.match_info.get("to", ""))
    return page_of(request, pages.titled("E-mails", request.app[CONNECTION], *mails(newest)))


async def show_mail(request: web.Request) -> web.Response:
    """`/mail/{id}`"""
    mail = _mail(request)
    return page_of(request, pages.titled(mail.subject, request.app[CONNECTION], *one_mail(mail)))


async def show_html(request: web.Request) -> web.Response:
    """`/mail/{id}/html`: as its reader sees it."""
    headers = {"Content-Security-Policy": OF_MAILS}
    return web.Response(text=_mail(request).html, content_type="text/html", charset="utf-8", headers=headers)


def _mail(request: web.Request) -> Mail:
    try:
        return request.app[MAIL].one(request.match_info["id"])
    except KeyError:
        raise NotFound(text="There is no such e-mail.") from None
