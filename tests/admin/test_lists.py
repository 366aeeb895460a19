"""Every list and form of the desk opens on a real day's rows, is quick to make, and shows nobody's secret."""

import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from escalations.models import Escalation, StepRun
from notifications.admin.desk.base import HistoryAdmin
from notifications.models import (
    ApiKey,
    Callback,
    Delivery,
    Event,
    FourEyesRule,
    Notification,
    PausedService,
    RecipientToken,
    SigningSecret,
    Task,
    TaskState,
)
from tests.admin.pages import adding, list_of, page_of, text_of
from tests.admin.world import ENDPOINT, World
from tests.factories import RecipientFactory, TaskFactory
from tests.soak.installation import LONG
from tests.support.left_out import misnamed
from tests.support.length import some
from wfpush.models import Heartbeat

pytestmark = pytest.mark.soak

OURS: list[type[Model]] = [
    *(
        model
        for app in (*settings.CORE, *settings.FEATURES)
        for model in apps.get_app_config(app).get_models()
        if not model.__name__.startswith("Historical")
    ),
    Heartbeat,
]
SHOWN_ELSEWHERE = {
    *("AbsencePart", "Account", "Addressee", "Attachment", "AttachmentPiece", "CalendarAbsence", "CategoryChoice"),
    *("CategoryDefault", "CountedHour", "DeliveryReceipt", "EngagementCount", "EngagementHour", "EngineAccess"),
    *("EntitlementReview", "Farewell", "FollowedKind", "HandedOver", "HeldReview", "HourlyCount", "LinkRequest"),
    *("MutedCase", "Person", "PersonalSignIn", "Poll", "PolledTask", "Preferences", "Pruning", "PushKey", "QuietHours"),
    *("ReplayedRow", "RotaFeed", "RotaFeedShift", "RotaLayer", "RotaOverride", "RotaSwap", "RotaWatch", "Rules"),
    *("SavedView", "SearchedAnew", "SearchedPart", "SignedOut", "TaskContent", "TaskMessage", "Unsubscription"),
    *("BrowserSession", "GroupMapping", "PasskeyCounter", "PasswordRequest", "ProviderSession", "SecurityMail"),
    *("SigningChallenge", "SubscriptionSecret"),
    *("ScimDeparture", "ScimGroup", "ScimRequest", "ScimToken", "ScimUser"),
}
"""Shown on the page of a clock, an engine or a task, or among deliveries' attempts; drawn; or needed by nobody
else."""
if "absences" not in settings.FEATURES:
    SHOWN_ELSEWHERE.add("Absence")  # a table of the core, with a page of the feature
REGISTERED = list(admin.site._registry)


def addresses(model: type[Model]) -> list[str]:
    return [page_of(row) for row in model._default_manager.all()[: 3 if LONG else 1]]


def opened(client: Client, every: list[str]) -> dict[str, int]:
    """The addresses that do not open, with what they answer instead."""
    answers = {address: client.get(address).status_code for address in every}
    return {address: status for address, status in answers.items() if status != 200}


def test_every_model_is_on_the_desk() -> None:
    join_tables = {model for model in OURS if model._meta.auto_created}
    hidden = {model.__name__ for model in set(OURS) - join_tables - set(REGISTERED)}
    assert misnamed(hidden, SHOWN_ELSEWHERE) == set()


def secrets_of(world: World) -> list[str]:
    stored = [SigningSecret.objects.values_list("secret", flat=True), ApiKey.objects.values_list("digest", flat=True)]
    digests = RecipientToken.objects.values_list("digest", flat=True)
    return [world.api_key, world.secret, ENDPOINT, *(str(each) for every in stored for each in every), *digests]


LINK_IN_LINK = re.compile(r"<a [^>]*>(?:(?!</a>)[\s\S])*?<a ")
"""Of which browsers make two, the first of them with no name."""


@pytest.mark.ci
def test_every_list_form_and_history_opens_and_shows_no_secret(evening: World, root: Client) -> None:
    rows = [address for model in REGISTERED for address in addresses(model)]
    assert len(rows) > 40, "the day should have left rows in most tables"
    secrets = secrets_of(evening)
    assert len(secrets) >= 5
    assert all(secrets)
    unopened, leaks, nested = {}, set(), set()
    for address in [*map(list_of, REGISTERED), *rows, *histories(rows)]:
        answer = root.get(address, follow=True)  # versions are listed on their template's page
        body = answer.content.decode()
        if answer.status_code != 200:
            unopened[address] = answer.status_code
        if any(secret in body for secret in secrets):
            leaks.add(address)
        if LINK_IN_LINK.search(body.partition('id="result_list"')[2].partition("</table>")[0]):
            nested.add(address)
    assert unopened == {}
    assert leaks == set()
    assert nested == set()


