"""The connection test of an engine, and the preview of what would be sent to it."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.test import Client

from notifications.engines import callback
from notifications.models import AnswerMapping, Callback, Engine, EngineAccess, Response, SigningSecret
from tests.admin.pages import page_of, text_of
from tests.admin.world import World
from tests.engines.camunda7 import Camunda7Server
from tests.engines.camunda8 import Camunda8Server
from tests.engines.flowable import FlowableServer
from tests.engines.guards import SECRET, SERVICE, Basic, Guard
from tests.engines.opentext import OpenTextServer
from tests.engines.server import Fault
from tests.support.length import some
from tests.support.receiver import Receiver, receiving
from tests.support.running import running
from tests.support.story import Story
from wfpush.web import waiting_threads

CHECK, PREVIEW = "test_connection", "what_would_be_sent"


class Recording:
    """Of an engine: what it was told, word for word."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(guard)  # type: ignore[call-arg]
        self.told: list[tuple[str, str, Any]] = []
        self.headers: list[Any] = []

    def _answer(self, request: Any, route: Any, task: str, query: str, body: bytes) -> Any:
        said = json.loads(body) if body else None
        self.told.append((request.method, f"{self.origin}{request.raw_path}", said))  # type: ignore[attr-defined]
        self.headers.append(request.headers)
        return super()._answer(request, route, task, query, body)  # type: ignore[misc]


def recording(server: type[Any]) -> Any:
    return type(f"Recording{server.__name__}", (Recording, server), {})


@pytest.fixture
def server(loopback: None) -> Iterator[Any]:
    with running(recording(FlowableServer)(Basic())) as made:
        yield made


def connect(engine: Engine, address: str, secret: str = SECRET, kind: str = "flowable") -> Engine:
    Engine.objects.filter(pk=engine.pk).update(kind=kind, callback_url=address)
    EngineAccess.objects.create(engine=engine, auth="basic", name=SERVICE, secret=secret)
    return Engine.objects.get(pk=engine.pk)


# --- does it let us in ----------------------------------------------------------------------------------------------
def test_an_engine_that_lets_us_in_is_only_asked_by_the_button(world: World, server: Any, root: Client) -> None:
    engine = connect(world.engine, server.base)
    assert f"Requests one task from {server.base}" in text_of(root.get(page_of(engine, CHECK)))
    assert server.told == []
    assert f"The sign-in to Invoices works: {server.base} answers like Flowable." in text_of(
        root.post(page_of(engine, CHECK))
    )
    assert [(method, address) for method, address, _ in server.told] == [("GET", f"{server.base}/runtime/tasks?size=1")]
    assert LogEntry.objects.get().change_message.startswith("Connection tested: The sign-in to Invoices works")


