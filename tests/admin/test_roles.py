"""What each role sees and may do. Staff without a right get 403 or do not see it at all."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django_q.models import OrmQ, Schedule

from notifications.models import (
    Category,
    Event,
    Template,
    TemplateVersion,
)
from notifications.roles import (
    ADMINISTRATORS,
    AUDITORS,
    CONNECTION_OWNERS,
    OPERATORS,
    RULE_EDITORS,
    ensure_roles,
    roles,
)
from notifications.wording import template_versions
from tests.admin.conftest import member_of, signed_in
from tests.admin.pages import filled, form_at, list_of, page_of, press, text_of
from tests.admin.world import World
from tests.support.unrendered import contexts_alone

add_groups = import_module("notifications.migrations.0021_starter_and_roles").add_groups
REGISTERED = list(admin.site._registry)


def visible_to(client: Client) -> set[str]:
    with contexts_alone():
        return {model.__name__ for model in REGISTERED if client.get(list_of(model)).status_code == 200}


# --- the groups themselves ------------------------------------------------------------------------------------------
@pytest.mark.ci
def test_the_roles_are_made_with_a_migrations_registry(db: None) -> None:
    Group.objects.all().delete()
    historical = MigrationExecutor(connection).loader.project_state().apps
    ensure_roles(historical)
    assert set(Group.objects.values_list("name", flat=True)) == set(roles())
    for name, rights in roles().items():
        assert Group.objects.get(name=name).permissions.count() == len(rights)


@pytest.mark.ci
def test_the_roles_are_made_before_django_has_made_its_permissions(db: None) -> None:
    """As in the first migration of a fresh database; afterwards Django finds them and makes no second ones."""
    Group.objects.all().delete()
    Permission.objects.all().delete()
    ensure_roles(apps)
    made = Group.objects.get(name=OPERATORS).permissions.count()
    for config in apps.get_app_configs():
        create_permissions(config, verbosity=0)
    assert Group.objects.get(name=OPERATORS).permissions.count() == made
    name = Permission.objects.get(content_type__app_label="notifications", codename="view_apikey").name
    assert name == "Can view API key"


def test_an_administrators_changes_to_a_role_are_kept(db: None) -> None:
    ensure_roles(apps)
    operators = Group.objects.get(name=OPERATORS)
    operators.permissions.clear()
    ensure_roles(apps)
    assert operators.permissions.count() == 0
    assert Group.objects.filter(name=OPERATORS).count() == 1


def test_an_upgrade_adds_groups_and_leaves_those_that_there_are(db: None) -> None:
    Group.objects.all().delete()
    theirs = Group.objects.create(name=AUDITORS)  # a group of their own, by the same name
    add_groups(apps, None)
    assert set(Group.objects.values_list("name", flat=True)) == {RULE_EDITORS, CONNECTION_OWNERS, AUDITORS}
    assert theirs.permissions.count() == 0


def test_who_sees_no_events_tries_rules_with_samples(day: World) -> None:
    client = signed_in(member_of(RULE_EDITORS))
    page = client.get(reverse("admin:notifications_route_dry_run"), {"event": "e-2"})
    assert page.status_code == 200
    assert "4712" not in page.content.decode()
    body = page.context["form"].initial["body"]
    told = text_of(client.post(page.wsgi_request.path, {"engine": day.engine.pk, "body": body}))
    assert "would come in" in told


def test_a_row_is_put_back_to_what_it_was_by_who_may_change_it(day: World, operator: Client, root: Client) -> None:
    """Whoever sees the history of a row may look at a change of it, and no more."""
    category = Category.objects.all()[0]
    category.save()
    address = reverse("admin:notifications_category_simple_history", args=[category.pk, category.history.first().pk])
    assert operator.get(address).status_code == 200
    fields = filled(root.get(page_of(category)), name="Put back")
    assert operator.post(address, fields).status_code == 403
    assert Category.objects.get(pk=category.pk).name == category.name


def test_every_right_names_a_model_that_exists() -> None:
    for rights in roles().values():
        for app, verb, model in rights:
            assert verb in apps.get_model(app, model)._meta.default_permissions


# --- operators ------------------------------------------------------------------------------------------------------
def test_an_operator_sees_what_happens_and_no_credentials(day: World, operator: Client) -> None:
    seen = visible_to(operator)
    assert {"Event", "Task", "Notification", "Delivery", "Response", "Callback", "Route", "Recipient"} <= seen
    assert not seen & {
        "ApiKey",
        "SigningSecret",
        "RecipientToken",
        "SignInLink",
        "ActionToken",
        "User",
        "Group",
        "AccessAttempt",
    }


def test_an_operator_sees_no_secret_on_the_engines_page(day: World, operator: Client) -> None:
    page = operator.get(page_of(day.engine))
    assert "whsec_" not in page.content.decode()
    assert day.api_key[:12] not in page.content.decode()
    assert "New API key" not in text_of(page)


# --- template editors -----------------------------------------------------------------------------------------------
def test_an_editor_sees_templates_and_nothing_else(day: World, editor: Client) -> None:
    parts = {"TemplateText", "CustomerText", "TemplateFact", "TemplateAction"}
    assert visible_to(editor) == {"Template", *parts}
    page = editor.get("/admin/")
    assert page.status_code == 200
    assert page.context["tiles"] == []
    assert [str(each.title) for name in ("panels", "well") for each in page.context[name]] == ["Templates with a draft"]
    assert "4712" not in text_of(page)


def test_an_editor_drafts_previews_publishes_and_rolls_back(day: World, editor: Client) -> None:
    template = Template.objects.filter(routes__isnull=False)[0]
    press(editor, page_of(template, "edit_draft"))
    draft = TemplateVersion.objects.get(template=template, state="draft")
    fields = filled(form_at(editor, page_of(draft)), **{"texts-0-body": "Neue Worte"})
    assert "was changed successfully" in text_of(editor.post(page_of(draft), fields, follow=True))
    assert editor.get(page_of(draft, "preview")).status_code == 200
    assert "is published." in text_of(press(editor, page_of(draft, "publish")))
    first = TemplateVersion.objects.get(template=template, number=1)
    assert "v3 is published." in text_of(press(editor, page_of(first, "roll_back")))


def test_an_editors_preview_shows_samples_and_nobodys_data(day: World, editor: Client) -> None:
    version = TemplateVersion.objects.filter(template__routes__isnull=False)[0]
    page = editor.get(page_of(version, "preview"), {"event": "e-2"})
    assert "event" not in page.context["form"].fields
    assert "4712" not in page.content.decode()


def test_who_may_draft_need_not_be_allowed_to_publish(day: World) -> None:
    ensure_roles(apps)
    drafter = User.objects.create_user("drafter", is_staff=True)
    names = [
        "view_template",
        "view_templateversion",
        "add_templateversion",
        "change_templateversion",
        "view_templatetext",
    ]
    drafter.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = signed_in(drafter)
    draft = template_versions.new_draft(Template.objects.all()[0])
    assert client.get(page_of(draft)).status_code == 200
    assert page_of(draft, "publish") not in client.get(page_of(draft)).content.decode()
    assert client.post(page_of(draft, "publish")).status_code == 403
    draft.refresh_from_db()
    assert draft.state == "draft"


# --- administrators -------------------------------------------------------------------------------------------------
def test_an_administrator_cannot_give_themselves_all_rights(day: World, root: Client) -> None:
    user = member_of(ADMINISTRATORS)
    administrator = signed_in(user)
    page = administrator.get(page_of(user))
    assert "is_superuser" not in page.context["adminform"].form.fields
    administrator.post(page_of(user), {**filled(page), "is_superuser": "on"})
    user.refresh_from_db()
    assert not user.is_superuser


def test_an_administrator_cannot_touch_who_has_all_rights(day: World, root: Client, administrator: Client) -> None:
    owner = User.objects.get(username="root")
    assert administrator.post(page_of(owner), {"username": "mine"}).status_code == 403
    password = reverse("admin:auth_user_password_change", args=[owner.pk])
    words = "a long walk by the sea"
    assert administrator.post(password, {"password1": words, "password2": words}).status_code == 403
    group = Group.objects.get(name=ADMINISTRATORS)
    assert administrator.post(page_of(group), {"name": "x"}).status_code == 403


# --- nobody ---------------------------------------------------------------------------------------------------------
def test_staff_without_rights_see_an_empty_desk(day: World) -> None:
    client = signed_in(User.objects.create_user("new", is_staff=True))
    assert visible_to(client) == set()
    page = client.get("/admin/")
    assert (page.context["tiles"], page.context["panels"]) == ([], [])


@pytest.mark.parametrize("staff", [False, None])
def test_people_without_the_desk_are_asked_to_sign_in(staff: bool | None, day: World) -> None:
    client = Client() if staff is None else signed_in(User.objects.get(username="bob"))
    for address in (
        "/admin/",
        list_of(Event),
        page_of(Event.objects.all()[0]),
        reverse("admin:notifications_route_dry_run"),
    ):
        answer = client.get(address)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")


def test_schedules_are_on_nobodys_desk(root: Client) -> None:
    """A schedule runs any Python path."""
    assert Schedule not in REGISTERED
    assert OrmQ not in REGISTERED
    with pytest.raises(NoReverseMatch):
        reverse("admin:django_q_schedule_changelist")
    assert root.get("/admin/django_q/schedule/").status_code == 404
