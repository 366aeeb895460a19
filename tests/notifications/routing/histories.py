"""Drawn for tests of batches: events, edits of the configuration between them, and faults in the middle of a batch."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from unittest.mock import patch
from uuid import UUID

from hypothesis import strategies as st

from escalations.models import Policy
from notifications.models import (
    Absence,
    Brand,
    Category,
    CustomerText,
    Event,
    EventType,
    EventVariable,
    Recipient,
    Route,
    Team,
    Template,
    TemplateText,
)
from notifications.routing import batch, pipeline
from notifications.types import Json
from notifications.wording import template_versions
from tests.support.story import Story
from wfpush.queue import outbox

NOW = datetime.fromisoformat("2026-11-02T12:00:00+00:00")

# --- events -----------------------------------------------------------------------------------------------------------
PEOPLE = ["alice", "bob", "carol", "p0", "p1", "p2", "p3", "nobody", "bob@example.org"]
named = st.one_of(
    st.sampled_from(PEOPLE),
    st.builds(
        lambda ref, name: {"ref": ref, "name": name, "locale": "de"},
        st.sampled_from(["erin", "frank"]),
        st.sampled_from(["Erin", "Frank"]),
    ),
)
tasks = st.fixed_dictionaries(
    {"id": st.sampled_from([f"T-{number}" for number in range(12)]), "name": st.just("Approve it")},
    optional={
        "assignee": named,
        "candidates": st.lists(named, max_size=3),
        "teams": st.lists(st.sampled_from(["finance", "night", "nowhere"]), max_size=2),
        "initiator": named,
        "priority": st.sampled_from(["low", "normal", "urgent"]),
        "due_at": st.sampled_from(["2026-11-03T09:00:00Z", "2026-11-01T09:00:00Z"]),
        "actions": st.sampled_from([["approve", "reject"], []]),
    },
)
data = st.fixed_dictionaries(
    {},
    optional={
        "task": tasks,
        "case": st.fixed_dictionaries(
            {"id": st.sampled_from(["C-1", "C-2", "C-3"])},
            optional={"title": st.sampled_from(["One", "Two"]), "status": st.sampled_from(["begun", "over"])},
        ),
        "customer": named,
        "recipients": st.lists(named, max_size=2),
        "info": st.just("42"),
        "result": st.just({"action": "approve", "by": "carol"}),
        "documents": st.just([{"title": "Bill", "url": "javascript:alert(1)"}]),
    },
)
types = st.sampled_from(
    [
        *["task.assigned"] * 5,
        *["task.updated", "task.completed", "task.cancelled", "task.info_supplied"],
        *["case.milestone", "exception.raised", "process.message"],
    ]
)
Drawn = tuple[str, Json, int, bool]
"""An event: its type, its data, its minute, and whether the second engine sends it."""
events = st.lists(st.tuples(types, data, st.integers(0, 90), st.booleans()), min_size=1, max_size=12)


# --- edits ------------------------------------------------------------------------------------------------------------
def some_route(number: int) -> Route:
    """One that events here meet."""
    return Route.objects.get(name=["Tasks", "To followers", "Tasks", "To customer"][number % 4])


def route_on_or_off(story: Story, number: int) -> None:
    route = some_route(number)
    Route.objects.filter(pk=route.pk).update(enabled=not route.enabled)


def route_sooner(story: Story, number: int) -> None:
    """Before the others, and perhaps the last that is tried."""
    Route.objects.filter(pk=some_route(number).pk).update(priority=-number, stop=number % 2 == 0)


CONDITIONS = [("task.priority", "eq", "urgent"), ("event.engine", "ne", "second"), ("case.status", "missing", "")]


def route_with_condition(story: Story, number: int) -> None:
    route = some_route(number)
    if not route.conditions.all().delete()[0]:
        path, operator, value = CONDITIONS[number % 3]
        route.conditions.create(path=path, operator=operator, value=value)


def route_to_others(story: Story, number: int) -> None:
    route = some_route(number)
    if number % 2:
        route.targets.all().delete()
    route.targets.create(kind="person", person=[story.alice, story.carol][number % 4 // 2])


def route_branded(story: Story, number: int) -> None:
    brand, _ = Brand.objects.get_or_create(slug=f"brand-{number % 2}", defaults={"name": f"Brand {number % 2}"})
    if number % 3:
        Route.objects.filter(pk=some_route(number).pk).update(brand=brand)
    else:
        Recipient.objects.filter(ref__in=["bob", "p0"]).update(brand=brand)


def template_published(story: Story, number: int) -> None:
    template = Template.objects.get(slug=["task", "case-milestone", "exception-raised"][number % 3])
    draft = template_versions.new_draft(template, template.versions.get(state="published"))
    for texts in (TemplateText, CustomerText):  # the name of a task may be hidden by now
        texts.objects.filter(version=draft).update(title=f"Edition {number}: {{{{ event.type }}}}")
    template_versions.publish(draft, None, NOW)


def template_edited(story: Story, number: int) -> None:
    """By a bulk update, which publishes nothing."""
    TemplateText.objects.filter(version__state="published").update(body=f"Body {number} of {{{{ brand.name }}}}")


def policy_changed(story: Story, number: int) -> None:
    if number % 3:
        Policy.objects.update(minutes=60 + number, pauses=number % 2 == 0)
    else:
        Policy.objects.update(enabled=not Policy.objects.get().enabled)


CHANNELS = [["live"], ["live", "email"], ["live", "webpush", "email"], ["live", "email", "webpush"]]


def category_channels(story: Story, number: int) -> None:
    Category.objects.filter(pk=some_route(number).category_id).update(channels=CHANNELS[number % 4])


def category_of_route(story: Story, number: int) -> None:
    categories = Category.objects.order_by("slug")
    Route.objects.filter(pk=some_route(number).pk).update(category=categories[number % categories.count()])


def somebody_away(story: Story, number: int) -> None:
    person = Recipient.objects.get(ref=["alice", "bob", "p0", "p1"][number % 4])
    if not Absence.objects.filter(recipient=person).delete()[0]:
        begins, ends = NOW - timedelta(hours=1), NOW + timedelta(days=1 + number)
        Absence.objects.create(recipient=person, begins_at=begins, ends_at=ends, delegate=story.carol)


def team_changed(story: Story, number: int) -> None:
    Team.objects.get(slug="night").members.set(Recipient.objects.filter(ref__in=["p2", "alice", "p0"][: number % 4]))


def variable_hidden(story: Story, number: int) -> None:
    type, _ = EventType.objects.get_or_create(name="task.assigned")
    hidden = {"sensitive": number % 2 == 0}
    EventVariable.objects.update_or_create(event_type=type, path="task.name", defaults=hidden)


EDITS: dict[str, Callable[[Story, int], None]] = {
    edit.__name__: edit
    for edit in (
        *(route_on_or_off, route_sooner, route_with_condition, route_to_others, route_branded),
        *(template_published, template_edited, policy_changed, category_channels, category_of_route),
        *(somebody_away, team_changed, variable_hidden),
    )
}
edits = st.lists(st.tuples(st.sampled_from(sorted(EDITS)), st.integers(0, 12)), min_size=1, max_size=2)


# --- faults -----------------------------------------------------------------------------------------------------------
POINTS = ["deciding", "writing", "finishing", "finishing several", "lease lost", "killed"]


class Killed(BaseException):
    """As a SIGKILL: nothing that the worker was about to do is done."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one event, and where in its processing."""

    event: int
    point: str

    @contextmanager
    def happening(self, event: Event, *, one_by_one: bool) -> Iterator[None]:
        """Within, whenever that event is processed. Of a killed worker's batch nothing has happened: one by one it is
        killed before its first event."""
        advance, write, finish_together = pipeline.advance, batch.Batch.write, outbox.finish_together
        run_together = pipeline.run_together

        def begins(events: Sequence[Event]) -> None:
            if one_by_one and self.point == "killed" and event in events:
                raise Killed
            run_together(events)

        def decides(each: Event, of: batch.Batch) -> pipeline.Result:
            result = advance(each, of)
            if each == event and self.point == "killed":
                raise Killed
            self._raise_if(each == event and self.point == "deciding")
            return result

        def writes(of: batch.Batch) -> None:
            write(of)
            self._raise_if(event in of.notes and self.point == "writing")

        def finishes(events: list[Event], names: tuple[str, ...]) -> int:
            if event in events and self.point == "lease lost":
                Event.objects.filter(pk=event.pk).update(lease_token=UUID(int=1))
            done = finish_together(events, names)
            self._raise_if(event in events and self.point == "finishing")
            self._raise_if(event in events and self.point == "finishing several" and len(events) > 1)
            return done

        with (
            patch.object(pipeline, "run_together", begins),
            patch.object(pipeline, "advance", decides),
            patch.object(batch.Batch, "write", writes),
            patch.object(outbox, "finish_together", finishes),
        ):
            yield

    def _raise_if(self, now: bool) -> None:
        if now:
            raise ValueError(f"it fails at {self.point}")


faults = st.none() | st.builds(Fault, st.integers(0, 15), st.sampled_from(POINTS))


# --- all of it --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Burst:
    """Events that arrive together, what goes wrong with them, and what is edited when all of them are processed."""

    events: list[Drawn]
    fault: Fault | None
    edits: list[tuple[str, int]]


histories = st.lists(st.builds(Burst, events, faults, edits), min_size=2, max_size=3)
