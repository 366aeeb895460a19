"""Two apply at once, and somebody saves at the desk meanwhile."""

import pytest

from notifications.config_files import applying
from notifications.config_files.applying import Refused
from notifications.config_files.models import ConfigApply
from notifications.config_files.tests.folders import OPS, export, structure
from notifications.models import Route
from tests.support.at_once import at_once, or_failure
from tests.support.story import Story

pytestmark = pytest.mark.django_db(transaction=True)

RULE = {"event_types": ["task.assigned"], "category": "approvals", "template": "task"}


def test_two_that_apply_their_plans_at_once_are_done_one_after_the_other(story: Story) -> None:
    documents = [structure(rules={"Invoices": {**RULE, "priority": priority}}) for priority in (5, 6)]
    digests = [applying.plan(each, OPS).digest for each in documents]
    results = at_once(
        *(
            or_failure(lambda each=each, digest=digest: applying.apply(each, OPS, "tests", digest), Refused)
            for each, digest in zip(documents, digests, strict=True)
        )
    )

    assert sorted(isinstance(result, Refused) for result in results) == [False, True]
    assert ConfigApply.objects.count() == 1
    done = next(result for result in results if not isinstance(result, Exception))
    assert Route.objects.get(name="Invoices").priority == done[0].changes[0].after["priority"]


def test_a_save_at_the_desk_waits_or_is_seen(story: Story) -> None:
    documents = structure(rules={"Tasks": {**export()["rules"]["Tasks"], "priority": 5}})
    digest = applying.plan(documents, OPS).digest

    def save_at_the_desk() -> None:
        Route.objects.filter(name="Tasks").update(stop=False)

    refused, _saved = at_once(
        or_failure(lambda: applying.apply(documents, OPS, "tests", digest), Refused), save_at_the_desk
    )
    now = Route.objects.get(name="Tasks")
    assert not now.stop
    assert (now.priority == 5) is not isinstance(refused, Refused)
