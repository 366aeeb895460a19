"""The template editor: how texts read while they are typed, languages and what they lack, the insert menu, versions
compared, and a version's place below its template."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from notifications.admin.desk.history_states import words_between
from notifications.admin.wording.live_preview import menu
from notifications.admin.wording.template_languages import languages_of
from notifications.inbox.sign_in.session import BACKEND
from notifications.models import (
    CustomerText,
    Event,
    EventType,
    EventVariable,
    Template,
    TemplateFact,
    TemplateText,
    TemplateVersion,
    VersionState,
)
from notifications.wording import liquid, template_versions
from tests.admin.conftest import signed_in
from tests.admin.pages import filled, form_at, list_of, page_of, press, save_form, text_of
from tests.admin.world import World
from tests.factories import TemplateFactory
from tests.support.length import some


def typed(client: Client, version: TemplateVersion, **changes: Any) -> Any:
    """What the server says of the draft's form with some words changed."""
    fields = filled(form_at(client, page_of(version)), **{"texts-1-language": "en"})
    return client.post(page_of(version, "preview"), {**fields, "language": "en", **changes}).json()


# --- how it reads, while it is typed and before it is saved -----------------------------------------------------------
def test_the_page_of_a_draft_shows_how_it_reads(draft: TemplateVersion, root: Client) -> None:
    page = root.get(page_of(draft))
    sample = EventType.objects.get(name="task.assigned").sample
    assert page.context["live"]["preview"].inbox.title == sample["task"]["name"]
    assert "data-live-preview" in page.content.decode()
    assert "Hello" in text_of(page)


def test_what_is_typed_is_shown_and_not_saved(draft: TemplateVersion, root: Client) -> None:
    said = typed(root, draft, **{"texts-1-body": "Please decide about {{ case.title }}."})
    assert said["faults"] == []
    assert "Please decide about Invoice 4711." in said["html"]
    assert "srcdoc=" in said["html"], "the e-mail"
    assert draft.texts.get(language="en").body == "Hello"


def test_a_new_language_and_a_new_label_are_shown_before_they_are_saved(draft: TemplateVersion, root: Client) -> None:
    new = {"texts-2-language": "fr", "texts-2-title": "À approuver", "texts-2-version": draft.pk, "texts-2-channel": ""}
    said = typed(root, draft, **new, **{"texts-TOTAL_FORMS": "3", "language": "fr"})
    assert said["faults"] == []
    assert "À approuver" in said["html"]
    place = list(draft.actions.all()).index(draft.actions.get(action="approve"))
    said = typed(root, draft, **{f"actions-{place}-labels": "en: Pay it"})
    assert "Pay it" in said["html"]
    assert draft.texts.count() == 2


def test_a_text_that_is_ticked_for_deletion_is_gone_from_the_preview(draft: TemplateVersion, root: Client) -> None:
    said = typed(root, draft, **{"texts-0-DELETE": "on"})
    assert "Hello" in said["html"]
    said = typed(root, draft, **{"texts-0-DELETE": "on", "texts-1-DELETE": "on"})
    assert "There is no text for live in any language." in said["html"]


@pytest.mark.parametrize(
    ("field", "words", "sentence"),
    some(
        [
            ("texts-1-body", "{{ task.name", "is never closed"),
            ("texts-1-body", "{% for x in y %}", "endfor"),
            ("texts-1-title", "", "This field is required."),
            ("texts-1-language", "Deutsch bitte", "Enter a language such as en, de or pt-BR."),
            ("actions-0-labels", "Genehmigen", "Enter “language: label”"),
            ("event", "no such thing", "There is no such event."),
        ],
        3,
    ),
)
def test_what_could_not_be_saved_is_said_beside_its_field(
    field: str, words: str, sentence: str, draft: TemplateVersion, root: Client
) -> None:
    said = typed(root, draft, **{field: words})
    assert [fault["field"] for fault in said["faults"]] == [field]
    assert sentence.lower() in said["faults"][0]["text"].lower()
    assert said["html"] == ""


def test_mistakes_that_publishing_names_are_named_once_at_their_fields(draft: TemplateVersion, root: Client) -> None:
    said = typed(root, draft, **{"texts-1-body": "{{ task.colour }}"})
    [fault] = said["faults"]
    assert (fault["field"], fault["fatal"]) == ("texts-1-body", False)
    assert "No event of this template is known to have “task.colour”" in fault["text"]
    assert "task.colour" not in said["html"].partition("desk-inbox")[0], "it is said once, at its field"


def test_the_sample_can_be_another_or_a_real_event(day: World, draft: TemplateVersion, root: Client) -> None:
    other = EventType.objects.get(name="case.status_changed")
    said = typed(root, draft, **{"texts-1-title": "{{ event.type }}", "sample": str(other.pk)})
    assert "case.status_changed" in said["html"]
    event = Event.objects.get(event_id="e-2")
    assert "Approve invoice 4712" in typed(root, draft, event=str(event.pk))["html"]


def test_words_are_escaped_and_nothing_hides(draft: TemplateVersion, root: Client) -> None:
    html = typed(root, draft, **{"texts-1-title": "<script>alert(1)</script>\u202eback"})["html"]
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


