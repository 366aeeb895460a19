"""An administrator says which milestones customers see, and previews words for them."""

import pytest
from django.test import Client
from django.utils import timezone

from notifications.customers.models import Journey, Milestone, Unsubscription
from notifications.models import Category, CustomerText, Recipient, Template
from notifications.wording import template_versions
from tests.admin.pages import filled, form_at, list_of, page_of, text_of
from tests.admin.world import World

pytestmark = pytest.mark.django_db


def test_the_list_says_which_cases_go_which_way(world: World, root: Client) -> None:
    said = text_of(root.get(list_of(Journey)))

    assert "updated by case.status_changed" in said
    assert "Received → Being reviewed → Approved / Rejected → Completed" in said


def test_a_milestone_has_words_in_every_language(world: World, root: Client) -> None:
    way = Journey.objects.get(name="Requests")
    changes = {
        "milestones-0-statuses": "received, registered",
        "milestones-0-labels": "en: We have it\nde: Bei uns",
        "milestones-0-notes": "de: Wir sehen es uns an: bald.",
    }
    answer = root.post(page_of(way), filled(form_at(root, page_of(way)), **changes), follow=True)

    assert "was changed successfully" in text_of(answer)
    first: Milestone = way.milestones.all()[0]
    assert first.statuses == ["received", "registered"]
    assert first.labels == {"en": "We have it", "de": "Bei uns"}
    assert first.notes == {"de": "Wir sehen es uns an: bald."}


def test_a_status_belongs_to_one_milestone_and_a_kind_of_case_goes_one_way(world: World, root: Client) -> None:
    way = Journey.objects.get(name="Requests")
    twice = filled(form_at(root, page_of(way)), **{"milestones-1-statuses": "assigned, received"})
    assert "“received” occurs twice." in text_of(root.post(page_of(way), twice))

    other = Journey.objects.get(name="Cases")
    same = filled(form_at(root, page_of(other)), event_type=str(way.event_type_id))
    assert root.post(page_of(other), same).status_code == 200
    other.refresh_from_db()
    assert other.event_type_id != way.event_type_id


def test_the_preview_of_a_draft_shows_what_customers_read(world: World, root: Client) -> None:
    template = Template.objects.get(slug="task")
    draft = template_versions.new_draft(template, template.versions.get())
    CustomerText.objects.filter(version=draft, language="en").update(title="Dear customer", body="Please look.")

    page = page_of(draft, "preview")
    assert "Dear customer" not in text_of(root.get(page))
    assert "Dear customer" in text_of(root.get(f"{page}?reader=customer"))


def test_a_persons_page_says_what_they_turned_off_by_a_link(world: World, root: Client) -> None:
    customer = Recipient.objects.create(ref="C-1", name="Erin", engine=world.engine)
    assert "turned off by the link" not in text_of(root.get(page_of(customer)))
    Unsubscription.objects.create(
        recipient=customer, category=Category.objects.get(slug="approvals"), channel="email", at=timezone.now()
    )
    page = text_of(root.get(page_of(customer)))
    assert "turned off by the link in an e-mail" in page.lower()
    assert "Approvals" in page
