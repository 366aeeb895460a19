"""The pages of the desk of which docs/administrators/ has a picture, light and dark."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page

from escalations.admin import dead_ends, simulator, sla_report
from escalations.admin.rules import page as rules
from escalations.models import BusinessCalendar, Escalation, Policy
from notifications import roles
from notifications.absences.models import AbsenceFeed
from notifications.customers.models import Journey
from notifications.insight import hourly
from notifications.insight.models import EngagementCount, EngagementHour
from notifications.models import (
    Absence,
    ApiKey,
    Brand,
    Callback,
    Case,
    CaseList,
    Category,
    Delivery,
    Device,
    Engine,
    Event,
    EventType,
    FourEyesRule,
    Notification,
    Recipient,
    Response,
    Route,
    Task,
    Team,
    Template,
    VersionState,
)
from notifications.retention.models import RetentionRule
from notifications.rotas.models import Rota
from notifications.second_factors.models import Factor, SignInRules
from notifications.sign_on.models import IdentityProvider
from notifications.wording import template_versions
from tests.admin.pages import adding, list_of, page_of
from tests.admin.world import World

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
SCHEMES = {"light": "", "dark": "-dark"}
"""And the ends of the names of their pictures."""


@dataclass(frozen=True)
class Shot:
    """`ready` brings the page to what is to be seen; it must not use the database. `whole`: down to its end."""

    name: str
    address: Callable[[World], str]
    ready: Callable[[Page], object] = lambda page: None
    whole: bool = False


def _list(name: str, model: type[Model], query: str = "") -> Shot:
    return Shot(f"desk-{name}", lambda world: list_of(model, query))


def _named(name: str, url: str, **how: Any) -> Shot:
    return Shot(f"desk-{name}", lambda world: reverse(url), **how)


def _first(name: str, model: type[Model], action: str = "", **how: Any) -> Shot:
    """The page of the first row, or of one of its actions."""
    return Shot(f"desk-{name}", lambda world: page_of(model._default_manager.order_by("pk")[:1].get(), action), **how)


# --- what is to be seen -----------------------------------------------------------------------------------------------
def _rule(page: Page) -> None:
    page.click("[data-add=conditions]")
    page.click(".desk-path:has-text('variables.amount')")
    page.keyboard.type("1000")
    page.click("[data-chip=target]")
    page.click("[data-people-list] option:has-text('Finance')")
    page.click("[data-kind=remind]")
    page.click("[data-kind=escalate]")
    page.wait_for_function("document.querySelector('[data-part=try]').textContent.includes('assignee')")
    page.evaluate("document.activeElement.blur()")


def _paths(page: Page) -> None:
    page.click("[data-add=conditions]")
    page.wait_for_selector(".desk-path")


def _search(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("invoice", delay=20)
    page.wait_for_selector("dialog[open] a")


def _answer(page: Page) -> None:
    page.get_by_role("button", name="What would happen?").click()


def _asked(page: Page) -> None:
    page.fill("[name=task]", "T-101")
    page.get_by_role("button", name="Show requests").click()


def _people(page: Page) -> None:
    rows = "ref,name,email,manager\nzoe,Zoe Zimmer,zoe@acme.example,bob\nbob,Robert Bauer,bob@acme.example,carol\n"
    file = {"name": "people.csv", "mimeType": "text/csv", "buffer": rows.encode()}
    page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    page.get_by_role("button", name="Preview changes").click()
    page.get_by_role("button", name="Import", exact=True).wait_for()


def _later(page: Page) -> None:
    """The question before a policy is saved whose steps are later now."""
    page.evaluate("""for (const step of document.querySelectorAll('[name^=steps-][name$=-offset]'))
        if (step.value === '1h') step.value = '3h'""")
    page.locator("[name=_save]").first.click()


def _counted(world: World) -> str:
    """The overview, once a worker has counted."""
    now = timezone.now()
    for hours in range(24):
        hourly.count_hour(hourly.hour_of(now - timedelta(hours=hours)), now)
    return reverse("admin:index")


def _edited(world: World) -> str:
    """The history of a route that was edited twice."""
    route = Route.objects.get(name="Tasks")
    for position in (850, 840):
        route.priority = position
        route.save()
    return page_of(route, "history")


def _late(world: World) -> Event:
    return Event.objects.get(event_id="e-1")


def _draft(world: World) -> str:
    template = Template.objects.get(slug="task")
    published = template.versions.get(state=VersionState.PUBLISHED)
    return page_of(template_versions.new_draft(template, published))


def _changed_words(world: World) -> str:
    template = Template.objects.get(slug="task")
    published = template.versions.get(state=VersionState.PUBLISHED)
    draft = template_versions.new_draft(template, published)
    draft.texts.filter(language="en", channel="").update(title="Please decide: {{ task.name }}")
    return page_of(draft, "compare_with")


def _simulated(world: World) -> str:
    return f"{reverse(simulator.NAME)}?task={Escalation.objects.latest('pk').task_id}"


def _absent(world: World) -> str:
    Absence.objects.filter(recipient=world.alice).update(ends_at=timezone.now() + timedelta(days=9))
    return list_of(Absence)


def _unnotified(world: World) -> str:
    """The page about Alice and a task of Bob's."""
    task = Task.objects.get(task_id="T-101")
    return f"{reverse('admin:notifications_recipient_why_not_notified')}?person={world.alice.pk}&task={task.pk}"


