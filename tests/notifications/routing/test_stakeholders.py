"""People of a case: by their role in it, and on the list for its type. Erin requests, Dave manages the account."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications import reasons
from notifications.intake.eventdata import faults_of
from notifications.models import Case, CaseList, Event, Recipient, Route, RouteTarget, TargetKind
from notifications.types import Json
from tests.factories import EngineFactory, RecipientFactory, RouteFactory, TeamFactory
from tests.support.story import Story

pytestmark = pytest.mark.django_db
MOVED = "case.status_changed"


@pytest.fixture
def story(db: None) -> Story:
    return Story.begin()


@pytest.fixture
def dave(story: Story) -> Recipient:
    return RecipientFactory(ref="dave", name="Dave")


def route_to(*roles: str, lists: bool = False) -> Route:
    """The only route for cases that move on."""
    Route.objects.all().delete()
    route = RouteFactory(name="Stakeholders", types=[MOVED])
    for role in roles:
        RouteTarget.objects.create(route=route, kind=TargetKind.ROLE, role=role)
    if lists:
        RouteTarget.objects.create(route=route, kind=TargetKind.CASE_LIST)
    return route


def moved(story: Story, *, minute: float = 0, **case: Any) -> Event:
    return story.happen(MOVED, {"case": {"id": "88", "type": "claims", "status": "seen", **case}}, minute=minute)


def told(event: Event) -> list[tuple[str, str]]:
    return [(each["ref"], str(reasons.read(each))) for each in event.plan["recipients"]]


def unresolved(event: Event) -> list[tuple[str, str]]:
    return [(each["ref"], str(reasons.read(each))) for each in event.plan.get("unresolved", [])]


def test_who_has_a_role_in_the_case_is_told(story: Story, dave: Recipient) -> None:
    route_to("requester", "account_manager")
    erin = {"ref": "C-9", "name": "Erin", "email": "erin@example.com"}
    event = moved(story, roles={"requester": erin, "account_manager": "dave", "auditor": "carol"})

    assert told(event) == [("C-9", "requester of the case"), ("dave", "account manager of the case")]
    assert unresolved(event) == []
    assert Case.objects.get().roles == {"requester": "C-9", "account_manager": "dave", "auditor": "carol"}
    assert Recipient.objects.get(ref="C-9").external


def test_roles_are_kept_and_change_as_events_say(story: Story, dave: Recipient) -> None:
    route_to("requester", "account_manager")
    moved(story, roles={"requester": {"ref": "C-9", "name": "Erin"}, "account_manager": ["dave", "carol"]})

    assert [ref for ref, _ in told(moved(story, minute=1))] == ["C-9", "dave", "carol"]
    moved(story, minute=2, roles={"account_manager": "bob", "requester": None})
    assert [ref for ref, _ in told(moved(story, minute=3))] == ["C-9", "bob"]
    late = moved(story, minute=1, roles={"account_manager": "carol", "auditor": "carol"})
    assert [ref for ref, _ in told(late)] == ["C-9", "bob"], "a later event knew better"
    assert Case.objects.get().roles["auditor"] == "carol"
    gone = moved(story, minute=4, roles={"account_manager": []})
    assert unresolved(gone) == [("account_manager", "nobody has this role in the case")]


def test_missing_roles_and_people_say_so(story: Story) -> None:
    route_to("requester", "account_manager")
    event = moved(story, roles={"requester": "nobody-knows"})

    assert unresolved(event) == [
        ("nobody-knows", "unknown"),
        ("account_manager", "nobody has this role in the case"),
    ]


def test_an_engine_names_its_own_customer(story: Story) -> None:
    """Two engines know a C-9: each one's case means its own."""
    route_to("requester")
    other = EngineFactory(slug="claims")
    RecipientFactory(ref="C-9", name="Erin", engine=other)
    mine = RecipientFactory(ref="C-9", name="Erin", engine=story.engine)
    event = moved(story, roles={"requester": "C-9"})

    assert [each["recipient"] for each in event.plan["recipients"]] == [mine.pk]


