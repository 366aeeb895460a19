"""Our own settings, with this peer's URLs and a django-q2 cluster of its own."""

from wfpush.settings import *  # noqa: F403
from wfpush.settings import Q_CLUSTER

ROOT_URLCONF = "bench.peers.inboxes.views"
ASGI_APPLICATION = "bench.peers.ingest.asgi.application"
Q_CLUSTER = {**Q_CLUSTER, "name": "peer", "workers": 2, "scheduler": False}
