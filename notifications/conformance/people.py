"""Lines about the people of a task: who has it, and what they write beside it."""

from notifications.conformance.contract import Differs, Lines, NotOffered, NotTried, expect
from notifications.conformance.trial import OwnTask, Trial
from notifications.connectors import reasons
from notifications.connectors.base import Result
from notifications.connectors.camunda8 import PRIORITY_OF_LATE
from notifications.types import Json

COMMENT = "Is this the right cost centre? – Zoë"
COMMENTING: Json = {"does": "message", "action": "comment", "comment": COMMENT}

LINES: Lines[Trial] = Lines()


@LINES.line(
    "A task that nobody has can be given to a person",
    "A forwarded or escalated task stays where it was, and nobody works on it.",
)
async def claim(trial: Trial) -> None:
    task, first = await trial.task("people"), trial.options.assignees[0]
    expect(await trial.assign(task, first), "done")
    await trial.has(task, first)


@LINES.line(
    "A task that somebody has cannot be claimed", "A person who has just taken a task loses it to somebody else."
)
async def claim_taken(trial: Trial) -> None:
    task, (first, second) = await trial.task("people"), trial.options.assignees
    if not (await trial.standing(task)).assignee:
        raise NotTried("Nobody has the task.")
    taken = await trial.connector.claim(trial.api, task.id, second)
    if taken is not None and taken.outcome == "done":
        raise Differs(f"“{first}” has the task, and “{second}” could claim it.")
    await trial.has(task, first)


@LINES.line(
    "A task can be given to another person",
    "A forwarded or escalated task stays with its person, although wfpush says that it was given away.",
)
async def assign(trial: Trial) -> None:
    task, second = await trial.task("people"), trial.options.assignees[1]
    holder = (await trial.standing(task)).assignee
    if not holder:
        raise NotTried("Nobody has the task.")
    expect(await trial.assign(task, second, had=holder), "done")
    await trial.has(task, second)


@LINES.line(
    "A comment is stored with the task", "Questions and comments of people are lost for those who work in the engine."
)
async def comment(trial: Trial) -> None:
    task = await trial.task("people")
    _stored(await trial.tell(task, **COMMENTING))
    await trial.soon(lambda: _count(trial, task, COMMENT), "The engine accepted a comment and does not show it.")


@LINES.line("A comment is not repeated after a lost reply", "People in the engine read the same comment several times.")
async def comment_once(trial: Trial) -> None:
    task = await trial.task("people")
    _stored(await trial.tell(task, **COMMENTING, unsure=True))
    count = await _count(trial, task, COMMENT)
    if not count:
        raise NotTried("The engine does not show the comment.")
    if count > 1:
        raise Differs(f"After a lost reply, the comment is there {count} times.")


@LINES.line("A late task is shown as late", "People who work in the engine do not see that a task runs late.")
async def late(trial: Trial) -> None:
    task = await trial.task("people")
    words = f"Runs late, by the policy “Conformance”: it was due on {trial.due.isoformat()}."
    _stored(await trial.tell(task, does="late", comment=words))

    async def is_shown() -> bool:
        row = await trial.connector.open_row(trial.api, task.id) or {}
        return row.get("priority") == PRIORITY_OF_LATE or bool(await _count(trial, task, words))

    await trial.soon(is_shown, "The engine accepted the notice and shows neither a comment nor a higher priority.")


def _stored(result: Result) -> None:
    """Raises NotOffered if the engine has no place for it, and Differs if it was not accepted."""
    if result.reason.code in (reasons.NO_PLACE.name, reasons.NO_HISTORY.name):
        raise NotOffered(result.detail)
    expect(result, "done")


async def _count(trial: Trial, task: OwnTask, words: str) -> int:
    return sum(words in str(text) for text in await trial.sandbox.comments(task.id))
