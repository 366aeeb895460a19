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
    return [
        {
            "title": _("Now"),
            "items": [
                {"title": _("Overview"), "icon": "dashboard", "link": reverse("admin:index")},
                _to(Event, _("Events"), "input"),
                _to(Task, _("Tasks"), "task_alt"),
                _to(Case, _("Cases"), "folder_open"),
                _to(Notification, _("Notifications"), "notifications"),
                _to(Delivery, _("Deliveries"), "send"),
                _to(PausedService, _("Paused services"), "pause_circle"),
                _to(Response, _("Answers"), "thumbs_up_down"),
                _to(RefusedAnswer, _("Refused answers"), "block"),
                _to(Callback, _("Callbacks"), "reply"),
                *_added("now"),
            ],
        },
        {
            "title": _("Set up"),
            "separator": True,
            "items": [
                _to(Engine, _("Engines"), "settings_input_component"),
                _to(Category, _("Categories"), "category"),
                _to(EventType, _("Event types"), "data_object"),
                _to(Route, _("Routes"), "alt_route"),
                _to(FourEyesRule, _("Four eyes"), "visibility"),
                _to(Template, _("Templates"), "edit_note"),
                _to(Journey, _("Ways of cases"), "conversion_path"),
                *_added("set_up"),
            ],
        },
        {
            "title": _("People"),
            "separator": True,
            "items": [
                _to(Recipient, _("Recipients"), "person"),
                _to(Absence, _("Absences"), "event_busy"),
                _to(Device, _("Devices"), "devices"),
                _to(Team, _("Teams"), "groups"),
                _to(Brand, _("Brands"), "palette"),
                *_added("people"),
            ],
        },
        {
            "title": _("Access"),
            "separator": True,
            "items": [
                _to(User, _("Users"), "account_circle"),
                _to(Group, _("Groups"), "admin_panel_settings"),
                _to(ApiKey, _("API keys"), "key"),
                _to(SigningSecret, _("Signing secrets"), "enhanced_encryption"),
                _to(RecipientToken, _("Recipient tokens"), "token"),
                _to(SignInLink, _("Sign-in links"), "link"),
                _to(LinkMail, _("Links by e-mail"), "forward_to_inbox"),
                _to(ActionToken, _("Answer links"), "mark_email_read"),
                _to(ConnectedAccount, _("Connected accounts"), "verified_user"),
                _to(AccessAttempt, _("Locks"), "lock"),
                *_added("access"),
            ],
        },
    ]


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
