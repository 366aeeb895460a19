"""Tokens and links with which people sign in."""

from notifications.api.operations.operation import Operation, Tag
from notifications.api.operations.story import SITE
from notifications.types import Json

TOKEN: Json = {
    "token": "wfr_Hd5uYt0sLw8Ka2ZrXf7QmJ9vNc4BgE6pTi1oSxU3yVe",
    "expires_at": "2027-02-23T09:00:00Z",
}
LINK: Json = {
    "url": f"{SITE}/link/wfl_K3nPz6TgVb1XyQ8cRs5LdMw9JfHa2EuN7oCi4tYqGx0",
    "expires_at": "2026-11-26T09:00:00Z",
}
SAID = {
    403: "`scope_missing`: the key has not `tokens`, or for internal people not `directory`; "
    "`not_allowed`: staff, and people who are deactivated or whose account is closed",
    404: "`not_found`: there is no such person",
}

TAG = Tag(
    "Signing in: tokens and links",
    "Tokens for apps and portals, and links that sign a person in once.",
    {
        "give_token": Operation(
            "Make a token for a person", request={"label": "Alice's phone"}, response=TOKEN, meanings=SAID
        ),
        "give_link": Operation("Make a sign-in link for a person", request={"next": "/"}, response=LINK, meanings=SAID),
        "new_token": Operation("Make a token of one's own", request={"label": "My phone"}, response=TOKEN),
        "sign_out_token": Operation(
            "Sign out the token of this call",
            meanings={404: "`not_found`: the call came with a session, not with a token"},
        ),
    },
)
