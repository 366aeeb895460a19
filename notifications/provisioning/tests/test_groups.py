"""Groups: each has a team, whose other members are not touched."""

from notifications.models import Team
from notifications.provisioning.tests.idp import Idp
from tests.factories import RecipientFactory, TeamFactory


def members(slug: str) -> set[str]:
    return set(Team.objects.get(slug=slug).members.values_list("ref", flat=True))


def test_a_group_becomes_a_team(idp: Idp) -> None:
    bob = idp.user("bob")
    made = idp.group("Finance & Tax", bob, externalId="g1")
    assert members("finance-tax") == {"bob"}
    assert made["members"] == [{"value": bob["id"], "$ref": bob["meta"]["location"], "type": "User"}]
    shown = idp.answer("GET", f"/Users/{bob['id']}")["groups"]
    assert [(group["value"], group["display"]) for group in shown] == [(made["id"], "Finance & Tax")]
    assert Team.objects.get().history.first().history_change_reason == "SCIM: Entra ID"


def test_groups_may_come_before_users(idp: Idp) -> None:
    group = idp.group("Finance")
    bob = idp.user("bob")
    idp.patch(f"/Groups/{group['id']}", {"op": "Add", "path": "members", "value": [{"value": bob["id"]}]})
    assert members("finance") == {"bob"}


def test_an_unknown_member_refuses_the_whole_change(idp: Idp) -> None:
    bob, stranger = idp.user("bob"), Idp.begin("Okta").user("eve")
    group = idp.group("Finance", bob)
    for value in ("0", stranger["id"]):
        error = idp.patch(
            f"/Groups/{group['id']}",
            {"op": "Replace", "path": "displayName", "value": "Tax"},
            {"op": "Add", "path": "members", "value": [{"value": value}]},
            expect=400,
        )
        assert f"no user with the id “{value}”. Send users before their group." in error["detail"]
    assert members("finance") == {"bob"} and Team.objects.get().name == "Finance"


def test_members_are_removed_in_each_way_that_providers_have(idp: Idp) -> None:
    people = [idp.user(f"u{number}") for number in range(6)]
    path = f"/Groups/{idp.group('Finance', *people)['id']}"
    ids = [user["id"] for user in people]
    idp.patch(path, {"op": "Remove", "path": f'members[value eq "{ids[0]}"]'})
    idp.patch(path, {"op": "Remove", "path": "members", "value": [{"value": ids[1], "$ref": None}]}, expect=200)
    idp.patch(path, {"op": "remove", "path": "members", "value": [{"value": ids[2]}, {"value": ids[3]}]})
    assert members("finance") == {"u4", "u5"}
    idp.patch(path, {"op": "replace", "path": "members", "value": [{"value": ids[0]}]})
    assert members("finance") == {"u0"}
    idp.patch(path, {"op": "remove", "path": "members"})
    assert members("finance") == set()


def test_other_members_of_a_team_are_not_touched(idp: Idp) -> None:
    TeamFactory(slug="finance", name="Finance", members=[RecipientFactory(ref="local")])
    assert "The team “finance” exists already" in idp.group("Finance", expect=409)["detail"]
    idp.directory.joins_existing = True
    idp.directory.save()
    group = idp.group("Finance", idp.user("bob"))
    assert len(group["members"]) == 1
    idp.answer("PUT", f"/Groups/{group['id']}", {"schemas": [], "displayName": "Finances"})
    assert members("finance") == {"local"} and Team.objects.get(slug="finance").name == "Finances"


def test_names_of_groups_are_unique(idp: Idp) -> None:
    idp.group("Finance", externalId="g1")
    assert "displayName “finance”" in idp.group("finance", expect=409)["detail"]
    assert "externalId “g1”" in idp.group("Tax", externalId="g1", expect=409)["detail"]
    assert "The team “finance” belongs to the group" in idp.group("Finance!", expect=409)["detail"]
    assert "of the directory “Entra ID”" in Idp.begin("Okta").group("Finance", expect=409)["detail"]
    assert "no visible character" in idp.group(" ", expect=400)["detail"]
    assert idp.group("財務")["displayName"] == "財務"


def test_a_deleted_group_leaves_the_team_and_comes_back(idp: Idp) -> None:
    bob = idp.user("bob")
    group = idp.group("Finance", bob)
    idp.answer("DELETE", f"/Groups/{group['id']}", expect=204)
    assert members("finance") == set() and "groups" not in idp.answer("GET", f"/Users/{bob['id']}")
    idp.answer("GET", f"/Groups/{group['id']}", expect=404)
    assert idp.group("Finance", bob)["id"] == group["id"]
    assert members("finance") == {"bob"} and Team.objects.count() == 1


def test_members_may_be_left_out_and_filtered(idp: Idp) -> None:
    bob, carol = idp.user("bob"), idp.user("carol")
    group = idp.group("Finance", bob)
    (found,) = idp.found('/Groups?excludedAttributes=members&filter=displayName eq "FINANCE"')
    assert found["id"] == group["id"] and "members" not in found
    both = f'/Groups?filter=id eq "{group["id"]}" and members eq "%s"&attributes=id'
    assert [len(idp.found(both % user["id"])) for user in (bob, carol)] == [1, 0]