def histories(rows: list[str]) -> list[str]:
    """The pages of configuration, which tell what was in its fields; in `make soak` those of all rows."""
    told = tuple(
        list_of(model) for model, desk in admin.site._registry.items() if LONG or isinstance(desk, HistoryAdmin)
    )
    return [row.replace("/change/", "/history/") for row in rows if row.startswith(told)]


def change_list(rf: RequestFactory, model: type[Model], query: str) -> ChangeList:
    """A list as its page asks for it, with its rows read, but not drawn."""
    request = rf.get(list_of(model, query))
    request.user = User.objects.get(username="root")
    found = admin.site.get_model_admin(model).get_changelist_instance(request)
    assert found.result_list is not None
    list(found.result_list)
    return found


@pytest.mark.ci
def test_every_list_can_be_searched(evening: World, root: Client, rf: RequestFactory) -> None:
    wanted = ["T-101", str(Event.objects.values_list("pk", flat=True)[0]), "a%07b", "%20"]
    for number, model in enumerate(REGISTERED):
        for text in wanted if LONG else wanted[number % 2 :: 2]:
            change_list(rf, model, f"q={text}")


def test_a_search_that_is_no_text_says_so(day: World, root: Client) -> None:
    answer = root.get(list_of(Event, "q=a%00b"))

    assert answer.status_code == 400
    assert "This could not be read" in text_of(answer)


@pytest.mark.ci
def test_every_filter_of_every_list_works(evening: World, root: Client, rf: RequestFactory) -> None:
    tried = 0
    for model in REGISTERED:
        unfiltered = change_list(rf, model, "")
        for each in unfiltered.filter_specs:
            choices = list(each.choices(unfiltered))
            for choice in choices if LONG else choices[:: max(1, len(choices) - 1)]:
                change_list(rf, model, choice["query_string"].lstrip("?"))
                tried += 1
    assert tried > (150 if LONG else 100)


def test_every_form_for_a_new_row_opens(evening: World, root: Client) -> None:
    request = root.get(list_of(Event)).wsgi_request
    addable = [model for model, desk in admin.site._registry.items() if desk.has_add_permission(request)]
    assert ApiKey in addable
    assert opened(root, [adding(model) for model in addable]) == {}


def test_earlier_states_of_configuration_open(evening: World, root: Client) -> None:
    earlier = []
    for model in OURS:
        if hasattr(model, "history") and model in REGISTERED:
            row = model._default_manager.first()
            assert row is not None, model
            row.save()
            version = model.history.filter(**{model._meta.pk.attname: row.pk}).first()  # type: ignore[attr-defined]
            earlier.append(f"{page_of(row).replace('/change/', '/history/')}{version.pk}/")
    assert len(earlier) >= 8
    assert opened(root, earlier) == {}


