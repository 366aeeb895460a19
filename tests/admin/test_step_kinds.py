"""A step kind is its class: what is registered is offered, checked, taken, foreseen and worded wherever steps are."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.functional import lazystr

from escalations.api.views import StepRow
from escalations.forecast import simulate
from escalations.forecast.dead_ends import dead_ends
from escalations.kinds import KINDS, wording
from escalations.kinds.base import PEOPLE, Faults, StepDescription, StepKind, StepOutcome, Taking, event_of, whom
from escalations.models import Escalation, Policy, PolicyStep, RunResult, StepRun, StepTarget
from notifications.models import Recipient
from notifications.reasons import NOTHING
from notifications.roles import OPERATORS
from tests.admin import sla
from tests.admin.pages import filled, form_at, page_of, text_of
from tests.admin.test_policies import step_fields
from tests.admin.world import World
from tests.support.api import Caller, browser_of

HOUR = timedelta(hours=1)
NOTES = {"en": "note it for %s", "de": "für %s vermerken"}


class Note(StepKind):
    """A kind that nobody but this test knows: a line in the story of the clock."""

    kind = "note"
    label = lazystr("write a note")
    fields = PEOPLE
    afterwards = "Somebody may read it."

    def take(self, takings: Sequence[Taking]) -> list[StepOutcome]:
        return [self._write(taking) for taking in takings]

    def _write(self, taking: Taking) -> StepOutcome:
        event = event_of(taking)
        event.save(force_insert=True)
        return StepOutcome(RunResult.DONE, NOTHING, event=event)

    def faults(self, step: PolicyStep) -> Faults:
        if step.target not in self.targets():
            yield "target", "Notes are for one person."

    def targets(self) -> list[str]:
        return [StepTarget.MANAGER, StepTarget.PERSON]

    def says(self, step: StepDescription) -> str:
        return NOTES[translation.get_language() or "en"] % (whom(step) if step.target else "-")


@pytest.fixture(autouse=True)
def note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, Note.kind, Note())


@pytest.fixture
def noted(world: World) -> Policy:
    """When due, it is noted for the manager."""
    made = Policy.objects.create(name="Notes", time="wall")
    PolicyStep.objects.create(policy=made, kind="note", target=StepTarget.MANAGER, time="wall")
    return made


def soon(world: World) -> Escalation:
    return sla.assign(world, "T-201", world.now + 2 * HOUR)


# --- on the desk ------------------------------------------------------------------------------------------------------
def test_the_form_offers_it_and_says_what_it_uses(noted: Policy, root: Client) -> None:
    page = root.get(page_of(noted))
    form = page.context["inline_admin_formsets"][1].formset.forms[0]
    assert ("note", "write a note") in list(form.fields["kind"].choices)
    switched = json.loads(form.fields["kind"].widget.attrs["data-steps"])
    assert switched["kinds"]["note"] == {"fields": list(PEOPLE), "targets": ["manager", "person"]}
    assert "When due: note it for the assignee's manager" in text_of(page)


def test_it_is_saved_without_what_it_does_not_use(noted: Policy, root: Client) -> None:
    fields = step_fields(1, kind="note", target="manager", level="2", priority="urgent")
    answer = save(root, noted, fields)
    assert "was changed successfully" in text_of(answer)
    added = noted.steps.order_by("pk").last()
    assert added is not None
    assert (added.kind, added.target, added.level, added.priority) == ("note", "manager", 2, "")
    added.full_clean()
    assert str(added) == "write a note +0"


def test_what_it_finds_wrong_is_said_at_its_field(noted: Policy, root: Client) -> None:
    assert "Notes are for one person." in text_of(save(root, noted, step_fields(1, kind="note", target="assignee")))
    assert noted.steps.count() == 1


def test_a_kind_that_nobody_knows_is_refused(noted: Policy, root: Client) -> None:
    assert "is not one of the available choices" in text_of(save(root, noted, step_fields(1, kind="unheard")))
    assert noted.steps.count() == 1


def save(client: Client, policy: Policy, added: dict[str, Any]) -> Any:
    fields = filled(form_at(client, page_of(policy)), **{"steps-TOTAL_FORMS": "2"})
    return client.post(page_of(policy), {**fields, **added, "steps-1-policy": policy.pk}, follow=True)


# --- by time ----------------------------------------------------------------------------------------------------------
def test_it_is_taken_once_when_it_is_due_and_the_clocks_story_tells_of_it(
    world: World, noted: Policy, root: Client
) -> None:
    clock = soon(world)
    sla.tick(world.now + HOUR)
    assert not StepRun.objects.exists()
    sla.tick(world.now + 2 * HOUR)
    sla.tick(world.now + 3 * HOUR)
    run = StepRun.objects.get()
    assert (run.result, run.escalation) == (RunResult.DONE, clock)
    assert run.event is not None
    assert "when due: note it for the assignee's manager" in text_of(root.get(page_of(clock)))


def test_it_is_read_in_the_readers_language(world: World, noted: Policy, root: Client) -> None:
    clock = soon(world)
    sla.tick(world.now + 2 * HOUR)
    root.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    with translation.override("de"):
        assert wording.what(wording.of_row(noted.steps.get())) == "für der Vorgesetzte des Zugewiesenen vermerken"
    assert "vermerken" in text_of(root.get(page_of(clock)))


# --- before it is due -------------------------------------------------------------------------------------------------
def test_simulator_and_api_foresee_it(world: World, noted: Policy, root: Client) -> None:
    clock = soon(world)
    (row,) = simulate.of_task(clock.task, world.now).rows
    assert (row.kind, row.result) == ("note", RunResult.DONE)
    page = text_of(root.get(reverse("admin:escalations_escalation_simulator"), {"task": "T-201"}))
    assert "when due: note it for the assignee's manager" in page
    assert "Somebody may read it." in page
    answer = operator(world.carol).post("/api/v1/simulations", {"task": "T-201"})
    assert [each["kind"] for each in answer.json()["rows"]] == ["note"]
    assert not StepRun.objects.exists()


def operator(person: Recipient) -> Caller:
    assert person.user is not None
    person.user.groups.add(Group.objects.get(name=OPERATORS))
    return browser_of(person)


def test_the_schema_of_the_api_names_it() -> None:
    assert "note" in StepRow().fields["kind"].choices


def test_a_dead_end_that_it_leads_into_is_found(world: World, noted: Policy) -> None:
    soon(world)
    world.bob.manager = None
    world.bob.save()
    assert [(str(end.why), end.policies) for end in dead_ends(world.now)] == [("Bob Bauer has no manager", {noted.pk})]
