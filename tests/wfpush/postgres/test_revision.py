"""What a process keeps of the configuration is that of the newest revision, however it was changed."""

import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core import serializers
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from escalations.models import Policy
from escalations.policies import matching
from notifications.answers import answer_body, four_eyes, outcome, person_variables
from notifications.housekeeping import prune
from notifications.models import Category, EventVariable, FourEyesRule, Route, RouteCondition, TemplateText
from notifications.routing import route
from notifications.wording import batch_render, sensitive
from tests.factories import RouteFactory
from wfpush.models import ConfigurationChange
from wfpush.postgres import revision
from wfpush.postgres.revision import Compiled

pytestmark = pytest.mark.django_db

COMPILED = {
    "rules of four eyes": four_eyes._ENABLED,
    "mappings of answers": answer_body._MAPPINGS,
    "variables of answers": person_variables._SETTABLE,
    "answers in people's own names": outcome._OWN_NAMES_ONLY,
    "routes": route._RULES,
    "published versions": batch_render._PUBLISHED,
    "sensitive paths": sensitive._BY_TYPE,
    "policies": matching._COMPILED,
}


def names() -> set[str]:
    return {rule.route.name for rule in route._RULES.get()}


@pytest.mark.parametrize("compiled", COMPILED.values(), ids=COMPILED)
def test_every_table_that_is_kept_has_the_triggers(compiled: Compiled[Any]) -> None:
    RouteFactory()
    FourEyesRule.objects.create(name="Invoices").conditions.create(path="task.kind", value="invoice")
    with CaptureQueriesContext(connection) as asked:
        compiled._read()
    said = " ".join(query["sql"] for query in asked.captured_queries)
    tables = set(re.findall(r'(?:FROM|JOIN) "(\w+)"', said))
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'configuration_changed'")
        with_trigger = {name for (name,) in cursor.fetchall()}
    assert tables and tables <= with_trigger


def by_save(made: Route) -> None:
    made.name = "Renamed"
    made.save()


def by_bulk_update(made: Route) -> None:
    made.name = "Renamed"
    Route.objects.bulk_update([made], ["name"])


def by_sql(made: Route) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE notifications_route SET name = 'Renamed' WHERE id = %s", [made.pk])


def by_loaddata(made: Route) -> None:
    made.name = "Renamed"
    fixture = StringIO(serializers.serialize("json", [made]))
    for row in serializers.deserialize("json", fixture.getvalue()):
        row.save()


CHANGES: dict[str, Callable[[Route], object]] = {
    "save": by_save,
    "update": lambda made: Route.objects.filter(pk=made.pk).update(name="Renamed"),
    "bulk_update": by_bulk_update,
    "loaddata": by_loaddata,
    "SQL": by_sql,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_seen_however_it_is_made(change: Callable[[Route], object]) -> None:
    made = RouteFactory(name="Invoices")
    assert "Invoices" in names()
    change(made)
    assert "Renamed" in names() and "Invoices" not in names()


def test_rows_that_are_added_and_removed_count() -> None:
    made = RouteFactory(name="Invoices")
    names()
    condition = RouteCondition.objects.create(route=made, path="task.kind", value="invoice")
    assert [len(rule.conditions) for rule in route._RULES.get() if rule.route == made] == [1]
    condition.delete()
    assert [len(rule.conditions) for rule in route._RULES.get() if rule.route == made] == [0]
    made.delete()
    assert "Invoices" not in names()


def test_policies_are_configuration_too() -> None:
    Policy.objects.create(name="Two days", minutes=60, clock="duration", time="wall")
    assert "Two days" in {policy.name for policy in matching.enabled()}
    Policy.objects.filter(name="Two days").update(enabled=False)
    assert "Two days" not in {policy.name for policy in matching.enabled()}


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_never_happened() -> None:
    made = RouteFactory(name="Invoices")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Route.objects.filter(pk=made.pk).update(name="Never")
        assert "Never" in names()  # within the transaction it is so
        raise ZeroDivisionError
    assert "Never" not in names() and "Invoices" in names()
    Route.objects.filter(pk=made.pk).update(name="Later")
    assert "Later" in names()  # not what was read in the transaction that was rolled back


def test_while_nothing_changes_one_statement_asks() -> None:
    names()
    with CaptureQueriesContext(connection) as asked:
        names()
        names()
    assert len(asked) == 2


def test_a_batch_asks_once_and_keeps_its_configuration() -> None:
    made = RouteFactory(name="Invoices")
    with revision.held():
        names()
        Route.objects.filter(pk=made.pk).update(name="Renamed")
        with CaptureQueriesContext(connection) as asked:
            assert "Invoices" in names()
        assert len(asked) == 0
    assert "Renamed" in names()


def test_what_changes_while_it_is_read_is_read_again() -> None:
    read: list[str] = []

    def slowly() -> list[str]:
        found = list(Category.objects.values_list("slug", flat=True))
        if not read:
            Category.objects.create(slug="meanwhile", name="Meanwhile")
        read.append("once")
        return found

    assert "meanwhile" in Compiled(slowly).get()
    assert len(read) == 2


def test_what_changes_all_the_time_is_not_kept() -> None:
    read: list[int] = []

    def restless() -> int:
        EventVariable.objects.filter(pk=0).update(label="")  # a statement without rows counts, too
        read.append(1)
        return len(read)

    compiled = Compiled(restless)
    compiled.get()
    before = len(read)
    assert before == revision.TRIES + 1
    assert compiled.get() > before


def test_old_changes_are_removed_and_the_configuration_is_read_again() -> None:
    made = RouteFactory(name="Invoices")
    names()
    before = revision.current()
    ConfigurationChange.objects.update(changed_at=timezone.now() - timedelta(days=8))
    assert prune(timezone.now())["configuration changes"] > 0
    assert revision.current() != before
    Route.objects.filter(pk=made.pk).update(name="Renamed")
    assert "Renamed" in names()


def test_texts_of_published_versions_are_those_of_now() -> None:
    text = TemplateText.objects.filter(version__state="published").select_related("version").first()
    assert text is not None
    batch_render.published_versions()
    TemplateText.objects.filter(pk=text.pk).update(title="Something else")
    version = batch_render.published_versions()[text.version.template_id]
    assert "Something else" in {each.title for each in version.texts.all()}
