"""The least that django-q2 needs; its Redis broker, and nothing written to a database."""

import os

SECRET_KEY = "peer" * 10
INSTALLED_APPS = ["django_q", "bench.peers.wake"]
DATABASES = {"default": {"ENGINE": "django.db.backends.dummy"}}
Q_CLUSTER = {
    "name": "peer",
    "ALT_CLUSTERS": {},
    "redis": os.environ["REDIS_URL"],
    "workers": 2,
    "queue_limit": 2,
    "timeout": 60,
    "retry": 150,
    "save_limit": -1,
    "scheduler": False,
    "recycle": 10_000,
}