def test_who_may_not_read_events_previews_samples_only(day: World, draft: TemplateVersion, editor: Client) -> None:
    said = typed(editor, draft, event=str(Event.objects.get(event_id="e-2").pk))
    assert said["faults"] == []
    assert "Approve invoice 4712" not in said["html"]


# --- languages --------------------------------------------------------------------------------------------------------
def test_a_language_lacks_what_the_fallback_language_has(draft: TemplateVersion) -> None:
    draft.actions.all().delete()
    draft.actions.create(action="approve", labels={"en": "Approve", "de": "Genehmigen"})
    draft.actions.create(action="reject", labels={"en": "Reject"})
    TemplateFact.objects.create(version=draft, path="variables.amount", labels={"en": "Amount"})
    TemplateText.objects.filter(version=draft, language="de").update(body="")
    TemplateText.objects.create(version=draft, language="en", channel="email", title="Mail")
    CustomerText.objects.create(version=draft, language="en", title="Dear customer")
    english, german = languages_of(TemplateVersion.objects.get(pk=draft.pk))
    assert (english.code, english.is_fallback, english.lacks) == ("en", True, [])
    assert (german.name, german.lacks) == (
        "German",
        [
            "body",
            "the text for e-mail",
            "the text for customers",
            "the label of the button “reject”",
            "the label of the key fact “variables.amount”",
        ],
    )
    TemplateText.objects.filter(version=draft, language="de").update(body="Hallo")
    [_english, german] = languages_of(TemplateVersion.objects.get(pk=draft.pk))
    assert "body" not in german.lacks


def test_the_form_has_a_tab_for_each_language_that_leads_to_its_text(draft: TemplateVersion, root: Client) -> None:
    page = root.get(page_of(draft)).content.decode()
    assert '<a href="#id_texts-1-language" data-language="en">' in page
    assert '<a href="#id_texts-0-language" data-language="de">' in page
    for field in ("id_texts-1-language", "id_texts-0-language"):
        assert f'id="{field}"' in page


def test_tabs_follow_what_is_typed(draft: TemplateVersion, root: Client) -> None:
    draft.actions.all().delete()
    draft.actions.create(action="approve", labels={"en": "Approve", "de": "Genehmigen"})
    assert "missing" not in typed(root, draft)["languages"]
    said = typed(root, draft, **{"actions-0-labels": "en: Approve", "texts-0-language": "fr"})
    assert 'data-language="fr"' in said["languages"]
    assert 'data-language="de"' not in said["languages"]
    assert "the label of the button “approve”" in said["languages"]


# --- what can be inserted ---------------------------------------------------------------------------------------------
def test_the_menu_says_what_each_variable_and_filter_gives_in_the_sample(draft: TemplateVersion, root: Client) -> None:
    event_type = EventType.objects.get(name="task.assigned")
    EventVariable.objects.create(event_type=event_type, path="variables.salary", sensitive=True)
    menu = {
        item.text: item for group in root.get(page_of(draft)).context["insert_menu"]["groups"] for item in group.items
    }
    assert menu["{{ task.name }}"].gives == event_type.sample["task"]["name"]
    assert menu["{{ task.name }}"].inner == "task.name"
    assert menu["{{ variables.amount | money: variables.currency }}"].gives == "€1,200.50"
    assert menu["{{ task.due_at | date }}"].inner == " | date"
    assert menu["{{ variables.salary }}"].is_missing
    assert "sensitive" in menu["{{ variables.salary }}"].note
    assert menu["{{ exception.code }}"].gives == "not in this sample"


def test_whatever_is_inserted_can_be_read_by_the_renderer(draft: TemplateVersion) -> None:
    for group in menu(draft, {}, "en"):
        for item in group.items:
            liquid.parse(item.text)
            liquid.parse(f"{{{{ task.name{item.inner} }}}}" if group.title == "Filters" else item.text)


def test_the_menu_comes_again_only_for_another_sample_or_language(draft: TemplateVersion, root: Client) -> None:
    first = typed(root, draft)["insert_menu"]
    assert "Approve invoice 4711" in first["html"]
    assert "insert_menu" not in typed(root, draft, menu_key=first["key"])
    other = typed(root, draft, menu_key=first["key"], language="de")["insert_menu"]
    assert "1.200,50" in other["html"]
    milestone = EventType.objects.get(name="case.status_changed")
    assert (
        "Approve invoice 4711"
        not in typed(root, draft, menu_key=first["key"], sample=milestone.pk)["insert_menu"]["html"]
    )


# --- the sample -------------------------------------------------------------------------------------------------------
def test_the_sample_is_remembered_for_each_template(draft: TemplateVersion, root: Client) -> None:
    looked_at = EventType.objects.exclude(sample={}).last()
    assert looked_at is not None
    typed(root, draft, language="de", sample=looked_at.pk)
    page = root.get(page_of(draft))
    assert page.context["live"]["about"].event.type == looked_at.name
    assert page.context["live"]["language"] == "de"
    published = draft.template.versions.get(state=VersionState.PUBLISHED)
    assert root.get(page_of(published, "preview")).context["about"].event.type == looked_at.name
    other = template_versions.new_draft(TemplateFactory(name="Another"))
    TemplateText.objects.create(version=other, language="en", title="Hello")
    assert root.get(page_of(other)).context["live"]["about"].event.type != looked_at.name


