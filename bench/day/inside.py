"""`python -m bench.day.inside WHAT`: what the day needs of the product's inside; prints the results as JSON.

`setup ADDRESS`: engines whose answers go to the address, their keys, and a policy. `ledger`: what is wrong with it.
"""

import json
import os
import sys
from datetime import timedelta

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wfpush.settings")
    django.setup()

from django.utils import timezone

from bench.day.plan import ENGINES
from bench.harness import Json
from escalations.models import Policy, PolicyStep, StepTarget
from notifications.connectors import credentials
from notifications.items import ledger_audit
from notifications.models import Category, Engine, Scope, Template


def setup(address: str) -> Json:
    keys = {}
    for slug in ENGINES:
        engine = Engine.objects.create(slug=slug, name=slug.title(), callback_url=f"{address}/{slug}")
        credentials.rotate_secret(engine, now=timezone.now())
        keys[slug] = credentials.issue_key(engine, name="day", scopes=list(Scope))[1]
    policy = Policy.objects.create(name="Late", time="wall")
    late, category = Template.objects.get(slug="task-late"), Category.objects.get(slug="approvals")
    PolicyStep.objects.create(policy=policy, time="wall", target=StepTarget.MANAGER, template=late, category=category)
    return keys


def ledger() -> Json:
    now = timezone.now()
    since = now - timedelta(days=2)
    sums = ledger_audit.sums_since(since)
    return {"faults": ledger_audit.faults_since(since, now), "made": sums.made, "total": sums.total}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(setup(sys.argv[2]) if sys.argv[1] == "setup" else ledger()))
