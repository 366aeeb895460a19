"""A rule is edited on its page: nothing of others is undone, and what is refused stays on the page."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from escalations.admin.rules.page import EDITING, NAME, PERMISSIONS, WORDING
from escalations.models import Policy, PolicyCondition
from notifications.models import CustomerText, Route, Template, TemplateText
from notifications.wording import template_versions
from tests.admin.conftest import signed_in
from tests.admin.pages import text_of
from tests.admin.test_rules import ask, calendar, form, publish, rows  # noqa: F401
from tests.admin.world import World

ENGLISH = {"language": "en", "title": "Large: {{ task.name }}", "body": "Look twice.\r\nThen answer.", "short_body": ""}
GERMAN = {"language": "de", "title": "Groß: {{ task.name }}", "body": "Zweimal ansehen.", "short_body": ""}
OWN = {"words-own": "on"}


@pytest.fixture
def fields(world: World, calendar: Any) -> dict[str, Any]:  # noqa: F811
    return form(world, calendar)


def address_of(route: Route) -> str:
    return reverse("admin:notifications_route_rule", args=[route.pk])


def rule(**found: Any) -> Route:
    return Route.objects.get(**{"name": "Large invoices", **found})


def as_shown(page: Any) -> dict[str, Any]:
    """What the page sends if nothing on it is changed."""
    shown = page.context["rule"]
    formsets = (shown.texts, shown.conditions, shown.targets, shown.steps)
    forms = [shown.rule, shown.words, shown.late]
    for formset in formsets:
        forms += [formset.management_form, *formset.forms]
    values = {field.html_name: field.value() for each in forms for field in each}
    said = {name: str(value) if not isinstance(value, list) else value for name, value in values.items() if value}
    said |= {f"{formset.prefix}-TOTAL_FORMS": str(len(formset.forms)) for formset in formsets}
    return {**said, "seen": page.context["seen"]}


def conditions_of(policy: Policy) -> list[str]:
    return [str(each) for each in policy.conditions.all()]


# --- the policy -------------------------------------------------------------------------------------------------------
def test_a_policy_that_is_off_is_shown_as_off_and_stays_so(root: Client, fields: dict[str, Any]) -> None:
    publish(root, fields)
    address = address_of(rule())
    publish(root, {**as_shown(root.get(address)), "late-counted": ""}, address)
    publish(root, as_shown(root.get(address)), address)
    assert not Policy.objects.get(route=rule()).enabled


def test_a_rule_that_was_off_is_on_again_with_its_policy(root: Client, fields: dict[str, Any]) -> None:
    publish(root, {**fields, "enabled": ""})
    assert not Policy.objects.get(route=rule()).enabled
    address = address_of(rule())
    publish(root, {**as_shown(root.get(address)), "enabled": "on"}, address)
    assert rule().enabled and Policy.objects.get(route=rule()).enabled


def test_conditions_that_the_policys_own_page_gave_it_stay(root: Client, fields: dict[str, Any]) -> None:
    publish(root, fields)
    policy, address = Policy.objects.get(route=rule()), address_of(rule())
    PolicyCondition.objects.create(policy=policy, path="task.kind", operator="eq", value="approval")
    policy.engine = rule().engine
    policy.save()
    before = conditions_of(policy)
    shown = {**as_shown(root.get(address)), "conditions-0-value": "5000"}
    late = ask(root, shown, address)["parts"]["late"]
    assert "The SLA keeps the tasks set on its own page" in late and "task.kind" in late
    publish(root, shown, address)
    assert rule().conditions.get().value == "5000" and conditions_of(policy) == before


def test_it_is_said_that_the_time_counts_for_other_tasks(root: Client, fields: dict[str, Any]) -> None:
    only = rows("conditions", [{"path": "event.source", "operator": "eq", "value": "erp"}])
    late = ask(root, {**fields, **only, "types": ["case.opened"]})["parts"]["late"]
    if "regardless of the type of its events" not in late:  # the type is no choice here
        late = ask(root, {**fields, **only})["parts"]["late"]
    assert "Tasks do not have event.source" in late


def test_a_policy_whose_route_was_deleted_can_be_restored(root: Client, fields: dict[str, Any]) -> None:
    publish(root, fields)
    policy, route = Policy.objects.get(route=rule()), rule()
    record = policy.history.latest()
    route.delete()
    Policy.objects.filter(pk=policy.pk).update(position=7)
    page = reverse("admin:escalations_policy_simple_history", args=[policy.pk, record.pk])
    assert "It has not changed since then." in text_of(root.post(page, follow=True))
    policy.refresh_from_db()
    assert policy.route is None and policy.position != 7


# --- two people -------------------------------------------------------------------------------------------------------
def test_a_change_of_somebody_else_is_not_undone_unseen(root: Client, fields: dict[str, Any]) -> None:
    publish(root, fields)
    address = address_of(rule())
    mine, theirs = as_shown(root.get(address)), as_shown(root.get(address))
    publish(root, {**theirs, "steps-1-DELETE": "on", "conditions-0-value": "2000"}, address)
    page = publish(root, {**mine, "name": "Mine"}, address)
    assert "Somebody else removed a row of this rule: remove it here, too." in text_of(page)
    again = as_shown(page) | {"steps-1-DELETE": "on"}
    assert again["name"] == "Mine" and again["conditions-0-value"] == "1,000"
    page = publish(root, again, address)
    assert "Somebody else changed this rule after you opened it" in text_of(page)
    assert rule().conditions.get().value == "2000"
    publish(root, as_shown(page) | {"steps-1-DELETE": "on"}, address)
    assert rule(name="Mine").conditions.get().value == "1000"


# --- words ------------------------------------------------------------------------------------------------------------
def test_a_template_that_was_chosen_anew_is_copied(root: Client, fields: dict[str, Any]) -> None:
    publish(root, {**fields, **OWN, **rows("texts", [ENGLISH])})
    spare = Template.objects.create(slug="spare", name="Spare")
    draft = template_versions.new_draft(spare)
    TemplateText.objects.create(version=draft, language="en", title="Spare")
    CustomerText.objects.create(version=draft, language="en", title="For customers")
    template_versions.publish(draft, None, draft.created_at)
    address = address_of(rule())
    texts = rows("texts", [{**ENGLISH, "title": "Other"}], initial=1)
    publish(root, {**as_shown(root.get(address)), **OWN, **texts, "template": spare.pk}, address)
    template = rule().template
    assert template != spare and spare.versions.count() == 1
    version = template.versions.get(state="published")
    assert [text.title for text in version.texts.all()] == ["Other"]
    assert [text.title for text in version.customer_texts.all()] == ["For customers"]


def test_words_are_published_anew_only_if_they_changed(root: Client, fields: dict[str, Any]) -> None:
    publish(root, {**fields, **OWN, **rows("texts", [ENGLISH, GERMAN])})
    template, address = rule().template, address_of(rule())
    TemplateText.objects.filter(version__template=template, language="en").update(body="Look twice.\nThen answer.")
    shown = as_shown(root.get(address)) | OWN
    at = next(at for at in (0, 1) if shown[f"texts-{at}-language"] == "en")
    publish(root, {**shown, f"texts-{at}-body": ENGLISH["body"]}, address)
    assert template.versions.count() == 1
    shown = as_shown(root.get(address)) | OWN
    twice = {"texts-TOTAL_FORMS": "3", "texts-2-language": "en", "texts-2-title": "Again"}
    page = publish(root, {**shown, **twice}, address)
    assert "There are two texts in the same language." in text_of(page)
    publish(root, {**shown, f"texts-{1 - at}-DELETE": "on"}, address)
    assert [text.language for text in template.versions.get(state="published").texts.all()] == ["en"]


# --- the page ---------------------------------------------------------------------------------------------------------
def test_the_value_of_an_operator_that_takes_none_is_dropped(root: Client, fields: dict[str, Any]) -> None:
    publish(root, {**fields, "conditions-0-operator": "exists"})
    assert (rule().conditions.get().operator, rule().conditions.get().value) == ("exists", "")


def test_a_new_rule_that_was_tried_leads_to_no_row(root: Client, fields: dict[str, Any]) -> None:
    page = root.post(reverse(NAME), {**fields, "_try": "1"})
    assert "All settings" not in text_of(page) and "New rule" in text_of(page)


def test_all_that_it_writes_must_be_allowed(fields: dict[str, Any], root: Client, client: Client) -> None:
    publish(root, fields)
    user = User.objects.create_user("some", is_staff=True)

    def may(names: tuple[str, ...]) -> None:
        codes = [name.partition(".")[2] for name in names]
        user.user_permissions.set(Permission.objects.filter(codename__in=codes))

    limited = signed_in(user)
    for address, rights in ((reverse(NAME), PERMISSIONS), (address_of(rule()), EDITING)):
        may(rights)
        assert limited.get(address).status_code == 200
        for lacking in rights:
            may(tuple(each for each in rights if each != lacking))
            assert limited.get(address, {"people": "bob"}).status_code == 403, lacking
    worded = {**fields, **OWN, **rows("texts", [ENGLISH]), "name": "Worded", "_publish": "1"}
    for lacking in WORDING:
        may((*PERMISSIONS, *(each for each in WORDING if each != lacking)))
        assert limited.post(reverse(NAME), worded).status_code == 403, lacking
    may((*PERMISSIONS, *WORDING))
    assert limited.post(reverse(NAME), worded).status_code == 302
