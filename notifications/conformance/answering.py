"""Lines about answers: completing with typed variables, refusals, and tasks that ended elsewhere."""

from functools import partial
from typing import Any

from notifications.conformance.contract import Differs, Lines, NotOffered, NotTried, described, expect
from notifications.conformance.reading import has_zone
from notifications.conformance.trial import TEXT, OwnTask, Trial
from notifications.connectors import reasons
from notifications.connectors.api import instant
from notifications.connectors.base import Standing
from notifications.connectors.opentext import simple
from notifications.types import Json, object_in, read_json
from wfpush.identifiers import uuid7

ROWS = {"rows": [{"note": "Grüße", "amount": 12.5}], "empty": [], "checked": False}
VARIABLES: Json = {
    "kit_answer_text": TEXT,
    "kit_answer_yes": True,
    "kit_answer_no": False,
    "kit_answer_whole": 42,
    "kit_answer_long": 2**53 + 1,
    "kit_answer_decimal": 1234.56,
    "kit_answer_day": "2031-03-30T01:30:00+00:00",
    "kit_answer_rows": ROWS,
}
TYPES = {"kit_answer_day": "date", "kit_answer_rows": "json", "kit_answer_decimal": "double"}

LINES: Lines[Trial] = Lines()


@LINES.line(
    "An answer completes the task",
    "People read that their answer waits, or that it counts although the process stands still.",
)
async def complete(trial: Trial) -> None:
    task = await trial.task("answering")
    members: Json = {"answer": str(uuid7()), "comment": "Fine.", "variables": VARIABLES, "types": TYPES}
    expect(await trial.tell(task, **members), "done")
    await trial.soon(lambda: _ended(trial, task), "The engine accepted the answer, and the task is still open.")
    trial.facts["answer"] = members


@LINES.line(
    "The process continues by the answer",
    "Approvals are treated as rejections: the process does not see what people decided.",
)
async def gateway(trial: Trial) -> None:
    task, answer = await _answered(trial)

    async def following() -> list[Json]:
        rows = await trial.sandbox.following(task.instance, answer)
        return [row for row in rows if trial.connector.listing.id_of(row) != task.id]

    rows = await trial.soon(following, "No task follows the answered one.")
    trial.facts["following"] = rows[0]
    if rows[0].get("name") != f"{trial.sandbox.key}: approved":
        raise Differs("The process did not continue as approved: it does not read the variable wfpush_outcome.")


VALUES = (
    ("texts", "Texts arrive unchanged", "text", "Comments and names of people are wrong or missing in the process."),
    ("yes-or-no", "Yes and no arrive unchanged", "yes no", "A ticked box counts as something else in the process."),
    (
        "whole-numbers",
        "Whole numbers arrive unchanged",
        "whole long",
        "Long numbers, such as those of accounts, change.",
    ),
    ("decimals", "Amounts arrive unchanged", "decimal", "Amounts are rounded, or cannot be compared in the process."),
    ("dates", "Dates arrive as the same instant", "day", "Dates that people chose move by hours or to another day."),
    ("lists", "Lists arrive unchanged", "rows", "Tables, several choices and files of forms are lost or changed."),
)
"""Lines about variables of the answer: key, title, names after `kit_answer_`, and the effect of a difference."""


async def _arrive(names: str, trial: Trial) -> None:
    variables = await _variables(trial)
    for name in names.split():
        value, sent = variables.get(f"kit_answer_{name}"), VARIABLES[f"kit_answer_{name}"]
        expected: Any = simple(sent) if trial.connector.kind == "opentext" else sent
        if not _is_same(name, value, expected):
            raise Differs(f"{expected!r} came back as {value!r}.")


def _is_same(name: str, value: Any, expected: Any) -> bool:
    if name == "day":
        return has_zone(value) and instant(value) == instant(expected)
    if name == "rows":
        return bool((read_json(value) if isinstance(value, str) else value) == ROWS)
    return type(value) is type(expected) and bool(value == expected)


for _key, _title, _names, _means in VALUES:
    LINES.line(_title, _means, _key)(partial(_arrive, _names))


@LINES.line(
    "An answer whose reply was lost counts once",
    "After a broken connection, people read that somebody else handled the task, although their answer counted.",
)
async def lost_reply(trial: Trial) -> None:
    task, _ = await _answered(trial)
    result = await trial.tell(task, **trial.facts["answer"], unsure=True)
    if result.outcome == "handled" and not trial.sandbox.remembers:
        raise NotOffered("The engine does not say which answer ended a task. After a lost reply people read that.")
    expect(result, "done")


