"""An engine is connected step by step: kind, key, first event, its JSON, its answers."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from notifications.admin.engines.engine_wizard import step_url
from notifications.connectors import CONNECTORS, presets, samples
from notifications.engines import poll
from notifications.intake import last_call
from notifications.models import ApiKey, Callback, Engine, EngineAccess, Event, EventMapping, Poll, SigningSecret
from tests.admin.conftest import signed_in
from tests.admin.pages import list_of, page_of, text_of
from tests.admin.world import World
from tests.engines.flowable import FlowableServer
from tests.engines.guards import SECRET, SERVICE, Basic
from tests.support.length import some
from tests.support.receiver import Receiver, receiving
from tests.support.running import running
from wfpush.crypto import digest_of

pytestmark = pytest.mark.django_db

BEGIN = "admin:notifications_engine_connect"


def connected(client: Client, kind: str = "webhook", address: str = "", name: str = "Claims") -> Engine:
    answer = client.post(reverse(BEGIN), {"kind": kind, "name": name, "callback_url": address})
    assert answer.status_code == 302, text_of(answer)
    engine = Engine.objects.latest("pk")
    assert answer["Location"] == step_url(engine, "key")
    return engine


def shown_key(client: Client, engine: Engine) -> tuple[str, Any]:
    """Press the button, as the page has it. Returns the key, and the answer that shows it."""
    newest = client.get(step_url(engine, "key")).context["newest"]
    answer = client.post(step_url(engine, "key"), {"newest": newest})
    plain: str = answer.context["plain"]
    return plain, answer


def sent(command: str) -> Any:
    """What the server answers to a curl of the page."""
    words = shlex.split(command)
    address = next(word for word in words if word.startswith("http"))
    headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    path = "/" + address.split("/", 3)[3]
    key, kind = headers["X-API-Key"], headers["Content-Type"]
    return Client().post(path, words[words.index("-d") + 1], kind, headers={"X-API-Key": key})


def light(client: Client, engine: Engine) -> dict[str, Any]:
    found: dict[str, Any] = client.get(step_url(engine, "light")).json()
    return found


# --- 1: kind and name -----------------------------------------------------------------------------------------------
def test_the_list_of_engines_leads_to_the_first_step(root: Client) -> None:
    assert reverse(BEGIN) in root.get(list_of(Engine)).content.decode()
    shown = root.get(reverse(BEGIN))
    assert all(connector.label in text_of(shown) for connector in CONNECTORS.values())
    assert [step.current for step in shown.context["steps"]] == [True, False, False, False, False]


def test_an_engine_is_made_with_a_slug_of_its_own_and_the_preset_of_its_kind(world: World, root: Client) -> None:
    engine = connected(root, "flowable", name="Invoices")
    assert engine.slug == "invoices-2"
    assert dict(engine.event_mappings.values_list("member", "expression")) == presets()["flowable"].preset
    other = connected(root, name="请求")
    assert (other.slug, other.event_mappings.exists()) == ("engine", False)
    assert connected(root, name="x" * 120).slug == "x" * 50
    assert engine.history.count() == 1
    assert LogEntry.objects.filter(object_id=engine.pk, action_flag=1).exists()


def test_what_the_first_step_does_not_take_is_said(root: Client) -> None:
    answer = root.post(reverse(BEGIN), {"kind": "webhook", "name": "", "callback_url": "http://localhost/in"})
    assert answer.status_code == 200
    assert "This field is required." in text_of(answer) and "localhost" in text_of(answer)
    assert not Engine.objects.exists()


# --- 2: the key -----------------------------------------------------------------------------------------------------
def test_the_key_is_shown_once_and_kept_nowhere(root: Client) -> None:
    engine = connected(root)
    plain, answer = shown_key(root, engine)
    assert ApiKey.objects.get().digest == digest_of(plain)
    assert ApiKey.objects.get().scopes == ["events"]
    assert f'data-shown-once="{step_url(engine, "key")}"' in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    kept = [str(session.get_decoded()) for session in Session.objects.all()]
    logged = [f"{entry.object_repr} {entry.change_message}" for entry in LogEntry.objects.all()]
    pages = [root.get(step_url(engine, step)).content.decode() for step in ("key", "event", "mapping", "answers")]
    pages += [root.get(page_of(engine)).content.decode(), root.get(page_of(engine, "history")).content.decode()]
    assert not [each for each in (*kept, *logged, *pages) if plain in each]


def test_the_same_form_sent_again_makes_no_second_key(root: Client) -> None:
    engine = connected(root)
    plain, _answer = shown_key(root, engine)
    again = root.post(step_url(engine, "key"), {"newest": ""}, follow=True)
    assert "was shown once" in text_of(again) and plain not in again.content.decode()
    assert ApiKey.objects.count() == 1
    shown_key(root, engine)
    assert ApiKey.objects.count() == 2, "another one is made when it is asked for"


@pytest.mark.parametrize("kind", some(list(CONNECTORS), 2))
def test_the_command_on_the_page_works_and_turns_the_light_green(world: World, root: Client, kind: str) -> None:
    engine = connected(root, kind)
    _plain, answer = shown_key(root, engine)
    snippets = {snippet.name: snippet.text for snippet in answer.context["snippets"]}
    assert set(CONNECTORS[kind].samples) <= set(snippets)
    assert samples.BASE not in "".join(snippets.values()) and samples.KEY not in "".join(snippets.values())
    assert "Waiting for the first event of Claims" in text_of(root.get(step_url(engine, "event")))
    assert not light(root, engine)["green"]

    assert sent(snippets["curl"]).status_code == 202

    event = Event.objects.get(engine=engine)
    assert event.data["task"]["assignee"] == "carol", "somebody who exists"
    shown = light(root, engine)
    assert shown["green"]
    assert page_of(event) in shown["html"] and "task.assigned" in shown["html"]
    assert event.data["task"]["name"] in shown["html"]


def test_the_commands_of_listeners_name_the_engine_and_the_key(root: Client, settings: Settings) -> None:
    settings.BASE_URL = "https://tell.acme.example"
    engine = connected(root, "camunda8", name="Leave requests")
    plain, answer = shown_key(root, engine)
    snippets = {snippet.name: snippet.text for snippet in answer.context["snippets"]}
    assert "/api/v1/engines/leave-requests/events" in snippets["camunda8_worker.python"]
    assert snippets["environment"] == f"export WFPUSH=https://tell.acme.example\nexport WFPUSH_KEY={plain}"
    engine = connected(root, "flowable")
    plain, answer = shown_key(root, engine)
    task = next(snippet.text for snippet in answer.context["snippets"] if snippet.name.endswith(".xml"))
    assert f"X-API-Key: {plain}" in task and "https://tell.acme.example/api/v1/events" in task
    assert "$WFPUSH_KEY" in text_of(root.get(step_url(engine, "key"))), "later the place of the key is open"


# --- 3: the first event ---------------------------------------------------------------------------------------------
def test_what_was_refused_is_shown_with_its_reason(root: Client) -> None:
    engine = connected(root, "flowable")
    plain, _answer = shown_key(root, engine)
    root.get(step_url(engine, "event"))
    address, headers = f"/api/v1/engines/{engine.slug}/events", {"X-API-Key": plain}
    body = {"id": "7", "name": "<b>Approve</b>", "assignee": "bob", "dueDate": "soon"}

    assert Client().post(address, json.dumps(body), "application/json", headers=headers).status_code == 422

    shown = light(root, engine)
    assert not shown["green"]
    assert "refused: 422" in shown["html"] and "/data/task/due_at" in shown["html"]
    page = root.get(step_url(engine, "mapping"))
    assert json.loads(page.context["form"]["body"].value()) == body
    assert "This came from the engine" in text_of(page) and "/data/task/due_at" in text_of(page)
    assert "<b>Approve" not in page.content.decode()

    body["dueDate"] = "2026-11-25T16:00:00Z"
    assert Client().post(address, json.dumps(body), "application/json", headers=headers).status_code == 202
    assert light(root, engine)["green"]
    assert json.loads(root.get(step_url(engine, "mapping")).context["form"]["body"].value()) == body


def test_a_failed_mapping_and_a_faulty_event_of_a_batch_are_shown(root: Client) -> None:
    engine = connected(root)
    plain, _answer = shown_key(root, engine)
    root.get(step_url(engine, "event"))
    headers = {"X-API-Key": plain}
    Client().post(f"/api/v1/engines/{engine.slug}/events", '{"id": 1}', "application/json", headers=headers)
    assert "the engine has no mapping for other JSON" in light(root, engine)["html"]

    good = samples.example_of("webhook_task.json")
    batch = json.dumps([good, {**good, "id": "2", "type": 7}])
    kind = "application/cloudevents-batch+json"
    assert Client().post("/api/v1/events", batch, kind, headers=headers).status_code == 207
    assert "/type" in light(root, engine)["html"]


def test_a_key_that_does_not_fit_is_told(world: World, root: Client) -> None:
    engine = connected(root)
    plain, _answer = shown_key(root, engine)
    root.get(step_url(engine, "event"))

    def called(key: str, address: str = f"/api/v1/engines/{engine.slug}/events") -> str:
        assert Client().post(address, "{}", "application/json", headers={"X-API-Key": key}).status_code >= 401
        return str(light(root, engine)["html"])

    assert "key of another engine" in called(world.api_key)
    assert "the wrong key or signature" in called("wfp_nobody-knows-it")
    ApiKey.objects.filter(engine=engine).update(revoked_at=world.now)
    told = called(plain, "/api/v1/events")
    assert "has ended" in told and "no valid key yet" in told
    received = last_call.last_of(engine)
    assert received is not None and received.body == "", "what strangers send is not kept"


def test_nothing_is_kept_of_an_engine_that_nobody_watches(world: World) -> None:
    headers = {"X-API-Key": world.api_key}
    Client().post(f"/api/v1/engines/{world.engine.slug}/events", "[", "application/json", headers=headers)
    assert last_call.last_of(world.engine) is None


def test_why_no_event_can_come_is_said(root: Client) -> None:
    engine = connected(root)
    assert "It has no valid key yet" in text_of(root.get(step_url(engine, "event")))
    Engine.objects.update(active=False)
    assert "Switched off" in light(root, engine)["html"]


# --- 4: its JSON ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", list(CONNECTORS))
def test_the_mapping_begins_with_an_example_and_its_result(root: Client, kind: str) -> None:
    engine = connected(root, kind)
    shown = text_of(root.get(step_url(engine, "mapping")))
    assert "This would be accepted." in shown
    assert ("it needs no mapping" in shown) == (kind == "webhook")


def test_a_preset_is_loaded_without_leaving_the_steps(root: Client) -> None:
    engine = connected(root)
    answer = root.post(step_url(engine, "mapping"), {"preset": "camunda7"})
    assert answer["Location"] == step_url(engine, "mapping")
    assert EventMapping.objects.filter(engine=engine).exists()


# --- 5: its answers -------------------------------------------------------------------------------------------------
@pytest.fixture
def receiver(loopback: None) -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def test_a_signed_test_reaches_the_engine_and_says_what_it_answered(root: Client, receiver: Receiver) -> None:
    engine = connected(root, address=receiver.url)
    page = step_url(engine, "answers")
    assert "no active signing secret" in text_of(root.post(page, {"test": "1"}))
    secret = root.post(page, {"newest": ""}).context["plain"]
    again = root.post(page, {"newest": ""}, follow=True)
    assert SigningSecret.objects.count() == 1 and secret not in again.content.decode()

    said = text_of(root.post(page, {"test": "1"}))

    assert "Claims accepted the signed test: it answered 204 within" in said
    (call,) = receiver.calls
    assert call.signed_with(secret)
    event = json.loads(call.body)
    assert (event["type"], event["data"]) == ("connection.test", {"test": True, "engine": "claims"})
    assert not Callback.objects.exists()
    assert LogEntry.objects.filter(change_message__startswith="Connection tested: Claims accepted").exists()


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "have this signing secret"),
        (404, "the path that accepts"),
        (410, "the path that accepts"),
        (422, "answer 2xx"),
    ],
)
def test_an_engine_that_does_not_take_the_test(root: Client, receiver: Receiver, status: int, sentence: str) -> None:
    engine = connected(root, address=receiver.url)
    root.post(step_url(engine, "answers"), {"newest": ""})
    receiver.answer((status, {}, b'{"detail": "Never heard of it."}'))
    said = text_of(root.post(step_url(engine, "answers"), {"test": "1"}))
    assert f"it answered {status}" in said and sentence in said
    engine.refresh_from_db()
    assert engine.callback_disabled_at is None, "a test switches nothing off"


def test_engines_with_an_interface_are_tested_as_on_their_page(root: Client) -> None:
    engine = connected(root, "flowable")
    shown = text_of(root.get(step_url(engine, "answers")))
    assert "Test the connection" in shown and "Make the secret" not in shown
    assert "The engine has no address yet." in text_of(root.post(step_url(engine, "answers"), {"test": "1"}))


# --- who may --------------------------------------------------------------------------------------------------------
def test_the_steps_are_for_those_who_may_change_engines(world: World) -> None:
    steps = [step_url(world.engine, name) for name in ("key", "event", "light", "mapping", "answers")]
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_engine"))
    client = signed_in(clerk)
    assert {client.get(step).status_code for step in [reverse(BEGIN), *steps]} == {403}
    clerk.user_permissions.add(Permission.objects.get(codename="change_engine"))
    client = signed_in(User.objects.get(pk=clerk.pk))
    assert {client.get(step).status_code for step in steps} == {200}
    assert {client.post(steps[0]).status_code, client.post(steps[-1]).status_code} == {403}
    assert "You are not allowed to make keys" in text_of(client.get(steps[0]))
    assert "You are not allowed to make secrets" in text_of(client.get(steps[-1]))
    missing = f"/admin/notifications/engine/{world.engine.pk + 9}/connect/key/"
    assert client.get(missing).status_code == 404


def test_an_engine_that_is_there_is_led_through_the_same_steps(world: World, root: Client) -> None:
    assert step_url(world.engine, "key") in root.get(page_of(world.engine)).content.decode()
    assert "It has the key wfp_" in text_of(root.get(step_url(world.engine, "key")))


# --- engines that are asked -----------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_an_engine_that_is_asked_for_tasks_turns_the_light_green(root: Client, loopback: None) -> None:
    with running(FlowableServer(Basic())) as server:
        engine = connected(root, "flowable", server.base)
        EngineAccess.objects.create(engine=engine, auth="basic", name=SERVICE, secret="wrong")
        Poll.objects.create(engine=engine)
        asked_for_tasks()
        assert "Polling for its tasks fails" in light(root, engine)["html"]

        EngineAccess.objects.update(secret=SECRET)
        said = text_of(root.post(step_url(engine, "answers"), {"test": "1"}))
        assert "The sign-in to Claims works" in said
        server.book.open(assignee="bob")
        asked_for_tasks()
        shown = light(root, engine)
        assert shown["green"] and page_of(Event.objects.get()) in shown["html"]


def asked_for_tasks() -> None:
    """The dispatcher's turn."""
    Poll.objects.update(due_at=timezone.now(), lease_until=None, lease_token=None)

    async def turn() -> None:
        try:
            await poll._door.drained()
        finally:
            await poll._door.close()

    async_to_sync(turn)()