def _engaged(world: World) -> str:
    """The page about engagement after an hour of many people."""
    now = timezone.now()
    begins = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    hour = EngagementHour.objects.create(hour=begins, counted_at=now)
    shares = {"": 1.0, "email": 0.9, "webpush": 0.4}
    for number, category in enumerate(Category.objects.order_by("pk")):
        for channel, share in shares.items():
            told = round((340 - 60 * number) * share)
            of = {"told": told, "ignored": told // 20, "seen": _waited(told * 4 // 5), "answered": _waited(told // 2)}
            EngagementCount.objects.create(hour=hour, people=(1 << 40) - 1, category=category, channel=channel, **of)
    return reverse("admin:notifications_notification_engagement")


def _waited(people: int) -> list[int]:
    """Of so many a few after minutes, most within hours: by the bands of `hourly.py`."""
    found = [0] * (len(hourly.BANDS) + 1)
    found[2], found[4], found[7] = people // 4, people // 2, people - people // 4 - people // 2
    return found


def _stakeholders(world: World) -> str:
    """The lists for cases, of one engine and of all."""
    CaseList.objects.create(case_type="invoice", engine=world.engine).teams.add(world.team)
    return list_of(CaseList)


def _by_calendar(world: World) -> str:
    """Bob's calendar, which was read a minute ago."""
    now = timezone.now()
    AbsenceFeed.objects.create(
        recipient=world.bob, url="https://x.example", host="outlook.example", delegate=world.carol
    )
    feed = AbsenceFeed.objects.select_related("recipient").get(recipient=world.bob)
    AbsenceFeed.objects.filter(pk=feed.pk).update(read_at=now - timedelta(minutes=1), due_at=None)
    for days, length in ((3, 1), (24, 14)):
        begins = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days)
        feed.absences.create(begins_at=begins, ends_at=begins + timedelta(days=length))
    return page_of(feed)


def _provider(world: World) -> str:
    """A provider that works, with groups; Bob and Alice have signed in there."""
    provider = IdentityProvider.objects.get(slug="acme")
    provider.mappings.create(group="finance", team=world.team)
    provider.mappings.create(group="wfpush-operators", role=Group.objects.get(name=roles.OPERATORS))
    IdentityProvider.objects.filter(pk=provider.pk).update(works_since=timezone.now() - timedelta(minutes=4))
    for person, groups in ((world.bob, ["finance", "wfpush-operators"]), (world.alice, ["sales"])):
        claims = {"sub": person.ref, "email": person.email, "groups": groups}
        SocialAccount.objects.create(
            provider=provider.identity_key, uid=person.ref, user=person.user, extra_data={"claims": claims}
        )
    return page_of(provider)


def _preview(world: World) -> str:
    _provider(world)
    return page_of(IdentityProvider.objects.get(slug="acme"), "preview_groups")


def _stranger(page: Page) -> None:
    """Sign out, and open the page for signing in."""
    page.evaluate("fetch('/sign-out', {method: 'POST', body: new FormData()})")
    page.goto("/sign-in")