@LINES.line("A second answer is refused", "Two people decide the same task, and both read that their answer counts.")
async def second_answer(trial: Trial) -> None:
    task, _ = await _answered(trial)
    expect(await trial.tell(task, action="reject", outcome="rejected"), "handled")


@LINES.line("A delegated task can be answered", "Answers to delegated tasks wait, or never reach the process.")
async def delegated(trial: Trial) -> None:
    task = await trial.task("delegating")
    if not await trial.sandbox.delegate(task.id, trial.options.assignees[0]):
        raise NotOffered("Tasks are not delegated in this engine.")
    expect(await trial.tell(task), "done")
    await trial.soon(
        lambda: _ended(trial, task), "The engine accepted the answer, and the delegated task is still open."
    )


@LINES.line(
    "An answer that does not fit is refused with a reason",
    "A wrong answer is accepted, or wfpush repeats it for a week and nobody learns why.",
)
async def refused(trial: Trial) -> None:
    if not trial.sandbox.typed:
        raise NotOffered("Variables have no types here, so the kit has no answer that the engine must refuse.")
    task = await trial.task("refusing")
    result = await trial.tell(task, variables={"kit_answer_whole": "many"}, types={"kit_answer_whole": "integer"})
    if result.outcome not in ("refused", "misconfigured") or result.status not in range(400, 500):
        raise Differs(f"A text was sent as a whole number. {described(result)} Expected: a refusal (400).")
    if result.reason.code == reasons.ANSWERED.name:
        raise Differs(f"The engine gives no reason. {result.detail}")
    if not (await trial.standing(task)).is_open:
        raise Differs("The engine refused the answer, and the task is no longer open.")


@LINES.line("A task that ended in the engine is over", "People keep working on tasks that others have ended.")
async def ended_elsewhere(trial: Trial) -> None:
    task, user = await trial.task("ending"), trial.options.assignees[0]
    trial.facts["holder"] = user if (await trial.assign(task, user)).outcome == "done" else ""
    expect(await trial.tell(task, by=user, by_name=user), "done")
    still_open = "Somebody completed the task in the engine, and it is still shown as open."
    trial.facts["ended"] = await trial.soon(lambda: _ended(trial, task), still_open)
    expect(await trial.tell(task), "handled")


@LINES.line("The engine says who had a task that ended", "People read that a task was handled, and not by whom.")
async def ended_by(trial: Trial) -> None:
    standing, holder = trial.facts.get("ended"), trial.facts.get("holder")
    if standing is None or not holder:
        raise NotTried("No task ended elsewhere, or nobody had it.")
    if standing.assignee != holder:
        kind = Differs if trial.sandbox.remembers else NotOffered
        raise kind("The engine does not say who had a task that has ended.")


@LINES.line(
    "A cancelled task is shown as cancelled",
    "People keep a task that is no longer needed, or read that somebody completed it.",
)
async def cancelled(trial: Trial) -> None:
    task = await trial.task("cancelling") if trial.sandbox.remembers else None
    if task is None or not await trial.sandbox.cancel(task.instance):
        raise NotOffered("No document names a way for programs to end a process.")
    still_open = "The process was ended, and its task is still shown as open."
    standing = await trial.soon(lambda: _ended(trial, task), still_open)
    if not standing.cancelled:
        raise Differs("The process was ended, and the engine does not say that its task was cancelled.")
    expect(await trial.tell(task), "handled")


@LINES.line(
    "An unknown task is refused as unknown", "Answers to tasks that are gone wait for a week, and alarm an operator."
)
async def unknown(trial: Trial) -> None:
    task = OwnTask(trial.sandbox.unknown_task, "", {})
    trial.sandbox.own.add(task.id)  # no engine has it
    expect(await trial.tell(task), "handled")


async def _answered(trial: Trial) -> tuple[OwnTask, str]:
    """Return the task that was answered, and the answer's id. Raises NotTried."""
    members = trial.facts.need("answer", "No answer was accepted.")
    return await trial.task("answering"), members["answer"]


async def _variables(trial: Trial) -> Json:
    """Return the variables after the answer. Raises NotTried and Failed."""
    row = trial.facts.need("following", "No task follows the answered one, in which the variables could be read.")
    if "variables" not in trial.facts:
        trial.facts["variables"] = await trial.sandbox.variables(row)
    return object_in(trial.facts, "variables")


async def _ended(trial: Trial, task: OwnTask) -> Standing | None:
    standing = await trial.connector.read(trial.api, task.id)
    return None if standing.is_open else standing
