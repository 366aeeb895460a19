"""Sums of the amounts that items name, and what their reader has answered today and this week."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext as _

from notifications.models import FactKind, Recipient, Response
from notifications.wording import formats
from notifications.wording.key_facts import KeyFact, facts_in
from notifications.wording.languages import reading_language

MAX_ANSWERS = 1_000
"""Newest answers that are counted."""

Amount = tuple[Decimal, str]
"""A number with its currency."""


def amount_of(facts: Iterable[KeyFact]) -> Amount | None:
    """Return the first amount of money among the facts."""
    first = next((fact for fact in facts if fact.kind == FactKind.MONEY), None)
    number = formats.as_number(first.value) if first else None
    return None if first is None or number is None else (number, first.currency)


def sums(amounts: Iterable[Amount | None], language: str) -> list[str]:
    """Return the sums, one for each currency, as they are written in that language. None counts nothing."""
    totals: dict[str, Decimal] = {}
    for number, currency in filter(None, amounts):
        totals[currency] = totals.get(currency, Decimal()) + number
    locale = formats.locale_of(language)
    return [formats.money(total, currency, locale) for currency, total in sorted(totals.items())]


@dataclass(frozen=True)
class Total:
    """The final answers of a period: their number, and the sums of their amounts."""

    label: str
    count: int
    sums: list[str]


def totals_of(reader: Recipient, now: datetime) -> list[Total]:
    """Return the totals of today and of this week, which begins on Monday, in the active time zone. A period without
    an answer is left out."""
    monday, midnight = formats.local_hour(now, -timezone.localtime(now).weekday()), formats.local_hour(now, 0)
    answers = Response.objects.filter(recipient=reader, counts=True, effect="final", at__gte=monday)
    rows = (
        answers.select_related("notification")
        .only("at", "notification__details", "notification__language")
        .order_by("-at")[:MAX_ANSWERS]
    )
    amounts = [(row.at, amount_of(facts_in(row.notification))) for row in rows]
    periods = [(_("Today"), midnight), (_("This week"), monday)]
    return [
        Total(label, len(within), sums(within, reading_language(reader)))
        for label, begin in periods
        if (within := [amount for at, amount in amounts if at >= begin])
    ]
