"""Key facts are named on a draft's page, at most six, and shown by its preview."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.test import Client

from notifications import roles, starter
from notifications.models import FactKind, Template, TemplateFact, TemplateVersion, VersionState
from notifications.roles import EDITORS, OPERATORS
from notifications.wording import template_versions
from notifications.wording.key_facts import facts_of
from tests.admin.pages import filled, form_at, list_of, page_of, save_form, text_of
from tests.admin.world import World
from tests.support.length import some

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(world: World) -> TemplateVersion:
    """Of the template that tasks have from the start: it names five."""
    template = Template.objects.get(slug="task")
    return template_versions.new_draft(template, template.versions.get())


def row(at: int, **said: Any) -> dict[str, Any]:
    values = {"position": at, "kind": "text", "path": f"variables.n{at}", "currency": "", "labels": "", **said}
    return {f"facts-{at}-{name}": value for name, value in values.items()}


def test_a_draft_begins_with_the_facts_of_its_source(draft: TemplateVersion) -> None:
    paths = [fact.path for fact in draft.facts.all()]

    assert paths == [fact.path for fact in draft.template.versions.get(number=1).facts.all()]
    assert paths[0] == "variables.amount"


def test_a_fact_is_named_with_its_labels(draft: TemplateVersion, root: Client) -> None:
    said = row(5, path="variables.net", kind="money", currency="EUR", labels="en: Net\nde: Netto")
    save_form(root, draft, **{"facts-TOTAL_FORMS": "6"}, **said)
    fact = draft.facts.get(path="variables.net")

    assert (fact.kind, fact.currency, fact.labels) == (FactKind.MONEY, "EUR", {"en": "Net", "de": "Netto"})


def test_a_new_one_comes_last_and_the_preview_has_the_order_that_is_typed(draft: TemplateVersion, root: Client) -> None:
    page = form_at(root, page_of(draft))
    (formset,) = [each.formset for each in page.context["inline_admin_formsets"] if each.formset.prefix == "facts"]
    assert formset.empty_form["position"].value() == 6

    typed = filled(page, **{"facts-0-position": "3"}) | {"language": "en"}
    html = root.post(page_of(draft, "preview"), typed).json()["html"]
    assert "<p>Acme GmbH · €1,200.50 · Asked by alice</p>" in html


def test_a_seventh_is_refused_and_one_instead_of_another_is_not(draft: TemplateVersion, root: Client) -> None:
    two = {**row(5), **row(6)}
    page = save_form(root, draft, **{"facts-TOTAL_FORMS": "7"}, **two)
    assert "at most 6" in text_of(page)
    assert draft.facts.count() == 5

    save_form(root, draft, **{"facts-TOTAL_FORMS": "7", "facts-0-DELETE": "on"}, **two)
    assert draft.facts.count() == 6


@pytest.mark.parametrize(
    "wrong", some([{"path": "task name"}, {"path": ""}, {"currency": "€"}, {"labels": "Betrag"}], 2)
)
def test_what_is_no_path_or_label_is_refused(wrong: dict[str, str], draft: TemplateVersion, root: Client) -> None:
    save_form(root, draft, **{"facts-TOTAL_FORMS": "6"}, **row(5, **wrong))

    assert draft.facts.count() == 5


def test_saving_names_a_path_that_no_event_has(draft: TemplateVersion, root: Client) -> None:
    page = save_form(root, draft, **{"facts-TOTAL_FORMS": "6"}, **row(5, path="variables.amout"))

    assert text_of(page).count("No event of this template is known to have “variables.amout”.") == 1


def test_facts_of_a_published_version_are_history(draft: TemplateVersion, root: Client) -> None:
    published = draft.template.versions.get(number=1)
    assert "de: Betrag, en: Amount" in text_of(root.get(page_of(published)))
    assert text_of(root.get(list_of(TemplateFact))).count("variables.amount") == 2


def test_the_preview_has_them(draft: TemplateVersion, root: Client) -> None:
    preview = root.get(page_of(draft, "preview"), {"language": "de"}).context["preview"]

    assert [each.text for each in facts_of(preview.inbox)] == ["1.200,50 €", "Acme GmbH", "alice"]
    assert preview.mail_text.index("Betrag: 1.200,50 €\nLieferant: Acme GmbH") < preview.mail_text.index("Office")
    shown = text_of(root.get(page_of(draft, "preview"), {"language": "de"}))
    assert "1.200,50 € Approve invoice 4711 Acme GmbH · Angefragt von alice" in shown
    assert "1.200,50 € · Acme GmbH · Angefragt von alice Ihre Genehmigung" in shown


def test_whoever_edits_labels_of_actions_edits_facts_after_an_upgrade(db: None) -> None:
    Permission.objects.filter(codename__endswith="_templatefact").delete()
    Group.objects.get(name=EDITORS).permissions.remove(Permission.objects.get(codename="delete_templateaction"))
    roles.give_rights(templatefact="templateaction").code(apps, None)

    def may(group: str) -> set[str]:
        given = Group.objects.get(name=group).permissions.filter(codename__endswith="_templatefact")
        return set(given.values_list("codename", flat=True))

    assert may(EDITORS) == {"add_templatefact", "change_templatefact", "view_templatefact"}
    assert may(OPERATORS) == set()


def test_templates_as_they_came_name_their_facts_after_an_upgrade(db: None) -> None:
    TemplateFact.objects.all().delete()
    edited = Template.objects.get(slug="field-work").versions.get()
    template_versions.publish(template_versions.new_draft(edited.template, edited), None, edited.created_at)
    starter.name_facts(apps)
    starter.name_facts(apps)

    named = {fact.version.template.slug for fact in TemplateFact.objects.select_related("version__template")}
    assert named == {"task"}
    published = TemplateVersion.objects.get(template__slug="task", state=VersionState.PUBLISHED)
    assert [fact.labels["de"] for fact in published.facts.all()][:2] == ["Betrag", "Lieferant"]
