"""People's browsers and apps: registered, moved to another person, and removed with all their open answers.

An address belongs to one person at a time. When somebody signs in on a shared browser, its address becomes theirs, and
nobody must read or answer there for the former person any more: so the old device is removed, and a new one made.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from notifications import reasons
from notifications.items import ledger, live_frames
from notifications.models import ActionToken, Device, Recipient, RecipientToken
from notifications.people import device_removal
from notifications.reasons import Reason
from notifications.types import NewAddress
from notifications.wording.plaintext import cut
from wfpush.crypto import digest_of

MAX_DEVICES = 64
"""Devices that a person may have; with one more, the one that was not used for longest is removed."""

MAX_CHANGE_REASON = 100
"""Characters: a push service's own text may be longer."""

NO_CHOICE: Mapping[str, Any] = MappingProxyType({})

USE_NOTED_EVERY = timedelta(minutes=1)

SIGNED_OUT = reasons.SIGNED_OUT()
NEW_OWNER = reasons.NEW_OWNER()
NO_LONGER_ACTIVE = reasons.PERSON_INACTIVE()
ACCOUNT_CLOSED = reasons.ACCOUNT_CLOSED()
NEW_PASSWORD = reasons.NEW_PASSWORD()
TOO_MANY = reasons.TOO_MANY_DEVICES(count=MAX_DEVICES)
REMOVED = reasons.DEVICE_REMOVED()
SIGNED_OUT_BY_DESK = reasons.SIGNED_OUT_BY_DESK()
SIGNED_OUT_BY_PROVIDER = reasons.SIGNED_OUT_BY_PROVIDER()
EXPIRED = reasons.SUBSCRIPTION_EXPIRED()


ENDED_SESSIONS = """
DELETE FROM django_session WHERE encode(sha256(decode(session_key, 'escape')), 'hex') = ANY(%s)
"""
"""Devices store only the digest of their session, so that nobody can sign in with stored data. An index is over the
same expression (migration 0006). Keys are ASCII, for which `decode` changes nothing."""

DELIBERATE_CODES = {
    each.code
    for each in (
        REMOVED,
        SIGNED_OUT,
        SIGNED_OUT_BY_DESK,
        SIGNED_OUT_BY_PROVIDER,
        NEW_OWNER,
        NO_LONGER_ACTIVE,
        ACCOUNT_CLOSED,
        NEW_PASSWORD,
        TOO_MANY,
    )
}
"""Codes of the reasons for a removal that the browser must not undo by registering again."""

NOTIFIED_REASONS = {
    REMOVED,
    SIGNED_OUT_BY_DESK,
    SIGNED_OUT_BY_PROVIDER,
    NO_LONGER_ACTIVE,
    ACCOUNT_CLOSED,
    NEW_PASSWORD,
}
"""Reasons for a removal after which the device gets a last message: it may be in other hands, or shows items that
nobody there may see."""


def session_digest(session_key: str | None) -> str:
    """Return the digest that a device stores of its session: nobody can sign in with it."""
    return digest_of(session_key) if session_key else ""


# --- registration -------------------------------------------------------------------------------------------------
@transaction.atomic
def register(
    recipient: Recipient,
    new: NewAddress,
    *,
    name: str,
    language: str = "",
    session: str = "",
    token: RecipientToken | None = None,
    shows: Mapping[str, Any] = NO_CHOICE,
    now: datetime,
) -> tuple[Device, bool]:
    """Return the device at this address, and whether it is new to the person. `session` is a `session_digest`. `shows`:
    its `lock_screen` and `silent`; omitted ones stay as they are.

    The same person's device is updated; somebody else's is removed first, with the reason in its history.
    """
    _lock_key(new.digest)  # registering the same address twice at once makes one device
    device_removal.take_back(new.digest)
    _lock_key(f"devices of {recipient.pk}")  # parallel requests do not get more than MAX_DEVICES
    fields = {("address_kind" if field == "kind" else field): value for field, value in asdict(new).items()}
    values = {**fields, "name": name, "language": language, "session": session, "token": token, **shows}
    rows = Device.objects.select_for_update(of=("self",)).select_related("recipient")
    existing = rows.filter(digest=new.digest).first()
    if existing is not None and existing.recipient_id == recipient.pk:
        return _update(existing, {**values, "last_used_at": now}), False
    if existing is not None:
        remove([existing], NEW_OWNER, now)
    values = {**_shown_before(recipient, new.channel, name), **values}
    others = Device.objects.filter(recipient=recipient).order_by("-last_used_at", "-pk")
    remove(others[MAX_DEVICES - 1 :], TOO_MANY, now)
    device = Device(recipient=recipient, digest=new.digest, created_at=now, last_used_at=now, **values)
    if existing is not None:
        former = existing.recipient.ref
        device._change_reason = f"Taken over from {former}"[:100]  # type: ignore[attr-defined]  # for history
    device.save(force_insert=True)
    return device, True


def _shown_before(recipient: Recipient, channel: str, name: str) -> Mapping[str, Any]:
    """Return the choices for the person's last device of this name: a browser that subscribes again is a new row, and
    must not show more than before."""
    there = Device.objects.filter(recipient=recipient, channel=channel, name=name).order_by("-last_used_at")
    gone = Device.history.filter(recipient=recipient.pk, channel=channel, name=name, history_type="-")
    for rows in (there, gone.order_by("-history_date")):
        if (choice := rows.values("lock_screen", "silent").first()) is not None:
            return choice
    return NO_CHOICE