def test_conditions_and_templates_read_roles(story: Story, dave: Recipient) -> None:
    route = route_to("account_manager")
    route.conditions.create(path="case.roles.account_manager", operator="eq", value="dave")
    moved(story, roles={"account_manager": "dave"})

    assert told(moved(story, minute=1)) == [("dave", "account manager of the case")]


@pytest.mark.parametrize(
    ("roles", "where"),
    [
        ("erin", "/data/case/roles"),
        ({"": "erin"}, "/data/case/roles/"),
        ({"x" * 61: "erin"}, "/data/case/roles/"),
        ({"requester": 5}, "/data/case/roles/requester"),
        ({"requester": [{"name": "Erin"}]}, "/data/case/roles/requester/0/ref"),
        ({f"role {n}": "erin" for n in range(21)}, "/data/case/roles"),
        ({"requester": ["erin"] * 1001}, "/data"),
    ],
    ids=["text", "no name", "long name", "number", "no ref", "many", "crowd"],
)
def test_faults_are_pointed_at(roles: Any, where: str) -> None:
    found = [each["pointer"] for each in faults_of(MOVED, {"case": {"id": "88", "status": "seen", "roles": roles}})]
    assert found and all(each.startswith(where) for each in found)


# --- lists --------------------------------------------------------------------------------------------------------
def a_list(case_type: str, people: Any = (), teams: Any = (), **more: Any) -> CaseList:
    row = CaseList.objects.create(case_type=case_type, **more)
    row.people.set(people)
    row.teams.set(teams)
    return row


def test_people_and_teams_on_the_list_are_told(story: Story, dave: Recipient) -> None:
    route_to(lists=True)
    a_list("claims", people=[dave], teams=[story.finance])
    a_list("claims", people=[story.alice, dave], engine=story.engine)
    a_list("claims", people=[RecipientFactory(ref="zoe")], engine=EngineFactory(slug="other"))
    a_list("repairs", people=[RecipientFactory(ref="yan")])
    event = moved(story)

    assert sorted(told(event)) == [(ref, "on the list for claims") for ref in ("alice", "bob", "carol", "dave")]


def test_a_list_is_read_again_when_it_changes(story: Story, dave: Recipient) -> None:
    route_to(lists=True)
    row = a_list("claims", people=[dave])
    assert [ref for ref, _ in told(moved(story))] == ["dave"]
    row.people.add(story.bob)
    assert sorted(ref for ref, _ in told(moved(story, minute=1))) == ["bob", "dave"]
    row.teams.add(TeamFactory(slug="night", members=[story.alice]))
    assert sorted(ref for ref, _ in told(moved(story, minute=2))) == ["alice", "bob", "dave"]
    Recipient.objects.filter(ref="dave").update(active=False)
    event = moved(story, minute=3)
    assert sorted(ref for ref, _ in told(event)) == ["alice", "bob"]
    assert ("dave", "no longer active") in unresolved(event)


def test_no_list_says_so(story: Story) -> None:
    route_to(lists=True)
    a_list("repairs", people=[story.bob])
    assert unresolved(moved(story)) == [("claims", "nobody is on a list for cases of this type")]


def test_events_without_either_cost_nothing_more(story: Story) -> None:
    """Not a statement, nor a byte of the case."""
    Route.objects.all().delete()
    RouteFactory(types=[MOVED], targets=[TargetKind.RECIPIENTS])
    a_list("claims", people=[story.alice])
    data: Json = {"case": {"id": "88", "type": "claims", "status": "seen"}, "recipients": ["bob"]}
    story.happen(MOVED, data)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        story.happen(MOVED, data)
    assert not [each["sql"] for each in asked if "caselist" in each["sql"]]
    assert Case.objects.get().roles is None
