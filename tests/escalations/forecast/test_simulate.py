"""What is foreseen is what happens, and both are what a watch that looks every minute sees."""

import re

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from escalations.forecast import simulate
from escalations.models import Escalation, StepRun
from tests.escalations.cases import CALENDARS, DAY, MINUTE, STARTS, Case, firms, histories, policies, steps, undone
from tests.escalations.model import Seen
from tests.soak.installation import LONG

pytestmark = [pytest.mark.django_db, pytest.mark.soak]


def seen(row: simulate.Row) -> Seen:
    told = [told["ref"] for told in row.told] or [
        name.lower() for name in re.findall(r"give it to (\w+) ", str(row.why))
    ]
    return Seen(row.at, row.position, row.number, row.result, tuple(told))


def traced() -> list[simulate.Row]:
    return [simulate.row_of(run) for run in StepRun.objects.select_related("rules").order_by("escalation_id", "pk")]


@settings(
    max_examples=200 if LONG else 5,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
)
@given(st.data())
def test_what_is_foreseen_happens_and_is_what_a_watch_sees(data: st.DataObject) -> None:
    start = data.draw(st.sampled_from(STARTS))
    firm, history = data.draw(firms(start)), data.draw(histories())
    rows = data.draw(st.lists(steps, min_size=1, max_size=4, unique_by=lambda step: step["offset"]))
    due = start + data.draw(st.integers(-300, 3000)) * MINUTE
    with undone():
        case = Case(firm, data.draw(policies), rows, data.draw(st.sampled_from(CALENDARS)), start, due)
        now = start
        for after, name in history:
            before, now = now, start + after * MINUTE
            case.clock_until(before, now)
            case.watch_until(before, now)
            case.happens(name, now)
        known = len(traced())

        foreseen = simulate.of_task(case.task, now)

        end = now + 60 * DAY
        case.clock_until(now, end)
        case.watch_until(now, end)
        assert foreseen.rows == traced()[known:]
        assert [seen(row) for row in traced()] == case.watch.seen
        assert not Escalation.objects.filter(due_at__isnull=False).exists()
