"""Our own settings, with this peer's URLs."""

from wfpush.settings import *  # noqa: F403

ROOT_URLCONF = "bench.peers.answers.views"
ASGI_APPLICATION = "bench.peers.ingest.asgi.application"
