"""What a user looked at last in the preview of a template: language, sample, reader. It is kept in their session."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

KEY = "previews"
FIELDS = ("language", "sample", "reader", "event")

MOST = 20
"""Templates that a session remembers; the one looked at longest ago goes first."""

LONGEST = 200


def of(request: HttpRequest, template: int) -> dict[str, str]:
    return dict(request.session.get(KEY, {}).get(str(template), {}))


def keep(request: HttpRequest, template: int, chosen: Mapping[str, Any]) -> None:
    """Remember the fields of the preview's form. Writes nothing if they are what they were."""
    said = {name: str(chosen[name])[:LONGEST] for name in FIELDS if chosen.get(name)}
    if said == of(request, template):
        return
    kept = {key: value for key, value in request.session.get(KEY, {}).items() if key != str(template)}
    last = [*kept.items(), *([(str(template), said)] if said else [])][-MOST:]
    request.session[KEY] = dict(last)
