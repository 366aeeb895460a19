"""What an installation says of itself: `/readyz`, `/metrics`, the desk's overview and `manage.py doctor`."""

import html
import http.client
import json
import re
import threading
import time
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.support.processes import House
from tests.support.surfing import Browser

NO_ANSWER = "no answer"
ASK_SECONDS = 1.0
PROBE_SECONDS = 10.0
"""For which a probe and Prometheus wait."""
DOCTOR_SECONDS = 4.0
"""Between two runs of it, which take a processor for a second."""
DUE_SECONDS = 10.0
BEAT_SECONDS = 20.0
ALARM = re.compile(r'<p class="desk-alarm">(.*?)</p>', re.DOTALL)
TITLE = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)
AWAY = (OSError, http.client.HTTPException, urllib.error.URLError)


@dataclass
class Speaker:
    """One place where the installation says something. `lines`: what is wrong, with the moment it was first said."""

    name: str
    ask: Callable[[], list[str]]
    pause: float = ASK_SECONDS
    lines: dict[str, float] = field(default_factory=dict)
    _shapes: set[str] = field(default_factory=set)

    def note_before(self) -> None:
        """What is said already does not count."""
        self._shapes.clear()
        self._note()
        self.lines = {}

    def listen(self, over: threading.Event) -> None:
        while not over.wait(self.pause):
            self._note()

    def _note(self) -> None:
        try:
            lines = self.ask()
        except AWAY:
            lines = [NO_ANSWER]
        for line in lines:
            if (shape := re.sub(r"\d+", "#", line)) not in self._shapes:
                self._shapes.add(shape)
                self.lines[line] = time.monotonic()

    def naming(self, part: str) -> str | None:
        """The first line that names the part."""
        return next((line for line in list(self.lines) if re.search(part, line, re.IGNORECASE)), None)


@contextmanager
def listening(speakers: list[Speaker]) -> Iterator[None]:
    over = threading.Event()
    threads = [threading.Thread(target=speaker.listen, args=[over]) for speaker in speakers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def speakers(house: House, url: str, password: str) -> list[Speaker]:
    desk = Browser(url)
    desk.try_to_sign_in("root", password)
    return [
        Speaker("readyz", lambda: readiness(Browser(url, timeout=PROBE_SECONDS))),
        Speaker("metrics", Metrics(url).differences),
        Speaker("overview", lambda: overview(desk)),
        Speaker("doctor", lambda: doctor(house), DOCTOR_SECONDS),
    ]


def readiness(browser: Browser) -> list[str]:
    status, _, text = browser.open("/readyz")
    body = json.loads(text)
    faults = [f"{name} {state}" for name, state in body["checks"].items() if state != "ok"]
    return [f"{status}: {line}" for line in faults] + [f"note: {note}" for note in body["notes"]]


class Metrics:
    """Samples that differ from those of a moment when all was well. Counters of errors differ from the last row's."""

    def __init__(self, url: str) -> None:
        self._browser = Browser(url, timeout=PROBE_SECONDS)
        self._errors: dict[str, float] = {}

    def differences(self) -> list[str]:
        status, _, text = self._browser.open("/metrics")
        if status != 200:
            return [f"{NO_ANSWER}: {status}"]
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return [*filter(None, map(_trouble, samples)), *self._new_errors(samples)]

    def _new_errors(self, samples: list[Sample]) -> list[str]:
        counts = {
            f"wfpush_http_requests_total {sample.labels['status']} {sample.labels['route']}": sample.value
            for sample in samples
            if sample.name == "wfpush_http_requests_total"
            and sample.labels["status"] >= "500"
            and "readyz" not in sample.labels["route"]
        }
        before, self._errors = self._errors, counts
        return [name for name, value in counts.items() if value > before.get(name, 0)]


def _trouble(sample: Sample) -> str | None:
    labels = " ".join(sample.labels.values())
    bounds = {
        "wfpush_service_trouble_seconds": 0.0,
        "wfpush_oldest_due_seconds": DUE_SECONDS,
        "wfpush_heartbeat_age_seconds": BEAT_SECONDS,
    }
    if sample.name == "wfpush_up" and sample.value == 0:
        return f"wfpush_up {labels} 0"
    if sample.name in bounds and sample.value > bounds[sample.name]:
        return f"{sample.name} {labels} {sample.value:.0f}"
    return None


def overview(desk: Browser) -> list[str]:
    status, _, page = desk.open("/admin/")
    if status != 200:
        heading = TITLE.search(page)
        return [f"{status}: {heading[1].strip() if heading else 'an error page'}"]
    assert "desk-tiles" in page, "the desk shows its overview"
    return [html.unescape(re.sub(r"<[^>]+>", "", alarm)) for alarm in ALARM.findall(page)]


def doctor(house: House) -> list[str]:
    """Its faults and notes, with the exit code if that is not 0."""
    run = house.run("doctor")
    code, lines = run.process.returncode, run.said.splitlines()
    notes = [line for line in lines if line.startswith("note: ")]
    heads = [number for number, line in enumerate(lines) if re.search(r"\d+ faults?:$", line)]
    faults = lines[heads[0] + 1 :] if heads else lines[-1:] if code else []
    return [*(f"exit {code}: {line}" for line in faults), *notes]
