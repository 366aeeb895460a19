"""The search of every page: what is found, by whom, and in which order."""

import html
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import Permission, User
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from escalations.models import Policy
from notifications.admin.desk import search as desk_search
from notifications.admin.desk.search import MAX_PER_KIND, Kind, Query
from notifications.models import (
    Brand,
    Callback,
    Case,
    Delivery,
    Engine,
    Event,
    FourEyesRule,
    Notification,
    Recipient,
    Route,
    Task,
    Template,
)
from notifications.models.events import CASE_WORDS, TASK_WORDS
from notifications.models.people import PERSON_WORDS
from tests.admin.conftest import signed_in
from tests.admin.pages import list_of, page_of
from tests.admin.world import World
from tests.factories import TaskFactory
from wfpush.postgres.word_index import having

ADDRESS = reverse("admin:search")
HIT = re.compile(r'<a role="option" id="search-hit-(\d+)" class="desk-hit" href="([^"]+)"')


class Hit(NamedTuple):
    kind: str
    name: str
    about: str
    address: str


class Found(NamedTuple):
    said: str
    hits: list[Hit]

    def names(self, kind: str) -> list[str]:
        return [hit.name for hit in self.hits if hit.kind == kind]


def search(client: Client, words: str) -> Found:
    answer = client.get(ADDRESS, {"q": words})
    assert answer.status_code == 200
    head, *options = answer.content.decode().split("<a ")
    assert [HIT.match(f"<a {each}")[1] for each in options] == [str(n + 1) for n in range(len(options))]  # type: ignore[index]
    return Found(_text(head), [_hit(f"<a {each}") for each in options])


def _hit(option: str) -> Hit:
    name, kind = (re.search(rf'"desk-hit-{part}">(.*?)</span>', option)[1] for part in ("name", "kind"))  # type: ignore[index]
    about = _text(option.partition('"desk-hit-kind">')[2].partition("</span>")[2]).removeprefix("· ")
    return Hit(kind, html.unescape(name), about, html.unescape(HIT.match(option)[2]))  # type: ignore[index]


