"""Ways to change what files own or do not name, and what a plan costs others."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from notifications.config_files import applying, documents
from notifications.config_files.nodes import Mistakes
from notifications.config_files.tests.folders import OPS, apply, export, plan, put
from notifications.fixed_rows import RowIsFixed
from notifications.models import Brand, Category, Recipient, Route, RouteTarget, Team
from notifications.rotas.models import Rota
from tests.admin.pages import text_of
from tests.admin.world import World
from tests.support.story import Story

pytestmark = pytest.mark.django_db

RULE = {"event_types": ["task.assigned"], "category": "approvals", "template": "task"}


def test_a_thing_that_files_own_gets_no_other_name(world: World) -> None:
    apply(rules={"Invoices": RULE}, teams={"finance": {"name": "Finance"}})
    rule, team = Route.objects.get(name="Invoices"), Team.objects.get(slug="finance")
    rule.name, rule.priority = "Mine", 3
    team.slug = "mine"
    for row in (rule, team):
        with pytest.raises(RowIsFixed), transaction.atomic():
            row.save()


def test_a_part_does_not_leave_its_thing(world: World) -> None:
    apply(rules={"Invoices": {**RULE, "targets": [{"kind": "assignee"}]}})
    target = RouteTarget.objects.get(route__name="Invoices")
    target.route = Route.objects.exclude(name="Invoices").first()
    with pytest.raises(RowIsFixed), transaction.atomic():
        target.save()


def test_a_preset_does_not_fill_the_mapping_of_an_engine_that_files_own(root: Client, world: World) -> None:
    world.engine.event_mappings.all().delete()
    apply(engines={world.engine.slug: export()["engines"][world.engine.slug]})
    where = reverse("admin:notifications_engine_change", args=[world.engine.pk]).removesuffix("change/")
    page = root.post(f"{where}mapping/", {"preset": "camunda7"}, follow=True)

    assert "owns this" in text_of(page)
    assert not world.engine.event_mappings.exists()


def test_a_brand_of_customers_is_not_removed(story: Story) -> None:
    apply(brands={"mine": {"name": "Mine"}})
    Recipient.objects.filter(pk=story.alice.pk).update(brand=Brand.objects.get(slug="mine"))
    with pytest.raises(Mistakes, match="It cannot be removed, because it is used by"):
        plan(roles={"Readers": {}})


def test_a_category_of_a_duty_rota_is_not_removed(story: Story) -> None:
    apply(categories={"mine": {"name": "Mine", "channels": ["live"]}})
    Rota.objects.create(slug="duty", name="Duty", team=Team.objects.first(), category=Category.objects.get(slug="mine"))
    with pytest.raises(Mistakes, match="It cannot be removed, because it is used by"):
        plan(roles={"Readers": {}})


def test_a_role_keeps_rights_that_files_cannot_name() -> None:
    role = Group.objects.create(name="Readers")
    kind = ContentType.objects.create(app_label="another", model="thing")
    role.permissions.add(Permission.objects.create(content_type=kind, codename="view_thing", name="x"))
    apply(roles={"Readers": {"permissions": {"notifications.route": ["view"]}}})

    assert set(role.permissions.values_list("codename", flat=True)) == {"view_thing", "view_route"}


def test_secrets_of_engines_with_similar_names_have_different_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIG_SECRET_X", "hunter2")
    engine = {"name": "E", "kind": "camunda7", "callback_url": "https://engine.example/engine-rest"}
    engine |= {"access": {"auth": "bearer", "secret": {"secret": "X"}}}
    slugs = ["a-b", "a_b", "A-b"]
    apply(engines=dict.fromkeys(slugs, engine))
    names = [export()["engines"][slug]["access"]["secret"]["secret"] for slug in slugs]

    assert names[0] == "A_B_SECRET"
    assert len({name.upper() for name in names}) == len(slugs)


@pytest.mark.parametrize(
    "number", ["1.0e+23", "-1.5e+300", "-0.0", "9007199254740993.0", "1.0e-9", "9" * 4000, "1e400"]
)
def test_large_numbers_are_stored_as_they_are_written(number: str, tmp_path: Path) -> None:
    read = put(tmp_path, events=f"event_types:\n  x.y:\n    sample: {{data: {{n: {number}}}}}\n")
    applying.apply(read, OPS, "tests")

    assert applying.plan(read, OPS).changes == []
    documents.write(tmp_path / "again", documents.files_of(applying.current()))
    assert applying.plan(documents.read(tmp_path / "again"), OPS).changes == []


def test_the_command_for_engines_says_that_files_own_one(world: World) -> None:
    apply(engines={world.engine.slug: export()["engines"][world.engine.slug]})
    with pytest.raises(CommandError, match="owns this"):
        call_command("create_engine", world.engine.slug, callback_url="https://x.example/")


def test_the_present_configuration_is_read_by_few_queries(story: Story) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            applying.current()
        return len(queries)

    apply(rules={"A": {**RULE, "targets": [{"kind": "assignee"}]}})
    before = count()
    apply(rules={name: {**RULE, "targets": [{"kind": "assignee"}]} for name in "ABCDEFGH"})
    assert count() == before


def test_changing_a_thing_does_not_stop_what_refers_to_it(story: Story) -> None:
    with CaptureQueriesContext(connection) as queries:
        plan(engines={story.engine.slug: {**export()["engines"][story.engine.slug], "name": "Other"}})

    locks = [each["sql"] for each in queries if 'FROM "notifications_engine"' in each["sql"] and "FOR " in each["sql"]]
    assert locks and all("FOR NO KEY UPDATE" in sql for sql in locks)
