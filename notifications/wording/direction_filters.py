"""Filters for text of two directions (notifications/wording/directions.py)."""

from django.template import Library

from notifications.wording import directions
from notifications.wording.formats import locale_of

register = Library()
register.filter("apart", directions.apart)
register.filter("direction", directions.usual)


@register.filter
def direction_within(text: str, language: str) -> str:
    """The direction of one text for programs that do not know isolates: mail programs."""
    return directions.direction_of(text, "rtl" if directions.runs_right_to_left(locale_of(language)) else "ltr")


@register.filter
def paragraphs(text: str) -> list[str]:
    return [part for part in text.split("\n\n") if part.strip()]
