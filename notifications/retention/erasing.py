"""Erases one person: credentials and names at once, then everything else in small steps, as due work.

The person's row stays, with a neutral ref, so that answers, sums and the ledger still add up. Each step is one
transaction with its position (`Erasure.step`, `cursor`), so if a worker ends, the next one goes on there. Rows that
somebody is working on, or that wait for an engine, are processed later; those of a legal hold when it is lifted. The
words by which the person is found are kept until then, encrypted.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

import structlog
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from notifications.models import Device, Recipient
from notifications.people import devices, revocation
from notifications.retention import authored_content, scrubbing
from notifications.retention.columns import model_of, tables
from notifications.retention.models import Erasure, ErasureState
from notifications.retention.rules import SOURCE_NAME
from notifications.retention.scrubbing import Tally
from notifications.retention.search_terms import Terms, terms_of
from wfpush.queue import outbox, steps

log = structlog.get_logger(__name__)

AFTER_FAULT = timedelta(seconds=30)
DELAY = timedelta(minutes=1)
"""Time before the first step: transactions that have read the person's name by then have ended."""
RETRY_AFTER = timedelta(minutes=10)
"""Time until rows that had to be left are processed again."""

Step = Callable[[Erasure, Terms, datetime], tuple[str, Tally]]
"""Processes the next rows. Returns the last key, empty at the end, and the numbers of changed, left and held rows."""


# --- the order --------------------------------------------------------------------------------------------------------
@transaction.atomic
def order(person: Recipient, by: Any, now: datetime) -> Erasure:
    """Close the account and empty the person's row; workers do the rest. An existing order is returned."""
    person = Recipient.objects.select_related("user").select_for_update(of=("self",)).get(pk=person.pk)
    existing = Erasure.objects.filter(person=person).first()
    if existing is not None:
        return existing
    terms = terms_of(person, f"erased-{secrets.token_hex(6)}")
    erasure = Erasure.objects.create(
        person=person, by=by, ordered_at=now, terms=terms.as_json(), **outbox.scheduled(now + DELAY)
    )
    devices.remove(Device.objects.filter(recipient=person), devices.NO_LONGER_ACTIVE, now)
    if person.user is not None:
        _close(person.user, terms.token, now)
    _empty(person, terms.token)
    revocation.settle(person.pk, now)
    outbox.wake_on_commit(SOURCE_NAME)
    log.info("erasure_ordered", erasure=str(erasure.pk), person=person.pk)
    return erasure


def _close(user: User, token: str, now: datetime) -> None:
    user.username, user.first_name, user.last_name, user.email = token, "", "", ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.set_unusable_password()
    user.save()
    user.groups.clear()
    user.user_permissions.clear()
    revocation.end_sessions(user.pk, now)


def _empty(person: Recipient, token: str) -> None:
    person.ref, person.name, person.email, person.phone = token, "", "", ""
    person.email_verified, person.active = False, False
    person.locale, person.timezone, person.manager, person.brand = "en", "", None, None
    person.save()


# --- the steps --------------------------------------------------------------------------------------------------------
def _over_table(label: str, erasure: Erasure, terms: Terms, now: datetime) -> tuple[str, Tally]:
    return scrubbing.batch(model_of(label), tables()[label], terms, erasure.cursor, now)


@cache
def steps_in_order() -> dict[str, Step]:
    """Return the steps by names that never change: running erasures store them."""
    return {
        "rows": authored_content.remove_rows,
        "history": authored_content.empty_history,
        "messages": authored_content.end_messages,
        "answers": authored_content.take_out_answers,
        "conversation": authored_content.take_out_messages,
        "refused": authored_content.take_out_refused,
        "files": authored_content.empty_files,
        "sessions": authored_content.end_sessions,
        "redis": scrubbing.forget_redis_keys,
        **{label: partial(_over_table, label) for label, columns in tables().items() if columns.searched},
    }


def has_due(now: datetime) -> bool:
    return outbox.due(Erasure.objects.all(), now).exists()


def drain() -> None:
    steps.drain(Erasure, SOURCE_NAME, _step, AFTER_FAULT)


@transaction.atomic
def _step(erasure: Erasure, now: datetime) -> bool:
    """Do one step. Return False if nothing is left for now, or another worker has the erasure."""
    held = outbox.held(erasure).select_for_update(no_key=True, of=("self",)).select_related("person").first()
    if held is None:
        return False
    steps_by_name = steps_in_order()
    names = list(steps_by_name)
    name = held.step if held.step in steps_by_name else names[0]
    if not held.step:
        Erasure.objects.filter(pk=held.pk).update(left=0, held=0)
    cursor, tally = steps_by_name[name](held, Terms.from_json(held.terms), now)
    follows = name if cursor else next(iter(names[names.index(name) + 1 :]), "")
    Erasure.objects.filter(pk=held.pk).update(
        step=follows,
        cursor=cursor,
        changed=F("changed") + tally.changed,
        left=F("left") + tally.left,
        held=F("held") + tally.held,
    )
    return True if follows else _end(held, now)


def _end(erasure: Erasure, now: datetime) -> bool:
    """End the erasure after the last step, or postpone the rest. Return False."""
    erasure.refresh_from_db(fields=["left", "held", "changed"])
    if erasure.left:
        outbox.postpone(erasure, now + RETRY_AFTER)
    elif erasure.held:
        outbox.finish(erasure, state=ErasureState.HELD)
    else:
        outbox.finish(erasure, state=ErasureState.DONE, ended_at=now, terms="")
    log.info("erasure_went_through", erasure=str(erasure.pk), left=erasure.left, held=erasure.held)
    return False


SOURCES: Sequence[outbox.Source] = (outbox.Source(SOURCE_NAME, "cluster", has_due, drain),)
