"""Steps that call the engine: it is told, or asked to give the task to somebody else. What becomes of it: callback.py.

The engine is right about its tasks: who has one changes here once it has changed there.
"""

import json
from collections.abc import Iterable, Sequence

from django.db.models import Max

from escalations.kinds import reasons
from escalations.kinds.step_run import SOURCE, TYPE, Taken, Taking, event_of
from escalations.kinds.targets import Search, Staff, whom
from escalations.models import RunResult
from notifications.answers import four_eyes
from notifications.cases import task_state
from notifications.errors import FourEyes
from notifications.items.representation import stamp
from notifications.models import Callback, CallbackState, Event, Recipient, Task
from notifications.people import resolver
from notifications.types import Json
from wfpush.queue import outbox

REASSIGN = "task.reassignment_requested"


# --- telling it -------------------------------------------------------------------------------------------------------
def tell(takings: Sequence[Taking]) -> list[Taken]:
    return [_tell(taking) for taking in takings]


def _tell(taking: Taking) -> Taken:
    if not taking.task.engine.callback_url:
        return _no_address(taking)
    return Taken(RunResult.DONE, f"{taking.task.engine} is told", event=_call(taking, TYPE))


def _no_address(taking: Taking) -> Taken:
    return Taken(RunResult.NOBODY, f"{taking.task.engine} has no address to call")


# --- giving the task to somebody else ---------------------------------------------------------------------------------
def reassign(takings: Sequence[Taking]) -> list[Taken]:
    """To the first who is found, absences and fallback owner as for messages."""
    if not takings:
        return []
    staff = Staff(takings[0].now)
    return [_reassign(taking, staff) for taking in takings]


def _reassign(taking: Taking, staff: Staff) -> Taken:
    task = taking.task
    if not task.engine.callback_url:
        return _no_address(taking)
    search = Search(task, taking.step, staff)
    found = whom(search, taking.rules)
    if not found:
        return Taken(RunResult.NOBODY, "; ".join(search.notes))
    person, reason = found[0].recipient, found[0].reason
    if person.pk == task.assignee_id:
        return Taken(RunResult.DONE, reasons.HAS_IT % {"name": person})
    if person.ref in _had_it(task):  # else managers in a circle pass it round for ever
        return Taken(RunResult.NOBODY, reasons.HAD_IT % {"name": person})
    event = _call(taking, REASSIGN, to=person.as_person())
    asked = reasons.ASKED % {"engine": task.engine, "name": person, "reason": reason}
    return Taken(RunResult.DONE, "; ".join([asked, *_four_eyes(task, person)]), event=event)


def _had_it(task: Task) -> set[str]:
    """From whom such a step has taken it."""
    done = task.callbacks.filter(response=None, state=CallbackState.DELIVERED).values_list("body", flat=True)
    said = [json.loads(body) for body in done]
    return {each["data"]["assignee"]["ref"] for each in said if each["type"] == REASSIGN and each["data"]["assignee"]}


def _four_eyes(task: Task, person: Recipient) -> Iterable[str]:
    """It is theirs all the same, to pass on or to ask about."""
    try:
        four_eyes.check(task, person)
    except FourEyes as refused:
        yield reasons.FOUR_EYES % {"name": person, "rule": refused.extra["rule"]}


# --- the call ---------------------------------------------------------------------------------------------------------
def _call(taking: Taking, type: str, **more: Json) -> Event:
    """In its turn among the task's answers."""
    task, event = taking.task, event_of(taking)
    event.save(force_insert=True)
    last = task.callbacks.aggregate(last=Max("position"))["last"] or 0
    Callback.objects.create(
        id=event.pk,
        engine_id=task.engine_id,
        task=task,
        position=last + 1,
        **outbox.scheduled(taking.now),
        body=_word(taking, event, type, more),
    )
    outbox.wake_on_commit("callbacks")
    return event


def _word(taking: Taking, event: Event, type: str, more: Json) -> str:
    """The CloudEvent of docs/api.md, "Answers out to the engine", written once: every retry is byte-identical."""
    task = taking.task
    data = {
        "task_id": task.task_id,
        "case_id": task.case.case_id if task.case else None,
        "policy": taking.rules.name,
        "step": taking.step.position,
        "number": taking.occurrence.number,
        "due_at": stamp(taking.escalation.deadline),
        "raised_at": stamp(taking.now),
        "assignee": _holder(task),
        **more,
    }
    said = {
        "specversion": "1.0",
        "id": str(event.pk),
        "source": SOURCE,
        "type": type,
        "subject": task.task_id,
        "time": stamp(taking.now),
        "datacontenttype": "application/json",
        "data": data,
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _holder(task: Task) -> Json | None:
    """Who has it: one whom nobody here knows, as the engine has named them."""
    if task.assignee is not None:
        return task.assignee.as_person()
    named = resolver.ref_of(task_state.part(task.data, "task").get("assignee"))
    return {"ref": named, "name": named} if named else None
