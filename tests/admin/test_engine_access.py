"""How we sign in to an engine, and asking it for its tasks, on the desk: secrets go in and never come out."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import trustme
from django.contrib.admin.models import LogEntry
from django.forms import modelform_factory
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from notifications.admin.desk.display import short
from notifications.admin.engines.engines import PollForm
from notifications.connectors.access import Access
from notifications.connectors.rest import access_of
from notifications.models import Engine, EngineAccess, Poll, PolledTask
from notifications.reasons import said
from tests.admin.pages import (
    add_row,
    errors_of,
    filled,
    form_at,
    list_of,
    page_of,
    rows_of,
    save_form,
    text_of,
)
from tests.admin.world import World
from tests.engines.flowable import FlowableServer
from tests.engines.guards import SECRET, SERVICE, Basic, Guard, Key, Open, Tokens
from tests.support.length import some
from tests.support.running import running

BASE = "https://flowable.acme.example/service"
HISTORY = "/change/", "/history/"
CREDENTIALS = {
    "name": "rest",
    "new_secret": "geheim-1",
    "header": "X-Key",
    "token_url": "https://id.acme.example/token",
}


@pytest.fixture
def engine(world: World) -> Engine:
    Engine.objects.filter(pk=world.engine.pk).update(kind="flowable", callback_url=BASE)
    return Engine.objects.get(pk=world.engine.pk)


def save(client: Client, engine: Engine, **fields: Any) -> Any:
    """Fields of the sign-in by their names; others as the form calls them."""
    named = {
        name if name.startswith(("poll-", "kind", "callback_url")) else f"access-0-{name}": value
        for name, value in fields.items()
    }
    return save_form(client, engine, **named)


def saved(client: Client, engine: Engine, **fields: Any) -> Access:
    answer = save(client, engine, **fields)
    assert "was changed successfully" in text_of(answer), problems(answer)
    engine.refresh_from_db()
    return access_of(engine)


def problems(answer: Any) -> Any:
    formsets = [each.formset for each in answer.context.get("inline_admin_formsets", [])]
    return [answer.context["adminform"].form.errors, *(formset.errors for formset in formsets)]


def refused(client: Client, engine: Engine, field: str, **fields: Any) -> str:
    """What is said at the field; nothing is saved."""
    before = list(EngineAccess.objects.values_list())
    answer = save(client, engine, **fields)
    assert list(EngineAccess.objects.values_list()) == before
    errors = errors_of(answer, "access")
    assert list(errors) == [field]
    return str(errors[field][0])


# --- each way of signing in -----------------------------------------------------------------------------------------
def ways(tokens: Tokens) -> dict[str, tuple[dict[str, str], Guard]]:
    oauth2 = {
        "name": SERVICE,
        "new_secret": SECRET,
        "token_url": tokens.url,
        "token_body": "json",
        "audience": "engine",
    }
    return {
        "none": ({}, Open()),
        "basic": ({"name": SERVICE, "new_secret": SECRET}, Basic()),
        "bearer": ({"new_secret": SECRET}, Key("Authorization", f"Bearer {SECRET}")),
        "api_key": ({"header": "X-Engine-Key", "new_secret": SECRET}, Key("X-Engine-Key", SECRET)),
        "oauth2": (oauth2, tokens),
    }


@pytest.fixture
def tokens() -> Iterator[Tokens]:
    with running(Tokens(time.monotonic, "json", "/token", {"audience": "engine"})) as server:
        yield server


@pytest.mark.parametrize("auth", some(["none", "basic", "bearer", "api_key", "oauth2"], 2))
def test_each_way_of_signing_in_is_saved_and_lets_us_in(
    auth: str, engine: Engine, tokens: Tokens, loopback: None, root: Client
) -> None:
    fields, guard = ways(tokens)[auth]
    with running(FlowableServer(guard)) as server:
        access = saved(root, engine, callback_url=server.base, auth=auth, **fields)
        assert (access.auth, access.secret) == (auth, fields.get("new_secret", ""))
        assert "The sign-in to" in text_of(root.post(page_of(engine, "test_connection")))
    assert not server.refused


@pytest.mark.parametrize(
    ("auth", "field"),
    some(
        [
            ("basic", "name"),
            ("basic", "new_secret"),
            ("bearer", "new_secret"),
            ("api_key", "header"),
            ("api_key", "new_secret"),
            ("oauth2", "token_url"),
            ("oauth2", "name"),
            ("oauth2", "new_secret"),
        ],
        3,
    ),
)
def test_what_a_way_of_signing_in_needs_is_required_there(auth: str, field: str, engine: Engine, root: Client) -> None:
    assert refused(root, engine, field, auth=auth, **CREDENTIALS | {field: ""}) == "Signing in this way needs it."


def test_what_is_not_used_is_dropped(engine: Engine, root: Client) -> None:
    everything = {
        "name": "rest",
        "new_secret": "geheim-1",
        "token_url": "https://id.acme.example/token",
        "token_body": "json",
        "scope": "tasks",
        "audience": "engine",
    }
    saved(root, engine, auth="oauth2", **everything)
    access = saved(root, engine, auth="bearer", new_secret="token-1")
    assert access == Access(BASE, "bearer", secret="token-1")
    assert saved(root, engine, auth="none").secret == ""
    assert not EngineAccess.objects.get().__dict__["secret"]


@pytest.mark.parametrize(
    ("field", "value", "auth", "sentence"),
    some(
        [
            ("token_url", "http://169.254.169.254/token", "oauth2", "169.254.169.254"),
            ("header", "X Key", "api_key", "cannot be the header of a key"),
            ("header", "Host", "api_key", "cannot be the header of a key"),
            ("new_secret", "naïve", "bearer", "only contain ASCII"),
            ("name", "a:b", "basic", "colon"),
        ],
        2,
    ),
)
def test_what_could_never_work_is_refused_at_its_field(
    field: str, value: str, auth: str, sentence: str, engine: Engine, root: Client
) -> None:
    assert sentence in refused(root, engine, field, auth=auth, **CREDENTIALS | {field: value})


# --- secrets --------------------------------------------------------------------------------------------------------
def test_an_empty_field_leaves_the_secret_and_another_way_asks_for_its_own(engine: Engine, root: Client) -> None:
    saved(root, engine, auth="basic", name="rest", new_secret="geheim-1")
    assert saved(root, engine, name="other").secret == "geheim-1"
    assert saved(root, engine, new_secret=" geheim-2 ").secret == " geheim-2 "
    assert refused(root, engine, "new_secret", auth="bearer") == "Signing in this way needs it."


def test_a_secret_does_not_follow_an_address_to_another_host_by_itself(engine: Engine, root: Client) -> None:
    tokens = {"token_url": "https://login.example/token", "name": "wfpush"}
    saved(root, engine, auth="oauth2", new_secret="geheim-1", **tokens)
    sentence = "It would now be sent to another host: enter it again."
    assert refused(root, engine, "new_secret", token_url="https://elsewhere.example/token") == sentence
    assert saved(root, engine, token_url="https://login.example/other").secret == "geheim-1"
    assert sentence in text_of(save(root, engine, callback_url="https://elsewhere.example/rest"))
    engine.refresh_from_db()
    assert "elsewhere" not in engine.callback_url
    saved(root, engine, token_url="https://elsewhere.example/token", new_secret="geheim-1")


def test_no_secret_is_ever_shown_logged_or_kept_in_the_history(engine: Engine, root: Client, operator: Client) -> None:
    certificate, key = identity()
    hidden = "geheim-und-lang"
    saved(root, engine, auth="basic", name="rest", new_secret=hidden, certificate=certificate, new_key=key)
    inner = key.splitlines()[1]
    bodies = [save(root, engine, auth="basic", name="a:b", new_secret=hidden, new_key=key)]
    addresses = [page_of(engine), page_of(engine).replace(*HISTORY), list_of(Engine)]
    addresses += [page_of(engine, page) for page in ("what_would_be_sent", "test_connection")]
    version = engine.history.latest()
    addresses.append(f"{page_of(engine).replace(*HISTORY)}{version.pk}/")
    bodies += [client.get(address) for address in addresses for client in (root, operator)]
    opened = [each for each in bodies if each.status_code == 200]
    assert len(opened) >= len(addresses) + 4
    for each in opened:
        assert hidden not in each.content.decode()
        assert inner not in each.content.decode()
    written = [*LogEntry.objects.values_list("change_message", flat=True), *map(str, engine.history.values())]
    assert "Sign-in: auth, name, new_secret, certificate, new_key" in "".join(written)
    assert not any(hidden in each or inner in each for each in written)
    raw = EngineAccess.objects.extra(select={"raw": "secret || key"}).get()
    assert raw.raw.startswith("enc1:") and hidden not in raw.raw  # type: ignore[attr-defined]


def test_a_secret_that_no_key_opens_any_more_is_set_anew(engine: Engine, root: Client, settings: Settings) -> None:
    saved(root, engine, auth="basic", name="rest", new_secret="geheim-1")
    settings.ENCRYPTION_KEYS = ["another key, long enough"]
    assert "Stored encrypted and never shown" in text_of(root.get(page_of(engine)))
    assert "None of the ENCRYPTION_KEYS opens" in text_of(root.post(page_of(engine, "test_connection")))
    assert saved(root, engine, new_secret="geheim-2").secret == "geheim-2"


# --- certificates ---------------------------------------------------------------------------------------------------
def identity() -> tuple[str, str]:
    """A certificate and its key."""
    mine = trustme.CA().issue_cert("wfpush.example.com")
    return "".join(pem.bytes().decode() for pem in mine.cert_chain_pems), mine.private_key_pem.bytes().decode()


@pytest.mark.ci
def test_a_certificate_and_its_key_are_kept_and_go_together(engine: Engine, root: Client) -> None:
    certificate, key = identity()
    access = saved(root, engine, certificate=certificate.replace("\n", "\r\n"), new_key=key)
    assert (access.certificate, access.key) == (certificate.strip(), key.strip())
    assert saved(root, engine, auth="bearer", new_secret="token-1").key == key.strip()
    access = saved(root, engine, certificate="")
    assert (access.certificate, access.key, access.secret) == ("", "", "token-1")


@pytest.mark.ci
def test_a_certificate_that_cannot_be_used_is_refused(engine: Engine, root: Client) -> None:
    certificate, key = identity()
    another = identity()[1]
    assert "do not fit" in refused(root, engine, "new_key", certificate=certificate, new_key=another)
    assert "do not fit" in refused(root, engine, "new_key", certificate="-----BEGIN NONSENSE", new_key=key)
    assert "needs its private key" in refused(root, engine, "new_key", certificate=certificate)
    assert "needs its certificate" in refused(root, engine, "certificate", new_key=key)
    both = save(root, engine, certificate=certificate + key)
    assert "It contains a private key" in text_of(both)
    assert key.splitlines()[1] not in both.content.decode()
    saved(root, engine, certificate=certificate, new_key=key)
    assert "do not fit" in refused(root, engine, "certificate", certificate=identity()[0])


# --- kinds ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("paths", "sentence"),
    some(
        [
            ('{"read_task": "/runtime/tasks"}', "has {task} where the task's id goes"),
            ('{"read_task": "runtime/{task}"}', "begins with /"),
            ('{"claim": "/tasks/{task}"}', "“claim” is not one of: read_task, update_task."),
        ],
        1,
    ),
)
def test_paths_are_checked(paths: str, sentence: str, engine: Engine, root: Client) -> None:
    assert sentence in refused(root, engine, "paths", kind="opentext", paths=paths)


def test_only_a_kind_whose_paths_may_differ_keeps_some(engine: Engine, root: Client) -> None:
    saved(root, engine, kind="opentext", paths='{"read_task": "/runtime/tasks/{task}"}')
    assert EngineAccess.objects.get().paths == {"read_task": "/runtime/tasks/{task}"}
    assert "/tasks/{task}" in text_of(root.get(page_of(engine)))
    saved(root, engine, kind="camunda7", auth="bearer", new_secret="token-1")
    assert EngineAccess.objects.get().paths == {}


def test_a_webhook_keeps_neither_credentials_nor_polling(engine: Engine, root: Client) -> None:
    saved(root, engine, auth="basic", name="rest", new_secret="geheim-1", **{"poll-0-enabled": "on"})
    assert (EngineAccess.objects.count(), Poll.objects.count()) == (1, 1)
    answer = save(root, engine, kind="webhook", header="no header")
    assert "This kind needs no sign-in: the stored credentials are deleted." in text_of(answer)
    assert (EngineAccess.objects.count(), Poll.objects.count()) == (0, 0)
    saved(root, engine, auth="basic", name="", **{"poll-0-enabled": "on"})
    assert (EngineAccess.objects.count(), Poll.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "example"),
    some(
        [
            ("opentext", "https://{region}.api.opentext.com/workflow/v1"),
            ("flowable", "https://host/flowable-rest/service"),
            ("camunda7", "https://host/engine-rest"),
            ("camunda8", "http://localhost:8080/v2"),
        ],
        2,
    ),
)
def test_the_address_is_called_what_it_is(kind: str, example: str, engine: Engine, root: Client) -> None:
    Engine.objects.filter(pk=engine.pk).update(kind=kind)
    shown = text_of(root.get(page_of(engine)))
    assert "Address of the REST interface" in shown
    assert f"Its root, such as {example}." in shown
    Engine.objects.filter(pk=engine.pk).update(kind="webhook")
    assert "Address for answers" in text_of(root.get(page_of(engine)))


def test_an_engine_is_connected_in_one_go(db: None, root: Client) -> None:
    engine = {"name": "Claims", "slug": "claims", "kind": "camunda8", "callback_url": BASE}
    access = {"access-0-auth": "basic", "access-0-name": "rest", "access-0-new_secret": "geheim-1"}
    page = add_row(root, Engine, **engine, **access, **{"poll-0-enabled": "on"})
    assert "was added successfully" in text_of(page)
    made = Engine.objects.get()
    assert access_of(made) == Access(BASE, "basic", "rest", "geheim-1")
    assert made.poll.due_at is not None


# --- asking for tasks -----------------------------------------------------------------------------------------------
def test_asking_is_switched_on_and_off_and_disturbs_nobody_who_asks(engine: Engine, root: Client) -> None:
    saved(root, engine)
    assert not Poll.objects.exists(), "nobody asked for it"
    saved(root, engine, **{"poll-0-enabled": "on", "poll-0-every": "60"})
    poll = Poll.objects.get()
    assert (poll.enabled, poll.every, poll.sweep_every) == (True, 60, 30)
    token = uuid4()
    form = modelform_factory(Poll, PollForm, fields=["enabled", "every", "sweep_every"])
    filled_in = form({"enabled": "on", "every": "30", "sweep_every": "30"}, instance=poll)
    Poll.objects.update(cursor={"since": "2026-11-01"}, lease_token=token, lease_until=timezone.now(), attempts=3)
    assert filled_in.is_valid()
    filled_in.save()
    poll = Poll.objects.get()
    assert (poll.every, poll.cursor, poll.lease_token, poll.attempts) == (30, {"since": "2026-11-01"}, token, 3)
    fields = filled(form_at(root, page_of(engine)))
    del fields["poll-0-enabled"]
    root.post(page_of(engine), fields)
    assert not Poll.objects.get().enabled


def test_what_is_changed_is_asked_at_once(engine: Engine, root: Client) -> None:
    later = timezone.now() + timedelta(hours=1)
    Poll.objects.create(engine=engine, due_at=later)
    saved(root, engine, **{"poll-0-every": "30"})
    assert Poll.objects.get().due_at < later
    Poll.objects.update(due_at=later, swept_at=timezone.now())
    saved(root, engine, callback_url="https://elsewhere.acme.example/service")
    poll = Poll.objects.get()
    assert (poll.swept_at, poll.due_at < later) == (None, True)


@pytest.mark.parametrize(("field", "value"), [("every", "4"), ("sweep_every", "0")])
def test_asking_too_often_is_refused(field: str, value: str, engine: Engine, root: Client) -> None:
    answer = save(root, engine, **{"poll-0-enabled": "on", f"poll-0-{field}": value})
    assert "greater than or equal to" in text_of(answer)
    assert not Poll.objects.exists()


def test_overview_and_filter_name_engines_that_do_not_answer(engine: Engine, root: Client, operator: Client) -> None:
    Poll.objects.create(
        engine=engine,
        error_fact=said("The engine answered 503.").as_json(),
        asked_at=timezone.now() - timedelta(hours=2),
    )
    for client in (root, operator):
        [alarm] = client.get("/admin/").context["alarms"]
        assert page_of(engine) in alarm and "Polling for its tasks fails: The engine answered 503." in alarm
        assert [each.pk for each in rows_of(client, Engine, "asking=failing")] == [engine.pk]
    Poll.objects.update(error_fact=None)
    assert root.get("/admin/").context["alarms"] == []
    assert rows_of(root, Engine, "asking=failing") == []


def test_page_and_list_say_when_it_was_asked_and_what_is_wrong(engine: Engine, root: Client) -> None:
    poll = Poll.objects.create(engine=engine)
    assert "no answer sent yet" in text_of(root.get(list_of(Engine)))
    Poll.objects.update(asked_at=timezone.now() - timedelta(seconds=12))
    assert "works" in text_of(root.get(list_of(Engine)))
    assert f"Last poll {short(Poll.objects.get().asked_at)}" in text_of(root.get(page_of(engine)))  # type: ignore[arg-type]
    PolledTask.objects.create(engine=engine, task_id="T-1", digest="x")
    Poll.objects.update(error_fact=said("The engine answered 503.").as_json())
    for address in (list_of(Engine), page_of(engine)):
        assert "The engine answered 503." in text_of(root.get(address))
    assert "the preset of its kind applies" in text_of(root.get(page_of(engine)))
    Poll.objects.update(enabled=False)
    assert "503" not in text_of(root.get(list_of(Engine)))
    assert "was deleted successfully" in text_of(
        root.post(page_of(engine).replace("/change/", "/delete/"), {"post": "yes"}, follow=True)
    )
    assert not Poll.objects.filter(pk=poll.pk).exists()


# --- who may --------------------------------------------------------------------------------------------------------
def test_an_operator_sees_how_we_sign_in_and_changes_nothing(engine: Engine, operator: Client) -> None:
    EngineAccess.objects.create(engine=engine, auth="basic", name="rest-user", secret="geheim-und-lang")
    Poll.objects.create(engine=engine)
    page = operator.get(page_of(engine))
    assert "rest-user" in text_of(page)
    assert "stored, encrypted" in text_of(page)
    assert "geheim-und-lang" not in page.content.decode()
    assert operator.post(page_of(engine), {"access-0-name": "mine"}).status_code == 403
    assert EngineAccess.objects.get().name == "rest-user"


def test_the_form_is_german(engine: Engine, root: Client) -> None:
    root.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    shown = text_of(root.get(page_of(engine)))
    for words in ("Anmelden mit", "Adresse der REST-Schnittstelle", "Nach Aufgaben fragen", "Verbindung testen"):
        assert words in shown, words
    for words in ("Sign in by", "Poll for tasks", "Stored encrypted", "For engines that cannot call us"):
        assert words not in shown, words
