"""How people want to be reached."""

from notifications.api.operations.operation import Operation, Tag
from notifications.types import Json

CHOSEN: Json = {
    "categories": {"approvals": {"channels": {"email": False}, "frequency": None}},
    "quiet_hours": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "22:00", "to": "07:00"}],
    "quiet_on_holidays": True,
    "digest_times": ["08:00", "16:00"],
    "repeat_pause": 60,
    "most_an_hour": None,
}
SHOWN: Json = {
    **CHOSEN,
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
UNKNOWN = "`invalid`: a category or channel that does not exist, or hours that cannot be; `errors` says which"
SCOPES = (
    "`scope_missing`: the key has neither `people` nor `directory`, or the person is internal, which needs `directory`"
)

TAG = Tag(
    "Preferences",
    "By which channels people are reached, and when not.",
    {
        "preferences": Operation("See how one is reached", response=SHOWN),
        "put_preferences": Operation(
            "Choose how to be reached", request=CHOSEN, response=SHOWN, meanings={422: UNKNOWN}
        ),
        "recipient_preferences": Operation("See how a person is reached", response=SHOWN, meanings={403: SCOPES}),
        "put_recipient_preferences": Operation(
            "Choose for a person how they are reached",
            request=CHOSEN,
            response=SHOWN,
            meanings={403: SCOPES, 422: UNKNOWN},
        ),
    },
)
