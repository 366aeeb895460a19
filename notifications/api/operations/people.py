"""Operations on people and teams, preferences, tokens and sign-in links."""

from notifications.api.operations.operation import Operation, Tag
from notifications.api.operations.story import SITE
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
UNKNOWN_NAME = "`invalid`: a value that is not possible, or a name that nobody has; `errors` says which"

PEOPLE = Tag(
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
                422: UNKNOWN_NAME,
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
                422: UNKNOWN_NAME,
            },
        ),
    },
)

# --- preferences ------------------------------------------------------------------------------------------------------
PREFERENCES: Json = {
    "categories": {"approvals": {"channels": {"email": False}, "frequency": None}},
    "quiet_hours": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "22:00", "to": "07:00"}],
    "quiet_on_holidays": True,
    "digest_times": ["08:00", "16:00"],
    "repeat_pause": 60,
    "most_an_hour": None,
}
EFFECTIVE: Json = {
    **PREFERENCES,
    "effective": {
        "approvals": {
            "name": "Approvals and tasks",
            "channels": {
                "webpush": {"on": True, "mandatory": False},
                "email": {"on": False, "mandatory": False},
            },
            "frequency": "at_once",
            "mandatory_reason": "",
        }
    },
}
IMPOSSIBLE = "`invalid`: a category or channel that does not exist, or hours that cannot be; `errors` says which"
SCOPES = (
    "`scope_missing`: the key has neither `people` nor `directory`, or the person is internal, which needs `directory`"
)

REACHED = Tag(
    "Preferences",
    "By which channels people are reached, and when not.",
    {
        "preferences": Operation("See how one is reached", response=EFFECTIVE),
        "put_preferences": Operation(
            "Choose how to be reached", request=PREFERENCES, response=EFFECTIVE, meanings={422: IMPOSSIBLE}
        ),
        "recipient_preferences": Operation("See how a person is reached", response=EFFECTIVE, meanings={403: SCOPES}),
        "put_recipient_preferences": Operation(
            "Choose for a person how they are reached",
            request=PREFERENCES,
            response=EFFECTIVE,
            meanings={403: SCOPES, 422: IMPOSSIBLE},
        ),
    },
)

# --- signing in -------------------------------------------------------------------------------------------------------
TOKEN: Json = {
    "token": "wfr_Hd5uYt0sLw8Ka2ZrXf7QmJ9vNc4BgE6pTi1oSxU3yVe",
    "expires_at": "2027-02-23T09:00:00Z",
}
LINK: Json = {
    "url": f"{SITE}/link/wfl_K3nPz6TgVb1XyQ8cRs5LdMw9JfHa2EuN7oCi4tYqGx0",
    "expires_at": "2026-11-26T09:00:00Z",
}
REFUSALS = {
    403: "`scope_missing`: the key has not `tokens`, or for internal people not `directory`; "
    "`not_allowed`: staff, and people who are deactivated or whose account is closed",
    404: "`not_found`: there is no such person",
}

SIGNING_IN = Tag(
    "Signing in: tokens and links",
    "Tokens for apps and portals, and links that sign a person in once.",
    {
        "give_token": Operation(
            "Make a token for a person", request={"label": "Alice's phone"}, response=TOKEN, meanings=REFUSALS
        ),
        "give_link": Operation(
            "Make a sign-in link for a person", request={"next": "/"}, response=LINK, meanings=REFUSALS
        ),
        "new_token": Operation("Make a token of one's own", request={"label": "My phone"}, response=TOKEN),
        "sign_out_token": Operation(
            "Sign out the token of this call",
            meanings={404: "`not_found`: the call came with a session, not with a token"},
        ),
    },
)