def test_an_engine_that_does_not_answer_takes_a_few_threads_at_most(world: World, server: Any, root: Client) -> None:
    engine = connect(world.engine, server.base)
    with ExitStack() as held:
        for number in range(settings.DATABASE_POOL // waiting_threads.SHARE):
            held.enter_context(waiting_threads.slots.hold(person=-number, host=f"{number}.example"))
        said = text_of(root.post(page_of(engine, CHECK)))

    assert "Other connections are being tested at the moment." in said and "Try again in half a minute." in said
    assert server.told == []


def test_a_wrong_password_a_wrong_path_and_nobody_there_are_told_apart(world: World, server: Any, root: Client) -> None:
    engine = connect(world.engine, server.base, "wrong-password")
    address = page_of(engine, CHECK)
    said = text_of(root.post(address))
    assert "Invoices refuses our credentials." in said and "Correct the sign-in" in said
    assert "wrong-password" not in said
    EngineAccess.objects.all().delete()
    connect(engine, f"{server.origin}/elsewhere")
    said = text_of(root.post(address))
    assert f"At {server.origin}/elsewhere there is no Flowable." in said and "the root of its REST interface" in said
    Engine.objects.update(callback_url="http://127.0.0.1:9/service")
    said = text_of(root.post(address))
    assert "Invoices was not reached." in said and "is the engine running" in said
    Engine.objects.update(callback_url="http://10.0.0.1/service")
    said = text_of(root.post(address))
    assert "its address or sign-in is not valid" in said and "10.0.0.1" in said


def test_an_engine_that_is_down_is_told_from_one_that_is_wrong(world: World, server: Any, root: Client) -> None:
    engine = connect(world.engine, server.base)
    server.break_next(Fault(503, roles=("query",)))
    assert "was reached, but is not well." in text_of(root.post(page_of(engine, CHECK)))


def test_without_an_address_there_is_nothing_to_try(world: World, root: Client) -> None:
    engine = connect(world.engine, "")
    assert "The engine has no address yet." in text_of(root.post(page_of(engine, CHECK)))


def test_a_webhook_is_tested_by_a_signed_call(world: World, root: Client) -> None:
    said = text_of(root.get(page_of(world.engine, CHECK)))
    assert "Sends a signed test call to https://engine.acme.example/answers" in said
    assert "Send a signed test callback" in said


# --- what would be sent ---------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("kind", "made", "task", "requests"),
    some(
        [
            ("flowable", FlowableServer, "T-42", 2),
            ("opentext", OpenTextServer, "a/b ü", 1),
            ("camunda7", Camunda7Server, "T-42", 2),
            ("camunda8", Camunda8Server, "2251799813685249", 1),
        ],
        2,
    ),
)
def test_the_preview_is_what_a_real_answer_then_sends(
    kind: str, made: Any, task: str, requests: int, loopback: None, root: Client
) -> None:
    with running(recording(made)(Basic())) as server:
        story = Story.begin()
        engine = connect(story.engine, server.base, kind=kind)
        variables = {
            "ok": True,
            "paid": {"type": "double", "value": "{{ variables.limit }}"},
            "by": "{{ person.ref }}",
        }
        AnswerMapping.objects.create(engine=engine, action="approve", outcome="accepted", variables=variables)
        story.assign(task, assignee="bob", answer_variables=["limit"])
        server.book.open(task, name="Approve invoice 4711")
        said = {"task": task, "kind": "approval", "comment": "Fine.", "variables": '{"limit": 7.5}'}
        page = root.get(page_of(engine, PREVIEW), {"action": "approve", **said})
        assert server.told == [] and not Response.objects.exists()
        story.answer(story.bob, "approve", "Fine.", task_id=task, variables={"limit": 7.5})
        deliver()
        row = Callback.objects.get()
        assert row.state == "delivered", row.detail
        shown = page.context["sent"]
        assert server.told[0][0] == "GET", "the task is read first"
        commands = [n for n, (method, url, _) in enumerate(server.told) if method != "GET" and "/search" not in url]
        told = [server.told[n] for n in commands]
        assert without_id([(each["method"], each["url"], json.loads(each["body"])) for each in shown]) == without_id(
            told
        )
        assert len(shown) == requests
        for each, headers in zip(shown, [server.headers[n] for n in commands], strict=True):
            assert each["headers"].pop("Authorization") == "Basic …"
            assert each["headers"] == {name: headers[name] for name in each["headers"]}
            assert each["headers"].keys() == {"Accept", "Content-Type"}
    assert f"POST {server.base}" in text_of(page) and "Basic …" in text_of(page)
    assert SECRET not in page.content.decode()


def deliver() -> None:
    async def turn() -> None:
        await callback._door.drained()
        await callback._door.close()

    async_to_sync(turn)()


def without_id(told: list[Any]) -> list[Any]:
    """The answer's id is another each time, and its revision another than the sample's."""
    for _method, _address, body in told:
        variables = body.get("variables", {})
        if isinstance(variables, dict) and variables:
            variables |= dict.fromkeys({"wfpush_answer", "wfpush_revision"} & variables.keys(), "")
        for variable in variables if isinstance(variables, list) else []:
            if variable["name"] in ("wfpush_answer", "wfpush_revision"):
                variable["value"] = ""
    return told


