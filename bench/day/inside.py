"""What the day needs of the product's inside. Run by bench.inside.

`setup ADDRESS`: engines whose answers go to the address, their keys, and a policy. `ledger`: what is wrong with it.
"""

from datetime import timedelta

from django.utils import timezone

from bench.day.plan import ENGINES
from bench.escalation_steps import make_policy
from bench.harness import Json
from notifications.connectors import credentials
from notifications.items import ledger_audit
from notifications.models import Engine, Scope


def main(what: str, *words: str) -> Json:
    return setup(*words) if what == "setup" else ledger()


def setup(address: str) -> Json:
    keys = {}
    for slug in ENGINES:
        engine = Engine.objects.create(slug=slug, name=slug.title(), callback_url=f"{address}/{slug}")
        credentials.rotate_secret(engine, now=timezone.now())
        keys[slug] = credentials.issue_key(engine, name="day", scopes=list(Scope))[1]
    make_policy()
    return keys


def ledger() -> Json:
    now = timezone.now()
    since = now - timedelta(days=2)
    sums = ledger_audit.sums_since(since)
    return {"faults": ledger_audit.faults_since(since, now), "made": sums.made, "total": sums.total}
