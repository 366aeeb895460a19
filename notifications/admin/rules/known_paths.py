"""Suggestions of paths in forms: the paths in events, with type, share and last value.

A form names its fields with `offer`, its page loads `PATHS`, and static/wfpush/admin/paths.js calls `answer`.
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.forms import Field, Media, Script
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from notifications.additions import RuleModel
from notifications.models import Engine, EventType, TemplateVersion
from notifications.types import BEHAVIOURS, Json
from notifications.wording.formats import as_number, locale_of
from notifications.wording.known_paths import EventHistory, KnownPath, carried
from notifications.wording.plaintext import escape_hidden
from notifications.wording.template_check import types_of
from notifications.wording.typed_numbers import write_number
from wfpush import features

NAME = "admin:notifications_route_paths"
SCRIPT: Any = Script("wfpush/admin/paths.js", type="module")
PATHS = Media(css={"all": ["wfpush/admin/paths.css"]}, js=[SCRIPT])
MODELS_WITH_PATHS = (
    "notifications.route",
    "notifications.foureyesrule",
    "notifications.eventtype",
    "notifications.templateversion",
)
"""Models whose forms offer paths, beside those of rules that apps add. Users who may view one of them get the list."""
MAX_TYPES = 100
"""Maximum number of types in a request."""

ANY, TOGETHER = "*", "|"
"""The choice of every type, and the separator of types that form one choice."""

OF_TASKS = tuple(name for name in BEHAVIOURS if name.startswith("task."))
"""Types of events that carry the data on which rules about tasks have conditions."""


def offer(field: Field | None, *, types: str = "", engine: str = "", **query: Any) -> None:
    """Let a field offer known paths. `types` and `engine`: CSS selectors of the form's fields that choose them.
    `query`: fixed parameters of the request. `field` is None for users who may not edit."""
    if field is None:
        return
    address = reverse(NAME)
    offer_from(field, f"{address}?{urlencode(query)}" if query else address)
    if types:
        field.widget.attrs["data-paths-types"] = types
    if engine:
        field.widget.attrs["data-paths-engine"] = engine


def offer_from(field: Field, address: str) -> None:
    """Let a field offer the paths of an address that answers as `answer` does."""
    field.widget.attrs.update({"data-paths": address, "autocomplete": "off"})


class OffersPaths:
    """A mixin for inlines with fields that offer known paths."""

    @property
    def media(self) -> Media:
        media: Media = super().media + PATHS  # type: ignore[misc]
        return media


def answer(request: HttpRequest) -> HttpResponse:
    """Return paths as JSON. `?engine=`: key or slug; `&type=`: keys or names, several of a choice with “|”; `&tasks=1`:
    events of tasks; `&version=`: events of a template's routes. Only users who may read events get values."""
    models = [*MODELS_WITH_PATHS, *(each.model for each in features.added(RuleModel))]
    if not any(request.user.has_perm(model.replace(".", ".view_")) for model in models):
        raise PermissionDenied
    catalog = carried(_engine(request.GET.get("engine", "")), _types(request))
    with_values = request.user.has_perm("notifications.view_event")
    shown = [described(each, with_values) for each in catalog.paths]
    words = {
        "label": _("Known paths"),
        "source": _source_sentence(catalog),
        "none": _("No known path matches. You can enter any path."),
    }
    return JsonResponse({**words, "groups": in_groups(shown)})


def _engine(key_or_slug: str) -> Engine | None:
    if key_or_slug.isdecimal():
        return Engine.objects.filter(pk=key_or_slug[:18]).first()
    return Engine.objects.filter(slug=key_or_slug).first()


def _types(request: HttpRequest) -> set[str]:
    requested = [each for each in request.GET.getlist("type")[:MAX_TYPES] if each]
    keys = [each[:18] for each in requested if each.isdecimal()]
    names = {name for each in requested if not each.isdecimal() for name in each.split(TOGETHER)} - {ANY}
    names |= set(EventType.objects.filter(pk__in=keys).values_list("name", flat=True))
    version = request.GET.get("version", "")
    if version.isdecimal() and (template_version := TemplateVersion.objects.filter(pk=version[:18]).first()):
        names |= {each.name for each in types_of(template_version)}
    return names | set(OF_TASKS if request.GET.get("tasks") else ())


def in_groups(shown: Iterable[Json]) -> list[Json]:
    """Return groups by the first name, the most frequent first; within a group the paths are ordered as in a tree."""
    groups: dict[str, list[Json]] = {}
    for each in shown:
        groups.setdefault(each["path"].partition(".")[0], []).append(each)
    return [
        {"name": name, "paths": sorted(paths, key=lambda each: each["path"].split("."))}
        for name, paths in groups.items()
    ]


def described(known_path: KnownPath, with_values: bool) -> Json:
    """Return a path as the list shows it: `facts` beside the path, `about` below it."""
    number = as_number(known_path.last) if known_path.kind == "number" else None
    last = write_number(number, locale_of(get_language() or "en")) if number is not None else known_path.last
    last = last if with_values else ""
    came = (_("last: %(value)s") if known_path.count else _("sample: %(value)s")) % {"value": last} if last else ""
    kind = KIND_WORDS[known_path.kind]()
    details = [escape_hidden(known_path.label), _("sensitive") if known_path.sensitive else "", came]
    return {
        "path": known_path.path,
        "kind": known_path.kind,
        "kind_said": kind,
        "share": round(known_path.share, 3),
        "last": last,
        "label": escape_hidden(known_path.label),
        "facts": _join([kind, _share(known_path)]),
        "about": _join(details),
    }


def _join(parts: Iterable[str]) -> str:
    return " · ".join(part for part in parts if part)


def _share(known_path: KnownPath) -> str:
    if not known_path.count:
        return _("described")
    percent = 100 if known_path.share == 1 else min(99, max(1, round(100 * known_path.share)))
    return _("%(percent)d%%") % {"percent": percent}


def _source_sentence(catalog: EventHistory) -> str:
    if not catalog.events:
        return _("There is no such event yet: these come from samples and documented variables.")
    count = len(catalog.events)
    text = ngettext("Values of the last event.", "Values of the last %(count)d events.", count)
    return text % {"count": count}


KIND_WORDS = {
    "text": lambda: pgettext("kind of a value", "text"),
    "number": lambda: pgettext("kind of a value", "number"),
    "date": lambda: pgettext("kind of a value", "date"),
    "yes or no": lambda: pgettext("kind of a value", "yes or no"),
    "list": lambda: pgettext("kind of a value", "list"),
    "object": lambda: pgettext("kind of a value", "object"),
}
