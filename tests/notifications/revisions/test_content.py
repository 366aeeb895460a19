"""A revision changes exactly when what a person decides about does."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from notifications.models import AnswerMapping, TaskContent, TemplateFact, TemplateText, TemplateVersion
from notifications.revisions.content import revision_of
from tests.support.story import Story

pytestmark = pytest.mark.django_db

INVOICE = {"amount": 1000, "currency": "EUR", "vendor": "Good Ltd", "cost_center": "4100"}
FORM = {"schema": {"type": "object", "properties": {"amount": {"type": "number"}}}}


@pytest.fixture
def story(db: None) -> Story:
    story = Story.begin()
    story.assign()
    story.happen("task.updated", {"task": {"id": "T-42"}, "variables": INVOICE}, minute=1)
    return story


def revision(story: Story) -> str:
    return story.copy(story.bob).revision


def after(story: Story, data: dict[str, Any], type: str = "task.updated") -> str:
    data = {**data, "task": {"id": "T-42", **data.get("task", {})}}
    story.happen(type, data, minute=2)
    return revision(story)


@pytest.mark.parametrize(
    "changed",
    [
        {"task": {"name": "Approve invoice 4712"}},
        {"task": {"description": "Urgent, says the vendor."}},
        {"task": {"actions": ["approve", "reject", "return"]}},
        {"task": {"form": FORM}},
        {"variables": {"amount": 10000}},
        {"variables": {"currency": "USD"}},
        {"documents": [{"title": "Invoice", "url": "https://engine.example/4711.pdf"}]},
    ],
    ids=["name", "description", "actions", "form", "amount", "currency", "documents"],
)
def test_what_is_decided_changes_it(story: Story, changed: dict[str, Any]) -> None:
    before = revision(story)
    assert after(story, changed) != before
    assert story.copy(story.bob).revised_at is not None


@pytest.mark.parametrize(
    "changed",
    [
        {"task": {"priority": "urgent"}},
        {"task": {"due_at": "2026-12-01T10:00:00Z"}},
        {"task": {"expires_at": "2027-12-01T10:00:00Z"}},
        {"task": {"candidates": ["carol"]}},
        {"variables": {"nobody_uses_this": 1}},
        {"variables": {"amount": 1000}},
    ],
    ids=["priority", "deadline", "expiry", "people", "unused", "same"],
)
def test_what_is_not_decided_does_not(story: Story, changed: dict[str, Any]) -> None:
    before = story.copy(story.bob)
    assert after(story, changed) == before.revision
    assert story.copy(story.bob).revised_at == before.revised_at


def test_reading_escalation_and_snoozing_do_not(story: Story) -> None:
    before = revision(story)
    story.happen("task.escalated", {"task": {"id": "T-42"}}, minute=3)
    assert revision(story) == before


def test_an_answer_mapping_that_uses_a_variable_makes_it_count(story: Story) -> None:
    AnswerMapping.objects.create(
        engine=story.engine, action="approve", task_kind="", variables={"center": "{{ variables.cost_center }}"}
    )
    before = after(story, {"variables": {"cost_center": "4200"}})
    assert after(story, {"variables": {"cost_center": "4300"}}) != before


def test_texts_and_key_facts_in_every_language_count(story: Story) -> None:
    version = TemplateVersion.objects.get(pk=story.copy(story.bob).template_version_id)
    TemplateText.objects.create(version=version, language="it", title="{{ variables.vendor }}")
    TemplateFact.objects.create(version=version, path="variables.iban", position=9)
    before = after(story, {"variables": {"iban": "DE1"}})
    with_vendor = after(story, {"variables": {"vendor": "Evil Ltd"}})
    assert with_vendor != before
    assert after(story, {"variables": {"iban": "DE2"}}) != with_vendor


def test_it_is_the_same_for_all_people_and_languages(story: Story) -> None:
    story.carol.locale = "de"
    story.carol.save()
    story.happen("task.assigned", {"task": {"id": "T-42", "candidates": ["bob", "carol"]}}, minute=4)
    assert revision(story) == story.copy(story.carol).revision


def test_the_content_is_kept_once_a_revision_with_its_event(story: Story) -> None:
    rows = list(TaskContent.objects.filter(task=story.task()).order_by("created_at"))
    assert [row.content["values"].get("variables.amount") for row in rows] == [1200.5, 1000]
    assert [row.event["source"] for row in rows] == ["invoices", "invoices"]
    assert all(revision_of(row.content) == row.revision for row in rows)
    assert timezone.now() - rows[-1].created_at < timedelta(hours=1)


def test_numbers_beyond_what_canonical_json_has_are_told_apart() -> None:
    assert revision_of({"a": 2**60}) != revision_of({"a": 2**60 + 1})
    assert revision_of({"a": 1.0}) == revision_of({"a": 1})


@pytest.mark.parametrize("source", ["{{ variables.positions[0].price }}", "{{ variables['net.price'] }}"])
def test_a_member_of_a_list_and_a_name_with_a_dot_count_with_what_they_are_in(story: Story, source: str) -> None:
    version = TemplateVersion.objects.get(pk=story.copy(story.bob).template_version_id)
    TemplateText.objects.create(version=version, language="it", title=source)
    before = after(story, {"variables": {"positions": [{"price": 1}], "net.price": 1}})
    assert after(story, {"variables": {"positions": [{"price": 2}], "net.price": 2}}) != before
