"""The samples for developers of engines work: every event is taken, every program runs."""

import base64
import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import HTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from notifications.connectors import CONNECTORS, connector_for, presets, samples, signatures
from notifications.intake import cloudevents, mapping
from tests.support.documentation import PAGES, blocks, name_of, read


def sample_events() -> Iterator[tuple[str, Any]]:
    """Every CloudEvent on a page, in JSON blocks and in `curl -d '…'`, but for messages that we send to engines, and
    events that we send to subscriptions."""
    for page in PAGES:
        name = name_of(page)
        if name == "docs/api/event-subscriptions.md":
            continue
        bodies = [*blocks(name, "json"), *re.findall(r"-d '(.*?)'", page.read_text(encoding="utf-8"), re.S)]
        for body in bodies:
            found = json.loads(body)
            for each in found if isinstance(found, list) else [found]:
                if "specversion" in each and (each["type"], each["source"]) != ("task.message", "wfpush"):
                    yield f"{name}: {each['type']}", each


@pytest.mark.parametrize("event", [pytest.param(event, id=name) for name, event in sample_events()])
def test_a_sample_event_is_one_that_is_taken(event: Any) -> None:
    assert cloudevents.structured(event).id == event["id"]


def test_the_sample_of_binary_mode_is_taken() -> None:
    command = next(block for block in blocks("docs/engines", "sh") if "ce-specversion" in block)
    headers = dict(re.findall(r"'(ce-[a-z]+): ([^']+)'", command))
    body = re.search(r"-d '(.*?)'", command, re.S)

    assert body
    assert cloudevents.binary(headers, body[1].encode()).type == "task.completed"


@pytest.mark.parametrize("preset", ["flowable", "opentext", "camunda7", "camunda8"])
def test_a_preset_makes_an_event_of_the_sample_of_its_engine(preset: str) -> None:
    marked = re.search(rf"<!-- preset: [^>]*{preset}[^>]*-->\n```json\n(.*?)```", read("docs/engines"), re.S)
    assert marked
    event = cloudevents.structured(
        mapping.translate(connector_for(preset).preset.items(), json.loads(marked[1]), source="/engines/x")
    )

    assert event.type == "task.assigned"
    assert event.data["task"]["assignee"] == "bob"
    assert event.data["task"]["priority"] == {"camunda7": "urgent"}.get(preset, "high")
    assert event.data["variables"]["amount"] == 1200.5


JOB: dict[str, Any] = {
    "jobKey": "7",
    "listenerEventType": "ASSIGNING",
    "elementId": "approve",
    "processInstanceKey": "2251799813685249",
    "variables": {"amount": 1200.5},
    "userTask": {"userTaskKey": "2251799813685250", "assignee": "bob", "candidateGroups": [], "priority": 80},
}
"""As Camunda 8 activates it."""


def told_by_the_worker(**task: Any) -> Any:
    happens = task.pop("happens", "ASSIGNING")
    event_of = run_sample("worker")["event_of"]
    said = event_of(
        {**JOB, "jobKey": task.pop("job", "7"), "listenerEventType": happens, "userTask": {**JOB["userTask"], **task}}
    )
    if said is None:
        return None
    return cloudevents.structured(
        mapping.translate(connector_for("camunda8").preset.items(), said, source="/engines/x")
    )


def test_the_sample_worker_tells_of_tasks_that_somebody_has_and_of_their_end() -> None:
    assigned = told_by_the_worker()
    assert (assigned.type, assigned.data["task"]["assignee"]) == ("task.assigned", "bob")
    assert assigned.data["task"]["id"] == "2251799813685250"
    assert assigned.data["case"]["id"] == "2251799813685249"
    assert (assigned.data["task"]["priority"], assigned.data["variables"]) == ("urgent", {"amount": 1200.5})
    assert told_by_the_worker().id == assigned.id, "the same job, tried again"
    assert told_by_the_worker(job="8").id != assigned.id, "another change"
    assert told_by_the_worker(happens="CREATING", assignee=None) is None
    assert told_by_the_worker(happens="CREATING", assignee=None, candidateGroups=["finance"]).type == "task.assigned"
    assert told_by_the_worker(happens="CANCELING", assignee=None).type == "task.cancelled"
    assert told_by_the_worker(happens="COMPLETING", action="complete").type == "task.completed"
    assert told_by_the_worker(happens="COMPLETING", action="approve") is None


@pytest.mark.parametrize("name", sorted(file.name for file in samples.FOLDER.iterdir()))
def test_what_the_desk_offers_to_copy_stands_in_the_docs(name: str) -> None:
    text = samples.text_of(name)
    if name.endswith("_task.json") and "specversion" in text:
        assert cloudevents.structured(json.loads(text)).type == "task.assigned"
    else:
        assert text in read("docs/engines")


