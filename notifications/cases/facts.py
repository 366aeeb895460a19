"""What conditions look at and templates may use: what events have said of a task, and its case as it now is."""

from notifications.cases.task_state import merged
from notifications.models import Case, Event, Task
from notifications.types import Json, object_in


def facts_of_task(
    task: Task | None, case: Case | None, event: Event | None = None, *, task_is_newer: bool = False
) -> Json:
    """With an event: its data over its task's, or below them if the task knows of later events. Without, for rules of
    tasks: as if the task were assigned now."""
    said = event.data if event is not None else {}
    known = task.data if task is not None else {}
    facts = merged(said, known) if task_is_newer else merged(known, said)
    if case is not None:
        facts["case"] = {**_case(case), **(object_in(said, "case") if event is not None else _told(facts))}
        if case.roles:  # with what was known before
            facts["case"]["roles"] = case.roles
    if event is not None:
        if task is not None and task.info:
            facts.setdefault("info", task.info[-1]["text"])
        about = {"type": event.type, "source": event.source, "subject": event.subject, "engine": event.engine.slug}
    else:
        about = {"type": "task.assigned", "engine": task.engine.slug if task is not None else ""}
    facts["event"] = about
    return facts


def _case(case: Case) -> Json:
    return {"id": case.case_id, "title": case.title, "type": case.type, "status": case.status, "url": case.url}


def _told(facts: Json) -> Json:
    """Of its case. An empty word of an event is none."""
    return {name: value for name, value in object_in(facts, "case").items() if value}
