"""People and teams, as engines keep them."""

from notifications.api.operations.operation import Operation, Tag
from notifications.types import Json

PERSON: Json = {
    "name": "Alice",
    "email": "alice@example.com",
    "phone": "+49 89 5550 1235",
    "locale": "de",
    "timezone": "Europe/Berlin",
    "manager": "bob",
    "teams": ["finance"],
    "external": False,
}
TEAM: Json = {"name": "Finance", "lead": "carol", "members": ["bob", "carol"]}
UNKNOWN = "`invalid`: a value that is not possible, or a name that nobody has; `errors` says which"

ON_DUTY: Json = {
    "rota": {"slug": "claims", "name": "Claims", "team": "finance"},
    "at": "2026-12-24T20:00:00Z",
    "person": {"ref": "alice", "name": "Alice"},
    "stands_in": None,
    "until": "2026-12-25T13:00:00Z",
    "next": {"person": {"ref": "carol", "name": "Carol"}, "from": "2026-12-28T07:00:00Z"},
    "next_gap": {"from": "2026-12-25T13:00:00Z", "to": "2026-12-28T07:00:00Z"},
}

TAG = Tag(
    "People and teams",
    "Engines keep whom they name: their customers, and with the scope `directory` everybody and their teams.",
    {
        "put_recipient": Operation(
            "Create or update a person",
            request=PERSON,
            response={"ref": "alice", **PERSON, "brand": None},
            meanings={
                200: "It was updated",
                201: "It is new",
                403: "`scope_missing`: the key has neither `people` nor `directory`, or this needs `directory`",
                422: UNKNOWN,
            },
        ),
        "put_team": Operation(
            "Create or update a team",
            request=TEAM,
            response={"slug": "finance", **TEAM},
            meanings={
                200: "It was updated",
                201: "It is new",
                403: "`scope_missing`: the key has not the scope `directory`",
                422: UNKNOWN,
            },
        ),
        "on_duty": Operation(
            "See who is on duty",
            response=ON_DUTY,
            meanings={
                403: "`scope_missing`: the key has not the scope `directory`",
                404: "`not_found`: there is no such rota",
                422: "`invalid`: a time without its offset, or too far away",
            },
        ),
    },
)