def _text(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


# --- what is found ----------------------------------------------------------------------------------------------------
def test_people_are_found_by_name_ref_and_address(day: World, root: Client) -> None:
    for words in ("bob", "Bauer", "bau bo", "BOB@acme", "bob@acme.example"):
        assert search(root, words).names("Person") == ["Bob Bauer"], words
    [erin] = search(root, "c-9").hits
    assert erin == Hit("Person", "Erin Example", "C-9 · Invoices", page_of(day.customer))
    Recipient.objects.filter(pk=day.bob.pk).update(active=False)
    assert search(root, "bob").hits[0].about == "bob · not active"


def test_people_of_the_house_come_before_external_ones(day: World, root: Client) -> None:
    Recipient.objects.bulk_create(
        Recipient(ref=f"C-{100 + n}", name=f"Bob Customer {n}", engine=day.engine) for n in range(MAX_PER_KIND + 1)
    )
    found = search(root, "bob")
    assert found.names("Person") == ["Bob Bauer", *(f"Bob Customer {n}" for n in range(MAX_PER_KIND, 1, -1))]
    assert found.said == "The newest or closest of each kind. Type more to narrow the search."


def test_tasks_and_cases_are_found_by_words_in_any_order(day: World, root: Client) -> None:
    for words in ("invoice 4712", "4712 INVOICE", "4712 inv", "#4712, invoice!"):
        found = search(root, words)
        assert found.names("Task") == ["Approve invoice 4712"], words
        assert found.names("Case") == ["Invoice 4712"], words
    [task, case] = found.hits
    assert task.about == "Invoices · information requested"
    assert (task.address, case.address) == (
        page_of(Task.objects.get(task_id="T-102")),
        page_of(Case.objects.get(case_id="4712")),
    )
    assert search(root, "invoice 9999").hits == []


def test_tasks_are_found_by_their_cases_title(day: World, root: Client) -> None:
    Case.objects.filter(case_id="4712").update(title="Order for Globex")
    for words in ("globex", "approve globex", "glob", "order globex approve"):
        assert search(root, words).names("Task") == ["Approve invoice 4712"], words
    assert search(root, "reject globex").names("Task") == []


def test_older_tasks_are_found_without_reading_all(day: World, root: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a word that few cases have, in their own name or in the case's title; without a case by their name."""
    monkeypatch.setattr(desk_search, "NEWEST", 2)
    monkeypatch.setattr(desk_search, "COMMON", 3)
    TaskFactory(engine=day.engine, case=None, task_id="bare", name="Approve the ramp")
    for n in range(4):
        case = Case.objects.create(engine=day.engine, case_id=f"late-{n}", title=f"Invoice late {n}")
        TaskFactory(engine=day.engine, case=case, task_id=f"late-{n}", name=f"Approve invoice late {n}")
    assert search(root, "approve invoice 4712").names("Task") == ["Approve invoice 4712"]
    assert search(root, "ramp").names("Task") == ["Approve the ramp"]
    assert search(root, "late").names("Task") == ["Approve invoice late 3", "Approve invoice late 2"], "the newest"
    assert search(root, "approve late 0").names("Task") == ["Approve invoice late 0"]


def test_capitals_do_not_matter_beyond_a_to_z_either(day: World, root: Client) -> None:
    Case.objects.filter(case_id="4711").update(title="Übergabe ÄRZTEHAUS")
    for words in ("Übergabe", "übergabe", "ÜBERGABE", "ärzteh"):
        assert search(root, words).names("Case") == ["Übergabe ÄRZTEHAUS"], words


def test_whatever_has_the_id_comes_first(day: World, root: Client) -> None:
    """Though there are newer ones in which it begins so, and people come first otherwise."""
    Recipient.objects.create(ref="T-1019", name="T-101")
    task = Task.objects.get(task_id="T-101")
    found = search(root, "t-101").hits
    assert [hit.kind for hit in found] == ["Person"], "an id has its letters as the engine wrote them"
    found = search(root, "T-101").hits
    assert [(hit.kind, hit.address) for hit in found] == [
        ("Task", page_of(task)),
        ("Person", page_of(Recipient.objects.get(ref="T-1019"))),
    ]


def test_whole_words_come_before_words_that_begin_so(day: World, root: Client) -> None:
    Case.objects.bulk_create(
        Case(engine=day.engine, case_id=f"grown-{n}", title=f"Invoice 4711{n}") for n in range(MAX_PER_KIND + 1)
    )
    assert search(root, "invoice 4711").names("Case")[:2] == ["Invoice 4711", f"Invoice 4711{MAX_PER_KIND}"]
    assert len(search(root, "invoice 47").names("Case")) == MAX_PER_KIND
    assert search(root, "grown-3").names("Case") == ["Invoice 47113"]


def test_our_ids_find_their_rows_whole_or_by_their_beginning(day: World, root: Client) -> None:
    for row in (
        Task.objects.all()[0],
        Event.objects.all()[0],
        Notification.objects.all()[0],
        Delivery.objects.all()[0],
        Callback.objects.all()[0],
    ):
        for written in (str(row.pk), str(row.pk).upper(), row.pk.hex):
            assert page_of(row) in [hit.address for hit in search(root, written).hits]
    event = Event.objects.all()[0]
    assert page_of(event) in [hit.address for hit in search(root, str(event.pk)[:34]).hits]
    assert search(root, "00000000").hits == []


def test_events_are_found_by_their_engines_id(day: World, root: Client) -> None:
    [hit] = search(root, "e-6").hits
    event = Event.objects.get(event_id="e-6")
    assert hit == Hit("Event", "task.assigned e-6", "Invoices · could not be processed", page_of(event))


def test_what_is_set_up_is_found_by_words(day: World, root: Client) -> None:
    Policy.objects.create(name="Approvals in a day", enabled=False)
    FourEyesRule.objects.create(name="Approvals over 5,000")
    found = search(root, "approvals")
    assert found.names("SLA policy") == ["Approvals in a day"]
    assert found.names("Four-eyes rule") == ["Approvals over 5,000"]
    assert [hit.about for hit in found.hits if hit.kind == "SLA policy"] == ["off"]
    assert search(root, "invoices").hits[0] == Hit("Engine", "Invoices", "invoices · on", page_of(day.engine))
    assert search(root, "fin").names("Team") == ["Finance"]
    route, template = Route.objects.all()[0], Template.objects.all()[0]
    assert route.name in search(root, route.name).names("Rule")
    assert template.name in search(root, template.slug).names("Template")


def test_lists_and_pages_are_found_by_name(day: World, root: Client) -> None:
    assert search(root, "lock").names("Page") == ["Locks"]
    assert Hit("Page", "SLA policies", "SLA", list_of(Policy)) in search(root, "pol").hits


# --- by whom ----------------------------------------------------------------------------------------------------------
def test_an_operator_finds_what_happened_and_no_access(day: World, operator: Client) -> None:
    assert search(operator, "bob").names("Person") == ["Bob Bauer"]
    assert search(operator, "users").hits == []
    assert search(operator, "locks").hits == []


def test_an_editor_finds_templates_alone(day: World, editor: Client) -> None:
    task, template = Task.objects.all()[0], Template.objects.all()[0]
    for words in ("bob", "invoice", "4711", "e-6", "T-101", str(task.pk), "Invoices", "Approvals", "Events"):
        assert {hit.kind for hit in search(editor, words).hits} <= {"Template"}, words
    assert search(editor, template.slug).names("Template")[0] == template.name
    assert search(editor, "").said == "Finds templates, and pages of the desk: by names, words and ids."


def test_whoever_loses_a_right_finds_nothing_from_then_on(day: World) -> None:
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_task"))
    client = signed_in(user)
    assert [hit.kind for hit in search(client, "4712").hits] == ["Task"]
    user.user_permissions.clear()
    assert search(client, "4712").hits == []
    assert search(client, "").said == "You have no right to see anything here."


@pytest.mark.parametrize("staff", [False, None])
def test_nobody_else_is_answered(staff: bool | None, day: World) -> None:
    client = Client() if staff is None else signed_in(User.objects.get(username="bob"))
    answer = client.get(ADDRESS, {"q": "bob"})
    assert (answer.status_code, b"Bauer" in answer.content) == (302, False)


# --- whatever is typed ------------------------------------------------------------------------------------------------
def test_signs_with_a_meaning_in_sql_are_letters(day: World, root: Client) -> None:
    person = Recipient.objects.create(ref="o'neil_100%\\", name="Odd O'Neil")
    FourEyesRule.objects.create(name="More than 100%")
    for words in ("o'neil_100%\\", "o'neil_1", "O'Neil", "odd"):
        assert [hit.address for hit in search(root, words).hits] == [page_of(person)], words
    assert search(root, "0%").names("Four-eyes rule") == ["More than 100%"]
    for words in ("%", "_", "\\", "'", "' | x", "& !", "a:*b", "(", "<->", "--", "{}", "*", "''::tsquery", "é%"):
        assert not {"Person", "Task", "Case", "Event"} & {hit.kind for hit in search(root, words).hits}, words


@pytest.mark.parametrize(
    "words",
    ["x" * 300, "invoice " * 60, "a b c d e f g h i j k l m n o p q r s t", "\ud800", "\u202e", "١٢٣"],
)
def test_nothing_breaks_it(day: World, root: Client, words: str) -> None:
    assert root.get(ADDRESS + "?q=" + _quoted(words)).status_code == 200


def _quoted(words: str) -> str:
    return "".join(f"%{byte:02X}" for byte in words.encode("utf-8", "surrogatepass"))


def test_what_people_wrote_is_shown_and_not_done(day: World, root: Client) -> None:
    Case.objects.filter(case_id="4711").update(title="Evil <script>alert(1)</script> \u202etxt")
    page = root.get(ADDRESS, {"q": "evil"}).content.decode()
    assert "Evil &lt;script&gt;alert(1)&lt;/script&gt; \\u202etxt" in page
    page = root.get(ADDRESS, {"q": "<nothing>"}).content.decode()
    assert "Nothing found for “&lt;nothing&gt;”" in page


def test_it_says_what_can_be_found_and_that_nothing_was(day: World, root: Client) -> None:
    kinds = "people, tasks, cases, events, rules, four-eyes rules, templates, engines, teams, SLA policies"
    assert search(root, "") == Found(f"Finds {kinds}, and pages of the desk: by names, words and ids.", [])
    assert search(root, "  ").said == search(root, "").said
    assert search(root, "xyzzy").said == "Nothing found for “xyzzy”. Search looks for the beginnings of words."
    assert search(root, "e-6").said == "1 found."


def test_it_speaks_german(day: World, root: Client) -> None:
    root.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    found = search(root, "4712")
    assert [hit.kind for hit in found.hits] == ["Vorgang", "Aufgabe"], "the case has the id"
    assert found.said == "2 gefunden."
    assert search(root, "sperr").names("Seite") == ["Sperren"]


# --- what it costs ----------------------------------------------------------------------------------------------------
def test_it_costs_few_queries(day: World, root: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    Recipient.objects.bulk_create(Recipient(ref=f"bob-{n}", name=f"Bob {n}") for n in range(20))
    Case.objects.bulk_create(Case(engine=day.engine, case_id=f"bob-{n}", title="For Bob") for n in range(20))
    for words in ("bob", "4712", str(Task.objects.all()[0].pk), "xyzzy"):
        with django_assert_max_num_queries(45):
            search(root, words)
    with django_assert_max_num_queries(6):
        search(root, "")


@pytest.mark.parametrize(
    ("rows", "words", "index"),
    [
        (Task.objects.filter(case=None), TASK_WORDS, "task_words"),
        (Case.objects.all(), CASE_WORDS, "case_words"),
        (Recipient.objects.filter(engine=None), PERSON_WORDS, "person_words"),
        (Recipient.objects.filter(engine__isnull=False), PERSON_WORDS, "external_person_words"),
    ],
    ids=["tasks", "cases", "people", "external people"],
)
def test_words_are_read_from_an_index(db: None, rows: Any, words: Any, index: str) -> None:
    engine = Engine.objects.create(slug="invoices", name="Invoices")
    Recipient.objects.bulk_create(
        Recipient(ref=f"{n}", name="Bob", engine=None if n % 2 else engine) for n in range(1000)
    )
    Task.objects.bulk_create(Task(engine=engine, task_id=f"{n}", name="Sign") for n in range(1000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_recipient, notifications_task; SET LOCAL enable_seqscan = off")
    assert f"Bitmap Index Scan on {index} " in rows.filter(having(words, "invoice 4711")).explain()


def test_a_kind_that_takes_too_long_costs_the_others_nothing(
    day: World, root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(_query: Query) -> Iterator[Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")
        yield from ()

    slow = Kind(Brand, "x", sleep, lambda row, query: [], lambda row: [])
    first, *others = desk_search.KINDS
    monkeypatch.setattr(desk_search, "KINDS", [first, slow, *others])
    monkeypatch.setattr(desk_search, "PATIENCE", 300)

    found = search(root, "alice")

    assert "Alice Adams" in found.names("Person")
    assert found.said.startswith("The newest or closest of each kind.")
    assert Event.objects.exists(), "the connection goes on"


def test_any_other_fault_is_told(day: World, root: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_query: Query) -> Iterator[Any]:
        raise OperationalError("the server closed the connection unexpectedly")
        yield

    monkeypatch.setattr(desk_search, "KINDS", [Kind(Brand, "x", fail, lambda row, query: [], lambda row: [])])
    root.raise_request_exception = False
    assert root.get(ADDRESS, {"q": "alice"}).status_code == 503
