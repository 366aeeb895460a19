"""Four-eyes rules are written as routes' conditions are, and who tried is listed."""

from django.test import Client

from notifications.models import FourEyesRule, RefusedAnswer, Task
from tests.admin.pages import add_row, list_of, page_of, text_of
from tests.admin.world import World
from tests.factories import EngineFactory, TaskFactory


def test_a_rule_is_made_with_conditions_that_can_hold(world: World, administrator: Client) -> None:
    rule = {"name": "Large invoices", "not_previous": "on", "conditions-TOTAL_FORMS": "1"}
    condition = {"conditions-0-path": "variables.amount", "conditions-0-operator": "gt"}
    add_row(administrator, FourEyesRule, **rule, **condition, **{"conditions-0-value": "a lot"})
    assert not FourEyesRule.objects.exists()
    page = add_row(administrator, FourEyesRule, **rule, **condition, **{"conditions-0-value": "5000"})
    assert "was added successfully" in text_of(page)
    shown = text_of(administrator.get(list_of(FourEyesRule)))
    assert "variables.amount is more than 5,000" in shown
    assert "the person who started it, the person who decided the previous step" in shown


def test_a_rule_says_for_which_engines_it_is_known_who_started_a_task(day: World, administrator: Client) -> None:
    other = EngineFactory(slug="contracts", name="Contracts")
    TaskFactory(engine=other, initiator=None)
    of_all = Task.objects.exclude(engine=other).values_list("initiator", flat=True)
    mine = f"for {sum(each is not None for each in of_all)} of its newest {len(of_all)} tasks"
    rule = FourEyesRule.objects.create(name="All")
    shown = text_of(administrator.get(page_of(rule)))
    assert "Contracts: for 0 of its newest 1 tasks" in shown
    assert f"{day.engine.name}: {mine}" in shown

    FourEyesRule.objects.update(engine=other)
    assert mine not in text_of(administrator.get(page_of(rule)))

    FourEyesRule.objects.update(engine=EngineFactory())
    assert "None of the newest tasks is from there." in text_of(administrator.get(page_of(rule)))


def test_who_tried_is_listed_for_operators_and_nobody_edits_it(evening: World, operator: Client) -> None:
    shown = text_of(operator.get(list_of(RefusedAnswer)))
    assert "Bob Bauer approve" in shown
    assert "You started this." in shown
    assert "Select action" not in shown
