"""Lists for cases as files."""

from django.test import Client

from notifications.models import CaseList, Recipient
from notifications.roles import RULE_EDITORS
from notifications.transfer.tests.test_importing import exported, imported, sent
from tests.admin.conftest import member_of, signed_in
from tests.admin.world import World
from tests.factories import RecipientFactory


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
    assert "1 new, 1 changed, 0 unchanged" in imported(root, file, what="caselist")

    assert {*row.people.all()} == {world.alice, world.bob, erin} and [*row.teams.all()] == [world.team]
    repairs = CaseList.objects.get(case_type="repairs")
    assert repairs.engine is None and [*repairs.people.all()] == [world.bob]
    (record,) = repairs.history.all()
    assert (record.history_type, [each.recipient for each in record.people.all()]) == ("+", [world.bob])
    again = exported(root, "csv", "caselist").decode("utf-8-sig")
    assert "0 new, 0 changed, 2 unchanged" in imported(root, again, what="caselist")


def test_nobody_puts_themself_on_a_list_by_a_file(world: World) -> None:
    Recipient.objects.filter(pk=world.bob.pk).update(user=member_of(RULE_EDITORS), locale="en")
    bob = Recipient.objects.get(pk=world.bob.pk)
    assert bob.user is not None
    plan = sent(signed_in(bob.user), "case_type,engine,people,teams\nclaims,,bob,\n", what="caselist").context["plan"]
    assert [fault.says.startswith("Only somebody else may add you") for fault in plan.faults] == [True]
    assert not CaseList.objects.exists()
