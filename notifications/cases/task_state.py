"""Applies an event to its task and case: the state machine of docs/api/events.md, "Effect on tasks"."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from notifications import reasons
from notifications.cases import lifecycle, messages, pending_updates
from notifications.cases.locking import ENDINGS, MESSAGE, LockedRows, asks, changes_its_task
from notifications.forms.fields import form_of, marked
from notifications.intake.eventdata import instant_in, title_in
from notifications.models import (
    CLOSED,
    MOST_TEXT,
    Case,
    Event,
    EventStatus,
    MessageKind,
    Priority,
    Recipient,
    Task,
    TaskState,
)
from notifications.people.resolver import Directory, PersonInEvent, ref_of
from notifications.people.roster import Roster
from notifications.reasons import Reason
from notifications.types import Json, behaviour_of, object_in, text_in
from notifications.wording.plaintext import clean, clean_line, cut
from wfpush.postgres.bulk import Writes

CLOCK_TOLERANCE = timedelta(minutes=5)
"""An event whose time is further ahead than this counts as happening on arrival."""

DEFAULT_ACTIONS = ["approve", "reject", "request_info", "acknowledge"]
"""The actions of a task whose engine names none."""


class OutOfTurn(Exception):
    """Raised if earlier events of the task were released after this one was claimed."""


@dataclass
class Change:
    """The effect of an event on its task and case."""

    task: Task | None = None
    case: Case | None = None
    status: EventStatus = EventStatus.PROCESSED
    notes: list[Reason] = field(default_factory=list)
    priority_rose: bool = False
    is_new: bool = False
    reassigned: bool = False
    closed: bool = False
    is_older: bool = False
    """True if the task knows of later events, whose data stay."""
    asks: bool = False
    """True if the event's notifications ask for the task's answer."""
    is_message: bool = False
    """True if the event is a message. The feature that shows messages notifies people of it; routes do not."""

    @property
    def counts(self) -> bool:
        return self.status == EventStatus.PROCESSED


def people_named(data: Json) -> list[PersonInEvent]:
    """Return all people that an event's data names, in the places that docs/api/events.md lists."""
    task, message, people = object_in(data, "task"), object_in(data, "message"), []
    people += [task.get("assignee"), task.get("initiator"), data.get("customer"), message.get("by")]
    roles = object_in(object_in(data, "case"), "roles")
    for many in (task.get("candidates"), data.get("recipients"), message.get("to"), *roles.values()):
        people += many if isinstance(many, list) else [many] if isinstance(many, str | dict) else []
    return [person for person in people if person]


def effective_time(event: Event) -> datetime:
    if event.time is None or event.time > event.received_at + CLOCK_TOLERANCE:
        return event.received_at
    return event.time


@dataclass(frozen=True)
class EventContext:
    """The rows that an event's transaction has locked and read, and the writes that collect its changes."""

    locked: LockedRows
    directory: Directory
    roster: Roster
    writes: Writes
    now: datetime


def apply(event: Event, context: EventContext) -> Change:
    """Apply an event to its task and case. Return the changes."""
    change = Change(case=context.locked.case(event), asks=asks(event))
    if changes_its_task(event):
        _apply_to_task(event, change, context)
    else:
        change.task = context.locked.mentioned(event)
    if change.case is not None and change.counts:
        _update_case(change.case, event, context)
    if change.task is not None and change.case is None:
        change.case = change.task.case
    return change


# --- cases ----------------------------------------------------------------------------------------
def _update_case(case: Case, event: Event, context: EventContext) -> None:
    """Update the case, unless a later event has set its status."""
    case_fields, when = object_in(event.data, "case"), effective_time(event)
    late = case.status_time is not None and when < case.status_time
    for name, limit in (("title", 300), ("type", 100), ("url", 2000)):
        if isinstance(case_fields.get(name), str) and not (late and getattr(case, name)):
            setattr(case, name, title_in(case_fields, name, limit) if name == "title" else case_fields[name][:limit])
    if isinstance(case_fields.get("roles"), dict):
        case.roles = _roles_after(case.roles or {}, case_fields["roles"], context.directory, late=late)
    if isinstance(case_fields.get("status"), str) and not late:
        case.status, case.status_time = case_fields["status"][:100], when
    context.writes.update(case)


def _roles_after(roles_before: Json, roles_in_event: Json, directory: Directory, *, late: bool) -> Json:
    """Return the roles after the event. Roles that it does not name stay, and so do those that a later event has named.
    An empty list ends a role. Looking people up creates rows of external ones."""
    roles = dict(roles_before)
    for role, people in roles_in_event.items():
        if people is None or (late and role in roles_before):
            continue
        holders = people if isinstance(people, list) else [people]
        for person in holders:
            directory.get(person)
        refs = list(dict.fromkeys(filter(None, map(ref_of, holders))))
        roles[role] = refs if isinstance(people, list) else refs[0]
    return {role: people for role, people in roles.items() if people}


