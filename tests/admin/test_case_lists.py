"""Lists for cases at the desk: who is on them, and what may not have been meant."""

from typing import Any

from django.test import Client

from notifications.models import Case, CaseList, Route, RouteTarget, TargetKind
from tests.admin.pages import adding, filled, form_at, list_of, page_of, text_of
from tests.admin.test_importing import exported, imported, sent
from tests.admin.world import World
from tests.factories import RecipientFactory


def added(client: Client, **fields: Any) -> str:
    page = client.post(adding(CaseList), filled(form_at(client, adding(CaseList)), **fields), follow=True)
    return text_of(page)


def test_a_list_is_made_and_warns_of_what_may_not_be_meant(world: World, root: Client) -> None:
    assert "Choose people or teams." in added(root, case_type="claims", people=[], teams=[])
    said = added(root, case_type="claims", people=[world.bob.pk], teams=[world.team.pk], engine=world.engine.pk)
    assert "has “the list for cases of this type” as its target yet, so nobody is told" in said
    assert "claims" in text_of(root.get(list_of(CaseList)))
    RouteTarget.objects.create(route=Route.objects.first(), kind=TargetKind.CASE_LIST)
    world.bob.active = False
    world.bob.save()
    said = added(root, case_type="repairs", people=[world.bob.pk], teams=[])
    assert "Nobody on this list is active" in said
    assert "so nobody is told" not in said
    assert "exists" in added(root, case_type="repairs", people=[world.alice.pk], teams=[])
    assert CaseList.objects.count() == 2


def test_lists_go_out_as_a_file_and_come_back_changed(world: World, root: Client) -> None:
    """Bob's list gets Alice, a customer and the team; another is new; a file with a bad row changes nothing."""
    erin = RecipientFactory(ref="C-8", engine=world.engine, name="Erin")
    row = CaseList.objects.create(case_type="claims", engine=world.engine)
    row.people.set([world.bob])
    slug, team = world.engine.slug, world.team.slug
    columns = "case_type,engine,people,teams"
    assert exported(root, "csv", "caselist").decode("utf-8-sig").split() == [columns, f"claims,{slug},bob,"]

    wrong = f"{columns}\nclaims,{slug},bob; nobody,\nrepairs,elsewhere,,{team}\nempty,,,\n"
    plan = sent(root, wrong, what="caselist").context["plan"]
    assert [(fault.row, fault.column) for fault in plan.faults] == [(2, "people"), (3, "engine"), (4, "people")]
    file = f"{columns}\nclaims,{slug},alice; bob; {slug}:C-8,{team}\nrepairs,,bob,\n"
    assert "1 new, 1 changed, 0 as they were" in imported(root, file, what="caselist")

    assert {*row.people.all()} == {world.alice, world.bob, erin} and [*row.teams.all()] == [world.team]
    repairs = CaseList.objects.get(case_type="repairs")
    assert repairs.engine is None and [*repairs.people.all()] == [world.bob]
    (record,) = repairs.history.all()
    assert (record.history_type, [each.recipient for each in record.people.all()]) == ("+", [world.bob])
    again = exported(root, "csv", "caselist").decode("utf-8-sig")
    assert "0 new, 0 changed, 2 as they were" in imported(root, again, what="caselist")


def test_a_cases_page_says_who_has_which_role(world: World, root: Client) -> None:
    case = Case.objects.create(engine=world.engine, case_id="88", roles={"requester": "C-9", "auditor": ["bob", "eve"]})
    assert "auditor: bob, eve, requester: C-9" in text_of(root.get(page_of(case)))
