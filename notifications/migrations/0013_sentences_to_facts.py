"""What 0.2.0 wrote as English sentences becomes facts: codes with arguments, as notifications/reasons.py reads them.

Here alone are sentences read. What none of the forms fits is kept as words from outside (code `said`).
"""

import json
import re
import time
from functools import cache, lru_cache

from django.db import migrations

# (code, form): special forms before general ones. The forms are those of 0.2.0, whatever later versions say.
FORMS = [
    ("left", "%(name)s is no longer active"),
    ("away", "%(name)s is away, and nobody stands in"),
    ("no_manager", "%(name)s has no manager"),
    ("managers_in_circle", "the managers of %(name)s lead in a circle"),
    ("no_assignee", "the task has no assignee"),
    ("no_candidates", "the task has no candidates"),
    ("no_team_with_members", "the task has no team with members"),
    ("team_without_members", "team %(name)s has no members"),
    ("no_lead", "team %(name)s has no lead"),
    ("no_team_to_lead", "there is no team whose lead could hear"),
    ("team_gone", "the team is no more"),
    ("person_gone", "the person is no more"),
    ("inbox_only", "%(names)s would see it in the inbox only: no device and no e-mail"),
    ("fallback", "fallback owner: %(why)s"),
    ("delegate", "delegate of %(name)s (%(reason)s)"),
    ("manager_of_level", "manager of %(name)s, level %(level)s"),
    ("manager", "manager of %(name)s"),
    ("lead", "lead of team %(name)s"),
    ("member", "member of team %(name)s"),
    ("engine_asked", "%(engine)s is asked to give it to %(name)s (%(reason)s)"),
    ("has_it", "%(name)s has it already"),
    ("had_it", "%(name)s had it before, and does not get it back"),
    ("four_eyes", "%(name)s may not decide it, by “%(rule)s”"),
    ("assignee", "assignee"),
    ("candidate", "candidate"),
    ("named_by_policy", "named by the policy"),
    ("nobody_else", "nobody else was found"),
    ("priority_was", "The priority was %(priority)s already"),
    ("priority_is", "The priority is %(priority)s"),
    ("engine_without_address", "%(engine)s has no address to call"),
    ("engine_told", "%(engine)s is told"),
    ("before_the_task", "Its time was before the task came"),
    ("overtaken", "Missed, and step %(step)s tells of it"),
    ("other_engine", "only for another engine"),
    ("no_due_date", "the task has no due date"),
    ("fits_all", "it fits every task"),
    ("condition_missing", "%(condition)s does not hold: it is missing"),
    ("condition_differs", "%(condition)s does not hold: it is %(value)s"),
    ("of_engine", "only for events of %(engine)s"),
    ("not_for", "not for %(type)s"),
    ("stopped_by", "not tried: “%(route)s” says to stop there"),
    ("is_type", "it is %(type)s"),
    ("started_it", "started it"),
    ("follows", "follows the case"),
    ("named_by_event", "named by the event"),
    ("named_by_route", "named by the route"),
    ("named_at", "named at %(path)s"),
    ("customer", "customer"),
    ("unknown", "unknown"),
    ("unknown_team", "unknown team"),
    ("no_longer_active", "no longer active"),
    ("team_without_lead", "the team has no lead"),
    ("has_no_manager", "has no manager"),
    ("became_urgent", "became urgent"),
    ("changed_in_place", "changed in place"),
    ("completed", "Completed in the engine"),
    ("cancelled", "Cancelled in the engine"),
    ("reassigned_to", "Reassigned to %(name)s"),
    ("reassigned", "Reassigned"),
    ("expired", "Expired"),
    ("task_expired", "The task expired"),
    ("task_answered", "The task was answered"),
    ("channel_unavailable", "this channel is not available"),
    ("email_no_address", "No e-mail address is known."),
    ("fcm_no_app", "No app is registered."),
    ("webpush_no_browser", "No browser is registered."),
    ("appworks_no_gateway", "No AppWorks Gateway is set up."),
    ("appworks_no_user_name", "No user name at the AppWorks Gateway is known."),
    ("reached", "Reached in another way"),
    ("after_others", "After what comes first had failed"),
    ("too_old", "Older than it is worth"),
    ("replaced", "What it shows was replaced"),
    ("service_silent", "The push service does not answer"),
    ("waits_for_service", "%(service)s does not accept our credentials, and is left alone for a while"),
    ("device_removed", "The device was removed"),
    ("signed_out", "Signed out"),
    ("signed_out_by_desk", "Signed out by the administration"),
    ("new_owner", "The device has a new owner"),
    ("person_inactive", "No longer active"),
    ("account_closed", "The account was closed"),
    ("new_password", "The password was changed"),
    ("too_many_devices", "More than %(count)s devices"),
    ("subscription_expired", "The subscription expired"),
    ("voided_by_desk", "an administrator voided it"),
    ("appworks_key_refused", "The AppWorks Gateway does not accept our key (APPWORKS_GATEWAY_KEY): %(words)s"),
    ("appworks_no_gateway_now", "No AppWorks Gateway is set up any more."),
    ("appworks_left_alone", "The AppWorks Gateway does not work, and is left alone a while."),
    ("appworks_not_a_user_name", "This cannot be a user name at the AppWorks Gateway: it has a comma, a control character or outer blanks."),
    ("appworks_elsewhere", "The AppWorks Gateway points elsewhere (%(status)s), where messages are not sent. Write its own address into APPWORKS_GATEWAY_URL."),
    ("appworks_not_found", "The AppWorks Gateway finds nothing there (path in APPWORKS_GATEWAY_OPTIONS): %(words)s"),
    ("appworks_refused", "The AppWorks Gateway refuses the message: %(words)s"),
    ("appworks_down", "The AppWorks Gateway does not work at present: %(words)s"),
    ("webpush_not_https", "The endpoint must begin with https://."),
    ("webpush_not_admitted", "%(service)s is not a push service that is known here (PUSH_ALLOWED_HOSTS)."),
    ("webpush_not_public", "%(service)s has no public address."),
    ("webpush_key_not_held", "It subscribed under a key that VAPID_PRIVATE_KEY no longer holds."),
    ("webpush_useless_key", "Its key %(words)s."),
    ("webpush_not_subscribed", "The browser is no longer subscribed: %(words)s"),
    ("webpush_other_key", "The browser subscribed under another VAPID key: %(words)s"),
    ("webpush_key_refused", "%(service)s does not accept our VAPID key: %(words)s"),
    ("webpush_too_large", "Even without its text it is too large for %(service)s: %(words)s"),
    ("webpush_refused", "%(service)s refuses the message: %(words)s"),
    ("webpush_elsewhere", "%(service)s points elsewhere, where messages are not sent: %(status)s"),
    ("webpush_down", "%(service)s does not work at present: %(words)s"),
    ("fcm_no_account", "There is no service account for the Firebase project “%(project)s” in FIREBASE_CREDENTIALS."),
    ("fcm_too_late", "Firebase did not answer within %(seconds)s s."),
    ("fcm_not_registered", "The app is no longer registered on this device."),
    ("fcm_other_project", "The app is registered with another Firebase project than “%(project)s”."),
    ("fcm_key_of_apple", "Apple, or the browser's push service, does not accept the key in the Firebase project “%(project)s”. Upload a valid one in the Firebase console (Project settings, Cloud Messaging). Android devices are not affected."),
    ("fcm_account_refused", "Firebase refuses the service account of “%(project)s”: %(words)s"),
    ("fcm_not_taken", "Firebase did not take it: %(words)s"),
    ("fcm_no_such_address", "Firebase does not know this address."),
    ("fcm_wrong_message", "Firebase finds the message wrong: %(words)s"),
    ("fcm_not_signed_in", "Google does not let the service account of “%(project)s” sign in: %(words)s"),
    ("fcm_no_sign_in", "Google's sign-in did not answer: %(words)s"),
    ("email_not_an_address", "This is not an e-mail address."),
    ("email_not_taken", "The mail server did not take it: %(words)s"),
    ("email_no_such_address", "The address does not exist: %(words)s"),
    ("email_refused", "The mail server refuses it: %(words)s"),
    ("http_certificate", "The certificate of %(host)s is not valid: %(words)s."),
    ("http_no_tls", "No secure connection to %(host)s could be made."),
    ("http_no_name", "The name %(host)s could not be resolved."),
    ("http_no_connection", "No connection to %(host)s: %(words)s."),
    ("http_too_late", "%(host)s did not answer completely within %(seconds)s seconds."),
    ("http_not_http", "%(host)s did not answer in HTTP, or with headers that are too large."),
    ("http_broken_off", "%(host)s broke off its answer."),
    ("http_lost", "The connection to %(host)s was lost."),
    ("http_refused", "%(host)s is %(words)s, which is not called unless OUTBOUND_ALLOWED_CIDRS admits its network."),
    ("refused_before_sent", "Refused before it was sent: %(words)s"),
    ("too_long", "The message does not fit into %(limit)s bytes, even without its words."),
    ("asks_to_wait", "%(service)s asks to wait: %(words)s"),
]
REASONS = ("why", "reason")
"""Names in whose place another reason stands."""
LONG = (*REASONS, "words")
"""Names in whose place "; " may stand."""
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
LABELS = ("answered", "withdrawn", "expired")
"""States of notifications, as which deliveries ended that were superseded when they were to be sent."""
GATEWAY = "The AppWorks Gateway"


