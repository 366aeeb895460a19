"""The pages people see: what runs, where each process stands, and what happened."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from demo.config import Settings
from demo.definitions import Definition, Sample
from demo.engine import Engine, Step, Summary
from demo.html import el, write
from demo.people import EVERYBODY, customer_in, one_of
from demo.records import Action, EventRecord, HistoryEntry, InstanceRecord, KeptFile, TaskRecord
from demo.sender import Connection

_AT_MOST = 50
ROLES = {
    "admin": "sets everything up at the desk",
    "alice": "requests, and hears what becomes of it; Bob is her manager",
    "bob": "approves, and inspects on site; Carol is his manager",
    "carol": "approves, leads Finance, and hears what runs late",
}
PICTURES = ("image/jpeg", "image/png", "image/gif", "image/webp")
"""What all browsers draw."""


def overview(engine: Engine, connection: Connection, settings: Settings, away_until: datetime | None) -> str:
    """`/`: where to look, buttons that start something, what runs and what is finished."""
    running = [summary for summary in engine.summaries if summary.state == "running"]
    finished = [summary for summary in engine.summaries if summary.state == "finished"]
    samples = [(model.id, sample) for model in engine.definitions.values() for sample in model.samples.values()]
    starters = [_starter(process, sample) for process, sample in samples]
    return _page(
        "Processes",
        connection,
        el("h1", "Processes"),
        el(
            "p",
            "This is the workflow engine. It runs the processes below and asks people through wfpush. ",
            el("a", "Open the inbox", href=f"{connection.url}/"),
            ". With make run, minutes count as hours: a large invoice left alone reminds Bob after one and reaches "
            "Carol, his manager, after two.",
            cls="lead",
        ),
        _section("Where to look", "guide", *_guide(settings, connection.url)) if settings.accounts else None,
        _section("Start something", "start", el("div", *starters, cls="starters")),
        _listing("Running", "running", running, "Nothing is running."),
        _section("An outage", "outage", *_outage(away_until)),
        _listing("Finished", "finished", finished, "Nothing is finished yet."),
    )


def _guide(settings: Settings, url: str) -> list[ET.Element]:
    """Who can sign in, and where."""
    names = {person.ref: person.name for person in EVERYBODY}
    rows = [
        el(
            "tr",
            el("th", names.get(ref, ref), scope="row"),
            el("td", el("code", ref)),
            el("td", el("code", password)),
            el("td", ROLES.get(ref, "")),
        )
        for ref, password in settings.accounts.items()
    ]
    heads = el("tr", *[el("th", title, scope="col") for title in ("Who", "Sign in as", "Password", "What they do")])
    links = [el("a", "Inbox", href=f"{url}/"), el("a", "Administrators' desk", href=f"{url}/admin/")]
    if settings.mail is not None:
        links.append(el("a", "E-mails, those to customers too", href="/mail"))
    frame = el("div", el("table", el("thead", heads), el("tbody", *rows)), cls="scroll", tabindex="0", role="region")
    frame.set("aria-label", "Accounts")
    return [
        el("ul", *[el("li", link) for link in links], cls="links"),
        frame,
        el(
            "p",
            "They are of this demo alone. Sign in as two of them in two browsers, or in a private window. Customers "
            "have no password: “Show what … sees” on a process leads to their page.",
            cls="quiet",
        ),
    ]


def _outage(until: datetime | None) -> list[ET.Element]:
    """What the overview says of it, with the button that begins or ends it."""
    if until is None:
        words = (
            "For two minutes this engine takes no answers. Answer a task meanwhile: it waits in wfpush, is told once"
        )
        return [el("p", f"{words}, and the process goes on.", cls="quiet"), _press("/away", "Let the engine be away")]
    end = el("time", f"{until:%H:%M:%S} UTC", datetime=until.isoformat())
    return [
        el("p", "The engine is away until ", end, ": answers wait in wfpush.", cls="lead", role="status"),
        _press("/back", "Be back now"),
    ]


def _press(action: str, words: str) -> ET.Element:
    return el("form", el("button", words), method="post", action=action, cls="starters")


def _starter(process: str, sample: Sample) -> ET.Element:
    return el(
        "form",
        el("input", type="hidden", name="process", value=process),
        el("input", type="hidden", name="sample", value=sample.key),
        el("button", sample.label, id=f"start-{sample.key}"),
        method="post",
        action="/start",
    )


def _listing(title: str, name: str, summaries: Sequence[Summary], empty: str) -> ET.Element:
    shown = summaries[:_AT_MOST]
    more = len(summaries) - len(shown)
    return _section(
        f"{title} ({len(summaries)})" if summaries else title,
        name,
        el("ul", *[_row(summary) for summary in shown], cls="rows") if shown else el("p", empty, cls="empty"),
        el("p", f"And {more} more, older ones.", cls="empty") if more else None,
    )


def _row(summary: Summary) -> ET.Element:
    trouble = None
    if summary.refused_events:
        events = "event was" if summary.refused_events == 1 else "events were"
        trouble = el("p", f"{summary.refused_events} {events} refused by wfpush.", cls="trouble")
    return el(
        "li",
        el("a", summary.title, href=f"/instances/{summary.id}", cls="title"),
        el("span", _when(summary.updated_at), cls="when"),
        *[
            el("p", step.task, el("span", f" · waiting for {step.waiting_for}", cls="quiet"), cls="step")
            for step in summary.steps
        ],
        el("p", summary.ended, cls="step") if summary.ended else None,
        trouble,
        id=f"instance-{summary.id}",
    )


def detail(
    definition: Definition, record: InstanceRecord, steps: Sequence[Step], connection: Connection, refusal: str = ""
) -> str:
    """`/instances/<id>`: its state, its picture and its history. `refusal`: why the last button did not work."""
    current = {record.end.step} if record.end else {step.step for step in steps}
    events = {event.id: event for event in record.events}
    story = [_entry(record, entry, events.get(entry.event_id or "")) for entry in reversed(record.history)]
    return titled(
        record.title,
        connection,
        el("p", f"{definition.name} · started ", _when(record.created_at), cls="lead"),
        el("p", refusal, cls="notice", role="alert") if refusal else None,
        _section("Now", "now", *_now(record)),
        _customer(record),
        _section(
            "The process",
            "picture",
            el(
                "div",
                definition.diagram.svg(record.done, current),
                cls="canvas",
                tabindex="0",
                role="region",
                aria_label="Diagram, scrolls sideways",
            ),
        ),
        _section("What happened, newest first", "history", el("ol", *story, cls="story", reversed=True)),
    )


def _now(record: InstanceRecord) -> list[ET.Element]:
    if end := record.end:
        return [el("p", f"Finished: {end.text}.", cls="finished", data_step=end.step, data_state="finished")]
    return [_task(task) for task in record.open_tasks]


def _customer(record: InstanceRecord) -> ET.Element | None:
    customer = customer_in(record.data)
    if customer is None:
        return None
    return el(
        "form",
        el("button", f"Show what {customer['name']} sees", cls="plain", id="customer"),
        " ",
        el("a", "Their e-mails", href=f"/mail/to/{quote(customer['email'])}") if customer["email"] else None,
        method="post",
        action=f"/instances/{record.id}/customer",
    )


def customer_link(record: InstanceRecord, name: str, address: str, connection: Connection) -> str:
    """A page with the link that signs the customer in."""
    hint = "It signs in once. Open it in a private window: it signs out whoever is signed in to wfpush in this one."
    return titled(
        f"The page of {name}",
        connection,
        el("p", hint, cls="lead"),
        el("p", el("a", "Open it", href=address, id="customer-link", target="_blank", rel="noopener")),
        back=(record.title, f"/instances/{record.id}"),
    )


def _task(task: TaskRecord) -> ET.Element:
    fields = task.data["task"]
    waiting_for = one_of(task.addressed, task.teams)
    return el(
        "article",
        el("h3", task.name),
        el("p", f"{task.step_name} · waiting for {waiting_for} · due ", _when(fields["due_at"], "%H:%M"), cls="quiet"),
        el("p", fields.get("description", ""), cls="description"),
        _completion(task),
        _reassignment(task),
        cls="task",
        id=f"task-{task.id}",
        data_step=task.step,
        data_task=task.id,
    )


def _completion(task: TaskRecord) -> ET.Element:
    finals = [action for action in task.actions if action.effect == "final"]
    first = (task.addressed or ["carol"])[0]
    people = [el("option", person.name, value=person.ref, selected=person.ref == first) for person in EVERYBODY]
    return el(
        "details",
        el("summary", "Complete this task here in the engine"),
        el(
            "form",
            el("label", "Done by", el("select", *people, name="by", id=f"by-{task.id}")),
            el("label", "Comment", el("textarea", name="comment", id=f"comment-{task.id}", rows="2", maxlength="4000")),
            el("div", *[_button(action) for action in finals], cls="buttons"),
            method="post",
            action=f"/tasks/{task.id}/complete",
        ),
        id=f"complete-{task.id}",
    )


def _button(action: Action) -> ET.Element:
    asks = " (with a comment)" if action.comment == "required" else ""
    return el("button", action.title + asks, name="action", value=action.action)


def _reassignment(task: TaskRecord) -> ET.Element:
    others = [person for person in EVERYBODY if [person.ref] != task.addressed]
    buttons = [
        el("button", f"Reassign to {person.name}", name="to", value=person.ref, cls="plain") for person in others
    ]
    return el("form", el("div", *buttons, cls="buttons"), method="post", action=f"/tasks/{task.id}/reassign")


def _entry(record: InstanceRecord, entry: HistoryEntry, event: EventRecord | None) -> ET.Element:
    return el(
        "li",
        el("span", _when(entry.at), cls="when"),
        el(
            "div",
            el("p", entry.text),
            el("blockquote", entry.comment) if entry.comment else None,
            el("ul", *[_file(record, file) for file in entry.files], cls="files") if entry.files else None,
            _event(event) if event else None,
        ),
        cls=f"entry-{entry.kind}",
    )


def _file(record: InstanceRecord, file: KeptFile) -> ET.Element:
    address = f"/instances/{record.id}/files/{file.id}"
    picture = el("img", src=address, alt="", loading="lazy") if file.type in PICTURES else None
    return el("li", el("a", picture, el("span", file.name), href=address, target="_blank", rel="noopener"))


def _event(event: EventRecord) -> ET.Element:
    states = {"waiting": "not sent yet", "sent": "wfpush has it", "refused": "refused by wfpush"}
    return el(
        "details",
        el("summary", el("code", event.type), f" · {states[event.state]}"),
        el("p", event.detail, cls="trouble") if event.state == "refused" else None,
        el("pre", json.dumps(event.data, indent=2, ensure_ascii=False), tabindex="0"),
        cls=f"event {event.state}",
        id=f"event-{event.id}",
    )


def failure(title: str, words: str, connection: Connection) -> str:
    """A page that only says what went wrong."""
    back = el("a", "All processes", href="/")
    return _page(title, connection, el("h1", title), el("p", words, cls="lead"), el("p", back))


def titled(
    title: str, connection: Connection, *content: ET.Element | None, back: tuple[str, str] = ("All processes", "/")
) -> str:
    """A page below another one; `back`: the title and address of that."""
    nav = el("nav", el("a", back[0], href=back[1]), cls="back", aria_label="Back")
    return _page(title, connection, nav, el("h1", title), *content)


def _page(title: str, connection: Connection, *content: ET.Element | None) -> str:
    page = el(
        "html",
        el(
            "head",
            el("meta", charset="utf-8"),
            el("meta", name="viewport", content="width=device-width, initial-scale=1"),
            el("meta", name="color-scheme", content="light dark"),
            el("title", f"{title} – demo engine"),
            el("link", rel="icon", href="/static/icon.svg", type="image/svg+xml"),
            el("link", rel="stylesheet", href="/static/demo.css"),
            el("script", src="/static/demo.js", type="module"),
        ),
        el(
            "body",
            el("a", "To the content", href="#main", cls="skip"),
            el("header", el("a", "Demo engine", href="/", cls="brand"), _status(connection)),
            el("main", *content, id="main"),
            el("p", cls="announce", id="announce", role="status"),
        ),
        lang="en",
    )
    return "<!doctype html>\n" + write(page)


def _status(connection: Connection) -> ET.Element:
    if connection.state == "connected":
        link = el("a", connection.url, href=f"{connection.url}/")
        return el("p", "Connected to wfpush at ", link, cls="status connected", id="status")
    detail = f": {connection.detail}. It is tried again until it answers." if connection.detail else "."
    return el("p", f"Waiting for wfpush at {connection.url}{detail}", cls="status waiting", id="status")


def _section(title: str, name: str, *content: ET.Element | None) -> ET.Element:
    return el("section", el("h2", title, id=f"{name}-title"), *content, id=name, aria_labelledby=f"{name}-title")


def _when(text: str, clock: str = "%H:%M:%S") -> ET.Element:
    """The time of day on this machine's clock, with the date when it is another day; the full instant as title."""
    moment = datetime.fromisoformat(text).astimezone()
    today = moment.date() == datetime.now().astimezone().date()
    words = moment.strftime(clock if today else "%d %b %H:%M")
    return el("time", words, datetime=text, title=moment.strftime("%A %d %B %Y, %H:%M:%S %Z"))
