from importlib import import_module

from django.db import migrations

sentences = import_module("notifications.migrations.0013_sentences_to_facts")

ENDS = {
    "acknowledged": "acknowledged",
    "no policy fits any more": "no_policy",
    "given to somebody else": "given_away",
    "answered": "answered",
    "closed in engine": "closed_in_engine",
    "cancelled in engine": "cancelled_in_engine",
    "expired": "clock_expired",
    "closed": "closed",
    "closed meanwhile": "closed_meanwhile",
}
"""How clocks of 0.2.0 ended, to the code of it."""


def end(text):
    return [{"code": ENDS[text]} if text in ENDS else {"code": "said", "text": text}]


def policy_and_why(text, policy):
    """Why a policy applies stands behind its name, as the clock's rules have it."""
    prefix = f"{policy}: "
    if not text.startswith(prefix):
        return [sentences.fact_of(text)]
    return [{"code": "by_policy", "policy": policy, "reason": sentences.fact_of(text.removeprefix(prefix))}]


def told(people):
    people = sentences.json.loads(people) if isinstance(people, str) else people
    new = sentences.with_facts(people)
    return None if new == people else [new]


NAME = "(SELECT data->>'name' FROM escalations_rules WHERE escalations_rules.id = rules_id)"


def carry_over(apps, schema_editor):
    connection, clocks, steps = schema_editor.connection, "escalations_escalation", "escalations_steprun"
    why = "why <> '' AND why_fact IS NULL"
    sentences.rewrite(connection, clocks, (["why", NAME], ["why_fact"]), policy_and_why, why)
    ended = "end_reason <> '' AND end_reason_fact IS NULL"
    sentences.rewrite(connection, clocks, (["end_reason"], ["end_reason_fact"]), end, ended)
    sentences.facts_beside(connection, steps, "why")
    sentences.rewrite(connection, steps, (["told"], ["told"]), told, "told <> '[]'")


class Migration(migrations.Migration):
    atomic = False  # the tables may be large, and clocks are begun and ended meanwhile

    dependencies = [("escalations", "0003_facts_beside_reasons"), ("notifications", "0013_sentences_to_facts")]

    operations = [migrations.RunPython(carry_over, migrations.RunPython.noop)]