# --- tasks ----------------------------------------------------------------------------------------
def _apply_to_task(event: Event, change: Change, context: EventContext) -> None:
    task = change.task = context.locked.task(event)
    if task is None:
        return
    behaviour, directory = behaviour_of(event.type), context.directory
    if any(earlier < event.pk for earlier in context.locked.released.get(task.pk, ())):
        raise OutOfTurn(f"Events of task {task.task_id} that came before are processed first.")
    if behaviour == MESSAGE:
        _take_message(task, event, change, context)
        return
    when = effective_time(event)
    change.is_new = _is_new(task)
    older = task.last_event_time is not None and when < task.last_event_time
    if behaviour in ENDINGS:
        _end(task, ENDINGS[behaviour], event, change, context)
        return
    first_assignment = behaviour == "task.assigned" and task.assigned_event_id is None and task.answerable
    if older and not first_assignment:
        change.status = EventStatus.STALE
        change.notes.append(reasons.OLDER_EVENT())
        return
    if is_answered(task) and pending_updates.untold_answers([task.pk]).exists():
        change.status = EventStatus.KEPT
        change.notes.append(reasons.ANSWER_WAITS())
        return
    if not task.answerable:
        change.status = EventStatus.IGNORED
        change.notes.append(reasons.TASK_HAD_ENDED(state=reasons.label(TaskState(task.state))))
        return
    before = task.priority
    _save(task, context)
    change.is_older = older
    take_data(task, event, keep_newer=older)
    if initiator := object_in(task.data, "task").get("initiator"):
        task.initiator = directory.get(initiator) or task.initiator
    task.case = change.case or task.case
    change.priority_rose = (
        task.priority == Priority.URGENT and before != Priority.URGENT and bool(task.assigned_event_id)
    )
    moment: lifecycle.Moment = "opened" if first_assignment else "changed"
    if behaviour == "task.assigned":
        change.reassigned = _assign(task, event, context)
        moment = "reassigned" if change.reassigned and not first_assignment else moment
    elif behaviour == "task.info_supplied":
        moment = _supply_info(task, event, context, when)
    if not older:
        task.last_event_time = when
    lifecycle.notify_observers(moment, task, now=context.now, writes=context.writes)


def is_answered(task: Task) -> bool:
    """Return whether a person has decided the task here, and the engine has not ended it."""
    return task.state == TaskState.ANSWERED


def _save(task: Task, context: EventContext) -> None:
    """Have the task written at the end of the batch, with all changes until then."""
    if task._state.adding:
        context.writes.insert(task)
    else:
        context.writes.update(task)


def take_data(task: Task, event: Event, *, keep_newer: bool = False) -> None:
    """Merge the event's data into the task's, in memory, and update the fields made from them, except people."""
    data_before = task.data if behaviour_of(event.type) != "task.assigned" else _without_people(task.data)
    old, new = (event.data, data_before) if keep_newer else (data_before, event.data)
    task.data = merged(old, new)
    task_fields = object_in(task.data, "task")
    task.name = title_in(task_fields, "name", 500)
    task.kind = text_in(task_fields, "kind", 60)
    task.url = text_in(task_fields, "url", 2000)
    if task_fields.get("priority") in Priority.values:
        task.priority = task_fields["priority"]
    task.due_at, task.expires_at = instant_in(task_fields, "due_at"), instant_in(task_fields, "expires_at")
    actions = task_fields.get("actions")
    task.actions = marked(actions if isinstance(actions, list) else DEFAULT_ACTIONS, form_of(task.data))


def merged(old: Json, new: Json) -> Json:
    """Return `new` over `old`, merged one level into objects."""
    result = dict(old)
    for name, value in new.items():
        old_member = result.get(name)
        result[name] = {**old_member, **value} if isinstance(old_member, dict) and isinstance(value, dict) else value
    return result


def _without_people(data: Json) -> Json:
    """Return the data without people: those of a new assignment replace the earlier ones."""
    task_fields = {
        name: value
        for name, value in object_in(data, "task").items()
        if name not in ("assignee", "candidates", "teams")
    }
    return {**data, "task": task_fields} if task_fields else data


