"""Key facts tell what Bob decides, from the first message to the last reminder, as the engine last said."""

from typing import Any

import pytest

from escalations.clocks import due_steps
from escalations.models import StepTarget
from notifications.models import EventVariable, FactKind, Notification, Recipient, Template, VersionState
from notifications.wording.key_facts import at_a_glance, facts_of
from tests.support.story import Story

pytestmark = pytest.mark.django_db


@pytest.fixture
def story() -> Story:
    return Story.begin()


def assign(story: Story, variables: Any = None, **more: Any) -> None:
    said = {"id": "T-42", "name": "Approve invoice 4711", "kind": "approval", "assignee": "bob", "initiator": "alice"}
    said |= more
    variables = variables or {"amount": 1200.5, "currency": "EUR", "supplier": "Acme GmbH"}
    story.happen("task.assigned", {"task": said, "variables": variables}, minute=0)


def told(copy: Notification) -> list[str]:
    return [f"{each.label}: {each.text}" for each in facts_of(copy)]


def test_an_approval_tells_amount_supplier_and_requester(story: Story) -> None:
    assign(story)

    assert told(story.copy(story.bob)) == ["Amount: €1,200.50", "Supplier: Acme GmbH", "Asked by: Alice"]


def test_each_reads_them_in_their_language(story: Story) -> None:
    Recipient.objects.filter(ref="bob").update(locale="de")
    assign(story)

    assert told(story.copy(story.bob)) == ["Betrag: 1.200,50 €", "Lieferant: Acme GmbH", "Angefragt von: Alice"]


def test_an_assignment_in_the_field_tells_place_and_customer_but_not_on_lock_screens(story: Story) -> None:
    place, customer = {"address": "Marktplatz 1"}, {"ref": "C-9", "name": "Erin Lindner"}
    task = {"id": "T-7", "name": "Inspect the roof", "kind": "field", "assignee": "bob"}
    story.happen("task.assigned", {"task": task, "location": place, "customer": customer}, minute=0)
    copy = story.copy(story.bob, "T-7")

    assert told(copy) == ["Where: Marktplatz 1", "Customer: Erin Lindner"]
    assert at_a_glance(facts_of(copy), "") == ""


def test_an_update_of_the_task_changes_them(story: Story) -> None:
    assign(story)
    story.happen("task.updated", {"task": {"id": "T-42"}, "variables": {"amount": 900, "currency": "USD"}}, minute=1)

    assert told(story.copy(story.bob))[0] == "Amount: $900.00"


def test_a_reminder_and_an_escalated_copy_keep_them(story: Story) -> None:
    policy = story.tell_manager_when_due()
    story.add_step(policy, 0, StepTarget.ASSIGNEE)
    assign(story, due_at="2026-11-02T09:00:00Z")
    due_steps.drain()

    for person in (story.bob, story.carol):
        copy = story.copy(person)
        assert copy.notice
        assert told(copy) == ["Amount: €1,200.50", "Supplier: Acme GmbH", "Asked by: Alice"]


def test_what_is_called_sensitive_is_on_no_lock_screen_from_the_next_message_on(story: Story) -> None:
    EventVariable.objects.filter(path="variables.supplier").update(sensitive=True)
    assign(story)
    copy = story.copy(story.bob)

    assert told(copy)[1] == "Supplier: Acme GmbH"
    assert at_a_glance(facts_of(copy), "") == "€1,200.50 · Asked by Alice"


def test_a_template_that_names_none_shows_the_amount_and_keeps_it_for_lock_screens(story: Story) -> None:
    version = Template.objects.get(slug="task").versions.get(state=VersionState.PUBLISHED)
    version.facts.all().delete()
    assign(story)
    copy = story.copy(story.bob)

    assert told(copy) == ["Amount: €1,200.50"]
    assert at_a_glance(facts_of(copy), "") == "€1,200.50"


def test_a_template_that_names_others_shows_no_amount(story: Story) -> None:
    version = Template.objects.get(slug="task").versions.get(state=VersionState.PUBLISHED)
    version.facts.all().delete()
    version.facts.create(path="variables.weight", kind=FactKind.NUMBER)
    assign(story)

    assert told(story.copy(story.bob)) == []


def test_without_values_nothing_is_kept(story: Story) -> None:
    assign(story, variables={"number": 7}, initiator=None)

    assert "key_facts" not in story.copy(story.bob).details


def test_an_edit_of_the_facts_holds_from_the_next_event_on(story: Story) -> None:
    assign(story)
    Template.objects.get(slug="task").versions.get().facts.filter(path="variables.supplier").update(
        labels={"en": "From"}
    )
    story.happen("task.updated", {"task": {"id": "T-42", "priority": "high"}}, minute=1)

    assert told(story.copy(story.bob))[1] == "From: Acme GmbH"
