"""The facts that conditions read and templates may use: the data of a task's events, and its current case."""

from notifications.cases.task_state import merged
from notifications.models import Case, Event, Task
from notifications.types import Json, object_in


def facts_of_task(
    task: Task | None, case: Case | None, event: Event | None = None, *, task_is_newer: bool = False
) -> Json:
    """Return the facts that rules read. With an event: its data over its task's, or below them if the task knows of
    later events. Without one, for rules of tasks: as if the task were assigned now."""
    event_data = event.data if event is not None else {}
    task_data = task.data if task is not None else {}
    facts = merged(event_data, task_data) if task_is_newer else merged(task_data, event_data)
    if case is not None:
        case_fields = object_in(event_data if event is not None else facts, "case")
        facts["case"] = {
            **{"id": case.case_id, "title": case.title, "type": case.type, "status": case.status, "url": case.url},
            **{name: value for name, value in case_fields.items() if value or event is not None},
        }
        if case.roles:  # includes roles from earlier events
            facts["case"]["roles"] = case.roles
    if event is not None:
        if task is not None and task.info:
            facts.setdefault("info", task.info[-1]["text"])
        origin = {"type": event.type, "source": event.source, "subject": event.subject, "engine": event.engine.slug}
    else:
        origin = {"type": "task.assigned", "engine": task.engine.slug if task is not None else ""}
    facts["event"] = origin
    return facts
