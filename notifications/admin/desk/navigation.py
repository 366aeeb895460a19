"""The desk's sidebar: an administrator's daily work, then the ledgers and access.

An entry stands for all lists of its subject, which are tabs of each other. Each list has one name, that of its model.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

from axes.models import AccessAttempt, AccessLog
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_q.models import Failure

from notifications.additions import DeskList, DeskPage, DeskPlace
from notifications.admin.desk.display import list_url
from notifications.models import (
    ActionToken,
    ApiKey,
    Brand,
    Callback,
    Case,
    CaseList,
    Category,
    ConnectedAccount,
    Delivery,
    Device,
    Engine,
    Event,
    EventType,
    FourEyesRule,
    Limit,
    LinkMail,
    Notification,
    PausedService,
    Recipient,
    RecipientToken,
    RefusedAnswer,
    Response,
    Route,
    SigningSecret,
    SignInLink,
    Task,
    Team,
    Template,
    TemplateVersion,
)
from wfpush import features
from wfpush.models import Heartbeat

Item = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """A list or page of the navigation. Its title is made for each request, in the request's language."""

    title: Callable[[], str]
    address: Callable[[], str]
    allowed: Callable[[HttpRequest], bool]
    icon: str = ""
    model: str = ""
    """The label of the list's model, as unfold's tabs name it; empty for a page."""
    parts: Sequence[type[Model]] = ()
    """Models whose rows have pages below those of this list."""
    is_tab: bool = True

    def holds(self, path: str) -> bool:
        """Return whether the path belongs to this list, its rows or their pages, and is not another place's page."""
        lists = [self.address(), *map(list_url, self.parts)]
        return path == lists[0] or bool(self.model and path.startswith(tuple(lists)) and path not in pages())


@dataclass(frozen=True)
class Section:
    """An entry of daily work with its places as tabs, or a group of the sidebar with its places as entries."""

    title: Any
    icon: str = ""
    places: list[Place] = field(default_factory=list)

    def open_to(self, request: HttpRequest) -> list[Place]:
        return [place for place in self.places if place.allowed(request)]


def _list(model: type[Model], icon: str = "", parts: Sequence[type[Model]] = ()) -> Place:
    names = [f"{model._meta.app_label}.{verb}_{model._meta.model_name}" for verb in ("view", "change")]

    def may_see(request: HttpRequest) -> bool:
        return any(request.user.has_perm(name) for name in names)

    label = model._meta.label_lower
    return Place(partial(name_of, model), partial(list_url, model), may_see, icon, label, parts)


def name_of(model: type[Model]) -> str:
    """Return the name of the model's list wherever it is named."""
    return str(capfirst(model._meta.verbose_name_plural))


DAILY: dict[str, Section] = {
    "events": Section(_("Events"), "input", [_list(Event)]),
    "tasks": Section(_("Tasks"), "task_alt", [*map(_list, (Task, Case))]),
    "people": Section(_("People"), "person", [*map(_list, (Recipient, Team, Device, Brand))]),
    "rules": Section(_("Rules"), "alt_route", [*map(_list, (Route, FourEyesRule, EventType, Category, CaseList))]),
    "templates": Section(_("Templates"), "edit_note", [_list(Template, parts=[TemplateVersion])]),
    "sla": Section(_("SLA"), "timer"),
    "engines": Section(_("Engines"), "settings_input_component", [*map(_list, (Engine, Limit))]),
}
"""An administrator's daily work, each part with its lists. An entry leads to the first list that the user may see."""