def label(text):
    return {"code": "label", "text": text}


@lru_cache(maxsize=10_000)
def fact_of(sentence):
    """The reason that a sentence of 0.2.0 says."""
    if sentence in LABELS:
        return label(sentence)
    return _known(sentence) or {"code": "said", "text": sentence}


def _known(sentence):
    for code, pattern in _patterns():
        if found := pattern.fullmatch(sentence):
            return {"code": code, **{name: _argument(name, value) for name, value in found.groupdict().items()}}
    parts = sentence.split("; ")
    known = [_known(part) for part in parts] if len(parts) > 1 else []
    if not any(known):
        return None
    found = [each or {"code": "said", "text": part} for each, part in zip(known, parts)]
    return {"code": "several", "reasons": found}


def _argument(name, value):
    if name in REASONS:
        return fact_of(value)
    if (name, value) == ("service", GATEWAY):
        return {"code": "appworks_gateway"}
    return label(value) if name == "priority" else value


@cache
def _patterns():
    return [(code, _pattern(form)) for code, form in FORMS]


def _pattern(form):
    parts = PLACEHOLDER.split(form)
    names = [f"(?P<{name}>{'.+' if name in LONG else '(?:(?!; ).)+?'})" for name in parts[1::2]]
    texts = [re.escape(text) for text in parts[::2]]
    return re.compile("".join(text + name for text, name in zip(texts, [*names, ""])), re.DOTALL)


