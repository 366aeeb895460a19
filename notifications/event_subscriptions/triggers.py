"""Triggers that record what happened, in the transaction and with the statement that makes it true.

So nothing is missed, whichever code changes a row, and the rows of many changes are inserted by one statement. While no
subscription wants an event of a trigger, it looks for one and writes nothing. Nobody is woken: the ticker finds the
rows within a second.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from notifications.channel_facts import INBOX
from notifications.event_subscriptions.models import OutgoingKind
from wfpush.queue import outbox

_UUID7 = """encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING
    substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
    52, 1), 53, 1), 'hex')::uuid"""
"""A UUIDv7 by RFC 9562: a random one whose first 48 bits are the time."""

# SKIP LOCKED: a subscription that is being deleted gets nothing more, and holds up no message. A change of its fields
# does not conflict with KEY SHARE.
_FUNCTION = """
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF EXISTS (SELECT FROM event_subscriptions_eventsubscription
               WHERE active AND kinds && ARRAY[{kinds}]::varchar[]) THEN
        INSERT INTO event_subscriptions_outgoingevent
            (id, subscription_id, kind, subject_key, circumstances, occurred_at, state, {new_row_columns})
        SELECT {uuid7}, subscription.id, happened.kind, happened.subject, happened.circumstances, happened.occurred_at,
            'waiting', {new_row}
        FROM ({facts}) AS happened (kind, subject, engine, circumstances, occurred_at, told_at)
        JOIN event_subscriptions_eventsubscription subscription
            ON subscription.active AND happened.kind = ANY (subscription.kinds)
            AND (subscription.engine_id IS NULL OR subscription.engine_id = happened.engine)
        FOR KEY SHARE OF subscription SKIP LOCKED;
    END IF;
    RETURN NULL;
END
$body$;
CREATE OR REPLACE TRIGGER {name} AFTER {event} ON {table} REFERENCING {tables}
FOR EACH STATEMENT EXECUTE FUNCTION {name}()
"""

INSERT, UPDATE = ("INSERT", "NEW TABLE AS fresh"), ("UPDATE", "NEW TABLE AS fresh OLD TABLE AS former")


@dataclass(frozen=True)
class Recorded:
    """What the statements of one kind on a table make true. `facts` is a query for the kind, the key of the row, its
    engine, circumstances, and the times when it happened and may be told."""

    table: str
    event: tuple[str, str]
    kinds: tuple[OutgoingKind, ...]
    facts: str


_DELIVERIES = f"""
SELECT CASE fresh.state WHEN 'delivered' THEN 'message.delivered' ELSE 'message.undeliverable' END,
    fresh.id, event.engine_id,
    CASE fresh.state WHEN 'delivered' THEN '{{}}'::jsonb
        ELSE jsonb_build_object('state', fresh.state, 'reason', fresh.reason_fact->'code') END,
    coalesce(fresh.ended_at, now()), coalesce(fresh.ended_at, now())
FROM fresh JOIN former ON former.id = fresh.id JOIN notifications_event event ON event.id = fresh.event_id
WHERE fresh.state IN ('delivered', 'dead', 'expired') AND former.state <> fresh.state AND fresh.channel <> '{INBOX}'
"""
_READ = """
SELECT 'message.read', fresh.id, coalesce(task.engine_id, event.engine_id),
    jsonb_build_object('via', fresh.opened_by), fresh.read_at, fresh.read_at
FROM fresh JOIN former ON former.id = fresh.id
LEFT JOIN notifications_task task ON task.id = fresh.task_id
LEFT JOIN notifications_event event ON event.id = fresh.event_id
WHERE fresh.read_at IS NOT NULL AND former.read_at IS NULL
"""
# An answer may be taken back for a moment. It is told when the engine may get it.
_ANSWERS = """
SELECT 'task.answered', fresh.id, fresh.engine_id, '{}'::jsonb, response.at, fresh.due_at
FROM fresh JOIN notifications_response response ON response.id = fresh.response_id
"""
_STEPS_AND_LOSSES = """
SELECT 'task.escalated', fresh.id, fresh.engine_id, '{}'::jsonb, fresh.received_at, fresh.received_at
FROM fresh WHERE fresh.source = 'wfpush' AND fresh.type = 'task.escalation_raised' AND fresh.processed_at IS NOT NULL
UNION ALL
SELECT 'task.unreachable', fresh.id, fresh.engine_id, '{}'::jsonb, fresh.received_at, fresh.received_at
FROM fresh WHERE fresh.source = 'wfpush' AND fresh.processed_at IS NOT NULL
    AND fresh.plan @> '{"unresolved": [{"reason_fact": {"code": "nobody_has_task"}}]}'