def _update(device: Device, values: dict[str, Any]) -> Device:
    """Save only changed fields: browsers register at every visit, and each save adds a row to the history."""
    changed = {name for name, value in values.items() if getattr(device, name) != value}
    for name in changed:
        setattr(device, name, values[name])
    ignored = {each.name for each in Device._meta.fields} - {each.name for each in Device.history.model.tracked_fields}
    if changed - ignored:
        device.save(update_fields=changed)
    elif changed:
        Device.objects.filter(pk=device.pk).update(**{name: values[name] for name in changed})
    return device


def _lock_key(what: str) -> None:
    """Keep other transactions with the same key out until this one ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [what])


def used(device_id: UUID, now: datetime) -> None:
    """Note that somebody has answered there, at most once a minute."""
    Device.objects.filter(pk=device_id, last_used_at__lt=now - USE_NOTED_EVERY).update(last_used_at=now)


# --- removal ------------------------------------------------------------------------------------------------------
@transaction.atomic
def end(devices: Iterable[Device], reason: Reason, now: datetime) -> int:
    """Remove devices that may be in other hands: end their sessions and tokens at once, then remove them.

    All other devices of the same session or token are removed, too. Return how many devices were removed in all.
    """
    rows = list(devices)
    people = {row.recipient_id for row in rows}
    sessions = {row.session for row in rows if row.session}
    tokens = {row.token_id for row in rows if row.token_id is not None}
    with connection.cursor() as cursor:
        cursor.execute(ENDED_SESSIONS, [list(sessions)])
    RecipientToken.objects.filter(pk__in=tokens, revoked_at=None).update(revoked_at=now)
    same = Device.objects.filter(Q(session__in=sessions) | Q(token__in=tokens) | Q(pk__in=[row.pk for row in rows]))
    removed = remove(same, reason, now)
    for person in people:
        live_frames.removed_on_commit(person, sessions)
    return removed


@transaction.atomic
def end_session(session: str, recipient_id: int | None, reason: Reason, now: datetime) -> None:
    """End a session by its digest, with the devices that it registered and its open inboxes, which are the person's."""
    with connection.cursor() as cursor:
        cursor.execute(ENDED_SESSIONS, [[session]])
    remove(Device.objects.filter(session=session), reason, now)
    if recipient_id is not None:
        live_frames.removed_on_commit(recipient_id, [session])


@transaction.atomic
def remove(devices: Iterable[Device], reason: Reason, now: datetime, *, notify: bool | None = None) -> int:
    """Remove devices: they get no more messages, and items that they show can no longer be answered.

    They are notified for `NOTIFIED_REASONS`, unless `notify` says otherwise. Return how many there still were. The
    devices are locked first, then their deliveries in the order of their ids, as everywhere.
    """
    pks = [device.pk for device in devices]
    if not pks:
        return 0
    rows = list(Device.objects.filter(pk__in=pks).order_by("pk").select_for_update())
    ids = [row.pk for row in rows]
    ledger.device_gone(ids, reason, now)
    action_tokens = ActionToken.objects.filter(delivery__device_id__in=ids, voided_at=None)
    action_tokens.update(voided_at=now, void_reason_fact=reason.as_json())
    if reason in NOTIFIED_REASONS if notify is None else notify:
        device_removal.tell(rows, now)
    for row in rows:
        row._change_reason = cut(str(reason), MAX_CHANGE_REASON)  # type: ignore[attr-defined]  # simple_history reads it
        row.delete()
    Device.history.filter(id__in=ids, history_type="-").update(history_change_reason_fact=reason.as_json())
    return len(rows)


def sign_out_session(session_key: str | None, now: datetime) -> int:
    """Remove the devices of the browser whose session has ended. Return their number."""
    if not session_key:
        return 0
    return remove(Device.objects.filter(session=session_digest(session_key)), SIGNED_OUT, now)


def follow_session(before: str, after: str) -> None:
    """Update the devices of a session that goes on under another key. Both arguments are digests."""
    Device.objects.filter(session=before).exclude(session="").update(session=after)


@transaction.atomic
def revoke_tokens(tokens: QuerySet[RecipientToken], now: datetime, reason: Reason = SIGNED_OUT) -> int:
    """Revoke the tokens of apps and portals, remove devices that they registered, and close their open inboxes. Return
    how many tokens still worked."""
    owners = dict(tokens.values_list("pk", "recipient"))
    ids = list(owners)
    revoked = RecipientToken.objects.filter(pk__in=ids, revoked_at=None).update(revoked_at=now)
    remove(Device.objects.filter(token_id__in=ids), reason, now)
    for person in sorted(set(owners.values())):
        live_frames.signed_out_on_commit(person)
    return revoked


# --- state --------------------------------------------------------------------------------------------------------
def registration_state(recipient: Recipient, device_id: UUID) -> str:
    """Return the state of a person's device: `kept`; `removed` for good; `lost` when the push service no longer knew
    it, so that its browser may register again; empty if the person had no such device."""
    if recipient.devices.filter(pk=device_id).exists():
        return "kept"
    gone = Device.history.filter(id=device_id, recipient=recipient.pk, history_type="-")
    row = gone.first()
    if row is None or row.history_change_reason is None:
        return ""
    fact = row.history_change_reason_fact  # None: removed on purpose, by the version before
    return "removed" if fact is None or reasons.of(fact).code in DELIBERATE_CODES else "lost"
