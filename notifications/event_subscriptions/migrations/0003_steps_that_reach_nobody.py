from django.db import migrations

from notifications.event_subscriptions import triggers
from wfpush.postgres.resumable import RunEachSQL


class Migration(migrations.Migration):
    """A trigger on the steps of SLA policies. Processes from before it know the kind of its events and send them, and
    the trigger records their steps, too."""

    atomic = False

    dependencies = [("event_subscriptions", "0002_triggers"), ("escalations", "0009_reworded_texts")]

    operations = [RunEachSQL(triggers.create("steps"), triggers.drop("steps"))]
