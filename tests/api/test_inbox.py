"""A person's notifications: list, pages, catching up, reading, following."""

from typing import Any
from uuid import uuid4

import pytest

from notifications.items.inbox_json import inbox_json
from notifications.items.representation import notification_queryset
from notifications.models import Case, Notification, Recipient
from tests.factories import CaseFactory, EngineFactory, NotificationFactory, RecipientFactory, TaskFactory
from tests.support.api import Caller, browser_of, is_problem, person_caller, pointers

LIST = "/api/v1/notifications"


@pytest.fixture
def bob(db: None) -> Recipient:
    return RecipientFactory(ref="bob", name="Bob")


def titles(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [item["title"] for item in answer.json()["items"]]


def receive(person: Recipient, *names: str, **fields: Any) -> list[Notification]:
    return [NotificationFactory(recipient=person, title=name, **fields) for name in names]


# --- the list -------------------------------------------------------------------------------------
def test_ones_own_newest_first_by_token_and_by_session(bob: Recipient) -> None:
    receive(bob, "first", "second")
    receive(RecipientFactory(), "somebody else's")

    for caller in (person_caller(bob), browser_of(bob)):
        answer = caller.get(LIST)
        assert titles(answer) == ["second", "first"]
        assert answer.json()["next"] is None
        assert answer.headers["Cache-Control"] == "no-store"


def test_items_are_what_one_item_is(bob: Recipient) -> None:
    [copy] = receive(bob, "one")
    caller = person_caller(bob)

    expected = inbox_json(notification_queryset().get(pk=copy.pk))
    assert caller.get(LIST).json()["items"] == [expected]
    assert caller.get(f"{LIST}/{copy.pk}").json() == expected
    contract = {
        "id", "seq", "title", "body", "category", "priority", "state", "due_at", "url", "task", "case", "actions",
        "info", "location", "customer", "documents", "brand", "read_at", "created_at", "updated_at", "outcome",
    }  # fmt: skip
    assert contract <= set(expected)


def test_who_was_told_because_nobody_answered(bob: Recipient) -> None:
    carol = RecipientFactory(ref="carol", name="Carol")
    told = [{**carol.as_person(), "at": "2026-11-25T16:00:00Z"}]
    task = TaskFactory(escalated=told)
    NotificationFactory(recipient=bob, task=task)
    NotificationFactory(recipient=carol, task=task, escalated=True)
    receive(bob, "an update", task=None, state="info")

    update, bobs = person_caller(bob).get(LIST).json()["items"]
    (carols,) = person_caller(carol).get(LIST).json()["items"]

    assert (bobs["escalated"], bobs["escalated_to"]) == (False, told)
    assert (carols["escalated"], carols["escalated_to"]) == (True, told)
    assert (update["escalated"], update["escalated_to"]) == (False, [])


def test_filters(bob: Recipient) -> None:
    receive(bob, "open")
    receive(bob, "answered", state="answered")
    receive(bob, "update", task=None, state="info")
    Notification.objects.filter(title="open").update(read_at="2026-11-02T09:00:00Z")
    caller = person_caller(bob)

    assert titles(caller.get(f"{LIST}?state=open")) == ["open"]
    assert titles(caller.get(f"{LIST}?state=answered")) == ["answered"]
    assert titles(caller.get(f"{LIST}?state=all")) == ["update", "answered", "open"]
    assert titles(caller.get(f"{LIST}?unread=1")) == ["update", "answered"]
    assert titles(caller.get(f"{LIST}?unread=1&state=answered")) == ["answered"]
    assert titles(caller.get(f"{LIST}?unread=0")) == ["update", "answered", "open"]


def test_pages_follow_each_other_whatever_comes_meanwhile(bob: Recipient) -> None:
    receive(bob, *"abcdefg")
    caller = person_caller(bob)
    first = caller.get(f"{LIST}?limit=3")
    receive(bob, "new")
    second = caller.get(f"{LIST}?limit=3&cursor={first.json()['next']}")
    third = caller.get(f"{LIST}?limit=3&cursor={second.json()['next']}")

    assert [titles(page) for page in (first, second, third)] == [["g", "f", "e"], ["d", "c", "b"], ["a"]]
    assert third.json()["next"] is None


def test_those_of_the_same_instant_are_on_one_page_each(bob: Recipient) -> None:
    receive(bob, *"abcd")
    Notification.objects.update(created_at="2026-11-02T09:00:00Z")
    caller = person_caller(bob)
    first = caller.get(f"{LIST}?limit=2")
    second = caller.get(f"{LIST}?limit=2&cursor={first.json()['next']}")

    assert sorted(titles(first) + titles(second)) == ["a", "b", "c", "d"]


def test_catching_up_is_oldest_change_first(bob: Recipient) -> None:
    receive(bob, *"abcde")
    caller = person_caller(bob)
    caller.post(f"{LIST}/{Notification.objects.get(title='b').pk}/read")

    page = caller.get(f"{LIST}?after=2&limit=2")
    assert titles(page) == ["c", "d"]
    rest = caller.get(f"{LIST}?after=2&limit=2&cursor={page.json()['next']}")
    assert titles(rest) == ["e", "b"]
    assert rest.json()["items"][-1]["seq"] == 6
    assert titles(caller.get(f"{LIST}?after=6")) == []
    assert titles(caller.get(f"{LIST}?after=99999")) == []


def test_more_than_200_are_never_given(bob: Recipient) -> None:
    receive(bob, *(str(number) for number in range(201)), task=None, state="info")

    page = person_caller(bob).get(f"{LIST}?limit=1000")

    assert len(titles(page)) == 200
    assert page.json()["next"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("state=closed", "/state"),
        ("after=-1", "/after"),
        ("after=x", "/after"),
        ("after=99999999999999999999", "/after"),
        ("limit=0", "/limit"),
        ("limit=x", "/limit"),
        ("unread=perhaps", "/unread"),
        ("cursor=x", "/cursor"),
        ("cursor=%C3%BC", "/cursor"),
        ("cursor=MQ==", "/cursor"),
        ("after=1&cursor=eA==", "/cursor"),
        ("after=1&cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "/cursor"),
        *((f"{name}=", f"/{name}") for name in ("state", "unread", "after", "limit", "cursor")),
        ("state=open&state=all", "/state"),
        ("limit=5&limit=6", "/limit"),
    ],
)
def test_a_query_that_is_not_possible_is_said_so(bob: Recipient, query: str, pointer: str) -> None:
    answer = person_caller(bob).get(f"{LIST}?{query}")

    assert pointers(answer) == [pointer]


# --- reading --------------------------------------------------------------------------------------
def test_reading_one_is_a_change_of_it_and_reading_it_again_is_none(bob: Recipient) -> None:
    copy, _ = receive(bob, "a", "b")
    caller = person_caller(bob)

    assert caller.post(f"{LIST}/{copy.pk}/read", {"by": "pigeon post"}).status_code == 422
    assert caller.post(f"{LIST}/{copy.pk}/read").status_code == 204
    assert caller.post(f"{LIST}/{copy.pk}/read", {"by": "fcm"}).status_code == 204
    assert Notification.objects.get(pk=copy.pk).opened_by == "api", "it was opened once"

    copy.refresh_from_db()
    assert copy.read_at is not None
    assert copy.seq == 3


def test_reading_up_to_a_seq(bob: Recipient) -> None:
    receive(bob, *"abc")
    caller = person_caller(bob)

    assert caller.post(f"{LIST}/read", {"up_to": 2}).status_code == 204

    assert list(Notification.objects.filter(read_at=None).values_list("title", flat=True)) == ["c"]
    assert sorted(Notification.objects.values_list("seq", flat=True)) == [3, 4, 5]


@pytest.mark.parametrize("said", [{}, {"up_to": "2"}, {"up_to": -1}, {"up_to": 1.5}, {"up_to": 2**63}, {"up_to": True}])
def test_up_to_is_a_seq(bob: Recipient, said: Any) -> None:
    answer = person_caller(bob).post(f"{LIST}/read", said)

    assert pointers(answer) == ["/up_to"]


def test_no_get_or_head_changes_anything(bob: Recipient) -> None:
    [copy] = receive(bob, "a")
    caller = person_caller(bob)
    for path in (f"{LIST}/{copy.pk}", f"{LIST}/{copy.pk}/read", f"{LIST}/{copy.pk}/responses", f"{LIST}/read", LIST):
        for _ in range(5):
            caller.call("GET", path)
            caller.call("HEAD", path)

    copy.refresh_from_db()
    assert (copy.seq, copy.read_at, copy.state, copy.responses.count()) == (1, None, "open", 0)


def test_somebody_elses_notification_is_not_there(bob: Recipient) -> None:
    [copy] = receive(RecipientFactory(), "a")
    caller = person_caller(bob)

    for method, path in (("GET", ""), ("POST", "/read"), ("POST", "/responses")):
        body = {"action": "approve"}
        assert is_problem(caller.call(method, f"{LIST}/{copy.pk}{path}", body), 404, "not_found")
        assert is_problem(caller.call(method, f"{LIST}/{uuid4()}{path}", body), 404, "not_found")
    assert is_problem(caller.get(f"{LIST}/not-a-uuid"), 404, "not_found")


# --- following ------------------------------------------------------------------------------------
def test_a_case_one_has_heard_of_can_be_followed(bob: Recipient) -> None:
    case = CaseFactory(case_id="4711/ü")
    NotificationFactory(recipient=bob, task=None, state="info", case=case)
    caller = person_caller(bob)

    assert caller.put("/api/v1/cases/4711%2F%C3%BC/follow").status_code == 204
    assert caller.put("/api/v1/cases/4711%2F%C3%BC/follow").status_code == 204
    assert list(case.followers.all()) == [bob]

    assert caller.delete("/api/v1/cases/4711%2F%C3%BC/follow").status_code == 204
    assert not case.followers.exists()


def test_who_follows_may_stop_though_they_heard_nothing_yet(bob: Recipient) -> None:
    case = CaseFactory(case_id="4711")
    case.followers.add(bob)

    assert person_caller(bob).delete("/api/v1/cases/4711/follow").status_code == 204
    assert not case.followers.exists()


def test_other_cases_are_not_there(bob: Recipient) -> None:
    NotificationFactory(task=None, state="info", case=CaseFactory(case_id="4711"))
    caller: Caller = person_caller(bob)

    for case_id in ("4711", "nothing"):
        assert is_problem(caller.put(f"/api/v1/cases/{case_id}/follow"), 404, "not_found")
        assert is_problem(caller.delete(f"/api/v1/cases/{case_id}/follow"), 404, "not_found")
    assert not Case.followers.through.objects.exists()


def test_a_case_id_of_two_engines_means_the_one_that_told_of_it(bob: Recipient) -> None:
    ours = CaseFactory(case_id="4711")
    theirs = CaseFactory(case_id="4711", engine=EngineFactory(slug="claims"))
    NotificationFactory(recipient=bob, task=None, state="info", case=ours)

    person_caller(bob).put("/api/v1/cases/4711/follow")

    assert ours.followers.exists()
    assert not theirs.followers.exists()


def test_what_is_followed_and_muted_is_listed_in_pages_to_its_person_alone(bob: Recipient) -> None:
    caller, other = person_caller(bob), person_caller(RecipientFactory())
    for number in range(3):
        case = CaseFactory(case_id=f"C-{number}", type="repair" if number else "")
        NotificationFactory(recipient=bob, case=case)
        for what in ("follow", "mute", "follow-kind"):
            assert caller.put(f"/api/v1/cases/C-{number}/{what}").status_code == 204

    for path in ("followed-cases", "muted-cases"):
        page = caller.get(f"/api/v1/{path}?limit=2").json()
        assert [(each["id"], each["type"]) for each in page["items"]] == [("C-2", "repair"), ("C-1", "repair")]
        rest = caller.get(f"/api/v1/{path}?limit=2&cursor={page['next']}").json()
        assert [(each["id"], each["type"]) for each in rest["items"]] == [("C-0", None)] and rest["next"] is None
        assert is_problem(caller.get(f"/api/v1/{path}?cursor=nonsense"), 422, "invalid")
    kinds = caller.get("/api/v1/followed-kinds").json()["items"]
    assert {each["type"] for each in kinds} == {"repair"} and all(each["since"] for each in kinds)
    for path in ("followed-cases", "followed-kinds", "muted-cases"):
        assert other.get(f"/api/v1/{path}").json() == {"items": [], "next": None}
