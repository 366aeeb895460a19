"""Lists for cases at the desk: who is on them, and what may not have been meant."""

from typing import Any

from django.test import Client

from notifications.models import Case, CaseList, Route, RouteTarget, TargetKind
from tests.admin.pages import adding, filled, form_at, list_of, page_of, text_of
from tests.admin.world import World


def added(client: Client, **fields: Any) -> str:
    page = client.post(adding(CaseList), filled(form_at(client, adding(CaseList)), **fields), follow=True)
    return text_of(page)


def test_a_list_is_made_and_warns_of_what_may_not_be_meant(world: World, root: Client) -> None:
    assert "Choose people or teams." in added(root, case_type="claims", people=[], teams=[])
    said = added(root, case_type="claims", people=[world.bob.pk], teams=[world.team.pk], engine=world.engine.pk)
    assert "has “the list for cases of this type” as its target yet, so nobody is notified" in said
    assert "claims" in text_of(root.get(list_of(CaseList)))
    RouteTarget.objects.create(route=Route.objects.first(), kind=TargetKind.CASE_LIST)
    world.bob.active = False
    world.bob.save()
    said = added(root, case_type="repairs", people=[world.bob.pk], teams=[])
    assert "Nobody on this list is active" in said
    assert "so nobody is notified" not in said
    assert "exists" in added(root, case_type="repairs", people=[world.alice.pk], teams=[])
    assert CaseList.objects.count() == 2


def test_a_cases_page_says_who_has_which_role(world: World, root: Client) -> None:
    case = Case.objects.create(engine=world.engine, case_id="88", roles={"requester": "C-9", "auditor": ["bob", "eve"]})
    assert "auditor: bob, eve, requester: C-9" in text_of(root.get(page_of(case)))