def test_a_sample_that_is_gone_is_forgotten(draft: TemplateVersion, root: Client) -> None:
    gone = EventType.objects.create(name="com.acme.gone", sample={"task": {"name": "Gone"}})
    typed(root, draft, sample=gone.pk)
    gone.delete()
    assert root.get(page_of(draft)).context["live"]["preview"].inbox.title == "Approve invoice 4711"


# --- versions compared ------------------------------------------------------------------------------------------------
def test_two_versions_are_compared_word_for_word(draft: TemplateVersion, root: Client) -> None:
    before = draft.template.versions.get(number=1)
    draft.texts.filter(language="en").update(body="Hello <b>you</b>")
    draft.actions.filter(action="approve").update(labels={"en": "Pay it"})
    page = root.get(page_of(draft, "compare_with"), {"earlier": before.pk, "later": draft.pk})
    body = page.content.decode()
    assert "<ins" in body
    assert "&lt;" in body
    assert "<b>you" not in body
    said = text_of(page)
    assert "button “approve”" in said
    assert "de" not in {part.name for part in page.context["parts"]}, "only what differs"
    usual = root.get(page_of(draft, "compare_with"))
    assert [part.name for part in usual.context["parts"]] == [part.name for part in page.context["parts"]]
    same = root.get(page_of(draft, "compare_with"), {"earlier": before.pk, "later": before.pk})
    assert "Both are identical." in text_of(same)


def test_one_edited_word_is_the_only_mark(template: Template, root: Client) -> None:
    """Browsers send the line ends of Windows, and versions were stored with them before."""
    lines = "\n\n".join(f"Line {number} of {{{{ task.name }}}}, which nobody edits." for number in range(40))
    before = template.versions.get()
    before.texts.filter(language="en").update(body=lines.replace("\n\n", "\r\n\n", 1))
    draft = template_versions.new_draft(template, before)
    place = [text.language for text in draft.texts.all()].index("en")
    edited = lines.replace("Line 20 of", "Line 20 about").replace("\n", "\r\n")

    save_form(root, draft, **{f"texts-{place}-body": edited})

    assert "\r" not in draft.texts.get(language="en").body
    [part] = root.get(page_of(draft, "compare_with")).context["parts"]
    marks = [(piece.change, piece.text) for piece in part.below[0].pieces if piece.change != "same"]
    assert marks == [("removed", "of"), ("added", "about")]


def test_versions_of_another_template_are_not_compared(draft: TemplateVersion, root: Client) -> None:
    other = template_versions.new_draft(TemplateFactory(name="Another"))
    page = root.get(page_of(draft, "compare_with"), {"earlier": other.pk, "later": draft.pk})
    assert page.context["parts"] is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "Hello"),
        ("Hello", ""),
        ("Pay {{ case.id }} now", "Pay {{ case.title }} soon, please"),
        ("a\n\nb  c", "a\nb c d"),
        ("Pay it, now.\n", "Pay it now.\n"),
        ("x " * 4000, "y " * 4000),
        ("ab," * 1300, "ab;" * 1300),
        ('{"a": [1, 2]}\n' * 300, '{"a": [1, 3]}\n' * 300),
    ],
    ids=[
        "from nothing",
        "to nothing",
        "words",
        "white space",
        "a comma",
        "long",
        "the same again and again",
        "lines alike",
    ],
)
def test_a_comparison_has_both_texts_whole(old: str, new: str) -> None:
    pieces = words_between(old, new)
    assert all(piece.text for piece in pieces)
    assert "".join(piece.text for piece in pieces if piece.change != "added") == old
    assert "".join(piece.text for piece in pieces if piece.change != "removed") == new


# --- below its template -----------------------------------------------------------------------------------------------
def test_a_version_stands_below_its_template(template: Template, draft: TemplateVersion, root: Client) -> None:
    for action in ("", "publish", "compare_with", "preview", "send_to_me", "history", "delete"):
        body = root.get(page_of(draft, action)).content.decode()
        heading = body.partition("<h1")[2].partition("</h1>")[0]
        assert page_of(template) in heading, action
        assert "version 2" in heading, action
        assert 'href="/admin/notifications/templateversion/"' not in heading, action


def test_versions_are_listed_on_their_templates_page(template: Template, draft: TemplateVersion, root: Client) -> None:
    assert root.get(list_of(TemplateVersion)).headers["Location"] == list_of(Template)
    of_one = root.get(list_of(TemplateVersion, f"template__id__exact={template.pk}"))
    assert of_one.headers["Location"] == page_of(template)
    assert root.get(list_of(TemplateVersion, "template__id__exact=x")).headers["Location"] == list_of(Template)
    gone = root.post(reverse("admin:notifications_templateversion_delete", args=[draft.pk]), {"post": "yes"})
    assert gone.headers["Location"] == page_of(template)
    assert press(root, page_of(template, "edit_draft")).status_code == 200
