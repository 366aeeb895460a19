"""The history of configuration: each change in words, any two times compared, and restored as it was."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notifications.admin.desk.base import HistoryAdmin
from notifications.admin.desk.history_states import differences, state_of, state_then
from notifications.models import (
    Brand,
    Engine,
    EventType,
    Route,
)
from notifications.models.history import parts_of, record_parts
from notifications.reasons import said
from tests.admin.conftest import signed_in
from tests.admin.pages import filled, form_at, page_of, press, text_of
from tests.admin.world import World
from tests.factories import RouteFactory, TemplateFactory
from tests.support.length import some


def restoring(row: Model, record: Any) -> str:
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_simple_history"
    return reverse(name, args=[row.pk, record.pk])


def newest(row: Any) -> Any:
    return row.history.order_by("-history_date", "-history_id").first()


@pytest.fixture
def route(world: World, root: Client) -> Route:
    """As the desk saved it, with a condition and two targets."""
    made: Route = RouteFactory(name="Invoices", types=["task.assigned"], template=TemplateFactory(name="Invoice"))
    made.targets.all().delete()
    made.targets.create(kind="assignee")
    made.targets.create(kind="team", team=world.team)
    made.conditions.create(path="variables.amount", operator="gt", value="5000")
    saved(root, made)
    return made


def saved(client: Client, row: Model, **changes: Any) -> None:
    answer = client.post(page_of(row), filled(form_at(client, page_of(row)), **changes))
    assert answer.status_code == 302, text_of(answer)


# --- what changed -----------------------------------------------------------------------------------------------------
def test_a_change_is_said_in_words_with_its_parts(route: Route, world: World, root: Client) -> None:
    saved(root, route, name="Large invoices", **{"conditions-0-value": "10000", "targets-1-DELETE": "on"})
    page = text_of(root.get(page_of(route, "history")))
    assert "changed · root" in page
    assert "Name : Invoices → became Large invoices" in page
    assert "Value : 5000 → became 10000" in page
    assert "Target of a route removed" in page or "Target removed" in page
    assert f"Team : {world.team}" in page


def test_any_two_times_are_compared_the_earlier_first(route: Route, root: Client) -> None:
    first = newest(route)
    saved(root, route, name="Large invoices")
    saved(root, route, name="Huge invoices")
    last = newest(route)
    for a, b in ((first, last), (last, first)):
        page = root.get(page_of(route, "history"), {"a": a.pk, "b": b.pk})
        [named] = page.context["compared"]
        assert (named.name, named.old, named.new) == ("Name", "Invoices", "Huge invoices")
    same = root.get(page_of(route, "history"), {"a": last.pk, "b": last.pk})
    assert "No differences between the two." in text_of(same)


def test_records_of_other_rows_are_not_compared_or_restored(route: Route, root: Client) -> None:
    other: Route = RouteFactory(name="Other", types=["task.assigned"])
    record = newest(other)
    assert root.get(page_of(route, "history"), {"a": record.pk, "b": record.pk}).status_code == 404
    assert root.get(restoring(route, record)).status_code == 404
    for wrong in ("x", "²", "9" * 30):
        assert root.get(page_of(route, "history"), {"a": wrong, "b": "1"}).status_code in (200, 404)


# --- restored ---------------------------------------------------------------------------------------------------------
def test_a_route_is_restored_after_a_look_at_what_changes(route: Route, world: World, root: Client) -> None:
    before, record = state_of(route), newest(route)
    saved(
        root,
        route,
        name="Large invoices",
        event_types=[EventType.objects.get(name="case.status_changed").pk],
        **{"conditions-0-DELETE": "on", "targets-0-kind": "person", "targets-0-person": world.bob.pk},
    )
    assert differences(before, state_of(route)), "it is another"
    question = text_of(root.get(restoring(route, record)))
    assert "Name : Large invoices → became Invoices" in question
    answer = press(root, restoring(route, record))
    assert "It has not changed since then." in text_of(answer)
    assert differences(before, state_of(route)) == []
    assert state_of(route) == before, "to the last key"
    assert newest(route).history_change_reason.startswith("Restored as of ")
    assert newest(route).history_user.username == "root"
    assert state_then(newest(route)) == before, "itself an entry"


def test_what_is_gone_or_taken_since_is_said_and_nothing_changes(route: Route, world: World, root: Client) -> None:
    record = newest(route)
    saved(root, route, **{"targets-1-DELETE": "on"})
    world.team.delete()
    after = state_of(route)
    said = text_of(root.post(restoring(route, record), follow=True))
    assert "Team: its former value" in said
    assert "has been deleted" in said
    assert state_of(route) == after


def test_a_name_that_somebody_else_has_now_is_said(db: None, root: Client) -> None:
    brand = Brand.objects.create(slug="acme-2", name="Acme")
    record = newest(brand)
    saved(root, brand, slug="acme-3")
    Brand.objects.create(slug="acme-2", name="Another")
    said = text_of(root.post(restoring(brand, record), follow=True))
    assert "already exists" in said
    brand.refresh_from_db()
    assert brand.slug == "acme-3"


def test_parts_that_were_not_recorded_stay_and_the_page_says_so(route: Route, root: Client) -> None:
    record = newest(route)
    type(record).objects.filter(pk=record.pk).update(parts=None)
    saved(root, route, name="Large invoices", **{"conditions-0-value": "10000"})
    assert "were not recorded then and stay unchanged" in text_of(root.get(restoring(route, record)))
    press(root, restoring(route, record))
    route.refresh_from_db()
    assert route.name == "Invoices"
    assert route.conditions.get().value == "10000"


def test_only_who_may_change_restores(route: Route, root: Client, operator: Client) -> None:
    record = newest(route)
    saved(root, route, name="Large invoices")
    assert "Restore this" not in text_of(operator.get(page_of(route, "history")))
    assert operator.get(restoring(route, record)).status_code == 200
    assert operator.post(restoring(route, record)).status_code == 403
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_route", "change_route"]))
    saved(root, route, **{"conditions-0-value": "7"})
    press(signed_in(clerk), restoring(route, record))
    route.refresh_from_db()
    assert route.name == "Invoices"
    assert route.conditions.get().value == "7", "of the parts only who may change them"


def test_what_the_system_keeps_is_not_restored(world: World, root: Client) -> None:
    engine = world.engine
    engine.save()
    record = newest(engine)
    saved(root, engine, name="Bills")
    Engine.objects.filter(pk=engine.pk).update(
        callback_disabled_at=timezone.now(), callback_disabled_reason_fact=said("404").as_json()
    )
    press(root, restoring(engine, record))
    engine.refresh_from_db()
    assert engine.name == "Invoices"
    assert engine.callback_disabled_reason == "404"


def test_a_preset_of_an_engines_mapping_is_an_entry(world: World, root: Client) -> None:
    world.engine.save()
    root.post(page_of(world.engine, "try_mapping"), {"preset": "camunda7"})
    page = text_of(root.get(page_of(world.engine, "history")))
    assert "Mapping: the preset for" in page
    assert "added" in page


def test_one_save_is_one_entry_that_says_all_of_it(route: Route, root: Client) -> None:
    before = route.history.count()
    saved(root, route, name="Other", event_types=[EventType.objects.get(name="case.status_changed").pk])
    assert route.history.count() == before + 1
    entry = root.get(page_of(route, "history")).context["page_obj"][0]
    assert [each.name for each in entry.differences] == ["Name", "Event types"]


# --- every kind -------------------------------------------------------------------------------------------------------
CONFIGURATION = sorted(
    (model for model, desk in admin.site._registry.items() if isinstance(desk, HistoryAdmin)),
    key=lambda model: model._meta.label,
)


@pytest.mark.parametrize("model", some(CONFIGURATION, 6), ids=lambda model: model._meta.label)
def test_every_kind_is_as_it_was_after_a_change_and_its_restoring(
    model: type[Model], evening: World, root: Client
) -> None:
    row: Any = model._default_manager.order_by("pk").first()
    row.save()
    record_parts(row)
    before, record = state_of(row), newest(row)
    assert state_then(record) == before
    for name in parts_of(row):
        getattr(row, name).all().delete()
    for name, value in changed(row).items():
        setattr(row, name, value)
    row.save()
    assert differences(before, state_of(row)), "something is another"
    assert root.get(page_of(row, "history")).status_code == 200
    answer = press(root, restoring(row, record))
    assert "It has not changed since then." in text_of(answer), text_of(answer)[:500]
    assert state_of(row) == before


def changed(row: Any) -> dict[str, Any]:
    """Another value for one field."""
    values: dict[str, Callable[[], dict[str, Any]]] = {
        "absence": lambda: {"ends_at": row.ends_at + timedelta(days=1)},
        "absencefeed": lambda: {"takes": "all"},
        "caselist": lambda: {"case_type": "repairs"},
        "limit": lambda: {"most": 9},
        "retentionrule": lambda: {"items_days": 400},
    }
    return values.get(row._meta.model_name, lambda: {"name": f"{row.name}-2"})()