def test_every_sample_is_offered_by_a_kind() -> None:
    named = {name for connector in CONNECTORS.values() for name in (connector.example, *connector.samples)}
    inner = {name for sample in named for name in re.findall(samples.INNER, (samples.FOLDER / sample).read_text())}
    assert named | inner == {file.name for file in samples.FOLDER.iterdir()}


def test_every_preset_is_documented() -> None:
    assert all(f"{preset}" in read("docs/engines") for preset in presets())


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_json_block_is_json(page: Path) -> None:
    found = blocks(name_of(page), "json")

    assert all(isinstance(json.loads(block), dict | list) for block in found)


def run_sample(mark: str) -> dict[str, Any]:
    page = {"receiver": "docs/start/engine.md"}.get(mark, "docs/engines")
    (source,) = blocks(page, "python", mark)
    namespace: dict[str, Any] = {"__name__": mark}
    exec(compile(source, f"{page} ({mark})", "exec"), namespace)
    return namespace


NOW = 1_780_000_000


BODY = b'{"data": {}}'


def signed(*secrets: str, body: bytes = BODY, at: int = NOW, id: str = "a-1") -> dict[str, str]:
    signature = signatures.sign(secrets, id, at, body)
    return {"webhook-id": id, "webhook-timestamp": str(at), "webhook-signature": signature}


def test_the_sample_receiver_takes_what_we_sign() -> None:
    verify, secret, other = run_sample("receiver")["verify"], signatures.new_secret(), signatures.new_secret()

    assert verify([secret], signed(secret), BODY, NOW) == "a-1"
    assert verify([secret], signed(other, secret), BODY, NOW) == "a-1"
    assert verify([other, secret], signed(secret), BODY, NOW) == "a-1"


@pytest.mark.parametrize(
    ("change", "body", "now"),
    [
        ({"webhook-signature": "v1," + base64.b64encode(bytes(32)).decode()}, BODY, NOW),
        ({"webhook-signature": "ä"}, BODY, NOW),
        ({"webhook-signature": ""}, BODY, NOW),
        ({"webhook-id": "a-2"}, BODY, NOW),
        ({"webhook-timestamp": "soon"}, BODY, NOW),
        ({}, b"another body", NOW),
        ({}, BODY, NOW + 301),
        ({}, BODY, NOW - 301),
    ],
)
def test_the_sample_receiver_refuses_what_we_did_not_sign(change: dict[str, str], body: bytes, now: int) -> None:
    secret = signatures.new_secret()

    with pytest.raises(ValueError):
        run_sample("receiver")["verify"]([secret], signed(secret) | change, body, now)


def test_the_sample_receiver_runs_and_takes_an_answer_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = signatures.new_secret()
    monkeypatch.setenv("WFPUSH_SIGNING_SECRET", secret)
    sample = run_sample("receiver")
    (body,) = [block.encode() for block in blocks("docs/api", "json") if "task.responded" in block]
    with serving(sample["Receiver"]) as address:
        now = int(sample["time"].time())
        first = post(address, body, signed(secret, body=body, at=now))
        again = post(address, body, signed(secret, body=body, at=now))
        forged = post(address, body + b" ", signed(secret, body=body, at=now))

    assert (first, again, forged) == (200, 200, 401)
    assert capsys.readouterr().out == "T-42: Bob says approved. Fine.\n"


def test_the_sample_receiver_refuses_what_it_cannot_do_and_takes_what_it_need_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = signatures.new_secret()
    monkeypatch.setenv("WFPUSH_SIGNING_SECRET", secret)
    sample = run_sample("receiver")
    told = {json.loads(block)["type"]: block.encode() for block in blocks("docs/api", "json") if "raised_at" in block}
    with serving(sample["Receiver"]) as address:
        now = int(sample["time"].time())
        answers = {type: post(address, body, signed(secret, body=body, at=now, id=type)) for type, body in told.items()}

    assert answers == {"task.escalation_raised": 200, "task.reassignment_requested": 422}
    assert capsys.readouterr().out == ""


@contextmanager
def serving(handler: Any) -> Iterator[str]:
    handler.log_message = lambda *said: None
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/callback"
        finally:
            server.shutdown()
            thread.join()


def post(address: str, body: bytes, headers: dict[str, str]) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(address, body, headers), timeout=10) as answer:
            return int(answer.status)
    except HTTPError as refused:
        return refused.code


def test_the_sample_sender_signs_as_we_verify() -> None:
    sample, secret = run_sample("sender"), signatures.new_secret()

    headers = sample["signature_headers"](secret, "e-1", BODY)

    assert signatures.verify([secret], headers, BODY, sample["time"].time()) == "e-1"
