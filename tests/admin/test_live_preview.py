"""The template editor shows beside the texts how they read, while they are typed and before they are saved."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from notifications.inbox.session import BACKEND
from notifications.models import Event, EventType, Template, TemplateVersion, VersionState
from notifications.wording import template_versions
from tests.admin.conftest import signed_in
from tests.admin.pages import filled, form_at, page_of, text_of
from tests.admin.world import World
from tests.factories import RouteFactory, TemplateFactory
from tests.support.length import some


@pytest.fixture
def template(world: World) -> Template:
    made: Template = TemplateFactory(
        name="Invoice to approve", texts={"en": ("{{ task.name }}", "Hello"), "de": ("{{ task.name }}", "Hallo")}
    )
    RouteFactory(name="Invoices", types=["task.assigned"], template=made)
    return made


@pytest.fixture
def draft(template: Template) -> TemplateVersion:
    return template_versions.new_draft(template, template.versions.get())


def typed(client: Client, version: TemplateVersion, **changes: Any) -> Any:
    """What the server says of the draft's form with some words changed."""
    fields = filled(form_at(client, page_of(version)), **{"texts-1-language": "en"})
    return client.post(page_of(version, "preview"), {**fields, "language": "en", **changes})


def test_the_page_of_a_draft_shows_how_it_reads(draft: TemplateVersion, root: Client) -> None:
    page = root.get(page_of(draft))
    sample = EventType.objects.get(name="task.assigned").sample
    assert page.context["live"]["preview"].inbox.title == sample["task"]["name"]
    assert "data-live-preview" in page.content.decode()
    assert "Hello" in text_of(page)


def test_what_is_typed_is_shown_and_not_saved(draft: TemplateVersion, root: Client) -> None:
    said = typed(root, draft, **{"texts-1-body": "Please decide about {{ case.title }}."}).json()
    assert said["faults"] == []
    assert "Please decide about Invoice 4711." in said["html"]
    assert "srcdoc=" in said["html"], "the e-mail"
    assert draft.texts.get(language="en").body == "Hello"


def test_a_new_language_and_a_new_label_are_shown_before_they_are_saved(draft: TemplateVersion, root: Client) -> None:
    new = {"texts-2-language": "fr", "texts-2-title": "À approuver", "texts-2-version": draft.pk, "texts-2-channel": ""}
    said = typed(root, draft, **new, **{"texts-TOTAL_FORMS": "3", "language": "fr"}).json()
    assert said["faults"] == []
    assert "À approuver" in said["html"]
    place = list(draft.actions.all()).index(draft.actions.get(action="approve"))
    said = typed(root, draft, **{f"actions-{place}-labels": "en: Pay it"}).json()
    assert "Pay it" in said["html"]
    assert draft.texts.count() == 2


def test_a_text_that_is_ticked_for_deletion_is_gone_from_the_preview(draft: TemplateVersion, root: Client) -> None:
    said = typed(root, draft, **{"texts-0-DELETE": "on"}).json()
    assert "Hello" in said["html"]
    said = typed(root, draft, **{"texts-0-DELETE": "on", "texts-1-DELETE": "on"}).json()
    assert "There is no text for live in any language." in said["html"]


@pytest.mark.parametrize(
    ("field", "words", "sentence"),
    some(
        [
            ("texts-1-body", "{{ task.name", "is never closed"),
            ("texts-1-body", "{% for x in y %}", "endfor"),
            ("texts-1-title", "", "This field is required."),
            ("texts-1-language", "Deutsch bitte", "Write a language such as en, de or pt-BR."),
            ("actions-0-labels", "Genehmigen", "Write “language: label”"),
            ("event", "no such thing", "There is no such event."),
        ],
        3,
    ),
)
def test_what_could_not_be_saved_is_said_beside_its_field(
    field: str, words: str, sentence: str, draft: TemplateVersion, root: Client
) -> None:
    said = typed(root, draft, **{field: words}).json()
    assert [fault["field"] for fault in said["faults"]] == [field]
    assert sentence.lower() in said["faults"][0]["text"].lower()
    assert said["html"] == ""


def test_mistakes_that_publishing_names_are_named_once_at_their_fields(draft: TemplateVersion, root: Client) -> None:
    said = typed(root, draft, **{"texts-1-body": "{{ task.colour }}"}).json()
    [fault] = said["faults"]
    assert (fault["field"], fault["fatal"]) == ("texts-1-body", False)
    assert "No event of this template is known to have “task.colour”" in fault["text"]
    assert "task.colour" not in said["html"].partition("desk-inbox")[0], "it is said once, at its field"


def test_the_sample_can_be_another_or_a_real_event(day: World, draft: TemplateVersion, root: Client) -> None:
    other = EventType.objects.get(name="case.status_changed")
    said = typed(root, draft, **{"texts-1-title": "{{ event.type }}", "sample": str(other.pk)}).json()
    assert "case.status_changed" in said["html"]
    event = Event.objects.get(event_id="e-2")
    assert "Approve invoice 4712" in typed(root, draft, event=str(event.pk)).json()["html"]


def test_words_are_escaped_and_nothing_hides(draft: TemplateVersion, root: Client) -> None:
    html = typed(root, draft, **{"texts-1-title": "<script>alert(1)</script>\u202eback"}).json()["html"]
    assert "<script>alert" not in html
    assert "\u202e" not in html


def test_only_who_may_change_drafts_may_ask(template: Template, draft: TemplateVersion, operator: Client) -> None:
    fields = {"texts-TOTAL_FORMS": "0", "texts-INITIAL_FORMS": "0"}
    assert operator.post(page_of(draft, "preview"), fields).status_code == 403
    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_templateversion"))
    assert signed_in(reader).get(page_of(draft, "preview")).status_code == 200
    assert signed_in(reader).post(page_of(draft, "preview"), fields).status_code == 403
    assert "data-live-preview" not in signed_in(reader).get(page_of(draft)).content.decode()
    assert Client().post(page_of(draft, "preview"), fields).status_code == 302


def test_history_has_no_editor(template: Template, root: Client) -> None:
    published = template.versions.get(state=VersionState.PUBLISHED)
    assert "data-live-preview" not in root.get(page_of(published)).content.decode()
    assert root.post(page_of(published, "preview"), {"texts-0-body": "x"}).status_code == 403


def test_another_sites_page_cannot_ask(draft: TemplateVersion) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("root"), backend=BACKEND)
    assert strict.post(page_of(draft, "preview"), {"texts-0-body": "x"}).status_code == 403


def test_an_editor_who_may_not_read_events_previews_samples_only(
    day: World, draft: TemplateVersion, editor: Client
) -> None:
    said = typed(editor, draft, event=str(Event.objects.get(event_id="e-2").pk)).json()
    assert said["faults"] == []
    assert "Approve invoice 4712" not in said["html"]