REST: dict[str, Section] = {
    "ledger": Section(
        _("Logs"),
        places=[
            _list(Notification, "notifications"),
            _list(Delivery, "send"),
            _list(Response, "thumbs_up_down"),
            _list(RefusedAnswer, "block"),
            _list(Callback, "reply"),
            _list(PausedService, "pause_circle"),
            _list(Failure, "error"),
            _list(Heartbeat, "ecg_heart"),
        ],
    ),
    "access": Section(
        _("Access"),
        places=[
            _list(User, "account_circle"),
            _list(Group, "admin_panel_settings"),
            _list(LogEntry, "fact_check"),
            _list(ApiKey, "key"),
            _list(SigningSecret, "enhanced_encryption"),
            _list(RecipientToken, "token"),
            _list(SignInLink, "link"),
            _list(LinkMail, "forward_to_inbox"),
            _list(ActionToken, "mark_email_read"),
            _list(ConnectedAccount, "verified_user"),
            _list(AccessAttempt, "lock"),
            _list(AccessLog, "login"),
        ],
    ),
}
"""Groups for occasional use. A group is open while one of its lists is."""


def _add(added: DeskPlace) -> None:
    """Add a place of a feature to its section: behind the list that it names, else at the end."""
    places = (DAILY | REST)[added.section].places
    if isinstance(added, DeskList):
        behind = (number for number, place in enumerate(places, 1) if added.after and place.model == added.after)
        places.insert(next(behind, len(places)), _list(apps.get_model(added.model), added.icon))
    elif isinstance(added, DeskPage):
        places.append(_page(added))


def _page(added: DeskPage) -> Place:
    """Return a page's place. Its module is loaded later, as it may import this one."""

    def module() -> Any:
        return import_module(added.module)

    return Place(
        partial(str, added.label),
        lambda: reverse(module().NAME),
        lambda request: request.user.has_perms(module().PERMISSIONS),
        is_tab=added.is_tab,
    )


for _each in features.added(DeskPlace):
    _add(_each)


def pages() -> list[str]:
    """Return the addresses of tabs that are no lists, though they may lie below a list."""
    places = [place for section in DAILY.values() for place in section.places]
    return [place.address() for place in places if place.is_tab and not place.model]


def everywhere(request: HttpRequest) -> Iterator[tuple[Section, Place]]:
    """Yield all places that the user may see."""
    for section in (DAILY | REST).values():
        for place in section.open_to(request):
            yield section, place


def section_of(path: str) -> tuple[Section, Place] | None:
    """Return the section and the place of a page in the navigation, or None."""
    matches = ((section, place) for section in (DAILY | REST).values() for place in section.places if place.holds(path))
    return next(matches, None)


# --- for unfold -------------------------------------------------------------------------------------------------------
def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return groups of links for unfold. Users see the links to pages that they may see."""
    first = {"title": _("Overview"), "icon": "dashboard", "link": reverse("admin:index")}
    entries = [
        _entry(request, section.title, section.icon, places)
        for section in DAILY.values()
        if (places := section.open_to(request))
    ]
    groups = [
        {"title": section.title, "items": [_entry(request, place.title(), place.icon, [place]) for place in places]}
        for section in REST.values()
        if (places := section.open_to(request))
    ]
    return [{"items": [first, *entries]}, *groups]


def _entry(request: HttpRequest, title: Any, icon: str, places: list[Place]) -> Item:
    return {
        "title": title,
        "icon": icon,
        "link": places[0].address(),
        "active": any(place.holds(request.path) for place in places),
    }


def zone_of_times(request: HttpRequest) -> str:
    """Return the line below the product's name: the time zone of all times."""
    return gettext("Times in %(zone)s") % {"zone": get_current_timezone_name().replace("_", " ")}


def tabs(request: HttpRequest) -> dict[str, Any]:
    """Return the tabs for the context of every page: the places of each entry of the sidebar that has several.

    unfold's own setting of tabs would mark entries by the beginnings of their tabs' addresses.
    """
    return {
        "tab_list": [
            {
                "page": key,
                "models": [place.model for place in places],
                "items": [
                    {
                        "title": place.title(),
                        "link": place.address(),
                        "active": place.holds(request.path),
                        "has_permission": True,
                    }
                    for place in places
                    if place.is_tab
                ],
            }
            for key, section in DAILY.items()
            if len(places := section.open_to(request)) > 1
        ]
    }
