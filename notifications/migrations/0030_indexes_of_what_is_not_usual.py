from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Events and deliveries by their state: only those whose state is not the usual one.

    Of the usual state the newest are found by the key as fast. The new indexes are built while events come in, without
    a transaction, before those that they replace are dropped.
    """

    atomic = False

    dependencies = [("notifications", "0028_facts_of_starters")]

    operations = [
        AddIndexConcurrently(
            "event",
            models.Index(fields=["status", "id"], condition=~Q(status="processed"), name="event_ended_otherwise"),
        ),
        AddIndexConcurrently(
            "delivery",
            models.Index(fields=["state", "id"], condition=~Q(state="delivered"), name="delivery_not_delivered"),
        ),
        RemoveIndexConcurrently("event", "event_status"),
        RemoveIndexConcurrently("delivery", "delivery_state"),
    ]
