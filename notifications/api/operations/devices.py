"""Operations on devices that get messages, and receipts of services that carry messages."""

from notifications.api.operations.operation import Operation, Tag
from notifications.api.operations.story import DEVICE
from notifications.types import Json

FIREFOX: Json = {
    "channel": "webpush",
    "name": "Firefox on Linux",
    "lock_screen": "all",
    "silent": False,
    "subscription": {
        "endpoint": "https://updates.push.services.mozilla.com/wpush/v2/gAAAAAB",
        "expirationTime": None,
        "keys": {
            "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "auth": "BTBZMqHH6r4Tts7J_aSIgg",
        },
    },
}
OUR_KEY = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
DEVICE_LIST: Json = {
    "items": [
        {
            "id": DEVICE,
            "channel": "webpush",
            "name": "Firefox on Linux",
            "platform": None,
            "created_at": "2026-11-25T08:30:00Z",
            "last_used_at": "2026-11-25T10:00:00Z",
            "current": True,
            "lock_screen": "all",
            "silent": False,
        }
    ],
    "next": None,
}

DEVICES = Tag(
    "Devices and receipts",
    "Browsers and apps that get a person's messages, and what services say became of messages that they carry.",
    {
        "webpush_public_key": Operation("Get the key that browsers subscribe under", response={"public_key": OUR_KEY}),
        "subscriptions": Operation("List the devices", response=DEVICE_LIST),
        "subscribe": Operation(
            "Register a browser or an app",
            request=FIREFOX,
            response={"id": DEVICE},
            meanings={200: "It was registered already, and is updated", 201: "It is new to this person"},
        ),
        "unsubscribe": Operation("Remove a device"),
        "test": Operation("Send a test message", response={"id": DEVICE}),
        "receipts": Operation(
            "Say what became of messages",
            request={"id": "SM-20261125-0042", "status": "delivered"},
            meanings={
                400: "`malformed`: the body cannot be read as the channel reads it",
                401: "`unauthenticated`: the signature is missing, wrong or old",
                404: "`not_found`: this channel expects no receipts",
            },
        ),
    },
)
