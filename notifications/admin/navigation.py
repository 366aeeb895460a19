"""The desk's sidebar: what happens now, what is set up, people, and who may sign in."""

from collections.abc import Callable, Sequence
from typing import Any

from axes.models import AccessAttempt
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from notifications.admin.words import list_url
from notifications.models import (
    Absence,
    ActionToken,
    ApiKey,
    Brand,
    Callback,
    Case,
    Category,
    ConnectedAccount,
    Delivery,
    Device,
    Engine,
    Event,
    EventType,
    FourEyesRule,
    Journey,
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
)

Item = dict[str, Any]

LISTS: dict[str, tuple[Any, list[tuple[type[Model], Any, str]]]] = {
    "now": (
        _("Now"),
        [
            (Event, _("Events"), "input"),
            (Task, _("Tasks"), "task_alt"),
            (Case, _("Cases"), "folder_open"),
            (Notification, _("Notifications"), "notifications"),
            (Delivery, _("Deliveries"), "send"),
            (PausedService, _("Paused services"), "pause_circle"),
            (Response, _("Answers"), "thumbs_up_down"),
            (RefusedAnswer, _("Refused answers"), "block"),
            (Callback, _("Callbacks"), "reply"),
        ],
    ),
    "set_up": (
        _("Set up"),
        [
            (Engine, _("Engines"), "settings_input_component"),
            (Category, _("Categories"), "category"),
            (EventType, _("Event types"), "data_object"),
            (Route, _("Routes"), "alt_route"),
            (FourEyesRule, _("Four eyes"), "visibility"),
            (Template, _("Templates"), "edit_note"),
            (Journey, _("Ways of cases"), "conversion_path"),
        ],
    ),
    "people": (
        _("People"),
        [
            (Recipient, _("Recipients"), "person"),
            (Absence, _("Absences"), "event_busy"),
            (Device, _("Devices"), "devices"),
            (Team, _("Teams"), "groups"),
            (Brand, _("Brands"), "palette"),
        ],
    ),
    "access": (
        _("Access"),
        [
            (User, _("Users"), "account_circle"),
            (Group, _("Groups"), "admin_panel_settings"),
            (ApiKey, _("API keys"), "key"),
            (SigningSecret, _("Signing secrets"), "enhanced_encryption"),
            (RecipientToken, _("Recipient tokens"), "token"),
            (SignInLink, _("Sign-in links"), "link"),
            (LinkMail, _("Links by e-mail"), "forward_to_inbox"),
            (ActionToken, _("Answer links"), "mark_email_read"),
            (ConnectedAccount, _("Connected accounts"), "verified_user"),
            (AccessAttempt, _("Locks"), "lock"),
        ],
    ),
}
"""The title of each group, and its lists with their titles and icons."""

ADDED: dict[str, list[Callable[[], Item]]] = {}
"""Links that other apps have added to its groups by `add`."""
PAGES: list[str] = []
"""URLs that have links of their own; on these pages the link of the list above is not highlighted."""


def add(group: str, model: type[Model], title: object, icon: str) -> None:
    """Add a link to a list of another app at the end of the group "now", "set_up", "people" or "access"."""
    ADDED.setdefault(group, []).append(lambda: _to(model, title, icon))


def add_page(group: str, name: str, title: object, icon: str, permissions: Sequence[str]) -> None:
    """Add a link to a page that is no list, by its URL's name. Users with all of the permissions see it."""
    PAGES.append(name)
    ADDED.setdefault(group, []).append(lambda: _page(name, title, icon, permissions))


def _page(name: str, title: object, icon: str, permissions: Sequence[str]) -> Item:
    link = reverse(name)
    return {"title": title, "icon": icon, "link": link, "permission": lambda asks: asks.user.has_perms(permissions)}


def _added(group: str) -> list[Item]:
    return [make() for make in ADDED.get(group, ())]


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Groups of links. Each link is shown to users who may see its list."""
    first = {"title": _("Overview"), "icon": "dashboard", "link": reverse("admin:index")}
    groups: list[dict[str, Any]] = [
        {"title": title, "separator": True, "items": [*(_to(*each) for each in lists), *_added(name)]}
        for name, (title, lists) in LISTS.items()
    ]
    groups[0] |= {"separator": False, "items": [first, *groups[0]["items"]]}
    return groups


def _to(model: type[Model], title: object, icon: str) -> Item:
    address = list_url(model)
    return {
        "title": title,
        "icon": icon,
        "link": address,
        "permission": _viewers_of(model),
        "active": lambda request: request.path.startswith(address) and request.path not in map(reverse, PAGES),
    }


def _viewers_of(model: type[Model]) -> Callable[[HttpRequest], bool]:
    names = [f"{model._meta.app_label}.{verb}_{model._meta.model_name}" for verb in ("view", "change")]
    return lambda request: any(request.user.has_perm(name) for name in names)
