"""What the page of rules shows is what is published, and what real events then do: random rules, people, events."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from escalations.admin.rules.answer import build_answer
from escalations.admin.rules.bundle import RuleForms
from escalations.admin.rules.events import as_if_new
from escalations.admin.rules.forms import WAIT
from escalations.admin.rules.saving import save
from escalations.forecast import simulate
from escalations.models import Escalation
from notifications.models import Absence, Category, Recipient, Route, Task, Template
from notifications.routing import pipeline
from notifications.types import Json
from tests.admin import sla
from tests.admin import world as story
from tests.admin.world import World
from tests.soak.installation import LONG

pytestmark = pytest.mark.soak

TARGETS = ("assignee", "candidates", "task_teams", "team", "team_lead", "manager", "initiator", "person", "recipients")
STEP_TARGETS = ("assignee", "candidates", "task_teams", "team", "manager", "person")

targets = st.lists(st.sampled_from(TARGETS), min_size=1, max_size=3, unique=True)
conditions = st.lists(
    st.sampled_from(
        [
            ("variables.amount", "gt", "1000"),
            ("variables.amount", "le", "1000"),
            ("task.kind", "eq", "approval"),
            ("case.title", "contains", "47"),
            ("task.assignee", "exists", ""),
        ]
    ),
    max_size=2,
    unique=True,
)
steps = st.lists(st.tuples(st.sampled_from(["30m", "2h", "1d"]), st.sampled_from(STEP_TARGETS)), max_size=3)
people = st.fixed_dictionaries(
    {},
    optional={
        "assignee": st.sampled_from(["alice", "bob", "carol"]),
        "candidates": st.lists(st.sampled_from(["alice", "bob", "zoe"]), min_size=1, unique=True),
        "teams": st.just(["finance"]),
    },
).filter(bool)


def fields(world: World, calendar: int, chosen: dict[str, Any]) -> Json:
    said: Json = {
        "name": "Random",
        "enabled": "on",
        "types": [WAIT],
        "goes_on": "on" if chosen["goes_on"] else "",
        "category": Category.objects.get(slug="approvals").pk,
        "template": Template.objects.get(slug="task").pk,
        "late-counted": "duration" if chosen["steps"] else "",
        "late-time": "business",
        "late-calendar": calendar,
    }
    named = {"team": world.team.pk, "person": "carol"}
    parts: dict[str, list[Json]] = {
        "conditions": [{"path": path, "operator": how, "value": value} for path, how, value in chosen["conditions"]],
        "targets": [{"kind": kind, **_names(kind, named)} for kind in chosen["targets"]],
        "steps": [
            {"offset": after, "kind": "notify", "target": target, "level": 1, **_names(target, named)}
            for after, target in chosen["steps"]
        ],
        "texts": [],
    }
    for prefix, rows in parts.items():
        said |= {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": 0}
        said |= {f"{prefix}-{at}-{name}": value for at, row in enumerate(rows) for name, value in row.items()}
    return {name: value for name, value in said.items() if value != ""}


def _names(kind: str, named: Json) -> Json:
    return {kind: named[kind]} if kind in named else {}


def told(plan: Json) -> list[Json]:
    """Who gets what, why and by which channels; without the rows' own ids."""
    return [
        {**{name: each[name] for name in ("name", "route", "title", "reason_fact")}, "channels": each["channels"]}
        for each in plan.get("recipients") or []
    ]


def steps_of(simulation: Any) -> Iterator[tuple[Any, ...]]:
    for row in simulation.rows:
        yield row.position, row.kind, row.result, sorted(each["name"] for each in row.told)


class Undone(Exception):
    pass


@settings(max_examples=200 if LONG else 3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    chosen=st.fixed_dictionaries(
        {"conditions": conditions, "targets": targets, "steps": steps, "goes_on": st.booleans()}
    ),
    who=people,
    away=st.sampled_from(["", "bob", "alice"]),
)
@example(
    chosen={"conditions": [], "targets": ["team"], "steps": [("2h", "team"), ("1d", "manager")], "goes_on": False},
    who={"assignee": "bob"},
    away="bob",
)
def test_what_is_shown_is_what_happens(chosen: dict[str, Any], who: dict[str, Any], away: str, world: World) -> None:
    by = User.objects.get(username="carol")
    try:
        with transaction.atomic():
            if away:
                absent = Recipient.objects.get(ref=away)
                times = {"begins_at": world.now, "ends_at": world.now + timedelta(days=30)}
                Absence.objects.update_or_create(recipient=absent, defaults={"delegate": world.carol, **times})
            came = story.send(world, "e-1", "task.assigned", story.invoice("T-1", 4711, **who))
            posted = fields(world, sla.calendar().pk, chosen)
            answer = build_answer(RuleForms(Route(), posted), by, timezone.now(), event=str(came.pk), may_read=True)
            shown = answer.tried
            assert shown is not None
            with transaction.atomic():
                rule = RuleForms(Route(), posted)
                assert rule.is_valid(), list(rule.faults())
                save(rule, by, timezone.now())
            dry = pipeline.dry_run(world.engine, as_if_new(came, timezone.now()), timezone.now()).plan.as_json()
            assert told(dry) == told(shown.plan)
            data = {**came.data, "task": {**came.data["task"], "id": "T-2"}}
            event = story.send(world, "e-2", "task.assigned", data)
            assert told(event.plan) == told(shown.plan)
            assert event.plan["routes"][0]["matched"] == shown.plan["routes"][0]["matched"]
            clock = Escalation.objects.filter(task=Task.objects.get(task_id="T-2")).first()
            ahead = simulate.of_task(clock.task, timezone.now()) if clock is not None else None
            happens = list(steps_of(ahead)) if ahead is not None else []
            names = [sorted(line.text.split(" (")[0] for line in step.recipients) for step in shown.steps]
            assert [row[3] for row in happens] == names
            raise Undone
    except Undone:
        pass
