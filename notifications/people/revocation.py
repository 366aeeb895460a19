"""Ends people's credentials when their account is closed or deleted, gets a new password, or they are deactivated.

A recipient has a seal over all four (`Recipient.seal`). Every check of a credential calls `Recipient.may_act`, which
compares the seal with the present state. So changing a user revokes access at once, even by a bulk update, in a shell
or by a fixture. Settling then ends tokens, devices and links, notifies open inboxes, and seals again. The desk and all
code that sets a password settle at once, a schedule within a minute. People who change their own password stay signed
in in that browser.
"""

from datetime import datetime

import structlog
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction

from notifications.items import live_frames
from notifications.models import ActionToken, Device, Recipient, RecipientToken, SignedOut, SignInLink
from notifications.people import devices
from notifications.reasons import Reason

log = structlog.get_logger(__name__)

UNSETTLED = """
SELECT person.id FROM notifications_recipient person LEFT JOIN auth_user account ON account.id = person.user_id
WHERE person.account_seal <> CASE WHEN account.id IS NULL AND person.active THEN '' ELSE
    encode(sha256(convert_to(concat_ws(' ', person.active, account.id, account.is_active, account.password), 'UTF8')),
           'hex') END
ORDER BY person.id
"""
"""Recipients whose seal no longer fits: `Recipient.seal` in SQL."""


def sweep(now: datetime) -> int:
    """Settle all people whose account was changed in any other way. Return their number."""
    with connection.cursor() as cursor:
        cursor.execute(UNSETTLED)
        ids = [pk for (pk,) in cursor.fetchall()]
    return sum(settle(pk, now) for pk in ids)


def settle_account(user: AbstractBaseUser, now: datetime, *, keep: str = "") -> None:
    """Settle the person of a changed user, if there is one. `keep`: the digest of the session that goes on."""
    person = Recipient.objects.filter(user_id=user.pk).values_list("pk", flat=True).first()
    if person is not None:
        settle(person, now, keep=keep)
    elif not user.is_active:
        end_sessions(user.pk, now)


@transaction.atomic
def settle(recipient_id: int, now: datetime, *, keep: str = "") -> bool:
    """End the person's credentials if the seal no longer fits, and seal again. Return whether it did not fit.

    People who never had an account, or whose seal was never made, lose nothing.
    """
    people = Recipient.objects.select_related("user").select_for_update(of=("self",))
    person = people.filter(pk=recipient_id).first()
    if person is None or (seal := person.seal()) == person.account_seal:
        return False
    if person.account_seal or not person.present:
        closed = devices.ACCOUNT_CLOSED if person.user is None or not person.user.is_active else devices.NEW_PASSWORD
        _end(person, closed if person.active else devices.NO_LONGER_ACTIVE, now, keep)
    Recipient.objects.filter(pk=person.pk).update(account_seal=seal)
    return True


def _end(person: Recipient, reason: Reason, now: datetime, keep: str) -> None:
    """End tokens, devices, links of both kinds and sessions; open inboxes check at once if they are still allowed."""
    RecipientToken.objects.filter(recipient=person, revoked_at=None).update(revoked_at=now)
    gone = Device.objects.filter(recipient=person)
    shown = ActionToken.objects.filter(recipient=person, voided_at=None)
    if keep:
        gone, shown = gone.exclude(session=keep), shown.exclude(delivery__device__session=keep)
    devices.remove(gone, reason, now)
    shown.update(voided_at=now, void_reason_fact=reason.as_json())
    SignInLink.objects.filter(recipient=person, used_at=None, expires_at__gt=now).update(expires_at=now)
    Recipient.objects.filter(pk=person.pk).update(signed_out_at=now)
    if person.user_id is not None and reason != devices.NEW_PASSWORD:  # a new password ends the sessions, too
        end_sessions(person.user_id, now)
    live_frames.signed_out_on_commit(person.pk, keep)
    log.info("person_signed_out", person=person.pk, reason=str(reason))


@transaction.atomic
def sign_out_everywhere(user: AbstractBaseUser, now: datetime, reason: Reason, *, keep: str = "") -> None:
    """End all sessions, tokens, devices and links of a user. The person may sign in again. `keep`: the digest of a
    session that the caller lets go on under another key."""
    people = Recipient.objects.select_related("user").select_for_update(of=("self",))
    person = people.filter(user_id=user.pk).first()
    if person is not None:
        _end(person, reason, now, keep)
    else:
        end_sessions(user.pk, now)


def end_sessions(user_id: int, now: datetime) -> None:
    """End all sessions of the user. They stay ended when the account is opened again."""
    SignedOut.objects.update_or_create(user_id=user_id, defaults={"at": now})


def hash_renewed(user: AbstractBaseUser, before: str) -> None:
    """End nothing: Django has hashed the same password again, at a sign-in, since hashes have become stronger."""
    person = Recipient.objects.select_related("user").select_for_update(of=("self",)).filter(user_id=user.pk).first()
    if person is None or person.user is None:
        return
    seal, person.user.password = person.seal(), before
    Recipient.objects.filter(pk=person.pk, account_seal=person.seal()).update(account_seal=seal)
