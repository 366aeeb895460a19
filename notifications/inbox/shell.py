"""The frame of every inbox page: the brand's name, logo and colours, and who is signed in."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from notifications.engines import connected_accounts
from notifications.inbox.brands import style_url
from notifications.inbox.session import recipient_of
from notifications.models import Account, Brand
from notifications.rotas.swaps import rotas_of


def has_own_password(request: HttpRequest) -> bool:
    """Whether the reader is signed in by an account with a password; people who come by links have none."""
    account = request.user
    return isinstance(account, Account) and account.has_usable_password()


def show_page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    brand: Brand | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render a page under the given brand, else that of the person signed in, else without one."""
    person = recipient_of(request)
    brand = brand or (person.brand if person else None)
    around = {
        "person": person,
        "external": person is not None and person.external,
        "brand": brand,
        "brand_style": style_url(brand) if brand else "",
        "own_password": person is not None and has_own_password(request),
        "on_rotas": person is not None and not person.external and rotas_of(person).exists(),
        "connectable": person is not None and connected_accounts.shown_to(person).exists(),
    }
    return render(request, template, {**around, **(context or {})}, status=status)
