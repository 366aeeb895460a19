"""A Django project with django-q2 on PostgreSQL and Redis, as fast as its settings make it."""

import os

from environ import Env

SECRET_KEY = "peer" * 10
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django_q",
    "bench.peers.push",
]
DATABASES = {"default": Env.db_url_config(os.environ["DATABASE_URL"]) | {"CONN_MAX_AGE": 600}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
Q_CLUSTER = {
    "name": "push",
    "workers": 2,
    "timeout": 60,
    "retry": 120,
    "save_limit": -1,
    "recycle": 10_000,
    "redis": os.environ["REDIS_URL"],
}
VAPID_PRIVATE_KEY = os.environ["VAPID_PRIVATE_KEY"]
VAPID_CONTACT = "mailto:ops@example.com"
