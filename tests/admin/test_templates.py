"""Templates: drafts are edited and previewed, one version is published, an earlier one comes back."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from notifications.models import (
    Event,
    EventType,
    EventVariable,
    Template,
    TemplateAction,
    TemplateText,
    TemplateVersion,
    VersionState,
)
from notifications.wording import template_versions
from tests.admin.pages import add_row, list_of, page_of, press, rows_of, save_form, text_of
from tests.admin.world import World
from tests.support.length import some


# --- languages ------------------------------------------------------------------------------------------------------
def test_the_list_says_which_languages_a_published_version_lacks(published: TemplateVersion, root: Client) -> None:
    published.actions.update(labels={"en": "Approve", "fr": "Approuver"})
    english = published.texts.get(language="en")
    english.pk, english.language = None, "fr"
    english.save()
    lacking = "German (in part), Spanish"

    page = root.get(list_of(Template))
    assert lacking in text_of(page)
    assert f'href="{page_of(published)}"' in page.content.decode()
    for language, listed in {"any": True, "de": True, "es": True, "fr": False, "en": False, "qq": True}.items():
        assert (lacking in text_of(root.get(list_of(Template, f"lacks={language}")))) is listed, language


# --- drafts ---------------------------------------------------------------------------------------------------------
def test_a_new_template_goes_straight_to_its_first_draft(db: None, root: Client) -> None:
    page = add_row(root, Template, name="Leave", slug="leave")
    version = TemplateVersion.objects.get(template__slug="leave")
    assert page.redirect_chain[-1][0] == page_of(version)
    assert (version.number, version.state) == (1, VersionState.DRAFT)


def test_a_draft_begins_with_what_is_published(template: Template, published: TemplateVersion, root: Client) -> None:
    page = press(root, page_of(template, "edit_draft"))
    draft = template.versions.get(state=VersionState.DRAFT)
    assert page.redirect_chain[-1][0] == page_of(draft)
    assert draft.number == 2
    assert sorted(draft.texts.values_list("language", "body")) == [("de", "Hallo"), ("en", "Hello")]
    assert draft.actions.count() == published.actions.count()
    assert published.texts.count() == 2, "the source keeps its own"
    assert root.get(page_of(template, "edit_draft"), follow=True).redirect_chain[-1][0] == page_of(draft)


def test_a_drafts_words_and_labels_are_edited(draft: TemplateVersion, root: Client) -> None:
    action = draft.actions.get(action="approve")
    place = list(draft.actions.all()).index(action)
    page = save_form(
        root, draft, **{"texts-1-body": "Please decide.", f"actions-{place}-labels": "en: Approve\nde: Genehmigen"}
    )
    assert "was changed successfully" in text_of(page)
    assert draft.texts.get(language="en").body == "Please decide."
    action.refresh_from_db()
    assert action.labels == {"en": "Approve", "de": "Genehmigen"}


@pytest.mark.parametrize(
    ("labels", "sentence"),
    some(
        [
            ("Genehmigen", "Enter “language: label”"),
            ("de: Genehmigen\nde: Freigeben", "“de” occurs twice."),
            ("de:", "Enter “language: label”"),
            ("de: " + "x" * 61, "is longer than 60 characters"),
            ("", "This field is required."),
        ],
        2,
    ),
)
def test_labels_are_one_language_a_line(labels: str, sentence: str, draft: TemplateVersion, root: Client) -> None:
    assert sentence in text_of(save_form(root, draft, **{"actions-0-labels": labels}))


@pytest.mark.parametrize("body", some(["{% if %}", "{{ task.name", "{% include 'x' %}", "{% for x in y %}"], 2))
def test_words_no_renderer_could_read_are_refused_at_their_field(
    body: str, draft: TemplateVersion, root: Client
) -> None:
    page = save_form(root, draft, **{"texts-0-body": body})
    assert "was changed successfully" not in text_of(page)
    assert any("body" in errors for errors in page.context["inline_admin_formsets"][0].formset.errors)
    assert TemplateText.objects.filter(body=body).count() == 0


def test_saving_stays_and_names_variables_nobody_sends_at_their_field(draft: TemplateVersion, root: Client) -> None:
    page = save_form(root, draft, **{"texts-1-body": "{{ task.colour }}"})
    assert page.redirect_chain[-1][0] == page_of(draft)
    assert "was changed successfully" in text_of(page)
    assert text_of(page).count("No event of this template is known to have “task.colour”") == 1
    assert 'aria-describedby="problem-texts-1-body"' in page.content.decode()
    assert "task.colour is missing" not in text_of(page)


def test_publishing_is_asked_from_the_form_and_refused_there_too(draft: TemplateVersion, root: Client) -> None:
    publish = {"notifications_templateversion_save_and_publish": "1"}
    page = save_form(root, draft, **{"texts-1-title": "Now new"}, **publish)
    assert page.redirect_chain[-1][0] == page_of(draft, "publish")
    assert draft.texts.get(language="en").title == "Now new"
    assert draft.state == VersionState.DRAFT, "it asks first"
    refused = save_form(root, draft, **{"texts-1-title": "{{ task.name"}, **publish)
    assert "is never closed" in text_of(refused)
    assert refused.redirect_chain == []


# --- publishing and rolling back ------------------------------------------------------------------------------------
def test_a_draft_is_published_and_another_retires(
    draft: TemplateVersion, published: TemplateVersion, root: Client
) -> None:
    assert "New messages of “Invoice to approve” use this version" in text_of(root.get(page_of(draft, "publish")))
    assert "Invoice to approve v2 is published." in text_of(press(root, page_of(draft, "publish")))
    draft.refresh_from_db()
    published.refresh_from_db()
    assert (published.state, draft.state) == (VersionState.RETIRED, VersionState.PUBLISHED)
    assert draft.published_by is not None
    assert draft.published_by.username == "root"
    record: Any = draft.template.history.first()
    assert record.history_change_reason == "Published version 2"
    assert record.history_user.username == "root"


def test_what_was_published_is_never_edited(draft: TemplateVersion, published: TemplateVersion, root: Client) -> None:
    press(root, page_of(draft, "publish"))
    for version in (draft, published):
        page = root.get(page_of(version))
        assert 'name="_save"' not in page.content.decode()
        assert root.post(page_of(version), {"note": "x", "texts-0-body": "x"}).status_code == 403
        assert root.post(page_of(version).replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
    assert not TemplateText.objects.filter(body="x").exists()


def test_a_draft_can_be_thrown_away(draft: TemplateVersion, root: Client) -> None:
    root.post(page_of(draft).replace("/change/", "/delete/"), {"post": "yes"})
    assert not TemplateVersion.objects.filter(pk=draft.pk).exists()


def test_rolling_back_publishes_a_copy_of_what_was_said_before(
    draft: TemplateVersion, published: TemplateVersion, root: Client
) -> None:
    draft.texts.filter(language="en").update(body="Worse words")
    press(root, page_of(draft, "publish"))
    assert "Invoice to approve v3 is published." in text_of(press(root, page_of(published, "roll_back")))
    now: Any = published.template.versions.get(state=VersionState.PUBLISHED)
    assert (now.number, now.note) == (3, "As version 1")
    assert now.texts.get(language="en").body == "Hello"


def test_only_what_fits_is_offered_and_done(draft: TemplateVersion, published: TemplateVersion, root: Client) -> None:
    offered = text_of(root.get(page_of(draft)))
    assert "Save and publish…" in offered
    assert "Roll back to this" not in offered
    assert "Only a draft can be published." in text_of(root.post(page_of(published, "publish"), follow=True))
    german = root.post(page_of(published, "publish"), follow=True, headers={"accept-language": "de"})
    assert "Nur ein Entwurf kann veröffentlicht werden." in text_of(german)
    assert "Only a version that was published before" in text_of(root.post(page_of(draft, "roll_back"), follow=True))


def test_a_sensitive_variable_on_lock_screens_cannot_be_published(draft: TemplateVersion, root: Client) -> None:
    event_type = EventType.objects.get(name="task.assigned")
    EventVariable.objects.create(event_type=event_type, path="variables.salary", sensitive=True)
    draft.texts.filter(language="en").update(short_body="Salary {{ variables.salary }}")
    question = root.get(page_of(draft, "publish"))
    assert "It cannot be published yet." in text_of(question)
    assert "“variables.salary” is sensitive" in text_of(question)
    assert "<button" not in question.content.decode().partition('class="desk-buttons"')[2].partition("</p>")[0]
    assert "is sensitive" in text_of(root.post(page_of(draft, "publish"), follow=True))
    draft.refresh_from_db()
    assert draft.state == VersionState.DRAFT


def test_a_draft_without_texts_cannot_be_published(template: Template, root: Client) -> None:
    empty = template_versions.new_draft(template)
    assert "It has no texts yet." in text_of(root.post(page_of(empty, "publish"), follow=True))


def test_a_draft_is_made_from_any_earlier_version(
    draft: TemplateVersion, published: TemplateVersion, root: Client
) -> None:
    press(root, page_of(draft, "publish"))
    assert "This is the new draft." in text_of(press(root, page_of(published, "draft_from")))
    made = published.template.versions.get(state=VersionState.DRAFT)
    assert (made.number, made.note) == (3, "From version 1")


def test_two_publications_at_once_leave_one_published(template: Template, draft: TemplateVersion) -> None:
    other = template_versions.new_draft(template, draft)
    template_versions.publish(draft, None, timezone.now())
    template_versions.publish(other, None, timezone.now())
    assert [each.pk for each in template.versions.filter(state=VersionState.PUBLISHED)] == [other.pk]


def test_the_list_says_what_is_published_or_not(template: Template, draft: TemplateVersion, root: Client) -> None:
    Template.objects.create(slug="empty", name="Empty one")
    shown = text_of(root.get(list_of(Template)))
    assert "nothing" in shown
    assert [each.name for each in rows_of(root, Template, "published=no")] == ["Empty one"]
    assert template in rows_of(root, Template, "published=draft")


# --- preview --------------------------------------------------------------------------------------------------------
def test_the_preview_shows_inbox_and_mail_in_each_language(published: TemplateVersion, root: Client) -> None:
    page = root.get(page_of(published, "preview"), {"language": "de"})
    preview = page.context["preview"]
    sample = EventType.objects.get(name="task.assigned").sample
    assert preview.inbox.title == sample["task"]["name"]
    assert preview.inbox.body == "Hallo"
    assert preview.inbox.short_body == "Hallo"
    assert preview.mail_subject == sample["task"]["name"]
    assert "Hallo" in preview.mail_text
    assert "Hallo" in preview.mail_html
    assert "Hello" in text_of(root.get(page_of(published, "preview"), {"language": "en"}))


def test_the_preview_may_be_of_a_real_event(day: World, published: TemplateVersion, root: Client) -> None:
    event = Event.objects.get(event_id="e-2")
    for named in (str(event.pk), "e-2"):
        page = root.get(page_of(published, "preview"), {"event": named, "language": "en"})
        assert page.context["preview"].inbox.title == "Approve invoice 4712"
    page = root.get(page_of(published, "preview"), {"event": "no such thing"})
    assert "There is no such event." in text_of(page)


def test_the_preview_escapes_what_engines_and_editors_wrote(draft: TemplateVersion, root: Client) -> None:
    draft.texts.filter(language="en").update(title="<script>alert(1)</script>", body='"><img src=x onerror=alert(2)>')
    TemplateAction.objects.filter(version=draft, action="approve").update(labels={"en": "<b>Yes</b>"})
    body = root.get(page_of(draft, "preview"), {"language": "en"}).content.decode()
    assert "<script>alert" not in body
    assert "<img src=x" not in body
    assert "<b>Yes" not in body
    assert 'sandbox=""' in body


def test_the_preview_says_why_it_is_empty(template: Template, root: Client) -> None:
    empty = template_versions.new_draft(template)
    assert "There is no text for live in any language." in text_of(root.get(page_of(empty, "preview")))
    EventType.objects.update(sample={})
    assert "No event type has a sample yet" in text_of(root.get(page_of(empty, "preview")))


def test_missing_variables_are_named_in_the_preview(draft: TemplateVersion, root: Client) -> None:
    draft.texts.filter(language="en").update(body="{{ task.colour }}")
    assert "task.colour is missing" in text_of(root.get(page_of(draft, "preview"), {"language": "en"}))
