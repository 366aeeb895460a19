"""Lines about reading: sign-in, the list of open tasks, and what people see of a task."""

from datetime import UTC, datetime, timedelta

from notifications.conformance.contract import Differs, Lines, NotOffered, NotTried, expect
from notifications.conformance.trial import AMOUNT, TEXT, Trial
from notifications.connectors.api import Failed, instant
from notifications.errors import InvalidEvent
from notifications.intake import cloudevents, mapping
from notifications.types import Json, object_in, text_in

CLOCK = timedelta(minutes=5)
"""How far the engine's clock may be off."""
OF_OTHER_LINES = ("/data/task/due_at", "/data/task/assignee")
"""Members of events that lines of their own check."""
PURPOSES = ("reading", "people", "answering")
PAGE, MOST_PAGES, WHOLE_PAGE = 2, 50, 500
CANDIDATE, TEAM = "wfpush-kit", "wfpush-kit-team"

LINES: Lines[Trial] = Lines()


@LINES.line("The engine lets wfpush in", "Nobody gets a task of this engine, and no answer reaches it.")
async def connection(trial: Trial) -> None:
    await trial.connector.check(trial.api)


@LINES.line(
    "A wrong key is refused as a wrong key",
    "After a key is changed, answers wait, and the operator is not told that the key is the reason.",
)
async def wrong_key(trial: Trial) -> None:
    if trial.sandbox.access.auth == "none":
        raise NotOffered("The engine is called without a sign-in.")
    for access in trial.wrong_secrets():
        try:
            await trial.connector.check(trial.sandbox.api_of(access))
        except Failed as failed:
            expect(failed.result, "misconfigured")
        else:
            raise Differs("The engine answers although the secret is wrong.")


@LINES.line("A started process has its task", "Tasks appear late or never. The lines below cannot be tried.")
async def start(trial: Trial) -> None:
    try:
        await trial.task("reading")
    except NotTried as reason:
        raise Differs(str(reason)) from reason


@LINES.line(
    "An open task can be read",
    "wfpush cannot compare a task before an answer: people may approve content that has changed.",
)
async def read(trial: Trial) -> None:
    task = await trial.task("reading")
    unseen = "The engine does not show an open task by its id."
    row = await trial.soon(lambda: trial.connector.open_row(trial.api, task.id), unseen)
    if trial.connector.listing.id_of(row) != task.id or not (await trial.standing(task)).is_open:
        raise Differs("The engine shows another task, or one that is not open.")


@LINES.line("A new task is in the list of open tasks", "People do not get new tasks by polling.")
async def task_list(trial: Trial) -> None:
    task, listing = await trial.task("reading"), trial.connector.listing
    since = listing.created_at(task.row) - CLOCK

    async def find() -> list[Json]:
        listed = await listing.created_since(trial.api, since, WHOLE_PAGE)
        return [row for row in listed if listing.id_of(row) == task.id]

    tasks = await trial.soon(find, "The list of open tasks does not have a new task.")
    trial.facts["row"] = tasks[0]


@LINES.line(
    "The list can begin at an instant",
    "Each poll reads old tasks again: people get new tasks late, and the engine is slower for everybody.",
)
async def newer_only(trial: Trial) -> None:
    task, listing = await trial.task("reading"), trial.connector.listing
    later = listing.created_at(task.row) + timedelta(hours=1)
    if task.id in map(listing.id_of, await listing.created_since(trial.api, later, WHOLE_PAGE)):
        raise Differs("Asked for tasks created an hour later, the engine lists this one, too.")


@LINES.line(
    "The list has pages, the oldest tasks first",
    "When many tasks arrive at once, some reach nobody until all tasks are read again.",
)
async def pages(trial: Trial) -> None:
    listing = trial.connector.listing
    tasks = [await trial.task(purpose) for purpose in PURPOSES]
    missing, since = {task.id for task in tasks}, min(listing.created_at(task.row) for task in tasks)
    size = PAGE
    for _ in range(MOST_PAGES):
        page = await listing.created_since(trial.api, since - timedelta(milliseconds=1), size)
        if len(page) > size:
            raise Differs(f"Asked for {size} tasks, the engine lists {len(page)}.")
        times = [listing.created_at(row) for row in page]
        if times != sorted(times):
            raise Differs("The oldest tasks do not come first.")
        missing -= {listing.id_of(row) for row in page}
        if not missing:
            return
        if len(page) < size:
            break
        size, since = (size * 2, since) if times[-1] <= since else (PAGE, times[-1])
    raise Differs(f"{len(missing)} of {len(tasks)} new tasks are on no page.")


