"""A push message in Firebase's format: data for the app, and options for each system.

There is no `notification` block, because Google's has no buttons. Android apps and service workers build notifications
from the data (docs/apps.md); for iPhones the text is added again, because iOS shows it before an app runs.
"""

import hashlib
from functools import partial

from firebase_admin import messaging

from notifications.channels import payload
from notifications.types import Json, PushAddress, PushMessage

LIMIT = 4096
"""Bytes of data, and of everything that an iPhone gets (Google, Apple)."""
FRAME = 512
"""Bytes of LIMIT for the flags of `aps` and Google's additions."""
LONGEST_TTL = 28 * 24 * 3600
"""Seconds that Google keeps a message."""
MAX_THREAD = 64
SILENT = "silent"
"""The Android notification channel of devices that make no sound."""

INTERRUPTION = {"urgent": "time-sensitive", "high": "active", "normal": "active", "low": "passive"}
"""Apple's interruption levels; `time-sensitive` passes a focus if the app has that entitlement, else it is `active`."""


def firebase_message(address: PushAddress, push: PushMessage, now: float) -> messaging.Message:
    """Return the message for Firebase. `now` in Unix seconds. Raise TransportError if it cannot be cut to its size."""
    members = payload.fit(payload.members(push), LIMIT, partial(_size, push))
    ttl = max(0, min(push.ttl, LONGEST_TTL))
    made = messaging.Message(
        data=data_of(push, members),
        android=_android(push, members, ttl),
        apns=_apns(push, members, int(now) + ttl),
        webpush=_webpush(push, ttl),
    )
    # Google prefers installation ids; a token in the constructor causes a warning for each message.
    setattr(made, "fid" if address.kind == "fid" else "token", address.address)
    return made


def data_of(push: PushMessage, members: Json) -> dict[str, str]:
    """Return the members as strings, as Google requires; others become JSON. `channel` is the Android notification
    channel. Silent messages have one of their own, since the system keeps the sound with the channel."""
    data = {
        name: value if isinstance(value, str) else payload.encoded(value).decode() for name, value in members.items()
    }
    data["channel"] = SILENT if push.silent else push.message.category or push.kind
    return data


def _size(push: PushMessage, members: Json) -> int:
    """Return the bytes of the message to an iPhone, which has the text twice and is the largest."""
    alert = {"title": members["title"], "body": members["body"], "thread-id": _thread(push)}
    return len(payload.encoded(data_of(push, members) | {"aps": alert})) + FRAME


def _android(push: PushMessage, members: Json, ttl: int) -> messaging.AndroidConfig:
    """Return Android's options, without a collapse key: Google keeps at most four of them for a device that is off, and
    does not say which. The app finds the older message by `tag`."""
    asks = bool(members.get("actions")) or push.kind == "test"
    wakes = push.message.priority in ("urgent", "high") or (push.message.priority == "normal" and asks)
    # Nobody sees a sleeping phone: a replacement may wait until it wakes up.
    return messaging.AndroidConfig(priority="high" if wakes and push.kind != "replacement" else "normal", ttl=ttl)


def _apns(push: PushMessage, members: Json, ends_at: int) -> messaging.APNSConfig:
    """Return Apple's options. A replacement is an alert without sound or light: iOS puts it in the place of the one
    with its collapse id. Background messages would come when iOS likes, and never to an app that was closed by hand."""
    silent = push.kind in ("replacement", "removed")
    quiet = silent or push.silent or push.message.priority == "low"
    aps = messaging.Aps(
        alert=messaging.ApsAlert(title=members["title"], body=members["body"]),
        badge=push.unread,
        sound=None if quiet else "default",
        category=category_of(members),
        thread_id=_thread(push),
        mutable_content=True,
        content_available=True if silent else None,
        custom_data={
            "interruption-level": "passive"
            if silent or push.silent
            else INTERRUPTION.get(push.message.priority, "active"),
        },
    )
    headers = {
        "apns-push-type": "alert",
        "apns-priority": "5" if push.message.priority == "low" else "10",
        "apns-expiration": str(ends_at),
        "apns-collapse-id": push.tag,  # at most 64 bytes; ours has 32
    }
    return messaging.APNSConfig(headers=headers, payload=messaging.APNSPayload(aps))


def _thread(push: PushMessage) -> str:
    """Return the thread by which iOS groups messages."""
    return payload.sound(push.message.thread or push.message.category or push.kind)[:MAX_THREAD]


def category_of(members: Json) -> str | None:
    """Return the name of a set of buttons for iOS, the same for the same buttons only, or None if there are no
    buttons."""
    if not members.get("actions"):
        return None
    buttons = payload.encoded([members["actions"], "token" in members])
    return f"wf-{hashlib.sha256(buttons).hexdigest()[:16]}"


def _webpush(push: PushMessage, ttl: int) -> messaging.WebpushConfig:
    urgency = "normal" if push.kind == "replacement" else payload.URGENCY.get(push.message.priority, "normal")
    return messaging.WebpushConfig(headers={"TTL": str(ttl), "Urgency": urgency, "Topic": push.tag})
