from django.db import migrations

from notifications.event_subscriptions import triggers
from wfpush.postgres.resumable import RunEachSQL


class Migration(migrations.Migration):
    """Triggers on tables of the core, each made by itself: nobody waits for more than one lock."""

    atomic = False

    dependencies = [("event_subscriptions", "0001_initial")]

    operations = [RunEachSQL(triggers.create(), triggers.drop())]