def _audited(world: World) -> str:
    """The audit list after a few actions of Carol's and Alice's."""
    done = [
        ("carol", Route.objects.get(name="Tasks"), "Published as a rule"),
        ("carol", Template.objects.get(slug="task"), "Published version 2"),
        ("alice", world.engine, "New API key: production"),
        ("alice", Callback.objects.earliest("pk"), "Sent again: 1 callback"),
    ]
    for name, row, text in done:
        user = User.objects.get(username=name)
        LogEntry.objects.log_actions(user.pk, [row], CHANGE, text, single_object=True)
    return list_of(LogEntry)


SHOTS = [
    Shot("desk-overview", _counted, whole=True),
    _named("search", "admin:index", ready=_search),
    _list("events", Event),
    Shot("desk-trace", lambda world: page_of(_late(world)), whole=True),
    _list("tasks", Task),
    Shot("desk-task", lambda world: page_of(Task.objects.get(task_id="T-101")), whole=True),
    Shot("desk-case", lambda world: page_of(Case.objects.get(case_id="4711")), whole=True),
    _list("people", Recipient),
    Shot("desk-person", lambda world: page_of(world.bob), whole=True),
    _list("teams", Team),
    Shot("desk-absences", _absent),
    Shot("desk-absence-calendar", _by_calendar, whole=True),
    _list("devices", Device),
    _first("brand", Brand),
    _first("rota", Rota, whole=True),
    Shot("desk-rule", lambda world: reverse(rules.NAME), _rule, whole=True),
    Shot("desk-paths", lambda world: reverse(rules.NAME), _paths),
    _list("routes", Route),
    Shot("desk-route", lambda world: page_of(Route.objects.get(name="Tasks")), whole=True),
    _named("dry-run", "admin:notifications_route_dry_run", ready=_answer, whole=True),
    _first("four-eyes", FourEyesRule, whole=True),
    Shot("desk-event-type", lambda world: page_of(EventType.objects.get(name="task.assigned"))),
    _list("categories", Category),
    _first("journey", Journey, whole=True),
    Shot("desk-case-lists", _stakeholders),
    _list("templates", Template),
    Shot("desk-template", lambda world: page_of(Template.objects.get(slug="task"))),
    Shot("desk-draft", _draft),
    Shot("desk-compare", _changed_words),
    _named("sla", sla_report.NAME, whole=True),
    _list("policies", Policy),
    _first("policy", Policy, whole=True),
    _first("policy-effect", Policy, ready=_later),
    _first("calendar", BusinessCalendar, whole=True),
    Shot("desk-clock", lambda world: page_of(Escalation.objects.latest("pk")), whole=True),
    Shot("desk-simulator", _simulated, whole=True),
    _named("dead-ends", dead_ends.NAME),
    _list("engines", Engine),
    _named("connect", "admin:notifications_engine_connect"),
    Shot(
        "desk-connect-key",
        lambda world: reverse("admin:notifications_engine_connect_key", args=[world.engine.pk]),
        whole=True,
    ),
    Shot(
        "desk-connect-event", lambda world: reverse("admin:notifications_engine_connect_event", args=[world.engine.pk])
    ),
    Shot("desk-engine", lambda world: page_of(world.engine), whole=True),
    Shot("desk-engine-preview", lambda world: page_of(world.engine, "what_would_be_sent"), _asked, whole=True),
    Shot("desk-mapping", lambda world: page_of(world.engine, "try_mapping"), whole=True),
    Shot("desk-new-key", lambda world: f"{adding(ApiKey)}?engine={world.engine.pk}"),
    _list("notifications", Notification),
    Shot("desk-engagement", _engaged),
    _list("deliveries", Delivery),
    _list("answers", Response),
    _list("callbacks", Callback),
    Shot("desk-reached", lambda world: page_of(world.bob, "preferences")),
    Shot("desk-hearing", _unnotified),
    Shot("desk-audit", _audited),
    _list("retention", RetentionRule),
    Shot("desk-erase", lambda world: page_of(world.bob, "erase"), whole=True),
    _named("again", "admin:notifications_callback_again"),
    _named("import", "admin:notifications_recipient_import_rows", ready=_people),
    Shot("desk-history", _edited),
    Shot("desk-groups", lambda world: list_of(Group)),
    Shot("desk-provider", _provider, whole=True),
    Shot("desk-provider-groups", _preview),
    Shot("sign-in-provider", lambda world: reverse("admin:index"), _stranger),
    Shot("desk-sign-in-rules", lambda world: page_of(SignInRules.objects.get()), whole=True),
    _list("factors", Factor),
]
