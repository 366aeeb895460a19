"""Triggers after which the entitlement of people to their tasks is reviewed (`entitlement_review`)."""

from collections.abc import Iterator, Mapping

FUNCTION = """
CREATE OR REPLACE FUNCTION wfpush_review_entitlements() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO notifications_entitlementreview (person_id, due_at, attempts)
    SELECT DISTINCT changed.person, 'epoch'::timestamptz, 0 FROM ({people}) AS changed(person)
    WHERE changed.person IS NOT NULL ORDER BY 1
    ON CONFLICT (person_id) DO UPDATE SET due_at = 'epoch', attempts = 0, lease_until = NULL, lease_token = NULL;
    RETURN NULL;
END
$body$
"""

Watched = Mapping[str, tuple[str, str]]
"""By name: the query for the people whose reasons to have tasks may have ended, and the event of the trigger."""


def create(watched: Watched) -> Iterator[str]:
    """Yield statements, each of which makes one trigger with its function. They can be repeated. The rows of triggers
    are due at once, whatever the clock."""
    for name, (people, after) in watched.items():
        function = f"wfpush_review_entitlements_{name}"
        body = FUNCTION.replace("wfpush_review_entitlements", function).replace("{people}", people)
        yield (f"{body}; CREATE OR REPLACE TRIGGER review_entitlements_{name} {after} EXECUTE FUNCTION {function}()")


def drop(watched: Watched) -> Iterator[str]:
    """Yield the statements that undo those of `create`."""
    for name in watched:
        yield f"DROP FUNCTION IF EXISTS wfpush_review_entitlements_{name}() CASCADE"
