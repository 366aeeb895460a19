"""The sidebar, tabs and headings: who sees which, and that a thing has one name."""

import re
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.text import capfirst

from escalations.admin import dead_ends, simulator, sla_report
from escalations.models import BusinessCalendar, Escalation, Policy
from notifications.additions import DeskList
from notifications.admin.desk.navigation import DAILY, REST, Section, name_of
from notifications.models import Case, Engine, Event, Recipient, Route, Task, Team, Template
from notifications.roles import ADMINISTRATORS, AUDITORS, CONNECTION_OWNERS, EDITORS, OPERATORS, RULE_EDITORS
from tests.admin.conftest import member_of, signed_in
from tests.admin.pages import list_of, page_of, text_of
from tests.admin.world import World
from tests.factories import RecipientFactory
from tests.soak.installation import LONG
from wfpush import features

pytestmark = pytest.mark.soak

LANGUAGES = ["en", "de"]

LISTED = [place.model for section in (DAILY | REST).values() for place in section.places if place.model]


def entries(client: Client, address: str = "/admin/") -> list[list[str]]:
    groups = client.get(address).context["sidebar_navigation"]
    return [[str(item["title"]) for item in group["items"] if item["has_permission"]] for group in groups]


def lit(client: Client, address: str) -> list[str]:
    groups = client.get(address).context["sidebar_navigation"]
    return [str(item["title"]) for group in groups for item in group["items"] if item["active"]]


def heading(client: Client, address: str) -> str:
    return heading_of(client.get(address))


def heading_of(page: Any) -> str:
    [said] = re.findall(r"(?s)<h1.*?</h1>", page.content.decode())
    return re.sub(r"\s*chevron_right\s*", " > ", " ".join(re.sub(r"<[^>]+>", " ", said).split()))


def tabs(client: Client, address: str) -> list[str]:
    page = client.get(address).content.decode()
    found = re.search(r'(?s)<nav id="tabs-items".*?</nav>', page)
    links = re.findall(r"(?s)<a [^>]*>(.*?)</a>", found[0]) if found else []
    return [" ".join(each.split()) for each in links]


# --- who sees which ---------------------------------------------------------------------------------------------------
def test_the_sidebar_begins_with_what_is_done_each_day(day: World, root: Client) -> None:
    daily, ledger, access = entries(root)
    assert daily == EVERYTHING
    assert ledger[:2] == ["Notifications", "Deliveries"]
    assert access[-2:] == ["Locks", "Sign-ins"]


EVERYTHING = ["Overview", "Events", "Tasks", "People", "Rules", "Templates", "SLA", "Engines"]


@pytest.mark.parametrize(
    ("role", "daily"),
    [
        (ADMINISTRATORS, EVERYTHING),
        (AUDITORS, EVERYTHING),
        (OPERATORS, EVERYTHING),
        (EDITORS, ["Overview", "Templates"]),
        (RULE_EDITORS, ["Overview", "People", "Rules", "Templates", "SLA"]),
        (CONNECTION_OWNERS, ["Overview", "Engines"]),
    ],
)
def test_each_role_finds_its_work(role: str, daily: list[str], day: World) -> None:
    assert entries(signed_in(member_of(role)))[0] == daily


def test_an_operator_sees_no_access_and_an_editor_no_ledger(day: World, operator: Client, editor: Client) -> None:
    _daily, ledger, *access = entries(operator)
    assert "Deliveries" in ledger
    assert access == [["Connected accounts"]]
    assert len(entries(editor)) == 1


def test_an_entry_leads_to_the_first_of_its_lists_that_one_may_see(day: World) -> None:
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_case", "view_team", "view_brand"]))
    client = signed_in(user)
    groups = client.get("/admin/").context["sidebar_navigation"]
    assert [(str(item["title"]), item["link"]) for item in groups[0]["items"][1:]] == [
        ("Tasks", list_of(Case)),
        ("People", list_of(Team)),
    ]
    assert tabs(client, list_of(Team)) == ["Teams", "Brands"]
    assert tabs(client, list_of(Case)) == [], "one list needs none"


def test_tabs_are_the_lists_and_pages_of_an_entry(day: World, root: Client) -> None:
    sla = ["SLA overview", "SLA policies", "Calendars", "Escalations", "Simulator"]
    for address in (reverse(sla_report.NAME), list_of(Policy), list_of(Escalation), reverse(simulator.NAME)):
        assert tabs(root, address) == sla
    added = [each for each in features.added(DeskList) if each.section == "rules"]
    of_features = {name_of(apps.get_model(each.model)) for each in added}
    rules = ["Rules", "Four-eyes rules", "Event types", "Categories", "Lists for cases", "Dead ends"]
    for address in (list_of(Route), reverse(dead_ends.NAME)):
        shown = tabs(root, address)
        assert [name for name in shown if name not in of_features] == rules
        assert of_features <= set(shown)
    assert tabs(root, list_of(Event)) == []