@pytest.mark.parametrize("model", some([Event, Task, Notification, Delivery, Callback, Escalation, StepRun], 3))
def test_a_ledger_costs_few_queries_whatever_its_length(
    model: type[Model], evening: World, root: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    root.get(list_of(model))
    with django_assert_max_num_queries(16):
        assert root.get(list_of(model)).status_code == 200


def test_lists_say_what_failed_for_how_long_and_why(day: World, root: Client) -> None:
    events = text_of(root.get(list_of(Event)))
    assert "could not be processed" in events
    assert "OperationalError: the database went away" in events
    assert "unknown: zoe" in events
    late = text_of(root.get(list_of(Task, "now=late")))
    assert "Approve invoice 4712" in late
    assert "late by 5 h" in late
    assert "Approve invoice 4711" not in late
    waiting = text_of(root.get(list_of(Callback, "state__exact=waiting")))
    assert "The engine answered 401." in waiting
    dead = text_of(root.get(list_of(Delivery, "state__exact=dead")))
    assert "550 5.1.1 No such user here" in dead


def test_waiting_tasks_with_a_deadline_come_first_the_most_overdue_at_the_top(
    world: World, root: Client, rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin.site.get_model_admin(Task), "list_per_page", 3)
    days = {"new": None, "late": -1, "worst": -9, "over": -20, "soon": 1, "later": -2, "last": None}
    for name, due in days.items():
        at = due and timezone.now() + timedelta(days=due)
        TaskFactory(engine=world.engine, name=name, due_at=at, state="completed" if name == "over" else "open")

    def names(query: str) -> list[str]:
        return [task.name for task in change_list(rf, Task, query).result_list]

    assert [names(f"p={page}") for page in (1, 2, 3)] == [["worst", "later", "late"], ["soon", "last", "over"], ["new"]]
    assert names("all=") == ["worst", "later", "late", "soon", "last", "over", "new"]
    assert names("o=0&all=") == sorted(days)
    assert names("state__exact=completed") == ["over"]


def test_a_ledger_finds_rows_by_the_ids_people_copy(day: World, root: Client) -> None:
    theirs = "7c0d9f0e-2f5c-4b7e-9c58-0d0f5a7a3c11"
    Event.objects.filter(event_id="e-3").update(event_id=theirs)
    ours = str(Event.objects.get(event_id="e-2").pk)
    for text, ids in (
        (theirs, [theirs]),
        (ours, ["e-2"]),
        ("e-1", ["e-1"]),
        ("T-102", ["e-2"]),
        (" 4711 ", ["e-4", "e-1"]),
        ("e-", []),
    ):
        found = root.get(list_of(Event), {"q": text}).context["cl"].result_list
        assert [event.event_id for event in found if event.source != "wfpush"] == ids, text


def test_recent_rows_are_found_by_their_ids_time(day: World, root: Client) -> None:
    assert root.get(list_of(Event, "within=1")).context["cl"].result_count == Event.objects.count()
    assert root.get(list_of(Event, "within=nonsense")).status_code == 200


def test_every_list_says_what_would_stand_there() -> None:
    said = [str(desk.empty_says) for desk in admin.site._registry.values()]
    assert len(set(said)) == len(said)


def test_an_empty_list_says_what_to_do(world: World, root: Client) -> None:
    by_itself = text_of(root.get(list_of(PausedService)))
    assert "Nothing is here Push services, mail servers and gateways that refuse messages" in by_itself
    assert "Reset filters" not in by_itself
    rules = "Nothing is here Tasks that the people who started them may not decide. Add the first rule"
    assert rules in text_of(root.get(list_of(FourEyesRule)))
    assert "Nothing matches Search for something else" in text_of(root.get(list_of(ApiKey, "q=nothing")))


def test_the_filter_by_channel_does_not_ask_all_deliveries_which_there_are(day: World, root: Client) -> None:
    with CaptureQueriesContext(connection) as asked:
        answer = root.get(list_of(Delivery), {"channel": "email"})

    assert {row.channel for row in answer.context["cl"].result_list} == {"email"}
    assert {"inbox", "browser"} <= set(text_of(answer).split())
    assert not any("DISTINCT" in each["sql"] and '"channel"' in each["sql"] for each in asked)


def test_a_waiting_task_names_those_to_whom_it_was_escalated(root: Client) -> None:
    escalated = [{"name": "Carol Conrad", "at": "2026-05-01T10:00:00Z"}] * 2
    task = TaskFactory(assignee=RecipientFactory(name="Bob Bauer"), escalated=escalated)

    assert text_of(root.get(list_of(Task))).count("Carol Conrad") == 1

    Task.objects.filter(pk=task.pk).update(state=TaskState.ANSWERED)
    assert "Carol Conrad" not in text_of(root.get(list_of(Task)))


def test_names_of_people_are_links_on_the_page_of_a_task_and_none_in_the_list(world: World, root: Client) -> None:
    task = TaskFactory(assignee=None, escalated=[{"name": "Carol Castle", "at": "2026-05-01T10:00:00Z"}])
    task.candidates.set([world.alice, world.bob])
    task.teams.set([world.team])

    [cell] = re.findall(r"<td[^>]*field-people[^>]*>(.*?)</td>", root.get(list_of(Task)).content.decode(), re.DOTALL)
    assert "Alice Adams, Bob Bauer, Finance, Carol Castle" in cell
    assert "<a" not in cell
    page = root.get(page_of(task)).content.decode()
    for row in (world.alice, world.bob, world.team):
        assert f'<a class="desk-link" href="{page_of(row)}">{row}</a>' in page


def test_a_list_names_the_filters_that_are_on(root: Client) -> None:
    TaskFactory(priority="high")
    both = {"now": "waiting", "priority__exact": "high"}

    assert "Filtered: waiting, high Show all" in text_of(root.get(list_of(Task), both))
    assert "Filtered" not in text_of(root.get(list_of(Task)))


def test_a_question_with_a_reply_leaves_a_task_waiting(root: Client) -> None:
    asked = {"action": "request_info", "by": {"name": "Bob Bauer"}, "to": {"name": "Alice Adams"}}
    task = TaskFactory(state=TaskState.INFO_REQUESTED, outcome=asked)
    assert "Bob Bauer asked for information" in text_of(root.get(list_of(Task)))

    Task.objects.filter(pk=task.pk).update(state=TaskState.OPEN)
    assert "asked for information" not in text_of(root.get(list_of(Task)))
