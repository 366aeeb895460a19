from django.db import migrations

from notifications.event_subscriptions import triggers
from wfpush.postgres.resumable import RunEachSQL

OF_CORE = ("deliveries", "read", "answers", "own_events", "routed")


class Migration(migrations.Migration):
    """Triggers on tables of the core, each made by itself: nobody waits for more than one lock."""

    atomic = False

    dependencies = [("event_subscriptions", "0001_initial")]

    operations = [RunEachSQL(triggers.create(*OF_CORE), triggers.drop(*OF_CORE))]