# --- rows that are there ----------------------------------------------------------------------------------------------
BATCH = 500


def rewrite(connection, table, columns, changed, where, key="id"):
    """Rows in batches, each in a transaction of its own. `changed` makes of a row's values those of `columns`; None
    leaves it. Processes of 0.2.0 go on meanwhile: a row that they have locked is taken later, so that nobody waits for
    each other in a circle."""
    read, written = columns
    left = []
    with connection.cursor() as cursor:
        for ids in _batches(cursor, table, where, key):
            left += _rewrite_batch(cursor, table, read, written, changed, where, key, ids)
        while left:
            time.sleep(0.05)
            left = _rewrite_batch(cursor, table, read, written, changed, where, key, left)


def _batches(cursor, table, where, key):
    last = None
    while True:
        after = "" if last is None else f"AND {key} > %s"
        cursor.execute(
            f"SELECT {key} FROM {table} WHERE {where} {after} ORDER BY {key} LIMIT {BATCH}",
            [] if last is None else [last],
        )
        ids = [pk for (pk,) in cursor.fetchall()]
        if not ids:
            return
        yield ids
        last = ids[-1]


def _rewrite_batch(cursor, table, read, written, changed, where, key, ids):
    """Returns the ids of rows that somebody else has locked."""
    cursor.execute("BEGIN")
    cursor.execute(
        f"SELECT {key}, {', '.join(read)} FROM {table} WHERE {key} = ANY(%s) AND {where} ORDER BY {key}"
        " FOR NO KEY UPDATE SKIP LOCKED",
        [ids],
    )
    rows = cursor.fetchall()
    new = {row[0]: values for row in rows if (values := changed(*row[1:])) is not None}
    if new:
        put = ", ".join(f"{name} = new.{name}::jsonb" for name in written)
        columns = [[json.dumps(values[place]) for values in new.values()] for place in range(len(written))]
        arrays = ", ".join("%s::text[]" for _ in written)
        cursor.execute(
            f"UPDATE {table} old SET {put} FROM unnest(%s, {arrays}) AS new({key}, {', '.join(written)})"
            f" WHERE old.{key} = new.{key}",
            [list(new), *columns],
        )
    cursor.execute("COMMIT")
    cursor.execute(f"SELECT {key} FROM {table} WHERE {key} = ANY(%s) AND {where}", [ids])
    seen = {row[0] for row in rows}
    return [pk for (pk,) in cursor.fetchall() if pk not in seen]


def facts_beside(connection, table, column, also="true", key="id"):
    where = f"{column} <> '' AND {column}_fact IS NULL AND {also}"
    rewrite(connection, table, ([column], [f"{column}_fact"]), lambda text: [fact_of(text)], where, key)


def with_facts(value):
    """JSON in which `reason` stands, with `reason_fact` beside each."""
    if isinstance(value, list):
        return [with_facts(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {name: with_facts(each) for name, each in value.items()}
    if isinstance(value.get("reason"), str) and "reason_fact" not in value:
        found["reason_fact"] = fact_of(value["reason"]) if value["reason"] else None
    return found


PARTS = ("routes", "recipients", "unresolved")


def plan_with_facts(plan):
    plan = json.loads(plan) if isinstance(plan, str) else plan
    new = {**plan, **{name: with_facts(plan[name]) for name in PARTS if plan.get(name)}}
    return None if new == plan else [new]


def carry_over(apps, schema_editor):
    connection = schema_editor.connection
    facts_beside(connection, "notifications_notification", "reason")
    facts_beside(connection, "notifications_delivery", "reason")
    facts_beside(connection, "notifications_actiontoken", "void_reason")
    gone = "history_type = '-'"
    facts_beside(connection, "notifications_historicaldevice", "history_change_reason", gone, "history_id")
    rewrite(connection, "notifications_event", (["plan"], ["plan"]), plan_with_facts, "plan <> '{}'")


class Migration(migrations.Migration):
    atomic = False  # the tables may be large, and events and answers come in meanwhile

    dependencies = [("notifications", "0012_facts_beside_reasons")]

    operations = [migrations.RunPython(carry_over, migrations.RunPython.noop)]
