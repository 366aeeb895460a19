"""Engines that deviate in one thing: the kit finds each deviation on the lines that it belongs to."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from notifications.conformance import kit
from notifications.conformance.tests.engines import Accounts, Camunda8, Request, Runs, Twist
from notifications.conformance.tests.runs import run_kit
from tests.engines.guards import SERVICE
from tests.engines.server import Answer

SERVER_OF_TEXTS = Camunda8
C7, C8, FLOWABLE, OPENTEXT = "camunda7", "camunda8", "flowable", "opentext"
Before = Callable[[Runs], None]


# --- ways to deviate --------------------------------------------------------------------------------------------------
def reply(where: str, change: Callable[[Any], Any]) -> Twist:
    """Change the JSON of successful replies to requests such as `POST /task/1/complete`."""

    def twist(request: Request) -> Answer:
        answer = request.act()
        if re.search(where, request.line) and answer.status < 300:
            return replace(answer, body=change(json.loads(json.dumps(answer.body))))
        return answer

    return twist


def instead(where: str, status: int, body: Any = None, *, of: int | None = None) -> Twist:
    """Reply so to such requests, without doing anything. `of`: do it, and replace only this status."""

    def twist(request: Request) -> Answer:
        if not re.search(where, request.line):
            return request.act()
        answer = request.act() if of is not None else None
        return Answer(status, body) if answer is None or answer.status == of else answer

    return twist


def twice(where: str) -> Twist:
    def twist(request: Request) -> Answer:
        if re.search(where, request.line):
            request.act()
        return request.act()

    return twist


def rows(change: Callable[[dict[str, Any]], Any]) -> Callable[[Any], Any]:
    """Change each row of a list, wherever it is in the reply."""

    def changed(body: Any) -> Any:
        if isinstance(body, list):
            return [change(row) if isinstance(row, dict) else row for row in body]
        if isinstance(body, dict):
            return {name: changed(value) for name, value in body.items()}
        return body

    return changed


def member(name: str, value: Any) -> Callable[[Any], Any]:
    """Give a member of each row a value, or what a function makes of its value."""

    def changed(row: dict[str, Any]) -> dict[str, Any]:
        if row.get(name) is None:
            return row
        return row | {name: value(row[name]) if callable(value) else value}

    return rows(changed)


def variable(name: str, value: Callable[[Any], Any]) -> Before:
    """Store a variable of an answer as something else."""

    def before(engine: Runs) -> None:
        complete = engine.book.complete

        def changed(task: Any, by: str, variables: Any, outcome: str = "", sent: Any = None) -> None:
            if name in variables:
                stored = value(variables[name])
                variables = variables | {name: stored}
                shown = json.dumps(stored) if isinstance(engine, SERVER_OF_TEXTS) else stored
                sent = sent | {name: sent[name] | {"value": shown}}
            complete(task, by, variables, outcome, sent)

        engine.book.complete = changed  # type: ignore[method-assign]

    return before


def without_zone(text: str) -> str:
    return re.sub(r"(Z|[+-]\d\d:?\d\d)$", "", text)


def an_hour_later(text: str) -> str:
    return re.sub(r"T(\d\d)", lambda hour: f"T{(int(hour[1]) + 1) % 24:02}", text)


def listing(**changes: Any) -> Before:
    """Answer polls as if they had asked for something else."""

    def before(engine: Runs) -> None:
        listed = engine.listed_tasks
        engine.listed_tasks = lambda **given: listed(**given | ({} if given.get("process") else changes))  # type: ignore[method-assign]

    return before


def newest_first(engine: Runs) -> None:
    listed = engine.listed_tasks
    engine.listed_tasks = lambda **given: list(reversed(listed(**given)))  # type: ignore[method-assign]


class Lenient(Accounts):
    """`taken_for`: the account that each name counts as, whatever its secret is."""

    def __init__(self, **taken_for: str) -> None:
        self.taken_for = taken_for

    def who(self, headers: Mapping[str, str]) -> str | None:
        name = super().who(headers)
        return self.taken_for.get((name or "nobody").replace("-", "_"), name)


def guard(**taken_for: str) -> Before:
    def before(engine: Runs) -> None:
        engine.guard = Lenient(**taken_for)

    return before


def no_history(engine: Runs) -> None:
    engine.keeps_history = False  # type: ignore[attr-defined]


def shows_ended_as_open(request: Request) -> Answer:
    answer, task = request.act(), request.server.book.tasks.get(request.line.rpartition("/")[2])
    if request.line.startswith("GET") and answer.status == 404 and task is not None:
        return Answer(200, request.server.task_json(task))  # type: ignore[attr-defined]
    return answer


def takes_away(request: Request) -> Answer:
    if request.line.endswith("/claim"):
        request.server.book.tasks[request.line.split("/")[-2]].assignee = request.body["userId"]
        return Answer(204)
    return request.act()


def amount_as_text(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"value": str(row["value"])} if row["name"] == "kit_amount" else row


def does_not_complete(engine: Runs) -> None:
    engine.book.complete = lambda *given, **more: None  # type: ignore[method-assign]


def forgets_answers(request: Request) -> Answer:
    asks = request.line.endswith("/variables/search") and request.body.get("filter", {}).get("name") == "wfpush_answer"
    return Answer(200, {"items": []}) if asks else request.act()


# --- the deviations ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Deviation:
    """`lines`: on which it is found."""

    name: str
    kind: str
    lines: str
    twist: Twist | None = None
    before: Before | None = None


COMPLETE = r"POST .*/(complete|completion)$"
DEVIATIONS = [
    Deviation("its count is missing", C7, "connection", reply("GET .*/task/count", lambda body: {})),
    Deviation("wrong key let in", C7, "wrong-key", before=guard(nobody=SERVICE)),
    Deviation("wrong key is a fault", FLOWABLE, "wrong-key", instead(".", 500, {"message": "Oops"}, of=401)),
    Deviation("limited account decides", C7, "wrong-scope", before=guard(wfpush_reader=SERVICE)),
    Deviation(
        "limited account is a fault",
        C8,
        "wrong-scope",
        instead(COMPLETE, 500, {"title": "Oops", "status": 500}, of=403),
    ),
    Deviation("no task appears", C8, "start", reply("POST .*/user-tasks/search", lambda body: {"items": []})),
    Deviation(
        "a task is read as another",
        FLOWABLE,
        "read",
        reply(r"GET .*/runtime/tasks/\d+$", lambda body: body | {"id": "1"}),
    ),
    Deviation("new tasks are not listed", C8, "task-list pages", before=listing(after="2999-01-01T00:00:00Z")),
    Deviation("the beginning is ignored", C7, "newer-only", before=listing(after=None)),
    Deviation("the page size is ignored", C7, "pages", before=listing(most=1000)),
    Deviation("newest first", FLOWABLE, "pages", before=newest_first),
    Deviation("creation without zone", FLOWABLE, "creation-time", reply("GET", member("createTime", without_zone))),
    Deviation("due without zone", C7, "due", reply("GET", member("due", without_zone))),
    Deviation("due an hour later", C8, "due", reply("POST .*/search", member("dueDate", an_hour_later))),
    Deviation("due is missing", FLOWABLE, "due", reply("GET", member("dueDate", None))),
    Deviation("candidates are missing", C7, "candidates", reply("GET .*/identity-links", lambda body: [])),
    Deviation(
        "candidates are refused",
        FLOWABLE,
        "candidates due event",
        instead("GET .*/identitylinks", 403, {"message": "?"}),
    ),
    Deviation(
        "tasks without process", C7, "event", reply(r"GET /engine-rest/task\?", member("processInstanceId", None))
    ),
    Deviation("amounts are text", FLOWABLE, "values", reply(r"GET .*/variables", rows(amount_as_text))),
    Deviation("claims are refused", C7, "claim", instead("POST .*/claim$", 500, {"type": "?", "message": "?"})),
    Deviation("a claim takes a task away", C7, "claim-taken", takes_away),
    Deviation("assigning is ignored", C7, "assign", instead("POST .*/assignee$", 204)),
    Deviation("assigning is ignored", OPENTEXT, "assign", instead("PUT", 200)),
    Deviation("comments are lost", C7, "comment late", instead("POST .*/comment/create", 200, {"id": "1"})),
    Deviation("comments are doubled", FLOWABLE, "comment-once", twice("POST .*/comments")),
    Deviation("priorities are ignored", C8, "late", instead("PATCH", 204)),
    Deviation("completing is ignored", C8, "complete ended-elsewhere", before=does_not_complete),
    Deviation(
        "a proxy adds a page",
        C7,
        "complete delegated ended-elsewhere",
        instead(COMPLETE, 200, "<html>OK</html>", of=204),
    ),
    Deviation("the outcome is lost", FLOWABLE, "gateway", before=variable("wfpush_outcome", lambda value: "")),
    Deviation(
        "letters are lost",
        C7,
        "texts",
        before=variable("kit_answer_text", lambda text: text.encode("ascii", "replace").decode()),
    ),
    Deviation("yes is one", C8, "yes-or-no", before=variable("kit_answer_yes", int)),
    Deviation("long numbers are rounded", C7, "whole-numbers", before=variable("kit_answer_long", float)),
    Deviation(
        "long numbers are rounded", C8, "whole-numbers", before=variable("kit_answer_long", lambda value: value - 1)
    ),
    Deviation("amounts become text", FLOWABLE, "decimals", before=variable("kit_answer_decimal", str)),
    Deviation("amounts are rounded", OPENTEXT, "decimals", before=variable("kit_answer_decimal", round)),
    Deviation("dates lose their zone", C7, "dates", before=variable("kit_answer_day", without_zone)),
    Deviation("dates move by an hour", FLOWABLE, "dates", before=variable("kit_answer_day", an_hour_later)),
    Deviation("lists are flattened", C8, "lists", before=variable("kit_answer_rows", lambda value: list(value))),
    Deviation("answers are forgotten", C8, "lost-reply", forgets_answers),
    Deviation(
        "a second answer counts", C8, "second-answer ended-elsewhere cancelled unknown", instead(COMPLETE, 204, of=404)
    ),
    Deviation("delegated tasks are skipped", FLOWABLE, "delegated", instead("POST", 200, of=500)),
    Deviation("wrong types are accepted", C7, "refused", instead(COMPLETE, 204, of=400)),
    Deviation("a refusal has no reason", FLOWABLE, "refused", instead("POST", 400, {}, of=400)),
    Deviation("ended tasks are open", FLOWABLE, "complete delegated ended-elsewhere cancelled", shows_ended_as_open),
    Deviation("no history", C7, "lost-reply ended-by cancelled", before=no_history),
    Deviation(
        "the last assignee is lost",
        FLOWABLE,
        "ended-by",
        reply("GET .*/history/historic-task", lambda body: body | {"assignee": None}),
    ),
    Deviation(
        "cancelled is completed",
        C8,
        "cancelled",
        reply("GET .*/user-tasks/", lambda body: body | {"state": body["state"].replace("CANCELED", "COMPLETED")}),
    ),
    Deviation(
        "unknown tasks are a page",
        C7,
        "unknown",
        instead("POST .*/task/0000.*/complete", 404, "<html>Not found</html>"),
    ),
]


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda each: f"{each.kind}: {each.name}")
async def test_a_deviation_is_found_on_its_line(deviation: Deviation) -> None:
    run = await run_kit(deviation.kind, deviation.twist, before=deviation.before)

    assert run.keys("differs") == set(deviation.lines.split()), "\n".join(run.printed)


def test_each_line_can_be_found_to_differ() -> None:
    assert {line.key for line in kit.REST_LINES} == {key for each in DEVIATIONS for key in each.lines.split()}
