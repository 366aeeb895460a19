"""Erin reads words for customers, Bob those of the house."""

from typing import Any

import pytest
from django.apps import apps

from notifications import starter
from notifications.models import (
    Brand,
    CustomerText,
    EventVariable,
    Recipient,
    Template,
    TemplateFact,
    TemplateVersion,
    VersionState,
)
from notifications.wording import template_versions
from notifications.wording.key_facts import facts_of
from notifications.wording.message import message_of
from notifications.wording.render import text_for
from notifications.wording.template_check import check
from tests.factories import BrandFactory, RecipientFactory, UserFactory
from tests.support.story import NINE, Story

pytestmark = pytest.mark.django_db


@pytest.fixture
def story(db: None) -> Story:
    return Story.begin()


@pytest.fixture
def erin(story: Story) -> Recipient:
    return RecipientFactory(ref="C-9", name="Erin", engine=story.engine, email="erin@example.com", locale="de")


@pytest.fixture
def version(db: None) -> TemplateVersion:
    return Template.objects.get(slug="task").versions.get(state=VersionState.PUBLISHED)


def says(version: TemplateVersion, title: str, **more: Any) -> None:
    row = {"language": "en", "channel": "", **more}
    CustomerText.objects.update_or_create(version=version, **row, defaults={"title": title, "body": title})


def title_for(version: TemplateVersion, language: str, channel: str, *, customer: bool) -> str:
    return text_for(version, language, channel, customer=customer).title


def test_a_version_with_texts_for_customers_shows_them_no_others(version: TemplateVersion) -> None:
    version.customer_texts.all().delete()
    assert title_for(version, "de", "live", customer=True) == title_for(version, "de", "live", customer=False)

    says(version, "For customers")
    says(version, "On their lock screen", channel="webpush")

    assert title_for(version, "de", "live", customer=True) == "For customers"  # before words of the house in German
    assert title_for(version, "en", "webpush", customer=True) == "On their lock screen"
    assert title_for(version, "en", "webpush", customer=False) != "On their lock screen"


def test_erin_and_bob_get_the_same_task_in_words_of_their_own(story: Story, erin: Recipient) -> None:
    story.assign(assignee=None, candidates=["bob", "C-9"])

    assert story.copy(story.bob).body.startswith("Your approval is needed")
    assert story.copy(erin).body.startswith("Bitte sehen Sie sich das an und antworten Sie")


def test_a_push_message_has_words_for_customers(story: Story, erin: Recipient, version: TemplateVersion) -> None:
    says(version, "Bitte antworten", channel="webpush", language="de")
    story.assign(assignee=None, candidates=["bob", "C-9"])

    words = {copy.recipient.ref: copy.deliveries.get(channel="webpush").words for copy in
             (story.copy(story.bob), story.copy(erin))}  # fmt: skip

    assert words["C-9"]["title"] == "Bitte antworten"
    assert not words["bob"]


def test_milestones_and_reminders_speak_to_customers(story: Story, erin: Recipient) -> None:
    Recipient.objects.filter(pk=erin.pk).update(locale="en")
    case = {"id": "5", "title": "Loan 5", "status": "rejected"}
    story.happen("case.status_changed", {"case": case, "recipients": ["C-9", "bob"]})

    assert story.inbox(erin)[0].title == "“Loan 5” could not be approved"
    assert story.inbox(story.bob)[0].title == "Loan 5 has been rejected"


def test_key_facts_that_are_sensitive_are_not_for_customers(
    story: Story, erin: Recipient, version: TemplateVersion
) -> None:
    EventVariable.objects.filter(event_type__name="task.assigned", path="variables.amount").update(sensitive=True)
    TemplateFact.objects.filter(version=version).exclude(path__in=["variables.amount", "task.initiator"]).delete()
    story.assign(assignee=None, candidates=["bob", "C-9"], initiator="alice")

    assert [each.text for each in facts_of(story.copy(story.bob))] == ["€1,200.50", "Alice"]
    assert [each.text for each in facts_of(story.copy(erin))] == ["Alice"]

    brand: Brand = BrandFactory(names_staff=False)
    Recipient.objects.filter(pk=erin.pk).update(brand=brand)
    story.assign("T-43", assignee=None, candidates=["bob", "C-9"], initiator="alice")
    assert facts_of(story.copy(erin, "T-43")) == []


def test_e_mails_to_customers_do_not_lead_to_pages_of_staff(story: Story, erin: Recipient) -> None:
    story.assign(assignee=None, candidates=["bob", "C-9"], url="https://engine.example/tasks/42")

    assert message_of(story.copy(story.bob)).url == "https://engine.example/tasks/42"
    assert message_of(story.copy(erin)).url == ""


def test_a_draft_has_a_copy_of_them_and_their_mistakes_are_found(version: TemplateVersion) -> None:
    draft = template_versions.new_draft(version.template, version)
    assert draft.customer_texts.count() == version.customer_texts.count() > 0

    says(draft, "{{ task.name")
    assert [each.where for each in check(draft) if each.fatal] == [
        "en, for customers, title",
        "en, for customers, body",
    ]
    with pytest.raises(template_versions.CannotPublish):
        template_versions.publish(draft, UserFactory(), NINE)


def test_templates_as_they_came_get_them_and_edited_ones_do_not(version: TemplateVersion) -> None:
    CustomerText.objects.all().delete()
    TemplateVersion.objects.filter(template__slug="general").update(note="Ours now")

    starter.speak_to_customers(apps)

    spoken = set(CustomerText.objects.values_list("version__template__slug", flat=True))
    assert spoken == {"case-milestone", "task", "task-reminder"}
    assert all(not check(each.version) for each in CustomerText.objects.filter(language="de"))