def _assign(task: Task, event: Event, context: EventContext) -> bool:
    """Set the people of the task. Return whether it was other people's before. While there is an assignee, changed
    candidates do not count."""
    task_fields, before, directory = object_in(event.data, "task"), _people_of(task), context.directory
    task.assignee = directory.get(task_fields.get("assignee")) if task_fields.get("assignee") else None
    task.assigned_event = event
    candidates = _find_people(directory, task_fields.get("candidates"))
    teams = list(
        context.roster.teams(slug for slug in task_fields.get("teams") or [] if isinstance(slug, str)).values()
    )
    after = (task.assignee_id, {person.pk for person in candidates}, {team.pk for team in teams})
    if task._state.adding:
        for pk in after[1]:
            context.writes.insert(Task.candidates.through(task_id=task.pk, recipient_id=pk))
        for pk in after[2]:
            context.writes.insert(Task.teams.through(task_id=task.pk, team_id=pk))
    else:
        if after[1] != before[1]:
            task.candidates.set(candidates)
        if after[2] != before[2]:
            task.teams.set(teams)
    return after != before if task.assignee_id is None else after[0] != before[0]


def _people_of(task: Task) -> tuple[int | None, set[int], set[int]]:
    if _is_new(task):
        return None, set(), set()
    candidates, teams = task.candidates.all(), task.teams.all()  # prefetched for all tasks of the batch
    return task.assignee_id, {person.pk for person in candidates}, {team.pk for team in teams}


def _is_new(task: Task) -> bool:
    """Return whether no event has changed the task before. Then nobody has it, and no people need be read."""
    return task.last_event_time is None


def _find_people(directory: Directory, people: Any) -> list[Recipient]:
    recipients = [directory.get(person) for person in people or []]
    return [person for person in recipients if person is not None]


def _supply_info(task: Task, event: Event, context: EventContext, when: datetime) -> lifecycle.Moment:
    """Add the information as a reply of the engine. Other people who were asked need not reply any more."""
    text = clean(str(event.data.get("info", "")))[:MOST_TEXT]
    message, _ = messages.add(task, [], context.writes, due=True, kind=MessageKind.REPLY, text=text, at=when)
    context.writes.gather(messages.informed, (task.pk, context.now))
    task.info = [*task.info, messages.information(message)]
    if task.state != TaskState.INFO_REQUESTED:
        return "changed"
    messages.return_to_state_before(task)
    return "resumed"


def _take_message(task: Task, event: Event, change: Change, context: EventContext) -> None:
    """Add a message of the engine, also if it is late or out of order: a question, a reply, or a comment."""
    change.is_message = True
    if _is_new(task):
        change.task, change.status = None, EventStatus.IGNORED
        change.notes.append(reasons.UNKNOWN_TASK())
        return
    message_fields, directory = object_in(event.data, "message"), context.directory
    author = directory.get(message_fields.get("by")) if message_fields.get("by") else None
    content = {
        "text": clean(text_in(message_fields, "text"))[:MOST_TEXT],
        "author": author,
        "author_name": "" if author else _name_of(message_fields.get("by")),
        "at": effective_time(event),
        "late": not task.answerable,
    }
    addressees = _find_people(directory, message_fields.get("to") if isinstance(message_fields.get("to"), list) else [])
    people = [person for person in dict.fromkeys(addressees) if person.active]
    kind, reply_to = text_in(message_fields, "kind"), message_fields.get("reply_to")
    message = messages.take_from_engine(task, people, kind, reply_to, content, context.writes, context.now)
    change.notes.append(reasons.TOLD_AS(event=f"message/{message.pk}"))


def _name_of(person: Any) -> str:
    name = person.get("name") or person.get("ref") if isinstance(person, dict) else person
    return cut(clean_line(name), 200) if isinstance(name, str) else ""


def _end(task: Task, state: TaskState, event: Event, change: Change, context: EventContext) -> None:
    """End the task as the engine did. This always applies, whatever the event's time."""
    if task.state in CLOSED:
        change.status = EventStatus.IGNORED
        change.notes.append(reasons.TASK_HAD_ENDED_ALREADY())
        return
    was_open = task.answerable
    task.data = merged(event.data, task.data)
    task.name = task.name or title_in(object_in(task.data, "task"), "name", 500)
    task.case = task.case or change.case
    if was_open and isinstance(event.data.get("result"), dict):
        task.outcome = _result(event.data["result"])
    when = effective_time(event)
    task.last_event_time = max(task.last_event_time or when, when)
    task.state = state
    _save(task, context)
    change.closed = True
    if not was_open and not task._state.adding:
        context.writes.gather(pending_updates.drop, task.pk)
    lifecycle.notify_observers("closed", task, now=context.now, writes=context.writes)


def _result(statement: Json) -> Json:
    """Return the engine's statement about the decision, in the form of an outcome."""
    by = statement.get("by")
    person = by if isinstance(by, dict) else {"ref": by, "name": by}
    author = {
        "ref": str(person.get("ref") or ""),
        "name": clean_line(str(person.get("name") or person.get("ref") or "")),
    }
    return {
        "action": str(statement.get("action") or "")[:60],
        "by": author if author["ref"] or author["name"] else None,
        "at": statement["at"] if isinstance(statement.get("at"), str) else None,
        "engine": "handled",
        "detail_fact": None,
    }