@LINES.line(
    "A task's time of creation has a time zone",
    "Polling skips new tasks or repeats old ones for hours, so people get them late.",
)
async def creation_time(trial: Trial) -> None:
    task, listing = await trial.task("reading"), trial.connector.listing
    text = task.row.get(listing.created)
    if not has_zone(text):
        raise Differs(f"The time of creation, {text}, has no time zone.")
    if abs(datetime.now(UTC) - listing.created_at(task.row)) > CLOCK:
        raise Differs(f"The time of creation, {text}, is not the present.")


@LINES.line("A task becomes an event of wfpush", "The task reaches nobody, or without its name and its case.")
async def event(trial: Trial) -> None:
    document = await _document(trial)
    try:
        cloudevents.structured(document)
    except InvalidEvent as error:
        faults = [each for each in error.extra["errors"] if each["pointer"] not in OF_OTHER_LINES]
        if faults:
            raise Differs(" ".join(f"{each['pointer']}: {each['detail']}" for each in faults)) from error
    task = object_in(document["data"], "task")
    if not text_in(task, "name") or not text_in(object_in(document["data"], "case"), "id"):
        raise Differs("The task has no name, or no process instance.")


@LINES.line(
    "The due date arrives as it was set",
    "People see a wrong deadline or none: reminders and escalations come hours early or late.",
)
async def due(trial: Trial) -> None:
    text = object_in((await _document(trial))["data"], "task").get("due_at")
    if not has_zone(text):
        raise Differs(f"The task is due at {trial.due.isoformat()}, and the engine says “{text}”, without a time zone.")
    if instant(text) != trial.due and not trial.sandbox.by_hand:
        raise Differs(f"The task is due at {trial.due.isoformat()}, and the engine says {text}.")


@LINES.line("The people who may take a task arrive with it", "Tasks that nobody has taken reach nobody.")
async def candidates(trial: Trial) -> None:
    task = object_in((await _document(trial))["data"], "task")
    if CANDIDATE not in (task.get("candidates") or []) or TEAM not in (task.get("teams") or []):
        raise Differs("The candidate user or the candidate group of the task is missing.")


@LINES.line(
    "The values of a process can be read",
    "People decide by wrong values, or each answer comes back to them because a value seems changed.",
)
async def values(trial: Trial) -> None:
    task = await trial.task("reading")
    row = await trial.connector.open_row(trial.api, task.id)
    if row is None:
        raise NotTried("The engine does not show the task by its id.")
    await trial.connector.listing.add_variables(trial.api, row)
    shown = object_in(object_in(_translated(trial, row), "data"), "variables")
    if shown.get("kit_amount") != AMOUNT or (shown.get("kit_text") != TEXT and not trial.sandbox.by_hand):
        raise Differs(f"{AMOUNT} and a text came back as {shown.get('kit_amount')!r} and {shown.get('kit_text')!r}.")


@LINES.line(
    "An account without the right to complete tasks is refused",
    "A service account with too few rights is not noticed, or one without rights decides tasks.",
)
async def wrong_scope(trial: Trial) -> None:
    if trial.options.limited is None:
        raise NotTried("Set ENGINE_LIMITED_NAME and ENGINE_LIMITED_SECRET to an account that may not complete tasks.")
    task = await trial.task("limiting")
    expect(await trial.tell(task, access=trial.options.limited), "misconfigured", "refused")
    if not (await trial.standing(task)).is_open:
        raise Differs("The task ended.")


async def _document(trial: Trial) -> Json:
    """Return the event that polling makes of the listed task. Raises Differs and Failed."""
    if "document" not in trial.facts:
        row, listing = dict(trial.facts.get("row") or (await trial.task("reading")).row), trial.connector.listing
        await listing.add_people(trial.api, row)
        await listing.add_form(trial.api, row)
        await listing.add_starters(trial.api, [row])
        polled = {"id": "kit", "type": "task.assigned", "time": trial.due.isoformat()}
        trial.facts["document"] = {"data": {}, **_translated(trial, row), **polled}
    return object_in(trial.facts, "document")


def _translated(trial: Trial, row: Json) -> Json:
    """Return the event that the preset of the kind makes of a task. Raises Differs."""
    try:
        return mapping.translate(trial.connector.preset.items(), row, source="/kit")
    except InvalidEvent as error:
        raise Differs(str(error)) from error


def has_zone(text: object) -> bool:
    try:
        return datetime.fromisoformat(str(text)).tzinfo is not None
    except ValueError:
        return False