def test_the_sidebar_lights_the_entry_of_a_page(day: World, root: Client) -> None:
    pages = {
        list_of(Task): "Tasks",
        list_of(Case): "Tasks",
        page_of(Task.objects.all()[0]): "Tasks",
        page_of(day.team): "People",
        reverse(sla_report.NAME): "SLA",
        list_of(BusinessCalendar): "SLA",
        reverse(dead_ends.NAME): "Rules",
        list_of(AccessAttempt): "Locks",
        "/admin/": "Overview",
    }
    assert {address: lit(root, address) for address in pages} == {address: [name] for address, name in pages.items()}


# --- one name a thing -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_list_has_one_name_in_sidebar_heading_title_and_model(day: World, root: Client, language: str) -> None:
    """In turn in one language and the next; in `make soak` each in both."""
    root.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    places = [(section, place) for section in (DAILY | REST).values() for place in section.places]
    with translation.override(language):
        for section, place in places if LONG else places[LANGUAGES.index(language) :: len(LANGUAGES)]:
            check(root, section, place.title(), place.address(), place.model)


def check(client: Client, section: Section, name: str, address: str, label: str) -> None:
    assert name[0].isupper(), name
    said = name if str(section.title) == name else f"{section.title} > {name}"
    page = client.get(address)
    assert page.status_code == 200, address
    assert heading_of(page) == said
    assert text_of(page).startswith(f"{name} |"), text_of(page)[:60]
    if label:
        [model] = [each for each in admin.site._registry if each._meta.label_lower == label]
        assert name == capfirst(model._meta.verbose_name_plural)


def test_no_two_lists_have_the_same_name() -> None:
    for language in ("en", "de"):
        with translation.override(language):
            names = [place.title() for section in (DAILY | REST).values() for place in section.places]
            assert len(set(names)) == len(names)
    assert len(set(LISTED)) == len(LISTED)


def test_rows_and_their_pages_stand_below_their_list(day: World, root: Client) -> None:
    task, event = Task.objects.get(task_id="T-101"), Event.objects.get(event_id="e-6")
    lock = AccessAttempt.objects.create(username="mallory", ip_address="192.0.2.9", failures_since_start=9)
    rows: dict[Model, str] = {
        task: "Tasks > Approve invoice 4711",
        event: "Events > task.assigned e-6",
        day.team: "People > Teams > Finance",
        day.engine: "Engines > Invoices",
        lock: f"Access > Locks > {lock}",
    }
    assert {heading(root, page_of(row)) for row in rows} == set(rows.values())
    assert heading(root, f"{list_of(Engine)}add/") == "Engines"
    assert heading(root, page_of(day.engine).replace("/change/", "/delete/")) == "Engines > Invoices"


def test_names_of_packages_are_said_nowhere(day: World, root: Client) -> None:
    lock = AccessAttempt.objects.create(
        username="mallory", ip_address="192.0.2.9", failures_since_start=9, attempt_time=timezone.now()
    )
    for address in (list_of(AccessAttempt), page_of(lock), list_of(Template), list_of(Recipient)):
        said = text_of(root.get(address)).lower()
        assert not [word for word in ("axes", "access attempt", "notifications >", "django") if word in said], address


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_routes_place_is_called_like_a_policys(language: str) -> None:
    with translation.override(language):
        names = {
            str(model._meta.get_field(field).verbose_name)
            for model, field in ((Route, "priority"), (Policy, "position"))
        }
        assert len(names) == 1
        assert names != {str(Task._meta.get_field("priority").verbose_name)}, "that is how urgent something is"


@pytest.mark.parametrize(
    ("own", "stored", "read"),
    [
        ("", "", "UTC"),
        ("", "America/New_York", "America/New York"),
        ("Europe/Berlin", "America/New_York", "Europe/Berlin"),
        ("", "../../etc/passwd", "UTC"),
    ],
)
def test_times_are_in_the_zone_of_the_reader_or_browser(root: Client, own: str, stored: str, read: str) -> None:
    if own:
        RecipientFactory(user=User.objects.get(is_superuser=True), timezone=own)
    root.cookies["timezone"] = stored

    assert f"Times in {read}" in text_of(root.get(list_of(Engine)))