"""
_ROUTED_TO_NOBODY = """
SELECT 'task.unreachable', fresh.id, fresh.engine_id, '{}'::jsonb, fresh.processed_at, fresh.processed_at
FROM fresh JOIN former ON former.id = fresh.id JOIN notifications_task task ON task.id = fresh.task_id
WHERE former.processed_at IS NULL AND fresh.status IN ('processed', 'unrouted')
    AND task.state IN ('open', 'acknowledged', 'info_requested')
    AND NOT EXISTS (SELECT FROM notifications_notification item WHERE item.task_id = task.id
                    AND (item.state = 'open' OR (item.state = 'info' AND item.is_copy)))
"""
# The row of a step has no UUID: the key is that of the event that assigned the task, or else of its newest event.
_STEPS_TO_NOBODY = """
SELECT 'task.unreachable', cause.id, task.engine_id,
    jsonb_build_object('escalation', jsonb_build_object(
        'policy', rules.data->'name',
        'step', (SELECT place FROM jsonb_array_elements(rules.data->'steps') WITH ORDINALITY AS step (fields, place)
                 WHERE step.fields->'id' = to_jsonb(fresh.step)),
        'number', fresh.number,
        'due_at', to_jsonb(clock.deadline AT TIME ZONE 'UTC')#>>'{}' || 'Z',
        'reasons', jsonb_path_query_array(
            coalesce(fresh.why_fact->'reasons', jsonb_build_array(fresh.why_fact)), '$[*].code'))),
    fresh.ran_at, fresh.ran_at
FROM fresh JOIN escalations_escalation clock ON clock.id = fresh.escalation_id
JOIN escalations_rules rules ON rules.id = fresh.rules_id
JOIN notifications_task task ON task.id = clock.task_id
JOIN LATERAL (SELECT event.id FROM notifications_event event WHERE event.task_id = task.id
              ORDER BY event.id = task.assigned_event_id DESC NULLS LAST, event.id DESC LIMIT 1) cause ON true
WHERE fresh.result = 'nobody'
"""

RECORDED: Mapping[str, Recorded] = {
    "deliveries": Recorded(
        "notifications_delivery", UPDATE, (OutgoingKind.DELIVERED, OutgoingKind.UNDELIVERABLE), _DELIVERIES
    ),
    "read": Recorded("notifications_notification", UPDATE, (OutgoingKind.READ,), _READ),
    "answers": Recorded("notifications_callback", INSERT, (OutgoingKind.ANSWERED,), _ANSWERS),
    "own_events": Recorded(
        "notifications_event", INSERT, (OutgoingKind.ESCALATED, OutgoingKind.UNREACHABLE), _STEPS_AND_LOSSES
    ),
    "routed": Recorded("notifications_event", UPDATE, (OutgoingKind.UNREACHABLE,), _ROUTED_TO_NOBODY),
    "steps": Recorded("escalations_steprun", INSERT, (OutgoingKind.UNREACHABLE,), _STEPS_TO_NOBODY),
}


def create(*names: str) -> Iterator[str]:
    """Yield statements, each of which makes one trigger with its function. They can be repeated."""
    for name in names:
        recorded = RECORDED[name]
        event, tables = recorded.event
        yield _FUNCTION.format(
            name=_name(name),
            kinds=", ".join(f"'{kind.value}'" for kind in recorded.kinds),
            uuid7=_UUID7,
            new_row_columns=outbox.NEW_ROW,
            new_row=outbox.new_row("happened.told_at"),
            facts=recorded.facts,
            event=event,
            table=recorded.table,
            tables=tables,
        )


def drop(*names: str) -> Iterator[str]:
    """Yield the statements that undo those of `create`."""
    for name in names:
        yield f"DROP FUNCTION IF EXISTS {_name(name)}() CASCADE"


def _name(name: str) -> str:
    return f"event_subscriptions_record_{name}"