@pytest.mark.django_db(transaction=True)
def test_the_preview_of_a_webhook_is_what_it_then_gets(loopback: None, root: Client) -> None:
    with receiving() as receiver:
        story = Story.begin()
        Engine.objects.update(callback_url=receiver.url)
        story.assign(assignee="bob")
        [shown] = root.get(
            page_of(story.engine, PREVIEW), {"action": "reject", "task": "T-42", "comment": "No."}
        ).context["sent"]
        story.answer(story.bob, "reject", "No.")
        deliver()
    assert (shown["method"], shown["url"]) == ("POST", receiver.url)
    previewed = json.loads(shown["body"])["data"]
    for name in ("task_id", "action", "outcome", "comment", "variables", "responded_by"):
        assert previewed[name] == receiver.calls[0].data[name], name
    assert_headers_are_those_of(receiver, shown["headers"])


def assert_headers_are_those_of(receiver: Receiver, shown: dict[str, str]) -> None:
    assert {name.lower() for name in shown} <= receiver.calls[0].headers.keys()
    assert shown["webhook-signature"] == "v1,…"


def test_what_has_no_place_in_the_engine_is_said(world: World, root: Client) -> None:
    engine = connect(world.engine, "https://engine.acme.example/v2")
    Engine.objects.update(kind="camunda8")
    said = text_of(root.get(page_of(engine, PREVIEW), {"action": "request_info", "task": "7", "comment": "Which one?"}))
    assert "No request: the engine cannot store it. It stays here." in said
    Engine.objects.update(callback_url="")
    assert "The engine has no address: answers are kept here" in text_of(root.get(page_of(engine, PREVIEW)))


def test_a_token_that_is_asked_for_before_is_named(world: World, root: Client) -> None:
    engine = connect(world.engine, "https://engine.acme.example/service")
    EngineAccess.objects.update(auth="oauth2", token_url="https://id.acme.example/token")
    said = text_of(root.get(page_of(engine, PREVIEW)))
    assert "a token from https://id.acme.example/token" in said and "Authorization Bearer …" in said


def test_the_page_offers_the_actions_that_are_mapped_and_those_everybody_knows(world: World, root: Client) -> None:
    AnswerMapping.objects.create(engine=world.engine, action="accept", task_kind="claim", outcome="ok")
    form = root.get(page_of(world.engine, PREVIEW)).context["form"]
    names = [name for name, _label in form.fields["action"].choices]
    assert names == ["accept", "approve", "reject", "acknowledge", "request_info"]
    told = root.get(page_of(world.engine, PREVIEW), {"action": "accept", "task": "T-42", "kind": "claim"}).context[
        "sent"
    ]
    assert json.loads(told[0]["body"])["data"]["outcome"] == "ok"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"action": "dance", "task": "T-42"}, "Select a valid choice"),
        ({"action": "approve"}, "This field is required"),
        ({"action": "approve", "task": "T-42", "variables": "[1]"}, "Enter a JSON object"),
        ({"action": "approve", "task": "T-42", "variables": "{"}, "This is not JSON"),
    ],
)
def test_a_sample_that_is_none_is_said(fields: dict[str, str], sentence: str, world: World, root: Client) -> None:
    page = root.get(page_of(world.engine, PREVIEW), fields)
    assert sentence in text_of(page) and "sent" not in page.context


def test_a_webhook_without_a_secret_says_what_is_missing(world: World, root: Client) -> None:
    SigningSecret.objects.all().delete()
    assert "There is no active signing secret." in text_of(root.get(page_of(world.engine, PREVIEW)))


# --- who may --------------------------------------------------------------------------------------------------------
def test_the_pages_are_german(world: World, root: Client) -> None:
    engine = connect(world.engine, "")
    root.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    assert "Es gibt noch nichts zu testen." in text_of(root.post(page_of(engine, CHECK)))
    Engine.objects.update(callback_url="https://engine.acme.example/service")
    said = text_of(root.get(page_of(engine, PREVIEW)))
    assert "Was Invoices bekäme" in said and "Was würde gesendet?" in said
    assert "would be sent" not in said
