"""A simulation as programs ask for it: `POST /api/v1/simulations` and `manage.py simulate` read and answer the same."""

from datetime import datetime
from typing import Any

from escalations.forecast import simulate
from escalations.forecast.simulate import Simulation
from notifications.errors import Invalid
from notifications.intake import cloudevents, eventdata, mapping
from notifications.items.representation import iso_utc
from notifications.models import Engine, Task
from notifications.reasons import in_text
from notifications.types import Json

MEMBERS = ("event", "task", "engine", "now")


def run(payload: Any, now: datetime) -> Simulation:
    """Simulate `{"event": {…}}` or `{"task": "…"}`, with `engine` if there are several, and `now`.

    Raises Invalid and InvalidEvent, with pointers.
    """
    if not isinstance(payload, dict):
        raise _invalid("", "An object is needed, with event or task.")
    for name in payload:
        if name not in MEMBERS:
            raise _invalid(f"/{name}", f"There is no such member; there are {', '.join(MEMBERS)}.")
    if ("event" in payload) == ("task" in payload):
        raise _invalid("", "Give either an event or a task.")
    engine, instant = _engine(payload.get("engine")), _now(payload.get("now"), now)
    if "task" in payload:
        return simulate.of_task(_task(payload["task"], engine), instant)
    engine, event = _one(engine), payload["event"]
    if isinstance(event, dict) and "specversion" in event:
        return simulate.of_event(engine, cloudevents.structured(event), instant)
    return simulate.of_event(engine, mapping.read(engine, event), instant)


def _engine(slug: Any) -> Engine | None:
    if slug is None:
        return None
    engine = Engine.objects.filter(slug=slug).first() if isinstance(slug, str) else None
    if engine is None:
        raise _invalid("/engine", "There is no engine of this slug.")
    return engine


def _one(engine: Engine | None) -> Engine:
    engines = [engine] if engine is not None else list(Engine.objects.filter(active=True)[:2])
    if len(engines) != 1:
        raise _invalid("/engine", "Say which engine: its slug.")
    return engines[0]


def _now(text: Any, now: datetime) -> datetime:
    if text is None:
        return now
    instant = eventdata.instant(text)
    if instant is None:
        raise _invalid("/now", "Write an instant such as 2026-11-25T16:00:00Z.")
    return instant


def _task(task_id: Any, engine: Engine | None) -> Task:
    tasks = Task.objects.select_related("engine", "case", "assignee")
    matches = list(tasks.filter(task_id=task_id, **({"engine": engine} if engine else {}))[:2])
    if not matches:
        raise _invalid("/task", "There is no such task.")
    if len(matches) > 1:
        raise _invalid("/engine", "Several engines have a task of this id. Say which engine: its slug.")
    return matches[0]


def _invalid(pointer: str, detail: str) -> Invalid:
    return Invalid(detail, [{"pointer": pointer, "detail": detail}])


# --- the answer -------------------------------------------------------------------------------------------------------
def as_json(simulation: Simulation) -> Json:
    return {
        "now": iso_utc(simulation.now),
        "task": simulation.task or None,
        "policy": simulation.rules.name if simulation.rules else None,
        "why": str(simulation.why),
        "policies": [
            {"name": each.policy.name, "fits": each.fits, "reason": str(each.reason)} for each in simulation.tried
        ],
        "state": simulation.state or None,
        "started_at": iso_utc(simulation.started_at),
        "due_at": iso_utc(simulation.deadline),
        "rows": [
            {
                "at": iso_utc(row.at),
                "step": row.position,
                "number": row.number,
                "kind": row.kind,
                "result": row.result,
                "why": str(row.why),
                "told": in_text(row.told),
            }
            for row in simulation.rows
        ],
        "ends_early": simulation.ends_early,
        "recipients": in_text(simulation.event.plan.as_json().get("recipients", [])) if simulation.event else [],
    }
