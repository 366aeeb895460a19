"""`python -m bench.peers.ingest KEY`, with these settings: make the tables, and an engine with that key."""

import hashlib
import sys

import django
from django.core.management import call_command

if __name__ == "__main__":
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    from bench.peers.ingest.models import ApiKey, Engine

    ApiKey.objects.create(
        engine=Engine.objects.create(slug="bench"),
        digest=hashlib.sha256(sys.argv[1].encode()).hexdigest(),
        scopes=["events"],
    )
