"""Where files own a thing, the desk and the API show it, say so, and do not change it."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.test import Client
from django.urls import reverse

from notifications.config_files import applying
from notifications.config_files.fixed import lifted
from notifications.config_files.tests.folders import apply, export
from notifications.errors import NotAllowed
from notifications.fixed_rows import RowIsFixed
from notifications.models import Engine, EventMapping, Recipient, Route, Scope, Team, Template, TemplateVersion
from notifications.people import directory
from notifications.people.directory import Writer
from notifications.wording import template_versions
from tests.admin.pages import text_of
from tests.admin.world import World

pytestmark = pytest.mark.django_db

RULE = {"event_types": ["task.assigned"], "category": "approvals", "template": "task"}
SAYS = "owns this: change it there, or have an administrator release it."


def address(row: object, page: str = "change") -> str:
    meta = row._meta  # type: ignore[attr-defined]
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=[row.pk])  # type: ignore[attr-defined]


def test_a_rule_that_files_own_is_shown_and_cannot_be_changed(root: Client, world: World) -> None:
    apply(rules={"Invoices": RULE})
    rule = Route.objects.get(name="Invoices")

    page = root.get(address(rule))
    assert SAYS in text_of(page)
    assert 'name="_save"' not in page.content.decode()
    assert root.post(address(rule), {"name": "Mine"}).status_code == 403
    assert root.post(address(rule, "delete"), {"post": "yes"}).status_code == 403
    root.post(reverse("admin:notifications_route_changelist"), {"action": "disable", "_selected_action": rule.pk})
    rule.refresh_from_db()
    assert (rule.name, rule.enabled) == ("Invoices", True)


def test_the_rule_as_a_sentence_leads_to_the_page_that_says_so(root: Client, world: World) -> None:
    apply(rules={"Invoices": RULE})
    rule = Route.objects.get(name="Invoices")
    page = root.get(f"{address(rule).removesuffix('change/')}rule/", follow=True)

    assert SAYS in text_of(page)


def test_a_template_that_files_own_gets_no_version_at_the_desk(root: Client, world: World) -> None:
    apply(templates={"task": export()["templates"]["task"]})
    template = Template.objects.get(slug="task")
    with pytest.raises(RowIsFixed):
        template_versions.new_draft(template, template.versions.get())
    with lifted():  # as one that is older than the file
        draft = template_versions.new_draft(template, template.versions.get())
    root.post(f"{address(draft).removesuffix('change/')}publish/")

    assert SAYS in text_of(root.get(address(draft)))
    draft.refresh_from_db()
    assert draft.state == "draft"
    assert TemplateVersion.objects.get(template=template, state="published").number == 1


def test_an_engine_cannot_change_a_team_that_files_own(world: World) -> None:
    apply(teams={"finance": {"name": "Finance"}})
    with pytest.raises(NotAllowed, match="The file /teams/finance owns this"):
        directory.put_team(Writer(world.engine, frozenset({Scope.DIRECTORY})), "finance", {"name": "Mine"})

    assert Team.objects.get(slug="finance").name == "Finance"


def test_no_way_leads_round_the_file(world: World) -> None:
    body = export()["teams"]["finance"]
    apply(teams={"finance": body}, engines={world.engine.slug: export()["engines"][world.engine.slug]})
    team, other = Team.objects.get(slug="finance"), Recipient.objects.exclude(teams__slug="finance").first()
    assert other is not None
    ways = [
        lambda: team.members.add(other),
        lambda: other.teams.add(team),
        lambda: team.members.clear(),
        lambda: team.delete(),
        lambda: EventMapping.objects.create(engine=world.engine, member="id", expression="id"),
        lambda: _rename(world.engine),
    ]
    for way in ways:
        with pytest.raises(RowIsFixed), transaction.atomic():
            way()

    assert export()["teams"]["finance"] == body


def _rename(engine: Engine) -> None:
    engine.name = "Mine"
    engine.save()


def test_what_is_not_in_files_can_be_saved(world: World) -> None:
    apply(engines={world.engine.slug: export()["engines"][world.engine.slug]})
    world.engine.callback_disabled_at = world.now
    world.engine.save()
    world.engine.save(update_fields=["callback_disabled_at"])

    assert Engine.objects.get(pk=world.engine.pk).callback_disabled_at == world.now


def test_members_that_a_file_leaves_out_are_changed_elsewhere(world: World) -> None:
    apply(teams={"finance": {"name": "Finance"}})
    team = Team.objects.get(slug="finance")
    team.members.clear()
    assert not team.members.exists()
    team.name = "Mine"
    with pytest.raises(RowIsFixed):
        team.save()


def test_an_administrator_releases_a_thing(root: Client, world: World) -> None:
    apply(rules={"Invoices": RULE})
    rule = Route.objects.get(name="Invoices")
    owned = applying.OwnedThing.objects.get()
    where = reverse("admin:config_files_ownedthing_changelist")
    answer = root.post(where, {"action": "release", "_selected_action": owned.pk}, follow=True)

    assert "The desk can change them now." in text_of(answer)
    assert applying.owned() == {}
    assert LogEntry.objects.filter(change_message__startswith="Released rules “Invoices” from /rules/Invoices").exists()
    assert 'name="_save"' in root.get(address(rule)).content.decode()


def test_the_desk_lists_what_was_applied(root: Client, world: World) -> None:
    _plan, record = apply(rules={"Invoices": RULE})
    assert record is not None
    assert "ops@example" in text_of(root.get(reverse("admin:config_files_configapply_changelist")))

    page = text_of(root.get(address(record)))
    assert "Rule “Invoices” is new:" in page
    assert "1 thing becomes read-only at the desk." in page
