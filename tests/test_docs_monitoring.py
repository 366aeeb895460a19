"""Metrics, alert rules and dashboard speak of the same things, and docs/operations/monitoring.md of all of them."""

import json
import os
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from asgiref.sync import async_to_sync
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from notifications.models import Device
from tests.support.documentation import ROOT, code, first_words, read, rows, section
from tests.support.story import Story
from wfpush.observability import service_watch, services
from wfpush.observability.http_metrics import CountedRequests
from wfpush.observability.service_watch import NO_REASON, Watch
from wfpush.queue import lease_holder
from wfpush.tasks import beat

pytestmark = pytest.mark.django_db

FOLDER = ROOT / "monitoring"
PARTS_OF_HISTOGRAMS = re.compile(r"_(bucket|sum|count|total)$")


@pytest.fixture
def shown(db: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Our metrics after a story, each with the names of its labels."""
    monkeypatch.setenv(lease_holder.WORKER, "worker-1/0123456789ab")
    monkeypatch.setattr(service_watch, "watch", Watch())
    beat()
    story = Story.begin()
    story.assign()
    story.answer(story.bob, "approve")
    Device.objects.create(recipient=story.bob, channel="webpush", address="https://push.example/1", digest="1")
    service_watch.watch.failed(("engine", "invoices"), services.AWAY, NO_REASON, party="T-42", seconds=60)
    service_watch.watch.failed(("engine", "invoices"), services.AWAY, NO_REASON, party="T-42", seconds=0)
    service_watch.watch.look(timezone.now())
    async_to_sync(requested)()
    text = Client().get("/metrics").content.decode()
    families = text_string_to_metric_families(text)
    return {
        each.name: {label for one in each.samples for label in one.labels} for each in families if "wfpush" in each.name
    }


async def requested() -> None:
    """A request and a socket, as the web process counts them."""

    async def answers(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start" if scope["type"] == "http" else "websocket.accept", "status": 200})

    for type in ("http", "websocket"):
        await CountedRequests(answers)({"type": type, "method": "GET"}, None, ignore)  # type: ignore[arg-type]


async def ignore(message: Any) -> None: ...


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(read("monitoring/alerts.yml"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def queries() -> list[str]:
    panels = json.loads(read("monitoring/grafana.json"))["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def test_every_metric_is_documented_and_no_other(shown: dict[str, set[str]]) -> None:
    table = first_words(section("docs/operations", "Metrics and alerts"))

    assert {name for name in table if name.startswith("wfpush_")} == set(shown)


def test_rules_and_dashboard_ask_only_for_what_is_there(shown: dict[str, set[str]]) -> None:
    for query in [*(rule["expr"] for rule in rules()), *queries()]:
        asked = re.findall(r"(wfpush_\w+)(?:\{([^}]*)\})?", query)
        assert asked, query
        for name, matchers in asked:
            family = PARTS_OF_HISTOGRAMS.sub("", name)
            assert family in shown, query
            assert set(re.findall(r"(\w+)\s*(?:=|!=)", matchers)) <= shown[family], query
        grouped = {label for labels in re.findall(r"by \(([^)]*)\)", query) for label in re.split(r",\s*", labels)}
        assert grouped <= set().union(*(shown[PARTS_OF_HISTOGRAMS.sub("", name)] for name, _ in asked)), query


def test_every_metric_is_on_the_dashboard(shown: dict[str, set[str]]) -> None:
    asked = {PARTS_OF_HISTOGRAMS.sub("", name) for query in queries() for name in re.findall(r"wfpush_\w+", query)}

    assert asked == set(shown)


def test_every_alert_that_the_documentation_names_is_there(shown: dict[str, set[str]]) -> None:
    queries = " ".join(rule["expr"] for rule in rules())
    for cells in rows(section("docs/operations", "Metrics and alerts")):
        names = [name for name in code(cells[0]) if name in shown]
        if names and cells[2]:
            assert any(name in queries for name in names), f"{cells[0]}: “{cells[2]}” is in no rule"


def test_every_alert_says_what_to_look_at() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert rule["annotations"]["summary"].endswith((".", "?")), rule["alert"]


@pytest.mark.parametrize("words", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")])
def test_prometheus_takes_the_rules_and_they_fire_when_they_should(words: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        assert "CI" not in os.environ, "promtool is missing: .ci/run installs Debian's package"
        pytest.skip("THE ALERT RULES WERE NOT CHECKED: promtool is missing (a package of Debian 13)")
    done = subprocess.run([promtool, *words], cwd=FOLDER, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
