"""Paths in an engine's own JSON, to be picked as expressions of its mapping: of what it sent last, or of an example."""

import re
from typing import Any

from django.forms import Field
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from notifications.admin.first_event import received_of
from notifications.admin.known_paths import described, in_groups, offer_from
from notifications.admin.reading import ReadError, read_json
from notifications.connectors import connector_for, samples
from notifications.models import Engine
from notifications.wording.known_paths import KnownPath, paths_in

NAME = "notifications_engine_paths"
POSITION = re.compile(r"\.(\d+)(?=\.|$)")
"""In a list: JMESPath writes `documents[0]`."""


def offer(field: Field | None, engine: Engine | None) -> None:
    """Let the field of an expression offer them. Nothing is known of an engine that is being added."""
    if field is not None and engine is not None:
        offer_from(field, reverse(f"admin:{NAME}", args=[engine.pk]))


def answer(request: HttpRequest, engine: Engine) -> HttpResponse:
    """What was sent is for those who may read events."""
    received = received_of(engine)
    body = received.body if received is not None else samples.text_of(connector_for(engine.kind).example)
    with_values = received is None or request.user.has_perm("notifications.view_event")
    words = {
        "label": _("Known paths"),
        "said": _("What the engine sent last.") if received is not None else _("An example of its kind."),
        "none": _("None of them has these letters. Any expression can be written."),
    }
    shown = [_shown(each, with_values) for each in paths_in(_document(body))]
    return JsonResponse({**words, "groups": in_groups(shown)})


def _document(body: str) -> Any:
    try:
        return read_json(body)
    except ReadError:
        return None


def _shown(path: KnownPath, with_values: bool) -> dict[str, Any]:
    shown = described(path, with_values)
    return {**shown, "path": POSITION.sub(r"[\1]", path.path), "facts": shown["kind_said"], "about": shown["last"]}
