"""Makes the peer's tables, and an engine with a key. Run by bench.inside, with the peer's settings."""

import hashlib

from django.core.management import call_command

from bench.peers.ingest.models import ApiKey, Engine


def main(key: str) -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)
    digest = hashlib.sha256(key.encode()).hexdigest()
    ApiKey.objects.create(engine=Engine.objects.create(slug="bench"), digest=digest, scopes=["events"])
